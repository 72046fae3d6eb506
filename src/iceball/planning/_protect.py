"""Protect what placement alone cannot keep warm: warmth or gas beside it, less power near it, another duration."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library, thermal
from iceball.errors import InputError
from iceball.nouns import Ball, Capsule, Drawn, Pocket, Protocol, Sensor
from iceball.nouns._noun import noun
from iceball.planning._pool import fibonacci

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Protection
    from iceball.planning._scene import Risk, Scene
    from iceball.planning._trial import Trial
    from iceball.thermal import Ready

CANAL, CORD = "spinal_canal", "spinal_cord"
GAS = "carbon_dioxide"
# How a pocket is laid: from where the structure is coldest along it, and how wide. Sizes that a needle can fill.
POCKET_LONG_MM, POCKET_RADIUS_MM, PAD_RADIUS_MM = 15.0, 8.0, 30.0
WALL_BEYOND_MM, WALL_RADII_MM = 6.0, (12.0, 30.0)
HOLLOW = ("bowel", "bladder", "ureter")
PARTED = (*HOLLOW, "motor_nerve")  # what lies in soft tissue: roots are held by their foramina, the cord by its canal
SIDES, ASIDE_DEG, TURN_COST, LEAST_ROOM, PUSHES = 200, 75.0, 0.2, 0.5, (1.0, 0.7, 0.5)
NEAR_LIMIT_K = 3.0  # above its caution: from there on protection is tried
POWERS = (0.75, 0.5)
SHORTER, LONGER = (0.8, 0.6), (1.25, 1.5)
SHORTEST_S, LONGEST_S = 180.0, 1200.0  # of a freeze that is still proposed


@noun
class Guard:
    """A protection that is proposed, for ``structure``, in words."""

    structure: str
    protections: tuple[Protection, ...]
    says: str


def guards(scene: Scene, trial: Trial) -> tuple[Guard, ...]:
    """What could protect the structures that ``trial`` brings to their limits, the coldest first; none twice."""
    found: dict[str, Guard] = {}
    cold = dict(trial.coldest_c)
    for risk in sorted((r for r in scene.risks if r.name in cold), key=lambda risk: cold[risk.name]):
        warmest = risk.warmest_c
        if cold[risk.name] >= warmest + NEAR_LIMIT_K:
            continue
        guard = _guard(scene, risk, trial)
        if guard is not None:
            found.setdefault(guard.protections[0].label, guard)
    return tuple(found.values())


def _guard(scene: Scene, risk: Risk, trial: Trial) -> Guard | None:
    at_mm, limit = coldest_place(risk, trial), risk.structure.limit
    if limit == "skin":
        pad = library.warm_pad("saline_glove", label="warm saline on the skin", region=_ball(at_mm, PAD_RADIUS_MM))
        return Guard(structure=risk.name, protections=(pad,), says=f"warm saline on the skin at {_text(at_mm)}")
    if limit == "spinal_cord":
        return _in_canal(scene, risk)
    if limit not in PARTED:
        return None
    return _dissection(scene, risk, trial, at_mm)


def _dissection(scene: Scene, risk: Risk, trial: Trial, at_mm: NDArray) -> Guard | None:
    """A pocket of gas that parts ``risk`` from the target: away from it, where soft tissue gives way."""
    if risk.structure.limit in HOLLOW:
        reach = np.linalg.norm(_too_cold(risk, trial) - at_mm, axis=1).max() + WALL_BEYOND_MM
        region: Ball | Capsule = _ball(at_mm, float(np.clip(reach, *WALL_RADII_MM)))
    else:
        start, end = _along(_too_cold(risk, trial), at_mm)
        region = Capsule(start_mm=_point(start), end_mm=_point(end), radius_mm=POCKET_RADIUS_MM)
    push = _way_out(scene, risk, at_mm)
    if push is None:
        return None
    pocket = Pocket(label=f"gas at {risk.name}", filling=GAS, region=region, pushes=(risk.name,), push_mm=_point(push))
    words = risk.name.replace("_", " ")
    return Guard(structure=risk.name, protections=(pocket,), says=f"CO₂ dissection of the {words} at {_text(at_mm)}")


def _way_out(scene: Scene, risk: Risk, at_mm: NDArray) -> NDArray | None:
    """Where ``risk`` is pushed [mm]: of the directions away from the target that in which most of it finds room.

    As far as the library says, or less far where there is no room for that.
    """
    away = at_mm - scene.target_mm[np.argmin(np.linalg.norm(scene.target_mm - at_mm, axis=1))]
    if not away.any():  # it runs through the target: nothing parts the two
        return None
    away /= np.linalg.norm(away)
    sphere = fibonacci(SIDES)
    sphere = sphere[sphere @ away >= math.cos(math.radians(ASIDE_DEG))]
    near = risk.points_mm[np.linalg.norm(risk.points_mm - at_mm, axis=1) <= POCKET_LONG_MM]
    for share in PUSHES:
        push_mm = share * library.dissection_push_mm()
        room = np.array([_share_free(scene, risk, near, push_mm * direction) for direction in sphere])
        best = int(np.argmax(room + TURN_COST * (sphere @ away)))
        if room[best] >= LEAST_ROOM:
            return push_mm * sphere[best]
    return None


def _share_free(scene: Scene, risk: Risk, points_mm: NDArray, push_mm: NDArray) -> float:
    """Share of the points (N, 3) that find room where they are pushed, and half way."""
    return float((_free(scene, risk, points_mm + push_mm) & _free(scene, risk, points_mm + 0.5 * push_mm)).mean())


def _free(scene: Scene, risk: Risk, points_mm: NDArray) -> NDArray[np.bool_]:
    """Whether a structure can go to the points (N, 3): soft tissue in the scan that nobody has drawn."""
    case = scene.case
    index = np.rint(case.ct.grid.index_of(points_mm)).astype(int)
    inside = np.all((index >= 0) & (index < case.ct.array.shape), axis=1)
    at = tuple(np.where(inside[:, None], index, 0).T)
    rules, hu = library.hu_rules(), case.ct.array[at]
    free = inside & (hu < rules["bone_above_hu"].value) & (hu > rules["gas_below_hu"].value)
    if case.labels is not None:
        hard = [s.label for s in case.structures if s.role != "way_in" or library.structure_rule(s.name).bone]
        free &= ~np.isin(case.labels.array[at], [label for label in hard if label != risk.structure.label])
    return free


def _in_canal(scene: Scene, risk: Risk) -> Guard | None:
    """Warm saline in the canal, where canal and cord are told apart: what is held warm is not the cord itself."""
    names = {each.name for each in scene.case.structures}
    if not {CANAL, CORD} <= names:
        return None
    pocket = library.irrigation(label="warm saline in the canal", region=Drawn(structure=CANAL))
    return Guard(structure=risk.name, protections=(pocket,), says="warm saline kept flowing in the spinal canal")


def guarded(ready: Ready, chosen: Sequence[Guard]) -> tuple[Ready, tuple[Guard, ...]] | None:
    """The patient with those of ``chosen`` that find room where they lie; None where none does."""
    fits: list[Guard] = []
    for guard in chosen:
        try:
            thermal.try_protections(ready, guard.protections)
        except InputError:  # nothing to fill there: this one is no help, and is not proposed
            continue
        fits.append(guard)
    if not fits:
        return None
    whole = tuple(protection for guard in fits for protection in guard.protections)
    try:
        made = thermal.make_ready(ready.case, spacing_mm=ready.spacing_mm, protections=whole, like=ready)
    except InputError:  # they take each other's place
        return None
    return made, tuple(fits)


def protocols(scene: Scene, trial: Trial) -> list[tuple[Protocol, str]]:
    """Other protocols for the probes of ``trial``: less power near what is too cold, shorter; or longer."""
    protocol = trial.plan.protocol
    if trial.cautions or trial.stops:
        near = _nearest_probe(scene, trial)
        less = [(weakened(protocol, near, power), f"probe {near} at {100 * power:g} %") for power in POWERS]
        return [*less, *((made, f"freezes {factor:g} times as long") for factor, made in _scaled(protocol, SHORTER))]
    return [(made, f"freezes {factor:g} times as long") for factor, made in _scaled(protocol, LONGER)]


def lengthened(protocol: Protocol) -> list[Protocol]:
    """``protocol`` with longer freezes, the shortest first, where they stay sensible."""
    return [made for _, made in _scaled(protocol, LONGER)]


def shortened(protocol: Protocol) -> list[Protocol]:
    """``protocol`` with shorter freezes, the longest first, where they stay sensible."""
    return [made for _, made in _scaled(protocol, SHORTER)]


def _scaled(protocol: Protocol, factors: Sequence[float]) -> list[tuple[float, Protocol]]:
    """``protocol`` with freezes ``factors`` times as long, to the half minute, where they stay sensible."""
    found = []
    for factor in factors:
        steps = tuple(
            dataclasses.replace(step, duration_s=30.0 * round(factor * step.duration_s / 30.0))
            if step.kind == "freeze"
            else step
            for step in protocol.steps
        )
        lengths = [step.duration_s for step in steps if step.kind == "freeze"]
        if min(lengths) >= SHORTEST_S and max(lengths) <= LONGEST_S:
            found.append((factor, Protocol(steps=steps)))
    return found


def weakened(protocol: Protocol, label: str, power: float) -> Protocol:
    """``protocol`` with the probe called ``label`` at ``power`` of what it had, in every freeze."""
    steps = tuple(
        dataclasses.replace(
            step,
            power_by_probe=(
                *((each, value) for each, value in step.power_by_probe if each != label),
                (label, power * step.power_of(label)),
            ),
        )
        if step.kind == "freeze"
        else step
        for step in protocol.steps
    )
    return Protocol(steps=steps)


def _nearest_probe(scene: Scene, trial: Trial) -> str:
    """Label of the probe nearest to where the structure that is farthest below its limit is coldest."""
    cold = dict(trial.coldest_c)
    limited = [risk for risk in scene.risks if risk.name in cold]
    worst = min(limited, key=lambda risk: cold[risk.name] - risk.warmest_c)
    place = coldest_place(worst, trial)
    ends = [np.asarray(placement.active_ends_mm) for placement in trial.plan.placements]
    away = [np.linalg.norm(end.mean(axis=0) - place) for end in ends]
    return trial.plan.placements[int(np.argmin(away))].label


def sensors(scene: Scene, trial: Trial, near: Callable[[Risk, float], bool]) -> tuple[Sensor, ...]:
    """Thermometers where the structures that ``near`` picks are coldest."""
    cold = dict(trial.coldest_c)
    return tuple(
        Sensor(label=f"sensor at {risk.name}", at_mm=_point(coldest_place(risk, trial)))
        for risk in scene.risks
        if risk.name in cold and near(risk, cold[risk.name])
    )


def coldest_place(risk: Risk, trial: Trial) -> NDArray[np.float64]:
    """Where (3,) ``risk`` is coldest in ``trial``, LPS [mm]."""
    return risk.points_mm[int(np.argmin(trial.cold_of(risk)))]


def _too_cold(risk: Risk, trial: Trial) -> NDArray[np.float64]:
    """Points (N, 3) of ``risk`` that come near its limit, and those beside its coldest."""
    warmest = risk.warmest_c
    near = np.linalg.norm(risk.points_mm - coldest_place(risk, trial), axis=1) <= POCKET_LONG_MM
    return risk.points_mm[near | (trial.cold_of(risk) < warmest + NEAR_LIMIT_K)]


def _along(near: NDArray, at_mm: NDArray) -> tuple[NDArray, NDArray]:
    """Ends of the stretch of a long structure with points ``near`` (N, 3): along the direction in which it goes on."""
    middle = near.mean(axis=0)
    if len(near) < 3:
        return at_mm, at_mm + np.array([0.0, 0.0, 1.0])
    direction = np.linalg.svd(near - middle, full_matrices=False)[2][0]
    along = (near - at_mm) @ direction
    low, high = float(along.min()), float(along.max())
    return at_mm + (low - 2.0) * direction, at_mm + (high + 2.0) * direction


def _ball(at_mm: NDArray, radius_mm: float) -> Ball:
    return Ball(centre_mm=_point(at_mm), radius_mm=radius_mm)


def _point(at_mm: NDArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in at_mm)
    return x, y, z


def _text(at_mm: NDArray) -> str:
    return "(" + ", ".join(f"{value:.0f}" for value in at_mm) + ") mm"
