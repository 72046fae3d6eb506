"""What is looked at around a click: a cube of even voxels, cut out of the CT and its bone."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.outlines import bone_of
from iceball.nouns._noun import Point, array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case

HALF_MM = 45.0  # the largest lesion looked for is 46 mm across, and the bone around it is looked at too
Slices = tuple[slice, slice, slice]


@array_noun
class Window:
    """A cube about ``centre_mm``, axes those of the CT: ``away_mm`` (N, N, N, 3) is each voxel's place from the centre.

    ``scanned`` is True where something was, ``solid`` where it is no gas; ``off_bone_mm`` the distance to bone.
    """

    centre_mm: Point
    spacing_mm: float
    hu: NDArray[Any]
    solid: NDArray[Any]
    scanned: NDArray[Any]
    off_bone_mm: NDArray[Any]
    away_mm: NDArray[Any]


@array_noun
class Surroundings:
    """The part of the CT around a click, on its own grid: ``place`` in the CT, HU, what is solid, what is bone."""

    case: Case
    centre_mm: Point
    place: Slices
    hu: NDArray[Any]
    solid: NDArray[Any]
    bone: NDArray[Any]


def surroundings(case: Case, centre_mm: Point) -> Surroundings:
    """Cut out what lies within HALF_MM of ``centre_mm`` along each axis of the CT, and outline its bone."""
    grid = case.ct.grid
    middle, reach = grid.index_of(centre_mm), HALF_MM / np.asarray(grid.spacing_mm) + 2
    low = np.clip(np.floor(middle - reach), 0, np.asarray(grid.shape) - 1).astype(int)
    high = np.clip(np.ceil(middle + reach) + 1, low + 1, grid.shape).astype(int)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    place = (i, j, k)
    hu = np.asarray(case.ct.array[place], dtype=np.float32)
    solid = hu > library.hu_rules()["gas_below_hu"].value
    if case.field_of_view is not None:
        solid &= case.field_of_view.array[place] > 0
    return Surroundings(
        case=case, centre_mm=centre_mm, place=place, hu=hu, solid=solid, bone=bone_of(case, within=place)
    )


def window(around: Surroundings, spacing_mm: float) -> Window:
    """Resample ``around`` to even voxels of ``spacing_mm``; finer CT voxels are averaged; beyond the CT is nothing."""
    from scipy import ndimage

    fine = np.maximum((spacing_mm / np.asarray(around.case.ct.grid.spacing_mm)) ** 2 - 1.0, 0.0)
    weight = ndimage.gaussian_filter(around.solid.astype(np.float32), 0.5 * np.sqrt(fine))
    mean = ndimage.gaussian_filter(np.where(around.solid, around.hu, 0.0), 0.5 * np.sqrt(fine))
    mean /= np.maximum(weight, 1e-3)
    at = functools.partial(resampled, around=around, spacing_mm=spacing_mm)
    solid = at(around.solid.astype(np.float32)) > 0.6
    bone = at(around.bone.astype(np.float32)) > 0.5
    scanned = np.ones(around.hu.shape, dtype=np.float32)
    if around.case.field_of_view is not None:
        scanned = (around.case.field_of_view.array[around.place] > 0).astype(np.float32)
    hu = np.where(solid, at(mean, beyond=-1024.0), np.float32(-1024.0))
    off = np.asarray(ndimage.distance_transform_edt(~bone), dtype=np.float32) * spacing_mm
    return Window(
        centre_mm=around.centre_mm,
        spacing_mm=spacing_mm,
        hu=hu,
        scanned=at(scanned) > 0.5,
        solid=solid & (hu > -250.0),  # between gas and fat: a voxel that is mostly gas
        off_bone_mm=off if bone.any() else np.full(hu.shape, 2 * HALF_MM, dtype=np.float32),
        away_mm=_offsets(spacing_mm),
    )


def resampled(
    values: NDArray[Any], around: Surroundings, spacing_mm: float, beyond: float = 0.0
) -> NDArray[np.float32]:
    """(N, N, N) ``values`` (I, J, K) of the part of the CT that was cut out, on even voxels about the click."""
    from scipy import ndimage

    grid, n = around.case.ct.grid, int(HALF_MM / spacing_mm)
    step = spacing_mm / np.asarray(grid.spacing_mm)
    first = grid.index_of(around.centre_mm) - [part.start for part in around.place]
    shape = (2 * n + 1,) * 3
    shifted: Any = ndimage.affine_transform  # its stubs know one offset for all axes only
    return np.asarray(shifted(values, step, first - n * step, shape, order=1, mode="constant", cval=beyond))


def on_ct(mask: NDArray[np.bool_], around: Surroundings, spacing_mm: float) -> NDArray[np.bool_]:
    """Put ``mask`` (N, N, N) of a window back onto the part of the CT it was cut from."""
    from scipy import ndimage

    grid = around.case.ct.grid
    step = np.asarray(grid.spacing_mm) / spacing_mm
    first = np.array([part.start for part in around.place]) - grid.index_of(around.centre_mm)
    start = first * step + (mask.shape[0] - 1) / 2
    soft = ndimage.gaussian_filter(mask.astype(np.float32), 0.4)
    shifted: Any = ndimage.affine_transform  # as above
    back = shifted(soft, step, start, around.hu.shape, order=1, mode="constant")
    return (np.asarray(back) > 0.5) & around.solid


def _offsets(spacing_mm: float) -> NDArray[np.float32]:
    n = int(HALF_MM / spacing_mm)
    line = np.arange(-n, n + 1, dtype=np.float32) * spacing_mm
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)
