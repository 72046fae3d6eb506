"""Say a verdict and a plan in words."""

from __future__ import annotations

import math
import re

import numpy as np

from iceball import library
from iceball.assessment.words import in_words, percent
from iceball.nouns import (
    Assessment,
    Ball,
    Capsule,
    Clearance,
    IsothermResult,
    Placement,
    Plan,
    Protection,
    Region,
    Sensor,
    WarmPad,
)
from iceball.nouns._noun import noun


@noun
class Headline:
    """What a reader sees first: the verdict in one word, in a sentence, and the few numbers that matter."""

    verdict: str
    title: str
    says: str
    numbers: tuple[tuple[str, str, str], ...]


def headline(assessment: Assessment, goal_c: float) -> Headline:
    """Gravest finding first; beside it coverage, margin, and how cold the structure with the tightest room got."""
    graves = [finding for finding in assessment.findings if finding.severity == assessment.verdict]
    titles = {"stop": "Stop", "caution": "Caution", "clear": "No stop, no caution"}
    if not graves:
        says = "No rule found anything above a note. That is not an approval: see what this report cannot know."
    else:
        says = graves[0].says
        if more := len(graves) - 1:
            says += f" {more} more {'finding says' if more == 1 else 'findings say'} {assessment.verdict}."
    return Headline(verdict=assessment.verdict, title=titles[assessment.verdict], says=says,
                    numbers=tuple(_numbers(assessment, goal_c)))  # fmt: skip


def _numbers(assessment: Assessment, goal_c: float) -> list[tuple[str, str, str]]:
    goal = next(result for result in assessment.isotherms if result.isotherm_c == goal_c)
    lethal = [result for result in assessment.isotherms if result.isotherm_c < 0] or [goal]
    shown = list(dict.fromkeys([*lethal[-2:], goal], None))[:2] if goal in lethal[-2:] else [lethal[-1], goal]
    cards = [(f"of the target at {signed(r.isotherm_c)} °C or colder", percent(r.coverage_fraction), _goal(r, goal_c))
             for r in shown]  # fmt: skip
    cards.append((f"least margin of {signed(goal_c)} °C", millimetres(goal.least_margin_mm),
                  f"visible ice: {millimetres(assessment.visible_ice_overlap_mm)}"))  # fmt: skip
    if watched := _tightest(assessment):
        cards.append((f"coldest at {in_words(watched.structure).lower()}", f"{signed(watched.coldest_c, 1)} °C",
                      _limit(watched.limit)))  # fmt: skip
    return cards


def _limit(key: str | None) -> str:
    row = library.limit(key).stop_below or library.limit(key).caution_below if key else None
    return f"limit {signed(row.value)} °C" if row else "no limit known"


def _goal(result: IsothermResult, goal_c: float) -> str:
    return "the goal" if result.isotherm_c == goal_c else ""


def _tightest(assessment: Assessment) -> Clearance | None:
    """The spinal cord where the run met it, else the coldest structure with a limit, else the coldest of all."""
    cord = [c for c in assessment.clearances if c.structure == "spinal_cord"]
    limited = [c for c in assessment.clearances if c.limit]
    return next(iter([*cord, *limited, *assessment.clearances]), None)


def signed(value: float, digits: int | None = None) -> str:
    """Return a number with a true minus sign; ``digits`` after the point, or as many as it has."""
    text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
    return text.replace("-", "−")


def typeset(sentence: str) -> str:
    """Return a sentence with true minus signs before its numbers."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", sentence)


def utc(stamp: str) -> str:
    """Return an ISO 8601 time of a Run to the minute, as people read it."""
    return f"{stamp[:16].replace('T', ' ')} UTC"


def millimetres(value_mm: float | None) -> str:
    """Return a signed length [mm] in words; a dash where nothing froze that far."""
    return "—" if value_mm is None else f"{'+' if value_mm > 0 else ''}{signed(value_mm, 1)} mm"


def point(place_mm: tuple[float, float, float] | None) -> str:
    """Return an LPS position [mm] as three numbers, to a tenth."""
    return "—" if place_mm is None else ", ".join(signed(value, 1) for value in place_mm)


def depth_mm(placement: Placement) -> float:
    """Length from the entry to the tip [mm]."""
    return math.dist(placement.entry_mm, placement.tip_mm)


def direction(placement: Placement) -> str:
    """Say how the probe points: its angle to the front-back line in the axial plane, and its tilt along the body."""
    x, y, z = (np.asarray(placement.tip_mm) - np.asarray(placement.entry_mm)) / depth_mm(placement)
    words: list[str] = []
    if math.hypot(x, y) > 0.02:
        ahead = "to the front" if y <= 0 else "to the back"
        aside = math.degrees(math.atan2(abs(x), abs(y)))
        side = "left" if x > 0 else "right"
        words.append(ahead if aside < 0.5 else f"{ahead}, {aside:.0f}° to the patient's {side}")
    tilt = math.degrees(math.asin(max(-1.0, min(1.0, z))))
    if abs(tilt) >= 0.5:
        words.append(f"{abs(tilt):.0f}° {'headward' if tilt > 0 else 'footward'}")
    return "; ".join(words)


def spacings(plan: Plan) -> tuple[str, ...]:
    """Distance between the middles of the active zones of each two probes, in words."""
    middles = [(p.label, np.mean(p.active_ends_mm, axis=0)) for p in plan.placements]
    return tuple(
        f"{a}–{b} {np.linalg.norm(one - two):.1f} mm"
        for i, (a, one) in enumerate(middles)
        for b, two in middles[i + 1 :]
    )


def guard(protection: Protection) -> str:
    """Say what a protection of a plan is and where it lies."""
    if isinstance(protection, Sensor):
        return f"thermometer at {point(protection.at_mm)} mm"
    if isinstance(protection, WarmPad):
        touch = f"{signed(protection.outside_c)} °C, film {signed(protection.film_w_per_m2_k)} W/m²/K"
        return f"pad of {touch} on the skin in {_region(protection.region)}"
    held = "" if protection.held_c is None else f", kept at {signed(protection.held_c)} °C"
    return f"{protection.filling.replace('_', ' ')} in {_region(protection.region)}{held}"


def _region(region: Region) -> str:
    if isinstance(region, Ball):
        return f"a ball of {signed(region.radius_mm)} mm radius about {point(region.centre_mm)} mm"
    if isinstance(region, Capsule):
        ends = f"{point(region.start_mm)} to {point(region.end_mm)} mm"
        return f"all within {signed(region.radius_mm)} mm of the line {ends}"
    return f"what is drawn as {region.structure.replace('_', ' ')}"


def setting(name: str) -> str:
    """Return the name of a setting of a run for people, its unit in brackets."""
    for suffix, unit in (("_mm", "mm"), ("_s", "s"), ("_c", "°C")):
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix).replace('_', ' ')} [{unit}]"
    return name.replace("_", " ")
