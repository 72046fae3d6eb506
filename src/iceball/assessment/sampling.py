"""Read a field of the simulation at places of the CT, fairly below the size of a voxel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.assessment import _numerics
from iceball.nouns import Grid, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A CT voxel is cut into at most this many parts along an axis: 9 parts of a 5 mm slice are finer than any solver grid.
_MOST_PARTS = 9


def sample(field: Volume, points_mm: NDArray[np.float64], *, outside: float) -> NDArray[np.float64]:
    """Values (N,) of ``field`` at LPS points (N, 3) [mm], linear between voxel centres; ``outside`` beyond its box."""
    values = np.full(len(points_mm), outside, dtype=np.float64)
    inside = field.grid.contains(points_mm)
    values[inside] = _numerics.interpolated(field.array, field.grid.index_of(points_mm[inside]))
    return values


def voxel_points_mm(grid: Grid, voxels: NDArray[np.intp], *, finest_mm: float) -> NDArray[np.float64]:
    """LPS points (N * parts, 3) [mm] that fill ``voxels`` (N, 3) evenly, no farther apart than ``finest_mm`` [mm].

    Every voxel gives the same number of points, its centre among them, so a mean over the points is a mean over the
    volume.
    """
    parts = [min(_MOST_PARTS, math.ceil(size / finest_mm - 1e-6)) // 2 * 2 + 1 for size in grid.spacing_mm]
    steps = [(np.arange(n) + 0.5) / n - 0.5 for n in parts]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid.position_mm((voxels[:, None, :] + offsets).reshape(-1, 3))
