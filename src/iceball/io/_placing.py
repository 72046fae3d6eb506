"""Put a mask on the CT's grid, or refuse: labels are never blurred and never guessed into place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iceball.errors import GeometryError, InputError
from iceball.io._parts import MaskPart, ScanPart
from iceball.nouns import Grid

_PARALLEL = 1e-3  # as strict as Grid is with its own axes
_SAME_SHAPE_VOXELS = 0.1  # two headers of one grid differ by rounding only
_OTHER_SHAPE_VOXELS = 0.5  # the box of a resampled grid ends within half of the coarser voxel
OUTSIDE_FRACTION = 0.01  # a lesion cut off by more than this cannot be judged


def place(mask: MaskPart, scan: ScanPart) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Array (I, J, K) of ``mask`` on the CT's grid, and notes on what had to be done.

    On the same grid it is taken as it is. On another grid it is resampled (nearest neighbour) if it shares a DICOM
    frame of reference with the CT, or if both, having none, fill the same box with parallel axes. A format that crops
    to what is marked may also be a part of the CT, voxel on voxel.

    Raises
    ------
    GeometryError : if the mask belongs to another frame, or nothing says how it lies on the CT
    """
    shared = bool(mask.frames & scan.frames)
    if mask.frames and scan.frames:
        require_frame(mask.what, mask.frames, scan)
    if mask.grid.same_place_as(scan.grid):
        return mask.array, ()
    if not shared and not (mask.cropped and _part_of(mask.grid, scan.grid)):
        _require_same_box(mask, scan.grid)
    placed = _nearest(mask, scan.grid)
    if _same_voxels(mask.grid, scan.grid):
        return placed, ()
    note = f"{mask.what.split(' ')[0]} resampled onto the CT (nearest neighbour) from voxels of {_size(mask.grid)}"
    return placed, (note,)


def require_frame(what: str, frames: frozenset[str], scan: ScanPart) -> None:
    """Refuse a mask that shares no DICOM frame of reference with the CT.

    Raises
    ------
    GeometryError : if no frame is common to ``frames`` and those of ``scan``
    """
    if frames & scan.frames:
        return
    if not scan.frames:
        raise GeometryError(f"{what} needs the DICOM CT it was drawn on, not NIfTI: nothing else says how they lie")
    raise GeometryError(
        f"{what} has another frame of reference than the CT: it was drawn on another scan; "
        "give the one drawn on this CT, or register it first"
    )


def require_inside(mask: MaskPart, grid: Grid) -> None:
    """Refuse a lesion that the scan does not hold, or holds in part only.

    Raises
    ------
    InputError : if the mask is empty
    GeometryError : if more than 1 % of it lies outside ``grid``
    """
    marked = np.argwhere(mask.array)
    if len(marked) == 0:
        raise InputError(f"{mask.what} is empty: no voxel is marked")
    outside = ~grid.contains(mask.grid.position_mm(marked))
    share = float(outside.mean())
    if share > OUTSIDE_FRACTION:
        raise GeometryError(
            f"{mask.what}: {100 * share:.0f} % of it lies outside the scan; give a CT that holds it whole"
        )


def _require_same_box(mask: MaskPart, ct: Grid) -> None:
    mine, its = _ends(mask.grid), _ends(ct)
    shift = mine.mean(axis=0) - its.mean(axis=0)
    gap = np.abs(mine - its).max()
    same = mask.grid.shape == ct.shape
    if not _parallel(mask.grid, ct):
        raise GeometryError(f"{mask.what} lies askew to the CT and has no common frame of reference: resample it first")
    allowed = _SAME_SHAPE_VOXELS * min(ct.spacing_mm) if same else _OTHER_SHAPE_VOXELS * _coarser(mask.grid, ct)
    if gap <= allowed:
        return
    if np.any(mine.max(axis=0) < its.min(axis=0)) or np.any(mine.min(axis=0) > its.max(axis=0)):
        where = f"lies outside the scan, {math.hypot(*shift):.0f} mm from its middle"
    elif same:
        where = "has the CT's shape but not its place"
    else:
        where = (
            f"lies on another grid ({_shape(mask.grid)} voxels of {_size(mask.grid)}; CT: {_shape(ct)} of {_size(ct)})"
        )
    raise GeometryError(
        f"{mask.what} {where}: it is {math.hypot(*shift):.1f} mm off (left {shift[0]:+.1f}, back {shift[1]:+.1f}, "
        f"head {shift[2]:+.1f} mm) and no common frame of reference says why; give the mask of this CT, "
        "or resample it onto the CT"
    )


def _nearest(mask: MaskPart, ct: Grid) -> NDArray[Any]:
    """Nearest neighbour, one slab at a time so that a large CT does not need its coordinates in memory at once."""
    placed = np.zeros(ct.shape, dtype=mask.array.dtype)
    rows, columns = np.meshgrid(np.arange(ct.shape[0]), np.arange(ct.shape[1]), indexing="ij")
    limit = np.asarray(mask.grid.shape)
    for k in range(ct.shape[2]):
        index = np.stack([rows, columns, np.full_like(rows, k)], axis=-1)
        found = np.floor(mask.grid.index_of(ct.position_mm(index)) + 0.5).astype(int)
        inside = np.all((found >= 0) & (found < limit), axis=-1)
        placed[..., k][inside] = mask.array[tuple(found[inside].T)]
    return placed


def _ends(grid: Grid) -> NDArray[np.float64]:
    """(2, 3) outer corners of the first and of the last voxel [mm]."""
    return grid.position_mm(np.array([[-0.5, -0.5, -0.5], np.asarray(grid.shape) - 0.5]))


def _parallel(one: Grid, other: Grid) -> bool:
    a, b = (np.asarray(grid.direction).reshape(3, 3) for grid in (one, other))
    return bool(np.allclose(a.T @ b, np.eye(3), atol=_PARALLEL))


def _same_voxels(part: Grid, ct: Grid) -> bool:
    """Whether the voxels of ``part`` are voxels of the CT, only fewer: nothing was resampled then."""
    first = ct.index_of(part.position_mm(np.zeros(3)))
    last = ct.index_of(part.position_mm(np.asarray(part.shape) - 1.0))
    whole = np.abs([first - np.rint(first), last - np.rint(last)]).max() <= _SAME_SHAPE_VOXELS
    return bool(whole and _parallel(part, ct) and np.allclose(last - first, np.asarray(part.shape) - 1.0, atol=0.1))


def _part_of(part: Grid, ct: Grid) -> bool:
    """Whether ``part`` is cut out of the CT: its voxels are the CT's, and none lies beyond."""
    corners = part.position_mm(np.array([[0, 0, 0], np.asarray(part.shape) - 1]))
    return _same_voxels(part, ct) and bool(ct.contains(corners).all())


def _coarser(one: Grid, other: Grid) -> float:
    return max(*one.spacing_mm, *other.spacing_mm)


def _shape(grid: Grid) -> str:
    return " × ".join(str(n) for n in grid.shape)


def _size(grid: Grid) -> str:
    return " × ".join(f"{s:.3g}" for s in grid.spacing_mm) + " mm"
