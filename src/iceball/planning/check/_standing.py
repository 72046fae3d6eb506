"""How a run stands, in few numbers that are quick to find: cover of the goal, and each structure against its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.assessment.sampling import sample, voxel_points_mm
from iceball.nouns import SEVERITIES
from iceball.nouns._noun import Point, array_noun, noun
from iceball.planning.check._near import near_part
from iceball.planning.check._zone import target_points_mm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.library import Limit
    from iceball.nouns import Case, Goal, Grid, Severity, ThermalHistory


@noun
class Watched:
    """One structure with a limit: how cold it got, where, and which step of its limit that passes, if any."""

    name: str
    coldest_c: float
    place_mm: Point
    severity: Severity | None
    limit_kind: str


@noun
class Standing:
    """``warmest_mm`` is where the target stays warmest, None where the goal is reached; ``watched``: coldest first."""

    covered_fraction: float
    goal_fraction: float
    warmest_mm: Point | None
    watched: tuple[Watched, ...]

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.covered_fraction >= self.goal_fraction

    @property
    def worst(self) -> Watched | None:
        """The structure that is gravest, of those that pass a stop or a caution; None where none does."""
        bad = [each for each in self.watched if each.severity in ("stop", "caution")]
        return max(bad, key=lambda each: (SEVERITIES.index(each.severity or "note"), -each.coldest_c), default=None)

    def count(self, severity: Severity) -> int:
        """How many structures pass this step of their limit and no graver one."""
        return sum(each.severity == severity for each in self.watched)


@array_noun
class Measured:
    """Where a run is looked at: points of the target (N, 3) and of each structure with a limit (M, 3), LPS [mm]."""

    target_mm: NDArray[np.float64]
    places_mm: Mapping[str, NDArray[np.float64]]


def measured(case: Case, goal: Goal, box: Grid) -> Measured:
    """Find the points of the target of ``goal``, and of the structures with a limit that reach into ``box``.

    The points are those that the assessment looks at, so that both say the same temperatures.

    Raises
    ------
    InputError : if the case has no lesion, or the goal aims at an interface with bone that is not there
    """
    near, places = near_part(case, box), {}
    for structure in case.structures if near.labels is not None else ():
        if structure.role in ("at_risk", "barrier") and structure.limit is not None and near.labels is not None:
            voxels = np.argwhere(np.asarray(near.labels.array) == structure.label)
            voxels = voxels[box.contains(near.labels.grid.position_mm(voxels))] if len(voxels) else voxels
            if len(voxels):
                places[structure.name] = voxel_points_mm(near.labels.grid, voxels, finest_mm=min(box.spacing_mm))
    return Measured(target_mm=target_points_mm(case, goal), places_mm=places)


def standing(case: Case, history: ThermalHistory, goal: Goal, look: Measured, *, near_mm: float) -> Standing:
    """Say how ``history`` stands against ``goal``.

    Parameters
    ----------
    look : where to look
    near_mm : what is uncovered this near to the warmest place is brought together to say where it is [mm]
    """
    points_mm = look.target_mm
    values = sample(history.coldest, points_mm, outside=np.inf)
    covered = float(np.mean(values <= goal.isotherm_c))
    return Standing(
        covered_fraction=covered,
        goal_fraction=goal.coverage_fraction,
        warmest_mm=None if covered >= goal.coverage_fraction else _warmest(points_mm, values, goal.isotherm_c, near_mm),
        watched=_watched(case, history, look),
    )


def _warmest(points_mm: NDArray[np.float64], values: NDArray[np.float64], isotherm_c: float, near_mm: float) -> Point:
    at = points_mm[int(np.argmax(values))]
    near = points_mm[(values > isotherm_c) & (np.linalg.norm(points_mm - at, axis=1) <= near_mm)]
    x, y, z = (float(value) for value in near.mean(axis=0))
    return x, y, z


def _watched(case: Case, history: ThermalHistory, look: Measured) -> tuple[Watched, ...]:
    found: list[Watched] = []
    for curve in history.structures:
        structure = case.structure(curve.name)
        if structure.role not in ("at_risk", "barrier") or structure.limit is None:
            continue
        limit, coldest, place = library.limit(structure.limit), float(np.min(curve.coldest_c)), curve.place_mm
        points = look.places_mm.get(curve.name, np.zeros((0, 3)))
        values = sample(history.coldest, points, outside=np.inf)
        if values.size and values.min() < coldest:
            coldest = float(values.min())
            x, y, z = (float(value) for value in points[int(values.argmin())])
            place = (x, y, z)
        found.append(
            Watched(
                name=curve.name,
                coldest_c=coldest,
                place_mm=place,
                severity=_severity(limit, coldest),
                limit_kind=limit.kind,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.coldest_c, each.name)))


def _severity(limit: Limit, coldest_c: float) -> Severity | None:
    if limit.stop_below is not None and coldest_c < limit.stop_below.value:
        return "stop"
    if limit.caution_below is not None and coldest_c < limit.caution_below.value:
        return "caution"
    return "note" if limit.note_below is not None and coldest_c < limit.note_below.value else None
