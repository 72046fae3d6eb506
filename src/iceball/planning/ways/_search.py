"""All ways in to one lesion, the best first; and where there is none, what forbids it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import Finding
from iceball.planning.ways import _words as words
from iceball.planning.ways._approach import approaches, canal_place, named
from iceball.planning.ways._beside import beside
from iceball.planning.ways._candidates import Candidates, candidates
from iceball.planning.ways._obstacles import Obstacles, obstacles
from iceball.planning.ways._openers import openers, tally, unseen
from iceball.planning.ways._rules import SECTORS, USUAL, Rules, cannula_for, for_probe
from iceball.planning.ways._trace import trace
from iceball.planning.ways._way import Way, Ways

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.nouns import Case, Probe
    from iceball.nouns._noun import Point

# Numerical: how many ways are told, and how far apart they are, so that they are not all the same one.
MOST_WAYS = 24
APART_DEG, APART_MM = 8.0, 5.0


def ways_in(
    case: Case,
    probe: Probe,
    rules: Rules = USUAL,
    *,
    progress: Callable[[float, str], None] | None = None,
) -> Ways:
    """Find the ways in to the lesion of ``case`` for ``probe``, the best first.

    Some 20,000 lines are tried: through points of the lesion, in every open direction. Those that hold are ranked by
    length, room, tilt, bone and by how much of the lesion the active zone covers, and told apart. Where none holds, a
    finding says what forbids and what would open one.

    Parameters
    ----------
    case : Case
        with a lesion
    probe : Probe
        decides the reach, the bone cannula and how far the tip lies beyond the lesion
    rules : Rules
        what a person chose
    progress : callable, optional
        told the share done and what comes next

    Raises
    ------
    InputError : if the case has no lesion, or what is to be allowed cannot be
    UnknownName : if a structure to be allowed is not there

    Source: ``library.way_rules()``, ``judgement``.
    """
    tell = progress or (lambda share, text: None)
    chosen = for_probe(probe, rules)
    tell(0.05, "finding what stands in the way")
    around = obstacles(case, chosen)
    site = library.sites().get(around.site)
    if site is not None and site.excluded:
        return _excluded(case, probe, around)
    tell(0.5, "trying lines")
    tried = candidates(around, probe)
    tell(0.8, "ranking")
    found = _best(case, probe, around, tried)
    counts = tally(around, tried)
    if not found:
        tell(0.85, "finding what would open one")
        opens = openers(around, probe, tried)
        why = words.no_skin(around) if unseen(tried) else words.none_found(around, counts, opens)
        return dataclasses.replace(_ways(case, probe, around, tried), openers=tuple(opens), findings=(why,))
    biopsy = _biopsy(case, probe, around, tried) if rules.biopsy else None
    labelled = any(library.keep_rule(s) is not None for s in case.structures)
    findings = words.beside_the_ways(around, labelled, any(way.usual for way in found))
    if rules.biopsy and biopsy is None:
        says = "no way leads a biopsy needle through the lesion"
        findings.append(Finding(rule="no_biopsy_way", severity="note", says=says, source=words.SOURCE))
    made = _ways(case, probe, around, tried)
    return dataclasses.replace(made, ways=tuple(found), biopsy=biopsy, findings=tuple(findings))


def _ways(case: Case, probe: Probe, around: Obstacles, tried: Candidates | None) -> Ways:
    """What was looked for and how many lines were tried: no way yet."""
    return Ways(
        case=case.id,
        probe=probe.name,
        site=around.site,
        own=around.own,
        position=around.position,
        closed=around.closed,
        allowed=around.rules.allowed,
        reach_mm=around.reach_mm,
        instrument_mm=2 * around.radius_mm,
        ways=(),
        biopsy=None,
        tried=0 if tried is None else len(tried.ok),
        open_lines=0 if tried is None else int(tried.ok.sum()),
        forbids=() if tried is None else tally(around, tried),
        openers=(),
        findings=(),
        notes=around.notes,
    )


def _excluded(case: Case, probe: Probe, around: Obstacles) -> Ways:
    site = library.sites()[around.site]
    text = site.texts["consideration"]
    finding = Finding(
        rule="site_excluded",
        severity="stop",
        says=f"{site.says}: {text.says}; no way in is planned there",
        source=text.evidence.source,
        subject=around.site,
    )
    return dataclasses.replace(_ways(case, probe, around, None), findings=(finding,))


def _best(case: Case, probe: Probe, around: Obstacles, tried: Candidates) -> list[Way]:
    """The ways that hold, each unlike those before it, the one with the least cost first."""
    holds = np.flatnonzero(tried.ok)
    if not len(holds):
        return []
    kinds = approaches(around, tried.traced, canal_place(case, around))
    usual = np.isin(kinds, _usual(around))
    cost = _cost_mm(tried, usual)
    order = holds[np.argsort(cost[holds], kind="stable")]
    picked: list[int] = []
    for each in order.tolist():
        if len(picked) == MOST_WAYS:
            break
        if all(_unlike(tried, each, other) for other in picked):
            picked.append(each)
    found = [_way(probe, around, tried, each, str(kinds[each]), float(cost[each])) for each in picked]
    return sorted(found, key=lambda way: way.cost_mm)


def _usual(around: Obstacles) -> tuple[str, ...]:
    sites = library.way_sites()
    return sites[around.site if around.site in sites else "other"].approaches


def _cost_mm(tried: Candidates, usual: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) what a line costs, in mm of way; less is better."""
    rule = {name: row.value for name, row in library.way_rules().items()}
    traced = tried.traced
    out = np.abs(tried.inward[:, 2])
    steep = np.maximum(np.nan_to_num(traced.bone_angle_deg) - 30.0, 0.0)  # degrees off the normal that cost nothing
    return (
        traced.length_mm
        + rule["tilt_mm_per_deg"] * np.degrees(np.arcsin(np.clip(out, 0, 1)))
        + rule["bone_angle_mm_per_deg"] * steep
        + rule["cortex_mm_per_mm"] * traced.cortex_mm
        + rule["lost_mm_per_mm"] * tried.lost_mm
        + rule["off_centre_mm_per_mm"] * tried.aside_mm
        + rule["near_mm_per_mm"] * np.maximum(rule["spare_mm"] - traced.clearance_mm, 0.0)
        + rule["unusual_mm"] * ~usual
    )


def _unlike(tried: Candidates, one: int, other: int) -> bool:
    cosine = float(tried.inward[one] @ tried.inward[other])
    if cosine < np.cos(np.radians(APART_DEG)):
        return True
    off = tried.through_mm[one] - tried.through_mm[other]
    return float(np.linalg.norm(off - (off @ tried.inward[other]) * tried.inward[other])) > APART_MM


def _way(probe: Probe, around: Obstacles, tried: Candidates, each: int, kind: str, cost_mm: float) -> Way:
    traced = tried.traced
    entry, tip, outward = traced.entry_mm[each], traced.tip_mm[each], -tried.inward[each]
    near = beside(around, entry, tip)
    approach = named(kind, around.site, near)
    usual, was = approach in _usual(around), kind in _usual(around)
    cost_mm += library.way_rules()["unusual_mm"].value * (int(was) - int(usual))
    bone = _through_bone(probe, around, tried, each)
    sector = SECTORS[int(traced.sector[each])]
    back_mm = bone["cannula_back_mm"] if bone["cannula_back_mm"] < traced.length_mm[each] - 0.1 else np.inf
    says = words.sentence(
        words.direction(sector, outward),
        float(traced.length_mm[each]),
        approach,
        words.bone_words(bone["cortex_mm"], bone["bone_angle_deg"], bone["cannula"], back_mm, bone["drill"]),
        near,
    )
    number = int(traced.nearest[each])
    return Way(
        **bone,
        entry_mm=_point(entry),
        tip_mm=_point(tip),
        length_mm=round(float(traced.length_mm[each]), 2),
        sector=sector,
        tilt_deg=round(float(np.degrees(np.arcsin(np.clip(outward[2], -1, 1)))), 1),
        approach=approach,
        usual=usual,
        clearance_mm=round(float(traced.clearance_mm[each]), 2),
        nearest=around.all[number - 1].name if number else "",
        near=near,
        lesion_mm=round(float(tried.chord_mm[each]), 2),
        lost_mm=round(float(tried.lost_mm[each]), 2),
        cost_mm=round(cost_mm, 2),
        says=says,
    )


def _through_bone(probe: Probe, around: Obstacles, tried: Candidates, each: int) -> dict:
    """What a way needs to pass bone: fields of Way."""
    rules, traced = library.way_rules(), tried.traced
    cortex = float(traced.cortex_mm[each])
    crossed = float(traced.bone_crossed_mm[each])
    needed = max(cortex, crossed) >= rules["bone_thickness_from_mm"].value
    cannula = cannula_for(probe)
    back = probe.tip_to_active_mm + probe.active_length_mm + rules["cannula_clear_mm"].value
    back = min(back, float(traced.length_mm[each]))
    angle, deep = float(traced.bone_angle_deg[each]), float(traced.bone_mm[each])
    return {
        "cortex_mm": round(cortex, 2),
        "bone_angle_deg": round(angle, 1) if np.isfinite(angle) else None,
        "bone_mm": round(deep, 2) if np.isfinite(deep) else None,
        "bone_crossed_mm": round(crossed, 2),
        "drill": needed and cortex >= rules["drill_from_mm"].value,
        "cannula": cannula.name if needed else "",
        "cannula_outer_mm": cannula.outer.value if needed else None,
        "cannula_back_mm": round(back, 2),
        "cannula_end_mm": _point(traced.tip_mm[each] - back * tried.inward[each]),
    }


def _biopsy(case: Case, probe: Probe, around: Obstacles, tried: Candidates) -> Way | None:
    """The way with the largest lesion on it, through the same cannula, its tip inside the lesion's far border."""
    holds = np.flatnonzero(tried.ok)
    if not len(holds):
        return None
    chord = np.where(tried.ok, tried.chord_mm, 0.0)
    cost = _cost_mm(tried, np.ones(len(tried.ok), dtype=bool))
    best = int(holds[np.lexsort((cost[holds], -chord[holds]))[0]])
    one = slice(best, best + 1)
    again = trace(around, tried.through_mm[one], tried.inward[one], tried.far_mm[one] - 1.0)
    if not again.ok[0]:
        return None
    alone = Candidates(
        **{
            field.name: getattr(tried, field.name)[one]
            for field in dataclasses.fields(Candidates)
            if field.name != "traced"
        },
        traced=again,
    )
    kind = str(approaches(around, again, canal_place(case, around))[0])
    way = _way(probe, around, alone, 0, kind, float(cost[best]))
    needle_mm = library.way_rules()["biopsy_needle_mm"].value
    says = (
        f"biopsy, {needle_mm:g} mm core needle through the same cannula, {way.lesion_mm:.0f} mm of lesion: {way.says}"
    )
    return dataclasses.replace(way, says=says, lost_mm=0.0)


def _point(position: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in position)
    return x, y, z
