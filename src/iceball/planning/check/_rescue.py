"""What would still rescue a plan without moving a probe: a handful of quick runs, and only what helps is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from iceball import thermal
from iceball.assessment.words import percent
from iceball.errors import IceballError
from iceball.nouns import Plan, Sensor
from iceball.nouns._noun import noun
from iceball.planning.check._standing import Standing, measured, standing
from iceball.planning.check._variations import NEAR_WARMEST_MM, Variation, joined, to_cover, to_spare
from iceball.planning.check._zone import goal_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iceball.nouns import ThermalHistory
    from iceball.thermal import Ready

    Progress = Callable[[float, str], None]

# What counts as help: choices of what is worth a line, not rules. A coverage that changes by less is the same.
SAME_FRACTION = 0.02
BOUGHT_FRACTION = 0.05  # so much coverage may be given away for a stop that vanishes


@noun
class Rescue:
    """A variation that helps: what it does, its plan, and how that would stand."""

    kind: str
    says: str
    plan: Plan
    covered_fraction: float
    was_fraction: float
    coldest: str = ""
    coldest_c: float | None = None


@noun
class Rescues:
    """What helps, the best first; ``tried`` counts the runs, ``untried`` is what there was no time for."""

    found: tuple[Rescue, ...]
    tried: int
    untried: tuple[str, ...]
    needed: bool


def rescue(
    ready: Ready,
    plan: Plan,
    history: ThermalHistory,
    *,
    within_s: float = 3.0,
    accuracy: str = "preview",
    progress: Progress | None = None,
) -> Rescues:
    """Try variations of ``plan`` that move no probe, and return those that help, the best first.

    Nothing is tried where the goal is reached and no structure passes a caution of its limit.

    Parameters
    ----------
    ready : the case, made ready with the plan's protections
    plan : what was frozen
    history : what came of it
    within_s : no run is begun after so much time [s]
    accuracy : of the runs
    progress : called with the share that is done and a word

    Raises
    ------
    InputError : if the history does not belong to the case
    """
    until, tell = time.monotonic() + within_s, progress or (lambda done, text: None)
    goal = goal_of(plan)
    look = measured(ready.case, goal, ready.ground.box.grid)

    def stand(run: ThermalHistory) -> Standing:
        return standing(ready.case, run, goal, look, near_mm=NEAR_WARMEST_MM)

    before = stand(history)
    planned = tuple(_planned(ready, plan, before))
    found: list[tuple[Variation, Standing]] = []
    untried: list[str] = []

    def attempt(variation: Variation, share: float) -> None:
        if time.monotonic() >= until:
            untried.append(variation.does)
            return
        tell(share, variation.does)
        run = _frozen(ready, variation.plan, accuracy)
        found.append((variation, before if run is None else stand(run)))

    for number, variation in enumerate(planned):
        attempt(variation, number / (len(planned) + 1))
    if (pair := _pair(plan, before, found)) is not None:
        attempt(pair, len(planned) / (len(planned) + 1))
    good = sorted((each for each in found if helps(before, each[1])), key=lambda each: _rank(each[1]))
    return Rescues(
        found=tuple(_said(variation, before, after) for variation, after in good),
        tried=len(found),
        untried=tuple(untried),
        needed=bool(planned),
    )


def helps(before: Standing, after: Standing) -> bool:
    """Whether ``after`` is worth a line: a danger less for little coverage, or more coverage and no new danger."""
    stops, cautions = (after.count(s) - before.count(s) for s in ("stop", "caution"))
    gain = after.covered_fraction - before.covered_fraction
    if stops > 0:
        return False
    if stops < 0:
        return gain >= -BOUGHT_FRACTION or (after.reached and before.reached)
    if not before.reached and gain >= SAME_FRACTION:
        return True
    return cautions < 0 and (gain >= -SAME_FRACTION or after.reached)


def _planned(ready: Ready, plan: Plan, now: Standing) -> Iterator[Variation]:
    if now.worst is not None:
        yield from to_spare(ready.case, plan, now)
    if not now.reached:
        yield from to_cover(ready.case, plan, now)


def _frozen(ready: Ready, plan: Plan, accuracy: str) -> ThermalHistory | None:
    """The run of a variation; None where it cannot be done there (no soft tissue for a pocket, out of the box)."""
    try:
        changing = tuple(each for each in plan.protections if not isinstance(each, Sensor))
        if changing != ready.protections:
            ready = thermal.make_ready(ready.case, spacing_mm=ready.spacing_mm, protections=changing, like=ready)
        return thermal.freeze(ready, plan, accuracy=accuracy, curves=False)
    except IceballError:
        return None


def _pair(plan: Plan, before: Standing, found: list[tuple[Variation, Standing]]) -> Variation | None:
    """The best that spares with the best that covers, where both are needed and neither does all."""
    if before.reached or before.worst is None or any(a.reached and a.worst is None for _, a in found):
        return None
    sparing = [each for each in found if each[1].count("stop") < before.count("stop") or each[1].worst is None]
    covering = [each for each in found if each[1].covered_fraction > before.covered_fraction + SAME_FRACTION]
    if not sparing or not covering:
        return None
    spare = max(sparing, key=lambda each: each[1].covered_fraction)[0]
    cover = max(covering, key=lambda each: each[1].covered_fraction)[0]
    return joined(plan, spare, cover)


def _rank(after: Standing) -> tuple[int, bool, int, float]:
    return after.count("stop"), not after.reached, after.count("caution"), -after.covered_fraction


def _said(variation: Variation, before: Standing, after: Standing) -> Rescue:
    coldest = _coldest(before, after)
    temperature = (
        f", the {coldest[0].replace('_', ' ')} would reach {coldest[1]:.0f} °C{_former(before, *coldest)}"
        if coldest
        else ""
    )
    does = f"{variation.does[:1].upper()}{variation.does[1:]}"
    return Rescue(
        kind=variation.kind,
        says=(
            f"{does}: covers {percent(after.covered_fraction)} (was {percent(before.covered_fraction)}){temperature}."
        ),
        plan=variation.plan,
        covered_fraction=after.covered_fraction,
        was_fraction=before.covered_fraction,
        coldest=coldest[0] if coldest else "",
        coldest_c=coldest[1] if coldest else None,
    )


def _coldest(before: Standing, after: Standing) -> tuple[str, float] | None:
    """The structure to name: the one that was worst, else the coldest with a limit; None where none is near."""
    name = (after.worst or before.worst or (after.watched[0] if after.watched else None)) if after.watched else None
    same = next((each for each in after.watched if name is not None and each.name == name.name), None)
    return (same.name, same.coldest_c) if same is not None else None


def _former(before: Standing, name: str, coldest_c: float) -> str:
    was = next((each.coldest_c for each in before.watched if each.name == name), None)
    return f" (was {was:.0f} °C)" if was is not None and abs(was - coldest_c) >= 0.5 else ""
