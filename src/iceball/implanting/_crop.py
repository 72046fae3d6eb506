"""The part of a case around a point, thinned where that is fine enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid
    from iceball.nouns._noun import Point

__all__ = ["Slices", "crop", "distance_mm", "voxel_at"]

Slices = tuple[slice, slice, slice]


def crop(grid: Grid, centre_mm: Point, reach_mm: float, *, finest_mm: float = 0.0) -> tuple[Slices, Grid]:
    """Cut out of ``grid`` what lies within ``reach_mm`` of ``centre_mm`` along its axes [mm], LPS.

    Axes finer than ``finest_mm`` [mm] keep only every n-th voxel. Returns the slices and the grid of the part.
    """
    centre = grid.index_of(centre_mm)
    slices: list[slice] = []
    for axis in range(3):
        spacing, n = grid.spacing_mm[axis], grid.shape[axis]
        step = max(1, round(finest_mm / spacing))
        low = min(max(0, int(np.ceil(centre[axis] - reach_mm / spacing))), n - 1)
        high = min(n, int(np.floor(centre[axis] + reach_mm / spacing)) + 1)
        slices.append(slice(low, max(high, low + 1), step))
    place = slices[0], slices[1], slices[2]
    return place, grid.part(place)


def voxel_at(grid: Grid, at_mm: Point) -> tuple[int, int, int]:
    """Index of the voxel of ``grid`` that holds ``at_mm`` [mm], LPS; a place on the outer face is in the last one."""
    i, j, k = np.clip(np.rint(grid.index_of(at_mm)), 0, np.asarray(grid.shape) - 1).astype(int)
    return int(i), int(j), int(k)


def distance_mm(mask: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    """(I, J, K) distance [mm] of each voxel's centre to the nearest True voxel's; infinite where there is none."""
    from scipy import ndimage  # only here: slow to import

    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=grid.spacing_mm))
