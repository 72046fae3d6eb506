"""The planned lethal zone and the goal, on the grid of the CT."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.assessment.sampling import sample
from iceball.assessment.wanted import goal_target
from iceball.nouns import Goal, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Plan, ThermalHistory
    from iceball.nouns.space import Place


def goal_of(plan: Plan) -> Goal:
    """Return the goal of ``plan``, or the usual one where it has none."""
    return plan.goal if plan.goal is not None else Goal()


def lethal_zone(case: Case, history: ThermalHistory, isotherm_c: float) -> Volume | None:
    """Return the 0/1 mask, on the CT, of what was ever at or below ``isotherm_c`` [°C]; None where nothing was."""
    grid = case.ct.grid
    cold = np.argwhere(np.asarray(history.coldest.array) <= isotherm_c)
    if not len(cold):
        return None
    ends = np.stack([cold.min(axis=0) - 1.0, cold.max(axis=0) + 1.0])
    corners = np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)
    place = _around(grid.index_of(history.coldest.grid.position_mm(corners)), grid.shape)
    if place is None:
        return None
    index = np.stack(np.meshgrid(*[np.arange(s.start, s.stop) for s in place], indexing="ij"), axis=-1)
    values = sample(history.coldest, grid.position_mm(index.reshape(-1, 3)), outside=np.inf)
    mask = np.zeros(grid.shape, dtype=np.uint8)
    mask[place] = (values <= isotherm_c).reshape(index.shape[:3])
    return Volume(grid=grid, array=mask, quantity="label") if mask[place].any() else None


def target_points_mm(case: Case, goal: Goal) -> NDArray[np.float64]:
    """(N, 3) voxel centres of what ``goal`` wants frozen, LPS [mm].

    Raises
    ------
    InputError : if the case has no lesion, or the goal aims at an interface with bone that is not there
    """
    wanted = goal_target(case, goal)
    return wanted.grid.position_mm(np.argwhere(wanted.array))


def covered_fraction(history: ThermalHistory, points_mm: NDArray[np.float64], isotherm_c: float) -> float:
    """Share of the points (N, 3) [mm] that were ever at or below ``isotherm_c`` [°C]."""
    return float(np.mean(sample(history.coldest, points_mm, outside=np.inf) <= isotherm_c))


def lethal_c(goal: Goal) -> float:
    """Isotherm of the planned lethal zone [°C]: the goal's, or the warmest that counts as lethal where it is warmer."""
    lethal = max(row.value for row in library.isotherms() if row.value < library.isotherms()[0].value)
    return min(goal.isotherm_c, lethal)


def _around(index: NDArray[np.generic], shape: tuple[int, int, int]) -> Place | None:
    places = np.asarray(index, dtype=float)
    low = [max(0, math.floor(v)) for v in places.min(axis=0)]
    high = [min(n, math.ceil(v) + 1) for v, n in zip(places.max(axis=0), shape, strict=True)]
    if any(a >= z for a, z in zip(low, high, strict=True)):
        return None
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
