"""What is said of the goal, of thermometers and of neuromonitoring."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from check_patient import ball, history, patient, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import library
from iceball.assessment import assess
from iceball.nouns import Fact, Goal, Sensor
from iceball.planning import check
from iceball.planning.check._cold import of_cold

CASE = patient()
MIDDLE = (0.0, -6.0, 0.0)
FACTS = (Fact(key="lesion_site", value="spine", origin="label"),)


def said(made, run):
    assessment = assess(CASE, run, goal_isotherm_c=-20.0)
    return check.of_run(CASE, made, run, assessment=assessment, facts=FACTS)


def of(rule, made, run):
    assessment = assess(CASE, run, goal_isotherm_c=-20.0)
    return [finding for finding in of_cold(CASE, made, run, assessment, "spine") if finding.rule == rule]


def test_a_goal_that_is_reached_draws_no_finding():
    assert of("goal_not_reached", plan(goal=Goal()), history(CASE, ball(MIDDLE, 12.0))) == []


def test_a_goal_that_is_missed_says_how_much_is_covered_and_what_was_wanted():
    found = of("goal_not_reached", plan(goal=Goal(coverage_fraction=0.9)), history(CASE, ball(MIDDLE, 6.0)))
    assert [each.limit for each in found] == [90.0]
    # The share of a ball of 9 mm in one of 6; voxels of 2 mm leave a few per cent.
    assert found[0].measured == pytest.approx(100 * (6 / 9) ** 3, abs=6)


def test_a_margin_is_part_of_the_target_but_what_must_stay_warm_is_not():
    run = history(CASE, ball(MIDDLE, 11.0))
    assert of("goal_not_reached", plan(goal=Goal(margin_mm=0.0)), run) == []
    assert of("goal_not_reached", plan(goal=Goal(margin_mm=5.0)), run) != []


def test_a_plan_without_a_goal_is_held_against_the_usual_one_and_that_is_said():
    found = of("goal_not_reached", plan(), history(CASE, ball(MIDDLE, 6.0)))
    assert len(found) == 1
    assert "the usual one" in found[0].says


@given(st.floats(3.0, 30.0), st.floats(0.0, 9.0), st.floats(0.0, 15.0))
@settings(max_examples=25, deadline=None)
def test_a_thermometer_is_asked_for_exactly_where_a_limit_is_near_and_none_lies_there(half_mm, off_mm, warmer_k):
    run = history(CASE, ball((0.0, -6.0 - warmer_k, 0.0), half_mm))
    cord = next(each for each in assess(CASE, run, goal_isotherm_c=-20.0).clearances if each.structure == "spinal_cord")
    sensor = Sensor(label="T", at_mm=(cord.place_mm[0], cord.place_mm[1], cord.place_mm[2] + off_mm))
    numbers = library.planning_numbers()
    near = cord.coldest_c < max(library.limit("spinal_cord").values_c) + numbers["sensor_margin_k"].value
    wanted = near and off_mm > numbers["sensor_near_mm"].value
    assert bool(of("sensor_missing", plan(protections=(sensor,)), run)) == wanted


def test_a_cold_cord_asks_for_neuromonitoring_and_a_warm_one_leaves_a_note():
    cold, warm = history(CASE, ball(MIDDLE, 16.0)), history(CASE, ball(MIDDLE, 9.0, per_mm_k=12.0))
    assert [each.severity for each in of("neuromonitoring", plan(), cold)] == ["caution"]
    assert of("neuromonitoring_spine", plan(), cold) == []
    assert of("neuromonitoring", plan(), warm) == []
    assert [each.severity for each in of("neuromonitoring_spine", plan(), warm)] == ["note"]


def test_where_nothing_froze_the_goal_is_missed_and_nothing_fails():
    found = said(plan(goal=Goal()), history(CASE, lambda places: np.full(places.shape[:3], 37.0)))
    assert [each.measured for each in found if each.rule == "goal_not_reached"] == [0.0]
    assert [each for each in found if each.rule == "zone_in_bone"] == []


def test_a_case_without_a_lesion_is_refused():
    from iceball.errors import InputError

    run = history(CASE, ball(MIDDLE, 9.0))
    assessment = assess(CASE, run, goal_isotherm_c=-20.0)
    with pytest.raises(InputError, match="has no lesion"):
        check.of_run(dataclasses.replace(CASE, lesion=None), plan(), run, assessment=assessment)
