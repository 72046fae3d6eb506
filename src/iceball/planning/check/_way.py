"""The way of each shaft, from the skin to its tip: what it meets, where it begins, where it ends."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.planning.check._found import found, named
from iceball.planning.check._scene import to_skin_mm
from iceball.planning.check._shafts import STEP_MM as WAY_MM
from iceball.planning.check._shafts import Met, met, stretch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from iceball.nouns import Case, Cited, Finding, Placement, Structure
    from iceball.nouns._noun import Point
    from iceball.planning.check._scene import Scene

STEP_MM = 0.5  # numerical: how finely an active zone is looked at
NEAR_BONE_MM = 15.0  # numerical: a tip farther than this from any bone is said to be at least so far


def of_way(case: Case, there: Scene, placement: Placement, allowed: Collection[str]) -> Iterator[Finding]:
    """Findings on the way of one probe: structures, entry, active zone and tip.

    ``allowed`` names the structures that a person lets the shaft cross; crossing them is a caution.
    """
    skin_mm = to_skin_mm(there, placement.tip_mm, placement.entry_mm)
    outward = _outward(placement)
    farthest = max(case.ct.grid.shape) * max(case.ct.grid.spacing_mm) * math.sqrt(3)
    end = np.asarray(placement.tip_mm) + outward * (farthest if skin_mm is None else skin_mm)
    yield from _structures(case, placement, (float(end[0]), float(end[1]), float(end[2])), skin_mm, allowed)
    yield from _entry(placement, skin_mm)
    yield from _active_zone(there, placement)
    yield from _tip(case, placement)


def _outward(placement: Placement) -> NDArray[np.float64]:
    way = np.asarray(placement.entry_mm) - np.asarray(placement.tip_mm)
    return way / np.linalg.norm(way)


def _structures(
    case: Case, placement: Placement, end: Point, skin_mm: float | None, allowed: Collection[str]
) -> Iterator[Finding]:
    rules = {structure.label: library.keep_rule(structure) for structure in case.structures}
    kept = {structure.label: structure for structure in case.structures if rules[structure.label] is not None}
    if case.labels is None or not kept:
        return
    wanted = np.zeros(max(kept) + 1, dtype=bool)
    wanted[list(kept)] = True
    radius = placement.probe.shaft_diameter_mm / 2
    keeps = {label: rule.keep for label, rule in rules.items() if rule is not None}
    reach = radius + max(row.value for row in keeps.values())
    near = met(case.labels.array, case.labels.grid, (placement.tip_mm, end), reach, wanted)
    for label in np.unique(near.number).tolist():
        this = (near.number == label) & (near.gap_mm < radius + max(keeps[label].value, 1e-9))
        if this.any():
            part = Met(
                voxel=near.voxel[this],
                number=near.number[this],
                gap_mm=near.gap_mm[this] - radius,
                along_mm=near.along_mm[this],
            )
            if part.gap_mm.min() > 0:
                yield _near(placement, kept[label], part, keeps[label], skin_mm)
            else:
                way = stretch(case.labels.grid, (placement.tip_mm, end), part.voxel[part.gap_mm <= 0], radius)
                yield _through(placement, kept[label], way, skin_mm, kept[label].name in allowed)


def _near(placement: Placement, structure: Structure, near: Met, keep: Cited, skin_mm: float | None) -> Finding:
    """The finding on a structure that the shaft passes too near; the gaps of ``near`` are from the shaft's surface."""
    closest = int(near.gap_mm.argmin())
    gap = float(near.gap_mm[closest])
    says = (
        f"Probe {placement.label} passes {named(structure)} at {gap:.1f} mm, "
        f"{_where(float(near.along_mm[closest]), skin_mm)}; {keep.value:g} mm are kept from it."
    )
    said = found("shaft_near_structure", says, subject=structure.name, measured=gap, limit=keep.value, unit="mm")
    return dataclasses.replace(said, source=keep.source)


def _through(
    placement: Placement, structure: Structure, way: NDArray[np.float64], skin_mm: float | None, allowed: bool
) -> Finding:
    """The finding on a structure that the shaft meets at the places ``way`` (S,) [mm from its tip]."""
    length = WAY_MM * max(1, len(way))
    rule = "shaft_crosses_barrier" if structure.role == "barrier" else "shaft_enters_structure"
    says = (
        f"Probe {placement.label} meets {named(structure)} {_where(float(way.max(initial=0.0)), skin_mm)}, "
        f"over about {length:.1f} mm of its way{', which was allowed' if allowed else ''}."
    )
    severity = "caution" if allowed else None
    return found(rule, says, subject=structure.name, measured=length, limit=0.0, unit="mm", severity=severity)


def _where(along_mm: float, skin_mm: float | None) -> str:
    """Say where on the way, for who stands at the skin."""
    if skin_mm is None:
        return f"{along_mm:.0f} mm before its tip"
    return f"{max(0.0, skin_mm - along_mm):.0f} mm from the skin"


def _entry(placement: Placement, skin_mm: float | None) -> Iterator[Finding]:
    subject = f"probe {placement.label}"
    entry_mm = math.dist(placement.entry_mm, placement.tip_mm)
    if skin_mm is None:
        says = (
            f"The scan ends before the skin on the way of probe {placement.label}: what the shaft crosses beyond, and "
            "how long the way is, is not known."
        )
        yield found("way_not_in_scan", says, subject=subject)
        return
    reach = library.probe_reach(placement.probe.name)
    if skin_mm > reach.value:
        says = (
            f"The tip of probe {placement.label} lies {skin_mm:.0f} mm below the skin along its way; "
            f"the {placement.probe.name} reaches {reach.value:g} mm."
        )
        short = found("probe_too_short", says, subject=subject, measured=skin_mm, limit=reach.value, unit="mm")
        yield dataclasses.replace(short, source=reach.source)
    off = entry_mm - skin_mm
    if -off > library.planning_rule("entry_under_skin").threshold.value:
        says = (
            f"The entry of probe {placement.label} lies {-off:.0f} mm under the skin; its way was followed straight "
            "outward to the skin."
        )
        yield found("entry_under_skin", says, subject=subject, measured=-off)
    elif off > library.planning_rule("entry_off_skin").threshold.value:
        says = f"The entry of probe {placement.label} lies in the air, {off:.0f} mm before the skin."
        yield found("entry_off_skin", says, subject=subject, measured=off)


def _active_zone(there: Scene, placement: Placement) -> Iterator[Finding]:
    if not len(there.rim_mm):
        return
    from iceball.assessment import _numerics

    deep, shallow = (np.asarray(end) for end in placement.active_ends_mm)
    count = 2 + math.ceil(placement.probe.active_length_mm / STEP_MM)
    points = deep + np.linspace(0.0, 1.0, count)[:, None] * (shallow - deep)
    away = _numerics.nearest(there.rim_mm, points, 1)[0].max()
    if away > library.planning_rule("active_zone_beyond_lesion").threshold.value:
        says = (
            f"The active zone of probe {placement.label} reaches {away:.1f} mm beyond the lesion: "
            "it freezes what need not freeze."
        )
        yield found("active_zone_beyond_lesion", says, subject=f"probe {placement.label}", measured=float(away))


def _tip(case: Case, placement: Placement) -> Iterator[Finding]:
    away = _from_bone_mm(case, placement.tip_mm)
    if away is None or away <= library.planning_rule("tip_outside_bone").threshold.value:
        return
    far = f"at least {away:.0f}" if away >= NEAR_BONE_MM else f"{away:.1f}"
    says = f"The tip of probe {placement.label} lies {far} mm outside bone and lesion."
    yield found("tip_outside_bone", says, subject=f"probe {placement.label}", measured=away)


def _from_bone_mm(case: Case, tip_mm: Point) -> float | None:
    """From the tip to the nearest bone or lesion [mm]; None where the case marks no bone."""
    bones = [s.label for s in case.structures if library.structure_rule(s.name).bone]
    if case.labels is None or not bones:
        return None
    grid = case.labels.grid
    reach = np.ceil(NEAR_BONE_MM / np.asarray(grid.spacing_mm)).astype(int)
    middle = np.rint(grid.index_of(tip_mm)).astype(int)
    low, high = np.maximum(middle - reach, 0), np.minimum(middle + reach + 1, grid.shape)
    if np.any(high <= low):
        return NEAR_BONE_MM
    place = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
    solid = np.isin(case.labels.array[place], bones)
    if case.lesion is not None:
        solid |= np.asarray(case.lesion.mask.array[place]) > 0
    if not solid.any():
        return NEAR_BONE_MM
    spacing = np.asarray(grid.spacing_mm)
    gaps = np.maximum(np.abs((np.argwhere(solid) + low) * spacing - grid.index_of(tip_mm) * spacing) - spacing / 2, 0.0)
    return min(float(np.linalg.norm(gaps, axis=1).min()), NEAR_BONE_MM)
