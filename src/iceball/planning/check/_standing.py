"""How a run stands, in few numbers that are quick to find: cover of the goal, and each structure against its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.assessment.sampling import sample
from iceball.nouns import SEVERITIES
from iceball.nouns._noun import Point, noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Goal, Severity, ThermalHistory


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


def standing(
    case: Case, history: ThermalHistory, goal: Goal, points_mm: NDArray[np.float64], *, near_mm: float
) -> Standing:
    """Say how ``history`` stands against ``goal`` over the target's points (N, 3) [mm].

    Parameters
    ----------
    near_mm : what is uncovered this near to the warmest place is brought together to say where it is [mm]
    """
    values = sample(history.coldest, points_mm, outside=np.inf)
    covered = float(np.mean(values <= goal.isotherm_c))
    return Standing(
        covered_fraction=covered,
        goal_fraction=goal.coverage_fraction,
        warmest_mm=None if covered >= goal.coverage_fraction else _warmest(points_mm, values, goal.isotherm_c, near_mm),
        watched=_watched(case, history),
    )


def _warmest(points_mm: NDArray[np.float64], values: NDArray[np.float64], isotherm_c: float, near_mm: float) -> Point:
    at = points_mm[int(np.argmax(values))]
    near = points_mm[(values > isotherm_c) & (np.linalg.norm(points_mm - at, axis=1) <= near_mm)]
    x, y, z = (float(value) for value in near.mean(axis=0))
    return x, y, z


def _watched(case: Case, history: ThermalHistory) -> tuple[Watched, ...]:
    found: list[Watched] = []
    for curve in history.structures:
        structure = case.structure(curve.name)
        if structure.role in ("at_risk", "barrier") and structure.limit is not None:
            limit, coldest = library.limit(structure.limit), float(np.min(curve.coldest_c))
            steps = (("stop", limit.stop_below), ("caution", limit.caution_below), ("note", limit.note_below))
            passed = [severity for severity, row in steps if row is not None and coldest < row.value]
            found.append(
                Watched(
                    name=curve.name,
                    coldest_c=coldest,
                    place_mm=curve.place_mm,
                    severity=passed[0] if passed else None,  # pyright: ignore[reportArgumentType]
                    limit_kind=limit.kind,
                )
            )
    return tuple(sorted(found, key=lambda each: (each.coldest_c, each.name)))
