"""How near one way comes to each structure, not only to the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.planning.ways._way import Near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.planning.ways._obstacles import Obstacles

LOOK_MM = 20.0  # numerical: what is farther away is not listed
SHIFTS_MM = (-1.5, -0.75, 0.0, 0.75, 1.5)  # numerical: a box is nearest close to where its centre is


def beside(obstacles: Obstacles, entry_mm: NDArray[np.float64], tip_mm: NDArray[np.float64]) -> tuple[Near, ...]:
    """Return every obstacle within 20 mm of the way, the one that leaves the least room first."""
    grid = obstacles.grid
    spacing = np.asarray(grid.spacing_mm)
    ends = grid.index_of(np.stack([entry_mm, tip_mm]))
    low = np.clip(np.floor(ends.min(axis=0) - LOOK_MM / spacing), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(ends.max(axis=0) + LOOK_MM / spacing) + 1, low, grid.shape).astype(int)
    ranks = obstacles.ranks[tuple(slice(a, z) for a, z in zip(low, high, strict=True))]
    index = np.argwhere(ranks)
    if not len(index):
        return ()
    numbers = ranks[tuple(index.T)]
    away = _to_boxes((index + low) * spacing, ends[0] * spacing, ends[1] * spacing, spacing / 2)
    least = np.full(len(obstacles.all) + 1, np.inf)
    np.minimum.at(least, numbers, away)
    found = [
        Near(
            structure=each.name,
            distance_mm=round(float(least[number]) - obstacles.radius_mm, 1),
            asked_mm=round(each.asked_mm - obstacles.radius_mm, 2),
        )
        for number, each in enumerate(obstacles.all, 1)
        if least[number] - obstacles.radius_mm <= LOOK_MM
    ]
    return tuple(sorted(found, key=lambda near: near.distance_mm - near.asked_mm))


def _to_boxes(
    centres: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64], half: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) distance [mm] from the line between two points to boxes about (n, 3) centres, in the grid's own frame."""
    long = float(np.linalg.norm(end - start))
    along = (end - start) / long
    foot = (centres - start) @ along
    best = np.full(len(centres), np.inf)
    for shift in SHIFTS_MM:
        point = start + np.clip(foot + shift, 0.0, long)[:, None] * along
        gap = np.maximum(np.abs(point - centres) - half, 0.0)
        np.minimum(best, (gap**2).sum(axis=1), out=best)
    return np.sqrt(best)
