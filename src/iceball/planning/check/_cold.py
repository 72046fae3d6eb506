"""What the cold reaches: the goal, thermometers where a limit is near, and neuromonitoring."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iceball import library
from iceball.assessment import coverage_of
from iceball.assessment.wanted import goal_target
from iceball.assessment.words import percent
from iceball.planning.check._found import found, named
from iceball.planning.check._zone import goal_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iceball.nouns import Assessment, Case, Clearance, Finding, Plan, ThermalHistory

MONITORED = ("spinal_cord", "nerve_root", "motor_nerve")  # limits of structures that evoked potentials watch


def of_cold(
    case: Case, plan: Plan, history: ThermalHistory, assessment: Assessment, site: str | None
) -> Iterator[Finding]:
    """Findings on what the run reached beyond the assessment's own: goal, sensors, neuromonitoring."""
    yield from _goal(case, plan, history)
    watched = [clearance for clearance in assessment.clearances if clearance.limit is not None]
    for clearance in watched:
        yield from _sensor(case, plan, clearance)
    cold = [
        clearance
        for clearance in watched
        if clearance.limit in MONITORED and clearance.coldest_c < _warmest_c(clearance)
    ]
    for clearance in cold:
        says = (
            f"{_sentence(case, clearance)} would reach {clearance.coldest_c:.1f} °C: watch motor and somatosensory "
            "evoked potentials (MEP, SSEP)."
        )
        yield found(
            "neuromonitoring",
            says,
            subject=clearance.structure,
            measured=clearance.coldest_c,
            limit=_warmest_c(clearance),
            unit="°C",
        )
    if site == "spine" and not cold:
        says = "The lesion is in the spine: MEP and SSEP are part of the site's adjuncts, however warm the cord stays."
        yield found("neuromonitoring_spine", says, subject="spine")


def _goal(case: Case, plan: Plan, history: ThermalHistory) -> Iterator[Finding]:
    if case.lesion is None:
        return
    goal = goal_of(plan)
    share = coverage_of(goal_target(case, goal), history, goal.isotherm_c)  # as the lesion's own coverage is measured
    if share >= goal.coverage_fraction:
        return
    target = f"the lesion with {goal.margin_mm:g} mm around it" if goal.margin_mm > 0 else "the lesion"
    target = "the lesion's border with bone" if goal.aim == "interface" else target
    usual = "" if plan.goal is not None else " (the plan names no goal: this is the usual one)"
    says = (
        f"The {goal.isotherm_c:g} °C isotherm covers {percent(share)} of {target}; the goal is "
        f"{percent(goal.coverage_fraction)}{usual}."
    )
    yield found(
        "goal_not_reached",
        says,
        subject="target",
        measured=100.0 * share,
        limit=100.0 * goal.coverage_fraction,
        unit="%",
    )


def _sensor(case: Case, plan: Plan, clearance: Clearance) -> Iterator[Finding]:
    numbers = library.planning_numbers()
    from_c = _warmest_c(clearance) + numbers["sensor_margin_k"].value
    if clearance.coldest_c >= from_c:
        return
    away = min((math.dist(sensor.at_mm, clearance.place_mm) for sensor in plan.sensors), default=math.inf)
    if away <= numbers["sensor_near_mm"].value:
        return
    nearest = f"the nearest lies {away:.0f} mm from it" if math.isfinite(away) else "the plan has none"
    place = ", ".join(f"{value:.0f}" for value in clearance.place_mm)
    says = (
        f"{_sentence(case, clearance)} would reach {clearance.coldest_c:.1f} °C at ({place}) mm and no thermometer "
        f"is there: {nearest}."
    )
    yield found(
        "sensor_missing",
        says,
        subject=clearance.structure,
        measured=None if math.isinf(away) else away,
        limit=numbers["sensor_near_mm"].value,
        unit="mm",
    )


def _warmest_c(clearance: Clearance) -> float:
    assert clearance.limit is not None  # the callers ask for those that have one
    return max(library.limit(clearance.limit).values_c)


def _sentence(case: Case, clearance: Clearance) -> str:
    text = named(case.structure(clearance.structure))
    return text[:1].upper() + text[1:]
