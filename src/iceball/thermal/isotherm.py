"""Where an isotherm lies on a grid, and how far it lies from there in another run.

Its points are where it crosses the edges of the lattice. How far it moved is looked for along its own normal in the
other field, and not reckoned as -δT/|∇T|: at the edge of the ice the gradient jumps by the ratio of the conductivities
of ice and water, and a surface that moved across that edge would be put in the wrong place.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.thermal.shape import sampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid

    Field = NDArray[np.float64]

REACH_VOXELS, SAMPLES_PER_VOXEL = 2.0, 4
AROUND = 2  # voxels beyond the isotherm that its normals need


@array_noun
class Surface:
    """An isotherm at ``level_c``: points ``position_mm`` (N, 3) and ``outward`` (N, 3), of length 1, to the warm."""

    level_c: float
    position_mm: Field
    outward: Field


def surface_at(field: Field, grid: Grid, level_c: float, conducting: NDArray[np.bool_]) -> Surface:
    """Find the isotherm ``level_c`` [°C] of ``field`` (I, J, K) [°C] on every edge of ``grid`` that it crosses.

    Edges to a voxel that is not ``conducting`` (I, J, K) are left out: a wall of gas is no isotherm. There are no
    points where nothing is as cold.
    """
    cold = np.argwhere((field <= level_c) & conducting)
    if not cold.size:
        return Surface(level_c=level_c, position_mm=np.zeros((0, 3)), outward=np.zeros((0, 3)))
    low = np.maximum(cold.min(axis=0) - AROUND, 0)
    high = np.minimum(cold.max(axis=0) + AROUND + 1, field.shape)
    box = tuple(slice(a, z) for a, z in zip(low, high, strict=True))
    part, live = field[box], conducting[box]
    slope = np.stack([_slope(part, axis) for axis in range(3)], axis=-1)
    found = [_crossings(part, live, level_c, axis) for axis in range(3)]
    index = np.concatenate([each[0] for each in found])
    steep = np.concatenate([_between(slope, near, far, share) for _, near, far, share in found])
    length = np.linalg.norm(steep, axis=1)
    sound = length > 0
    return Surface(
        level_c=level_c,
        position_mm=grid.position_mm((index + low)[sound]),
        outward=_turned(steep[sound] / length[sound, None], grid),
    )


def moved_mm(field: Field, grid: Grid, surface: Surface) -> Field:
    """How far (N,) [mm] the isotherm of ``field`` (I, J, K) [°C] lies outward of each point of ``surface``.

    NaN where it is not found within two voxels along the normal.
    """
    h = grid.spacing_mm[0]
    reach = math.ceil(REACH_VOXELS * SAMPLES_PER_VOXEL)
    along = h / SAMPLES_PER_VOXEL * np.arange(-reach, reach + 1)
    places = surface.position_mm[:, None, :] + along[None, :, None] * surface.outward[:, None, :]
    over = sampled(field, grid, places) - surface.level_c
    low, high = over[:, :-1], over[:, 1:]
    leaves = (low <= 0) & (high > 0)
    share = np.where(leaves, -low / np.where(leaves, high - low, 1.0), 0.0)
    there = np.where(leaves, along[:-1] + share * h / SAMPLES_PER_VOXEL, np.inf)
    nearest = there[np.arange(len(there)), np.argmin(np.abs(there), axis=1)]
    return np.where(np.isfinite(nearest), nearest, np.nan)


def _slope(field: Field, axis: int) -> Field:
    return np.gradient(field, axis=axis) if field.shape[axis] > 1 else np.zeros_like(field)


def _crossings(
    field: Field, live: NDArray[np.bool_], level: float, axis: int
) -> tuple[Field, tuple[NDArray[np.intp], ...], tuple[NDArray[np.intp], ...], Field]:
    """Indices (n, 3) of the crossings along ``axis``, the voxels before and after them, and the share of the way."""
    before = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
    after = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    crossed = ((field[before] <= level) != (field[after] <= level)) & live[before] & live[after]
    near = np.nonzero(crossed)
    far = tuple(n + 1 if a == axis else n for a, n in enumerate(near))
    share = (level - field[near]) / (field[far] - field[near])
    index = np.stack(near, axis=1).astype(float)
    index[:, axis] += share
    return index, near, far, share


def _between(
    slope: Field, near: tuple[NDArray[np.intp], ...], far: tuple[NDArray[np.intp], ...], share: Field
) -> Field:
    return slope[near] * (1 - share)[:, None] + slope[far] * share[:, None]


def _turned(direction: Field, grid: Grid) -> Field:
    """Directions (N, 3) along the axes of the grid as directions in the patient."""
    origin = grid.position_mm(np.zeros(3))
    return (grid.position_mm(direction) - origin) / grid.spacing_mm[0]
