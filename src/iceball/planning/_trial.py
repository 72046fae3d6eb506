"""Try placements by the solver: the runs that a search rests on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from iceball import thermal
from iceball.assessment import sampled
from iceball.nouns import Plan
from iceball.nouns._noun import array_noun
from iceball.planning._worth import Weights, loss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Protection, Protocol, Severity, ThermalHistory
    from iceball.planning._pool import Pool
    from iceball.planning._scene import Risk, Scene
    from iceball.planning._worth import Marks
    from iceball.thermal import Ready

    Field = NDArray[np.float64]

_Wish = TypeVar("_Wish")
_Made = TypeVar("_Made")
WORKERS = 2  # always as many, so that the same seed takes the same path on every machine


@array_noun
class Trial:
    """One run of some placements: coldest temperatures at the marks (P,) and what they come to.

    ``coldest_c`` pairs the structures that have a limit with their coldest mark; ``stops`` and ``cautions`` count those
    that are below theirs.
    """

    chosen: Pool
    plan: Plan
    marks: Marks
    cold_c: Field
    coverage_fraction: float
    healthy_ml: float
    coldest_c: tuple[tuple[str, float], ...]
    stops: int
    cautions: int
    loss: float
    accuracy: str

    def reaches(self, scene: Scene, *, spare: float = 0.0) -> bool:
        """Whether the goal is covered, with ``spare`` share to spare, and no structure is at a stop."""
        return self.coverage_fraction >= min(scene.goal.coverage_fraction + spare, 1.0) and not self.stops

    def cold_of(self, risk: Risk) -> Field:
        """Coldest temperatures (R,) [°C] at the points of ``risk``."""
        place = next(place for each, place in self.marks.risks if each is risk)
        return self.cold_c[place]

    @property
    def gravest(self) -> Severity:
        """The gravest severity among its structures."""
        return "stop" if self.stops else "caution" if self.cautions else "note"


def try_all(
    scene: Scene,
    marks: Marks,
    ready: Ready,
    wishes: Sequence[tuple[Pool, Protocol]],
    *,
    accuracy: str = "preview",
    protections: tuple[Protection, ...] = (),
) -> list[Trial]:
    """Run every wish, two at a time; the order of the answers is that of the wishes."""

    def one(wish: tuple[Pool, Protocol]) -> Trial:
        chosen, protocol = wish
        plan = Plan(placements=chosen.placements(), protocol=protocol, protections=protections, goal=scene.goal)
        history = thermal.freeze(ready, plan, accuracy=accuracy, threads=1, curves=False)
        return trial_of(scene, marks, chosen, plan, history, accuracy)

    return side_by_side(one, wishes)


def side_by_side(one: Callable[[_Wish], _Made], wishes: Sequence[_Wish]) -> list[_Made]:
    """Do ``one`` with every wish, two at a time; the order of the answers is that of the wishes."""
    if len(wishes) == 1:
        return [one(wishes[0])]
    with ThreadPoolExecutor(WORKERS) as workers:
        return list(workers.map(one, wishes))


def trial_of(scene: Scene, marks: Marks, chosen: Pool, plan: Plan, history: ThermalHistory, accuracy: str) -> Trial:
    """Read a run at the marks."""
    cold = np.asarray(sampled(history.coldest, marks.points_mm, outside=37.0))
    goal_c = scene.goal.isotherm_c
    coldest = tuple((risk.name, float(cold[place].min())) for risk, place in marks.risks)
    limits = [(risk, dict(coldest)[risk.name]) for risk, _ in marks.risks]
    stops = sum(1 for risk, at_c in limits if risk.stop_c is not None and at_c < risk.stop_c)
    cautions = sum(1 for risk, at_c in limits if risk.caution_c is not None and at_c < risk.caution_c)
    way = chosen.cost.mean()
    return Trial(
        chosen=chosen,
        plan=plan,
        marks=marks,
        cold_c=cold,
        coverage_fraction=float((cold[marks.target] <= goal_c).mean()),
        healthy_ml=float((cold[marks.healthy] <= goal_c).sum()) * scene.healthy_ml,
        coldest_c=coldest,
        stops=stops,
        cautions=cautions,
        loss=float(loss(scene, marks, cold[None], np.array([way]), Weights())[0]),
        accuracy=accuracy,
    )
