"""Work on coarser voxels: blocks of the CT of about two millimetres, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.nouns import Grid

Place = tuple[slice, slice, slice]
Steps = tuple[int, int, int]

# The size of a block: thin gaps (foramina, joints) and thin walls still show at two millimetres. Numerical.
BLOCK_MM = 2.0


def whole(shape: tuple[int, ...]) -> Place:
    """Return the place that is all of an array of ``shape``."""
    return (slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2]))


def widened(within: Place | None, grid: Grid, margin_mm: float) -> tuple[Place, Place]:
    """Widen ``within`` by ``margin_mm`` [mm] inside the grid; return the wide place, and ``within`` inside of it."""
    if within is None:
        return whole(grid.shape), whole(grid.shape)
    wide, inner = [], []
    for part, n, spacing in zip(within, grid.shape, grid.spacing_mm, strict=True):
        start, stop, _ = part.indices(n)
        reach = int(np.ceil(margin_mm / spacing))
        low, high = max(0, start - reach), min(n, stop + reach)
        wide.append(slice(low, high))
        inner.append(slice(start - low, stop - low))
    return (wide[0], wide[1], wide[2]), (inner[0], inner[1], inner[2])


def box_of(mask: NDArray[np.bool_], margin: int = 2) -> Place:
    """Return the smallest place that holds all of ``mask`` (I, J, K), ``margin`` voxels wider; all if it is empty."""
    places = []
    for axis, n in enumerate(mask.shape):
        there = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        places.append(
            slice(max(0, int(there[0]) - margin), min(n, int(there[-1]) + 1 + margin)) if there.size else slice(0, n)
        )
    return (places[0], places[1], places[2])


def steps_of(spacing_mm: tuple[float, float, float]) -> Steps:
    """How many voxels of ``spacing_mm`` [mm] go into a block along each axis."""
    a, b, c = (max(1, int(BLOCK_MM / s + 0.25)) for s in spacing_mm)
    return a, b, c


def pooled(array: NDArray[Any], steps: Steps, how: Callable[..., Any]) -> NDArray[Any]:
    """(I', J', K') blocks of ``array`` (I, J, K), reduced by ``how`` (np.mean, np.max); borders are repeated."""
    if steps == (1, 1, 1):
        return array
    padded = np.pad(array, [(0, -n % s) for n, s in zip(array.shape, steps, strict=True)], mode="edge")
    shape = [part for n, s in zip(padded.shape, steps, strict=True) for part in (n // s, s)]
    return how(padded.reshape(shape), axis=(1, 3, 5))


def spread(blocks: NDArray[Any], steps: Steps, shape: tuple[int, ...]) -> NDArray[Any]:
    """(I, J, K) array in which every voxel has the value of its block."""
    for axis, s in enumerate(steps):
        blocks = np.repeat(blocks, s, axis=axis)
    return blocks[tuple(slice(0, n) for n in shape)]


def ball(radius_mm: float, spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I, J, K) True within ``radius_mm`` [mm] of the middle: a structuring element for voxels of ``spacing_mm``."""
    axes = [np.arange(-int(radius_mm / s), int(radius_mm / s) + 1) * s for s in spacing_mm]
    away = np.meshgrid(*axes, indexing="ij")
    return np.asarray(sum(a * a for a in away) <= radius_mm**2 + 1e-6, dtype=np.bool_)


def shifted(array: NDArray[np.bool_], by: tuple[int, int, int]) -> NDArray[np.bool_]:
    """(I, J, K) array whose voxel holds what lies ``by`` voxels further on; False beyond the border."""
    out = np.zeros_like(array)
    to, at = [], []
    for step, n in zip(by, array.shape, strict=True):
        if abs(step) >= n:
            return out
        to.append(slice(max(0, -step), n - max(0, step)))
        at.append(slice(max(0, step), n - max(0, -step)))
    out[tuple(to)] = array[tuple(at)]
    return out


def grown(mask: NDArray[np.bool_], by_mm: float, spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I, J, K) ``mask`` and what lies within ``by_mm`` [mm] of it, at least the neighbours across faces."""
    element = np.pad(ball(by_mm, spacing_mm), 1)
    middle = np.array(element.shape) // 2
    for axis in range(3):
        for sign in (-1, 1):
            beside = middle.copy()
            beside[axis] += sign
            element[tuple(beside)] = True
    out = mask.copy()
    for step in np.argwhere(element) - middle:
        to = tuple(slice(max(0, s), n + min(0, s)) for s, n in zip(step, mask.shape, strict=True))
        at = tuple(slice(max(0, -s), n + min(0, -s)) for s, n in zip(step, mask.shape, strict=True))
        out[to] |= mask[at]
    return out


def cube_grown(mask: NDArray[np.bool_], by_mm: float, spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I, J, K) ``mask`` and what lies within a cube of half side ``by_mm`` [mm]; quicker than a ball."""
    from scipy import ndimage  # only here: slow to import

    out = mask.view(np.uint8)
    for axis, s in enumerate(spacing_mm):
        out = ndimage.maximum_filter1d(out, 2 * int(by_mm / s) + 1, axis=axis, mode="constant")
    return out.astype(np.bool_)


def closed(mask: NDArray[np.bool_], element: NDArray[np.bool_], *, border: bool = False) -> NDArray[np.bool_]:
    """(I, J, K) ``mask`` with gaps closed by ``element``; ``border``: what touches the border goes on beyond it."""
    from scipy import ndimage

    half = [(n // 2, n // 2) for n in element.shape]
    padded = np.pad(mask, half, mode="edge") if border else np.pad(mask, half)
    whole_ = np.asarray(ndimage.binary_closing(padded, element), dtype=np.bool_)
    return whole_[tuple(slice(low, -high or None) for low, high in half)] | mask


def opened(mask: NDArray[np.bool_], element: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(I, J, K) ``mask`` without what ``element`` does not fit into; what touches the border goes on beyond it."""
    from scipy import ndimage

    half = [(n // 2, n // 2) for n in element.shape]
    whole_ = np.asarray(ndimage.binary_opening(np.pad(mask, half, mode="edge"), element), dtype=np.bool_)
    return whole_[tuple(slice(low, -high or None) for low, high in half)]


def eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(I, J, K) ``mask`` without the voxels that have a neighbour outside; the border of the array is inside."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_erosion(mask, border_value=1), dtype=np.bool_)
