"""From the probes of a plan to the probes as they lie: the same protocol, other places."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Placement, Protocol
from iceball.planning.check._found import found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import AchievedProbe, Case, Finding, Plan, Probe
    from iceball.nouns._noun import Point

SHORTEST_MM = 10.0  # numerical: a shorter line does not say which way a shaft points
SPARE_MM = 1.0


def as_achieved(case: Case, plan: Plan, lying: Sequence[AchievedProbe]) -> tuple[Plan, tuple[Finding, ...]]:
    """Return ``plan`` with its probes where they lie, and findings on how far they are off.

    A line belongs to the probe of the plan with its label ("A", "probe A", "a"). One that the plan does not have must
    name its probe. Where nobody knows which end of a line is the tip, it is the one nearer to the planned tip, or to
    the lesion. A line that is shorter than the probe's active part is drawn on outward.

    Parameters
    ----------
    case : the scan on which the probes were seen
    plan : what was planned; its protocol, protections and goal are kept
    lying : what was seen

    Raises
    ------
    InputError : if nothing lies there, a line is too short, or a probe is not known
    """
    if not lying:
        raise InputError("no achieved probe is given: mark at least one")
    planned = {_key(placement.label): placement for placement in plan.placements}
    if len(planned) == len(lying) == 1 and _key(lying[0].label) not in planned:
        lying = [dataclasses.replace(lying[0], label=plan.placements[0].label)]
    keys = [_key(each.label) for each in lying]
    if len(set(keys)) != len(keys):
        raise InputError(f"two achieved probes mean the same probe: {', '.join(each.label for each in lying)}")
    pairs = [(each, planned.get(_key(each.label))) for each in lying]
    placements = tuple(_placed(case, plan, each, former) for each, former in pairs)
    said = [f for new, (_, old) in zip(placements, pairs, strict=True) if old and (f := _off(new, old))]
    left_out = [placement.label for placement in plan.placements if _key(placement.label) not in keys]
    for label in left_out:
        says = f"Probe {label} of the plan is not among those that lie: it was judged without it."
        said.append(found("probe_not_placed", says, subject=f"probe {label}"))
    achieved = dataclasses.replace(plan, placements=placements, protocol=_without(plan.protocol, left_out))
    return achieved, tuple(said)


def _key(label: str) -> str:
    """What a label comes down to: "Probe a" and "A" are one."""
    bare = re.sub(r"[\W_]+", "", label).lower()
    return bare.removeprefix("probe") or bare


def _placed(case: Case, plan: Plan, line: AchievedProbe, former: Placement | None) -> Placement:
    probe = _probe(plan, line, former)
    entry, tip = (line.start_mm, line.end_mm) if line.ordered else _ends(case, line, former)
    length, needed = math.dist(entry, tip), probe.active_length_mm + probe.tip_to_active_mm
    if length < SHORTEST_MM:
        raise InputError(
            f"achieved probe {line.label}: its line is {length:.1f} mm long, which does not say which way it points; "
            f"mark at least {SHORTEST_MM:g} mm of the shaft"
        )
    if length <= needed:
        outward = (np.asarray(entry) - np.asarray(tip)) / length
        x, y, z = (float(value) for value in np.asarray(tip) + outward * (needed + SPARE_MM))
        entry = (x, y, z)
    return Placement(label=former.label if former else line.label, probe=probe, entry_mm=entry, tip_mm=tip)


def _probe(plan: Plan, line: AchievedProbe, former: Placement | None) -> Probe:
    if line.probe:
        return library.probe(line.probe)
    if former is not None:
        return former.probe
    known = ", ".join(placement.label for placement in plan.placements)
    raise InputError(
        f"achieved probe {line.label!r} is not in the plan, which has {known}: call it as there, or give a table that "
        "names its probe"
    )


def _ends(case: Case, line: AchievedProbe, former: Placement | None) -> tuple[Point, Point]:
    """Entry and tip of a line whose ends nobody named."""
    if former is not None:
        towards: Point = former.tip_mm
    elif case.lesion is not None:
        middle = case.ct.grid.position_mm(np.argwhere(np.asarray(case.lesion.mask.array)).mean(axis=0))
        towards = (float(middle[0]), float(middle[1]), float(middle[2]))
    else:
        return line.start_mm, line.end_mm
    ends = sorted((line.start_mm, line.end_mm), key=lambda end: math.dist(end, towards))
    return ends[1], ends[0]


def _off(new: Placement, old: Placement) -> Finding | None:
    away = math.dist(new.tip_mm, old.tip_mm)
    ways = [np.asarray(p.tip_mm) - np.asarray(p.entry_mm) for p in (new, old)]
    cosine = float(ways[0] @ ways[1] / (np.linalg.norm(ways[0]) * np.linalg.norm(ways[1])))
    angle = math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
    if away <= library.planning_rule("probe_off_plan").threshold.value:
        return None
    says = f"The tip of probe {new.label} lies {away:.1f} mm from where it was planned, its shaft {angle:.0f}° off."
    return found("probe_off_plan", says, subject=f"probe {new.label}", measured=away)


def _without(protocol: Protocol, labels: Sequence[str]) -> Protocol:
    return Protocol(
        steps=tuple(
            dataclasses.replace(
                step, power_by_probe=tuple((name, power) for name, power in step.power_by_probe if name not in labels)
            )
            for step in protocol.steps
        )
    )
