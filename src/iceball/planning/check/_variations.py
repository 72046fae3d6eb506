"""Variations of a plan that move no probe: longer or shorter freezes, power, one more probe, protection."""

from __future__ import annotations

import dataclasses
import math
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import Ball, Drawn, Placement, Pocket, Protocol
from iceball.nouns._noun import noun
from iceball.nouns.segments import apart_mm
from iceball.planning.check._probes import of_probes
from iceball.planning.check._scene import scene, to_skin_mm
from iceball.planning.check._way import of_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from iceball.nouns import Case, Plan, Protection, Step
    from iceball.nouns._noun import Point
    from iceball.planning.check._scene import Scene
    from iceball.planning.check._standing import Standing

# What is tried: choices of the search, not rules. A person may do the same by hand.
LONGER_S = (180.0, 300.0)
SHORTER_S = 180.0
LEAST_FREEZE_S = 120.0
WEAKER_FRACTION = 0.5
POCKET_MM = 10.0
CANAL = "spinal_canal"
WARM_MM = 30.0
NEAR_WARMEST_MM = 8.0
TILTS_DEG = (0.0, 12.0, 24.0)
PUSHES_MM = (0.0, 2.0, 4.0)
SPARE_MM = 3.0
LABELS = tuple(map(chr, range(ord("A"), ord("Z") + 1)))
AGAINST = ("probe_spacing_close", "probes_nearly_touch", "tip_outside_bone", "shaft_near_structure")


@noun
class Variation:
    """One change of a plan: what is done, in words that begin a sentence, and the plan that it makes."""

    kind: str
    does: str
    plan: Plan


def to_cover(case: Case, plan: Plan, now: Standing) -> Iterator[Variation]:
    """Variations that freeze more, the simplest first."""
    weak = [label for label in (p.label for p in plan.placements) if any(_weak(s, label) for s in plan.protocol.steps)]
    if weak:
        stronger = _with_powers(plan, dict.fromkeys(weak, 1.0))
        yield Variation(kind="power", does=f"full power on {_probes(weak)}", plan=stronger)
    for more_s in LONGER_S:
        longer = _with_freezes(plan, lambda step, more_s=more_s: step.duration_s + more_s)
        yield Variation(
            kind="time", does=f"freeze {more_s / 60:g} min longer each time ({longer.protocol})", plan=longer
        )
    if more := _another(case, plan, now):
        yield more


def to_spare(case: Case, plan: Plan, now: Standing) -> Iterator[Variation]:
    """Variations that keep the worst structure warmer, the simplest first."""
    worst = now.worst
    if worst is None:
        return
    label = _nearest(plan, worst.place_mm).label
    powers = {label: min(WEAKER_FRACTION, *_powers(plan, label))}
    if len(plan.placements) > 1 and _powers(plan, label) != [powers[label]]:
        yield Variation(
            kind="power", does=f"probe {label} at {100 * powers[label]:.0f} % power", plan=_with_powers(plan, powers)
        )
    shorter = _with_freezes(plan, lambda step: max(step.duration_s - SHORTER_S, min(step.duration_s, LEAST_FREEZE_S)))
    if shorter.protocol != plan.protocol:
        does = f"freeze {SHORTER_S / 60:g} min shorter each time ({shorter.protocol})"
        yield Variation(kind="time", does=does, plan=shorter)
    yield from _protections(case, plan, now)


def joined(plan: Plan, first: Variation, second: Variation) -> Variation | None:
    """Both changes of ``plan`` at once; None where they change the same part of it."""
    parts = {}
    for part in ("protocol", "placements", "protections"):
        changed = [each for each in (first, second) if getattr(each.plan, part) != getattr(plan, part)]
        if len(changed) > 1:
            return None
        parts[part] = getattr(changed[0].plan if changed else plan, part)
    does = f"{first.does}, and {second.does}"
    return Variation(kind=f"{first.kind} and {second.kind}", does=does, plan=dataclasses.replace(plan, **parts))


def _weak(step: Step, label: str) -> bool:
    return step.kind == "freeze" and step.power_of(label) < 1.0


def _powers(plan: Plan, label: str) -> list[float]:
    return sorted({step.power_of(label) for step in plan.protocol.steps if step.kind == "freeze"})


def _probes(labels: list[str]) -> str:
    return f"probe {labels[0]}" if len(labels) == 1 else f"probes {', '.join(labels[:-1])} and {labels[-1]}"


def _with_freezes(plan: Plan, duration_s: Callable[[Step], float]) -> Plan:
    steps = tuple(
        dataclasses.replace(step, duration_s=duration_s(step)) if step.kind == "freeze" else step
        for step in plan.protocol.steps
    )
    return dataclasses.replace(plan, protocol=Protocol(steps=steps))


def _with_powers(plan: Plan, powers: dict[str, float]) -> Plan:
    def changed(step: Step) -> Step:
        if step.kind != "freeze":
            return step
        kept = dict(step.power_by_probe) | powers
        by_probe = tuple((label, power) for label, power in kept.items() if power != step.power_fraction)
        return dataclasses.replace(step, power_by_probe=by_probe)

    return dataclasses.replace(plan, protocol=Protocol(steps=tuple(changed(step) for step in plan.protocol.steps)))


def _nearest(plan: Plan, place_mm: Point) -> Placement:
    """The probe whose active zone lies nearest to a place."""
    return min(plan.placements, key=lambda placement: _away_mm(placement, place_mm))


def _away_mm(placement: Placement, place_mm: Point) -> float:
    place = np.asarray(place_mm, dtype=np.float64)
    deep, shallow = (np.asarray(end, dtype=np.float64) for end in placement.active_ends_mm)
    return apart_mm((place, place), (deep, shallow))


def _protections(case: Case, plan: Plan, now: Standing) -> Iterator[Variation]:
    """What warms or parts, at the place where the worst structure is coldest.

    The cord cannot be parted from what lies beside it: only its canal, where that is told apart, can be kept warm.
    """
    worst = now.worst
    assert worst is not None  # the caller looked
    words = worst.name.replace("_", " ")
    label, at = f"beside {words}", ", ".join(f"{value:.0f}" for value in worst.place_mm)
    if any(protection.label == label for protection in plan.protections):
        return
    ball = Ball(centre_mm=worst.place_mm, radius_mm=WARM_MM if worst.limit_kind == "skin" else POCKET_MM)
    if worst.limit_kind == "skin":
        pad = library.warm_pad("saline_glove", label=label, region=ball)
        yield Variation(
            kind="protection", does=f"a glove of warm saline on the skin at ({at}) mm", plan=_and(plan, pad)
        )
    elif case.structure(worst.name).limit == "spinal_cord":
        if CANAL in {each.name for each in case.structures}:
            warm = library.irrigation(label=label, region=Drawn(structure=CANAL))
            does = "warm saline kept flowing in the spinal canal, if it can be laid there"
            yield Variation(kind="protection", does=does, plan=_and(plan, warm))
    else:
        gas = Pocket(label=label, filling="carbon_dioxide", region=ball)
        does = f"carbon dioxide beside the {words}, within {POCKET_MM:g} mm of ({at}) mm, if it can be laid there"
        yield Variation(kind="protection", does=does, plan=_and(plan, gas))


def _and(plan: Plan, protection: Protection) -> Plan:
    return dataclasses.replace(plan, protections=(*plan.protections, protection))


def _another(case: Case, plan: Plan, now: Standing) -> Variation | None:
    """One more probe whose active zone lies where the target stays warmest; None where no way leads there."""
    if now.warmest_mm is None:
        return None
    model, there = _nearest(plan, now.warmest_mm), scene(case)
    label = next((name for name in LABELS if name not in {placement.label for placement in plan.placements}), "another")
    for push_mm in PUSHES_MM:
        middle = _pushed(model, np.asarray(now.warmest_mm, dtype=np.float64), push_mm)
        for outward in _directions(plan, model):
            new = _laid(there, model, label, middle + _slid_mm(there, model, middle, outward) * outward, outward)
            if new is None or _stands_against(case, there, plan, new):
                continue
            place = ", ".join(f"{value:.0f}" for value in new.tip_mm)
            does = f"one more {model.probe.name} ({label}) with its tip at ({place}) mm, where the target stays warmest"
            more = dataclasses.replace(plan, placements=(*plan.placements, new))
            return Variation(kind="another probe", does=does, plan=more)
    return None


def _pushed(model: Placement, middle: NDArray[np.float64], push_mm: float) -> NDArray[np.float64]:
    """The place, ``push_mm`` farther from the active zone of ``model`` [mm]."""
    deep, shallow = (np.asarray(end, dtype=np.float64) for end in model.active_ends_mm)
    share = np.clip((middle - deep) @ (shallow - deep) / float((shallow - deep) @ (shallow - deep)), 0.0, 1.0)
    away = middle - (deep + share * (shallow - deep))
    return middle + push_mm * away / max(float(np.linalg.norm(away)), 1e-6)


def _slid_mm(there: Scene, model: Placement, middle: NDArray[np.float64], outward: NDArray[np.float64]) -> float:
    """How far the active zone slides outward [mm] to lie about the lesion's middle and hold the warmest place."""
    if not len(there.rim_mm):
        return 0.0
    most = max(0.0, model.probe.active_length_mm / 2 - SPARE_MM)
    return float(np.clip((there.rim_mm.mean(axis=0) - middle) @ outward, -most, most))


def _laid(
    there: Scene, model: Placement, label: str, middle: NDArray[np.float64], outward: NDArray[np.float64]
) -> Placement | None:
    """A probe like ``model`` with the middle of its active zone at ``middle``; None where no skin is reached."""
    tip = middle - outward * (model.probe.active_length_mm / 2 + model.probe.tip_to_active_mm)
    skin_mm = to_skin_mm(there, _point(tip), _point(tip + outward))
    if skin_mm is None or skin_mm < model.probe.active_length_mm + model.probe.tip_to_active_mm + 1.0:
        return None
    return Placement(label=label, probe=model.probe, entry_mm=_point(tip + skin_mm * outward), tip_mm=_point(tip))


def _stands_against(case: Case, there: Scene, plan: Plan, new: Placement) -> bool:
    """Whether a rule stands against the new probe: no stop, and nothing that would make it useless or unsafe."""
    among = (finding for finding in of_probes((*plan.placements, new)) if finding.subject.endswith(f" and {new.label}"))
    own = chain(among, of_way(case, there, new, ()))  # the quick ones first, and no farther than the first that speaks
    return any(finding.severity == "stop" or finding.rule in AGAINST for finding in own)


def _directions(plan: Plan, model: Placement) -> Iterator[NDArray[np.float64]]:
    """Directions out of the patient: those of the plan's probes, the nearest first, then tilted ones."""
    known = [model, *(placement for placement in plan.placements if placement is not model)]
    ways = [np.asarray(p.entry_mm) - np.asarray(p.tip_mm) for p in known]
    ways = [way / np.linalg.norm(way) for way in ways]
    for tilt in TILTS_DEG:
        for way in ways if tilt == 0.0 else ways[:1]:
            side = np.asarray(np.cross(way, np.eye(3)[int(np.abs(way).argmin())]), dtype=np.float64)
            side /= np.linalg.norm(side)
            for turn in np.arange(0.0, 360.0, 45.0) if tilt else (0.0,):
                other = np.asarray(np.cross(way, side), dtype=np.float64)
                across = side * math.cos(math.radians(turn)) + other * math.sin(math.radians(turn))
                yield way * math.cos(math.radians(tilt)) + across * math.sin(math.radians(tilt))


def _point(place: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 2) for value in place)
    return x, y, z
