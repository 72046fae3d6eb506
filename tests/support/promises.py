"""What every plan of the planner has to keep, looked at anew: on the labels' own voxels and by another run."""

from __future__ import annotations

import itertools

import made_ways as made
import numpy as np

from iceball import anatomy, library, thermal
from iceball.assessment import assess, coverage_of
from iceball.assessment.wanted import goal_target
from iceball.nouns import Case, Goal
from iceball.planning import Option, Planning, ways

STEP_MM = 0.25  # how finely a shaft is walked: a corner of a voxel may be cut by less
ROUNDED_MM = 0.02  # entries and tips are rounded to a hundredth of a millimetre along each axis
SPACING_MM = 10.0  # between active zones: clinical README 4.5, 1 to 2 cm
# Structures by name that a shaft must not enter, for their role; others may be ways in.
KEPT = ("at_risk", "barrier")


def keeps(case: Case, planning: Planning, *, rules: ways.Rules, goal: Goal, max_probes: int) -> None:
    """Assert all that can be seen of the plans without freezing anything."""
    names = [option.name for option in planning.options]
    assert len(set(names)) == len(names)
    for option in planning.options:
        plan = option.plan
        assert 1 <= len(plan.placements) <= max_probes
        assert plan.goal == goal
        assert plan.name == option.name
        for where in (case, anatomy.displaced(case, plan.protections)):
            enters_nothing(where, option, rules)
        keeps_distances(case, option, rules)
        comes_from_open_sides(case, option, rules)
        stands_apart(option)
        says_what_it_comes_to(option)


def enters_nothing(case: Case, option: Option, rules: ways.Rules) -> None:
    """No voxel of what is at risk or a barrier lies on any shaft, from the tip to the entry."""
    if case.labels is None:
        return
    labels = np.asarray(case.labels.array)
    kept = [each for each in case.structures if each.role in KEPT and each.name not in rules.allowed]
    inside = np.asarray(case.lesion.mask.array) > 0  # what lies in the lesion is no longer what it was
    for placement in option.plan.placements:
        tip, entry = np.asarray(placement.tip_mm), np.asarray(placement.entry_mm)
        along = np.linspace(0.0, 1.0, int(np.linalg.norm(entry - tip) / STEP_MM) + 2)[:, None]
        index = np.rint(case.ct.grid.index_of(tip + along * (entry - tip))).astype(int)
        index = index[((index >= 0) & (index < labels.shape)).all(axis=1)]
        met = set(np.unique(labels[tuple(index[~inside[tuple(index.T)]].T)]).tolist())
        assert not met & {each.label for each in kept}, (option.name, placement.label, met)


def keeps_distances(case: Case, option: Option, rules: ways.Rules) -> None:
    """Every shaft keeps from every structure what the library asks for, with the cannula around it."""
    for placement in option.plan.placements:
        wanted = ways.for_probe(placement.probe, rules)
        around = ways.obstacles(case, wanted)
        assert wanted.instrument_mm is not None
        asked = made.asked_mm(case, wanted.instrument_mm / 2, around.own)
        for name, mm in asked.items():
            if name not in rules.allowed:
                true = made.true_mm(case, name, placement.entry_mm, placement.tip_mm)
                assert true >= mm - ROUNDED_MM, (option.name, placement.label, name, true, mm)
        assert wanted.reach_mm is not None
        length = np.linalg.norm(np.subtract(placement.entry_mm, placement.tip_mm))
        assert length <= wanted.reach_mm + ROUNDED_MM


def comes_from_open_sides(case: Case, option: Option, rules: ways.Rules) -> None:
    """No shaft comes from the table, or through a side that a person forbids; and it begins at the skin."""
    for placement in option.plan.placements:
        x, y, _ = np.subtract(placement.entry_mm, placement.tip_mm)
        side = ("left" if x > 0 else "right") if abs(x) > abs(y) else ("posterior" if y > 0 else "anterior")
        assert side not in rules.forbidden
        assert not rules.only or side in rules.only
        if rules.position is not None:
            assert side not in rules.closed(rules.position)
        index = np.rint(case.ct.grid.index_of(np.asarray(placement.entry_mm))).astype(int)
        low, high = np.maximum(index - 2, 0), index + 3
        near = case.ct.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        assert (near < library.hu_rules()["gas_below_hu"].value).any()  # air within two voxels of the entry


def stands_apart(option: Option) -> None:
    """Active zones keep a centimetre, and shafts do not touch."""
    for one, other in itertools.combinations(option.plan.placements, 2):
        zones = apart_mm(*one.active_ends_mm, *other.active_ends_mm)
        assert zones >= SPACING_MM - ROUNDED_MM, (option.name, zones)
        thick = (one.probe.shaft_diameter_mm + other.probe.shaft_diameter_mm) / 2
        assert apart_mm(one.tip_mm, one.entry_mm, other.tip_mm, other.entry_mm) >= thick


def apart_mm(start, end, other_start, other_end) -> float:
    """Least distance of two segments: every pair of points, half a millimetre apart. Too large by 0.25 mm at most."""
    lines = []
    for a, z in ((start, end), (other_start, other_end)):
        a, z = np.asarray(a), np.asarray(z)
        lines.append(a + np.linspace(0, 1, int(2 * np.linalg.norm(z - a)) + 2)[:, None] * (z - a))
    return float(np.linalg.norm(lines[0][:, None] - lines[1][None], axis=-1).min())


def says_what_it_comes_to(option: Option) -> None:
    """What its own numbers break, it says: a goal that is missed, and limits of the structures that it names."""
    rules = {finding.rule for finding in option.findings}
    goal = option.plan.goal
    assert option.assessment is not None, f"{option.name} was not judged"
    assert goal is not None
    assert ("goal_not_reached" in rules) == (option.coverage_fraction < goal.coverage_fraction)
    said = {(finding.subject, finding.severity) for finding in option.findings}
    for clearance in option.assessment.clearances:
        if clearance.limit:
            for severity, limit_c in limits(clearance.limit):
                if clearance.coldest_c < limit_c:
                    assert {(clearance.structure, s) for s in graver(severity)} & said, (clearance, said)


def limits(kind: str) -> list[tuple[str, float]]:
    """Severities of a limit of the library with their temperatures [°C]."""
    row = library.limit(kind)
    rows = (("note", row.note_below), ("caution", row.caution_below), ("stop", row.stop_below))
    return [(severity, limit.value) for severity, limit in rows if limit is not None]


def graver(severity: str) -> tuple[str, ...]:
    """``severity`` and what is graver."""
    return {"note": ("note", "caution", "stop"), "caution": ("caution", "stop"), "stop": ("stop",)}[severity]


def hides_nothing(case: Case, option: Option, *, spare_k: float) -> dict[str, float]:
    """Assert that what an independent simulation of the plan breaks by more than ``spare_k`` [K] is among its findings.

    Returns by how much [K] the two disagree on the coldest of each structure, at most.
    """
    history = thermal.simulate(case, option.plan, spacing_mm=1.0, accuracy="standard")
    goal_c = option.plan.goal.isotherm_c
    judged = assess(anatomy.displaced(case, option.plan.protections), history, goal_isotherm_c=goal_c)
    said = {(finding.subject, finding.severity) for finding in option.findings}
    told = dict(option.coldest_c)
    apart = {}
    for clearance in judged.clearances:
        if not clearance.limit:
            continue
        apart[clearance.structure] = abs(clearance.coldest_c - told[clearance.structure])
        for severity, limit_c in limits(clearance.limit):
            if clearance.coldest_c < limit_c - spare_k:
                assert {(clearance.structure, s) for s in graver(severity)} & said, (clearance, said)
    covered = coverage_of(goal_target(case, option.plan.goal), history, goal_c)
    apart["coverage"] = abs(covered - option.coverage_fraction)
    return apart
