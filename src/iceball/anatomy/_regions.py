"""Which voxels of a grid lie in a region of a protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns import Ball, Drawn

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from iceball.anatomy._sampling import Sampling
    from iceball.nouns import Case, Grid, Region


def in_region(region: Region, case: Case, place: Sampling, grid: Grid) -> NDArray[np.bool_]:
    """(I, J, K) True where the centre of a voxel of ``grid`` lies in ``region``.

    Raises
    ------
    UnknownName : if the region is a structure that the case does not have
    """
    if isinstance(region, Drawn):
        label = case.structure(region.structure).label
        assert case.labels is not None  # a case with structures has labels
        return (place.nearest(case.labels.array) == label) & place.inside()
    if isinstance(region, Ball):
        return _near_line(grid, region.centre_mm, region.centre_mm, region.radius_mm)
    return _near_line(grid, region.start_mm, region.end_mm, region.radius_mm)


def _near_line(grid: Grid, start_mm: ArrayLike, end_mm: ArrayLike, radius_mm: float) -> NDArray[np.bool_]:
    """(I, J, K) True within ``radius_mm`` [mm] of the line; only the block around it is looked at.

    Distances are taken along the grid's axes, which are at right angles; ends are rounded to a nanometre, so that a
    voxel gets the same answer in any box.
    """
    spacing = np.asarray(grid.spacing_mm)
    start, end = (np.round(grid.index_of(point) * spacing, 6) for point in (start_mm, end_mm))
    low = np.clip(np.ceil((np.minimum(start, end) - radius_mm) / spacing), 0, grid.shape).astype(int)
    high = np.clip(np.floor((np.maximum(start, end) + radius_mm) / spacing) + 1, low, grid.shape).astype(int)
    block = tuple(slice(a, z) for a, z in zip(low, high, strict=True))
    axes = [np.arange(a, z) * s for a, z, s in zip(low, high, spacing, strict=True)]
    away = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) - start
    along = end - start
    reach = float(along @ along)
    share = np.clip(away @ along / reach, 0.0, 1.0)[..., None] if reach > 0 else 0.0
    found = np.zeros(grid.shape, dtype=bool)
    found[block] = np.sum((away - share * along) ** 2, axis=-1) <= radius_mm**2
    return found
