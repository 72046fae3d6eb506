"""How good a plan is: one number to search by, the same for what is guessed and for what was computed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun, noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.planning._scene import Risk, Scene

    Field = NDArray[np.float64]

# How the search weighs what cannot all be had: coverage first, but no stop for it; then cautions, then healthy tissue.
# Dimensionless choices of the search; a person sees temperatures, shares and millilitres.
SOFT_K, FAR_K = 4.0, 15.0
LIMIT_MARGIN_K = 1.0
UNCOVERED, COLD, STOP, CAUTION, MILD, HEALTHY, WAY = 6.0, 1.0, 8.0, 0.6, 0.05, 0.25, 0.03
HEALTHY_COUNTS_FROM_C = -20.0


@array_noun
class Marks:
    """The points of a scene in one row (P,), and which part of it is what; of the risks those that have a limit."""

    points_mm: Field
    target: slice
    healthy: slice
    risks: tuple[tuple[Risk, slice], ...]


@noun
class Weights:
    """How much a stop counts, and a caution, in multiples of the usual: what one plan of a set is best at."""

    stop: float = 1.0
    caution: float = 1.0
    healthy: float = 1.0


def marks_of(scene: Scene) -> Marks:
    """Lay the points of ``scene`` out in one row."""
    risks = [risk for risk in scene.risks if risk.stop_c is not None or risk.caution_c is not None]
    parts = [scene.target_mm, scene.healthy_mm, *(risk.points_mm for risk in risks)]
    ends = np.cumsum([0, *(len(part) for part in parts)])
    places = [slice(int(a), int(z)) for a, z in itertools.pairwise(ends)]
    return Marks(
        points_mm=np.concatenate(parts),
        target=places[0],
        healthy=places[1],
        risks=tuple(zip(risks, places[2:], strict=True)),
    )


def thinned(marks: Marks, every: int) -> tuple[Marks, NDArray[np.intp]]:
    """Every so many of the marks of target and healthy tissue, all of what must stay warm; and which these are."""
    picked = [np.arange(place.start, place.stop)[::every] for place in (marks.target, marks.healthy)]
    picked += [np.arange(place.start, place.stop) for _, place in marks.risks]
    ends = np.cumsum([0, *(len(part) for part in picked)])
    places = [slice(int(a), int(z)) for a, z in itertools.pairwise(ends)]
    index = np.concatenate(picked)
    risks = tuple((risk, place) for (risk, _), place in zip(marks.risks, places[2:], strict=True))
    return Marks(points_mm=marks.points_mm[index], target=places[0], healthy=places[1], risks=risks), index


def loss(scene: Scene, marks: Marks, cold_c: Field, way: Field, weights: Weights) -> Field:
    """What is lost (N,) with coldest temperatures ``cold_c`` (N, P) [°C] at the marks and ways of cost ``way`` (N,)."""
    goal_c = scene.goal.isotherm_c
    target = cold_c[:, marks.target]
    uncovered = np.clip((target - goal_c + SOFT_K / 2) / SOFT_K, 0.0, 1.0).mean(axis=1)
    warm = np.clip((target - goal_c) / FAR_K, 0.0, 2.0).mean(axis=1)
    healthy = (cold_c[:, marks.healthy] <= min(goal_c, HEALTHY_COUNTS_FROM_C)).mean(axis=1) * scene.around_ml
    total = UNCOVERED * uncovered + COLD * warm + WAY * way
    total = total + weights.healthy * HEALTHY * healthy / max(scene.target_ml, 0.5)
    for risk, place in marks.risks:
        coldest = cold_c[:, place].min(axis=1)
        if risk.stop_c is not None:
            total = total + weights.stop * STOP * _below(coldest, risk.stop_c)
        if risk.caution_c is not None:  # what can never be a stop, such as a rib's nerve, may be part of the aim
            heavy = CAUTION if risk.stop_c is not None else MILD
            total = total + weights.caution * heavy * _below(coldest, risk.caution_c)
    return total


def _below(coldest_c: Field, limit_c: float) -> Field:
    """How far (N,) below a limit, in units of FAR_K; what just keeps it counts as a little below."""
    return np.clip((limit_c + LIMIT_MARGIN_K - coldest_c) / FAR_K, 0.0, 3.0)
