"""What would still rescue a plan: only what helps, no probe moved, and in time."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from check_patient import PROBE, patient, placement, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import thermal
from iceball.assessment import assess
from iceball.assessment.words import percent
from iceball.nouns import Goal
from iceball.planning import check
from iceball.planning.check._rescue import SAME_FRACTION, helps
from iceball.planning.check._standing import Standing, Watched, measured, standing
from iceball.planning.check._variations import Variation, joined, to_cover, to_spare

CASE = patient()


def watched(severity, coldest_c=4.0, name="spinal_cord"):
    return Watched(
        name=name, coldest_c=coldest_c, place_mm=(0.0, 20.0, 0.0), severity=severity, limit_kind="cord and nerve"
    )


def stands(covered, *severities, warmest=(0.0, -12.0, 0.0)):
    return Standing(
        covered_fraction=covered,
        goal_fraction=0.95,
        warmest_mm=None if covered >= 0.95 else warmest,
        watched=tuple(watched(severity, name=f"s{i}") for i, severity in enumerate(severities)),
    )


SHARES = st.floats(0.0, 1.0)
KINDS = st.sampled_from((None, "note", "caution", "stop"))


@given(SHARES, SHARES, st.lists(st.tuples(KINDS, KINDS), max_size=3))
def test_what_helps_never_adds_a_stop_and_the_reverse_of_it_never_helps(before, after, kinds):
    one, other = stands(before, *(k for k, _ in kinds)), stands(after, *(k for _, k in kinds))
    if helps(one, other):
        assert other.count("stop") <= one.count("stop")
        # Were the way back a help too, a rescue could be undone by a rescue. Coverage alone against a caution may be
        # weighed either way by a person; never where a stop or nothing but coverage changes.
        if one.count("caution") == other.count("caution"):
            assert not helps(other, one)


@given(SHARES, st.lists(KINDS, max_size=3))
def test_nothing_changed_is_no_help(share, kinds):
    assert not helps(stands(share, *kinds), stands(share, *kinds))


@given(SHARES, st.floats(0.0, SAME_FRACTION * 0.99))
def test_a_coverage_that_hardly_changes_is_no_help(share, more):
    assert not helps(stands(share), stands(min(1.0, share + more)))


PLANS = st.sampled_from(
    [
        plan(placement("A")),
        plan(placement("A"), placement("B", tip=(9.0, -17.0, 13.0)), protocol="freeze at 60% (B at 30%) for 8 min"),
        plan(placement("A"), placement("B", tip=(9.0, -17.0, 13.0)), protocol="10-8-10"),
        plan(placement("A"), protocol="freeze for 90 s; active thaw for 2 min; freeze for 6 min"),
    ]
)


@given(PLANS, SHARES, KINDS)
@settings(max_examples=20, deadline=None)
def test_no_variation_moves_a_probe_or_makes_nonsense_of_the_protocol(made, share, kind):
    now = dataclasses.replace(stands(share), watched=(watched(kind),))
    tried = [*to_cover(CASE, made, now), *to_spare(CASE, made, now)]
    for each in tried:
        old = {p.label: p for p in made.placements}
        new = {p.label: p for p in each.plan.placements}
        assert {label: new[label] for label in old} == old, each.does
        assert each.plan != made, each.does
        thaws = [step for step in made.protocol.steps if step.kind != "freeze"]
        assert [step for step in each.plan.protocol.steps if step.kind != "freeze"] == thaws
        assert len(each.does) > 10


def test_one_more_probe_lies_where_the_target_is_warmest_and_draws_no_stop():
    now = stands(0.5, warmest=(-6.0, -8.0, 2.0))
    more = [each for each in to_cover(CASE, plan(), now) if each.kind == "another probe"]
    assert len(more) == 1
    new = more[0].plan.placements[-1]
    assert new.probe == PROBE
    deep, shallow = (np.asarray(end) for end in new.active_ends_mm)
    place = np.array([-6.0, -8.0, 2.0])
    share = np.clip((place - deep) @ (shallow - deep) / PROBE.active_length_mm**2, 0.0, 1.0)
    # The place lies on its active zone, but that it may be pushed away from its neighbour by up to 4 mm.
    assert np.linalg.norm(place - deep - share * (shallow - deep)) <= 4.1
    assert [f for f in check.geometry(CASE, more[0].plan) if f.severity == "stop"] == []


def test_changes_of_the_same_part_are_not_joined_and_others_are():
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 13.0)))
    now = dataclasses.replace(stands(0.5, warmest=(-6.0, -8.0, 2.0)), watched=(watched("stop"),))
    longer = next(each for each in to_cover(CASE, made, now) if each.kind == "time")
    another = next(each for each in to_cover(CASE, made, now) if each.kind == "another probe")
    weaker = next(each for each in to_spare(CASE, made, now) if each.kind == "power")
    assert joined(made, weaker, longer) is None
    both = joined(made, weaker, another)
    assert isinstance(both, Variation)
    assert len(both.plan.placements) == 3
    assert both.plan.protocol == weaker.plan.protocol


@pytest.fixture(scope="module")
def ready():
    return thermal.make_ready(CASE, spacing_mm=3.0)


WEAK = plan(placement("A"), protocol="freeze at 30% for 5 min", goal=Goal(coverage_fraction=0.99))


def test_a_weak_plan_is_rescued_by_what_it_lacks_and_the_words_hold_the_numbers(ready):
    history = thermal.freeze(ready, WEAK)
    found = check.rescue(ready, WEAK, history, within_s=300.0)
    assert found.needed
    assert found.tried >= 3
    assert found.untried == ()
    assert {"power", "time", "another probe"} & {each.kind for each in found.found}
    for each in found.found:
        assert each.covered_fraction >= each.was_fraction + SAME_FRACTION or each.coldest_c is not None
        assert f"covers {percent(each.covered_fraction)} (was {percent(each.was_fraction)})" in each.says
        again = thermal.freeze(ready, each.plan)
        share = standing(
            CASE,
            again,
            WEAK.goal or Goal(),
            measured(CASE, WEAK.goal or Goal(), ready.ground.box.grid),
            near_mm=8.0,
        ).covered_fraction
        assert share == pytest.approx(each.covered_fraction, abs=1e-9)  # the same run


def test_a_plan_that_needs_nothing_is_not_tried(ready):
    easy = dataclasses.replace(WEAK, goal=Goal(isotherm_c=0.0, coverage_fraction=0.01))
    found = check.rescue(ready, easy, thermal.freeze(ready, easy), within_s=300.0)
    assert (found.needed, found.tried, found.found) == (False, 0, ())


def test_a_rescue_and_the_assessment_say_the_same_temperatures(ready):
    history = thermal.freeze(ready, WEAK)
    told = {each.structure: each.coldest_c for each in assess(CASE, history, goal_isotherm_c=-20.0).clearances}
    now = standing(CASE, history, Goal(), measured(CASE, Goal(), ready.ground.box.grid), near_mm=8.0)
    assert now.watched
    for each in now.watched:
        assert each.coldest_c == pytest.approx(told[each.name], abs=1e-3)  # the same points of the same field


def test_out_of_time_nothing_is_begun_and_what_was_left_is_named(ready):
    history = thermal.freeze(ready, WEAK)
    begun = time.monotonic()
    found = check.rescue(ready, WEAK, history, within_s=0.0)
    assert found.tried == 0
    assert len(found.untried) >= 3
    assert time.monotonic() - begun < 2.0  # a run alone would not be much longer: what counts is that none is tried
