"""What a plan is meant to reach, and what its pockets push: refused where it means nothing, read back as written."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iceball import io, library
from iceball.errors import InputError
from iceball.nouns import Ball, Goal, Placement, Plan, Pocket, read_protocol

PROBE = library.probe(library.probe_names()[0])
PLACED = Placement(label="A", probe=PROBE, entry_mm=(0.0, -100.0, 0.0), tip_mm=(0.0, 0.0, 0.0))
BALL = Ball(centre_mm=(0.0, 10.0, 0.0), radius_mm=8.0)

goals = st.builds(
    Goal,
    isotherm_c=st.floats(-100.0, 0.0),
    margin_mm=st.floats(0.0, 20.0),
    coverage_fraction=st.floats(0.0, 1.0, exclude_min=True),
    intent=st.sampled_from(["palliation", "local_control"]),
    aim=st.sampled_from(["lesion", "interface"]),
)
axis = st.floats(-28.0, 28.0)
pushes = st.tuples(axis, axis, axis).filter(lambda push: math.hypot(*push) > 0)
names = st.lists(st.sampled_from(["sciatic_nerve", "bowel", "ureter", "a structure of one's own"]), min_size=1)


def plan(**more) -> Plan:
    return Plan(placements=(PLACED,), protocol=read_protocol("10-8-10"), **more)


def read_back(made: Plan, folder) -> Plan:
    io.write_plan(made, folder / "plan.json")
    return io.read_plan(folder / "plan.json")


@given(goal=st.none() | goals)
@example(goal=None)
@example(goal=Goal())
def test_any_goal_of_a_plan_comes_back_as_it_was(goal, tmp_path_factory):
    made = plan(goal=goal)
    assert read_back(made, tmp_path_factory.mktemp("plan")) == made


@given(push=pushes, names=names, held=st.none() | st.floats(1.0, 60.0))
def test_any_push_of_a_pocket_comes_back_as_it_was(push, names, held, tmp_path_factory):
    pocket = Pocket(label="p", filling="saline", region=BALL, held_c=held, pushes=tuple(names), push_mm=push)
    made = plan(protections=(pocket,))
    assert read_back(made, tmp_path_factory.mktemp("plan")) == made


def test_a_plan_from_before_there_were_goals_and_pushes_is_read(tmp_path):
    io.write_plan(plan(goal=Goal(), protections=(Pocket(label="p", filling="saline", region=BALL),)), tmp_path / "p")
    old = json.loads((tmp_path / "p").read_text())
    old.pop("goal")
    for name in ("pushes", "push_mm"):
        old["protections"][0].pop(name)
    (tmp_path / "p").write_text(json.dumps(old))
    found = io.read_plan(tmp_path / "p")
    assert found.goal is None
    assert found.protections == (Pocket(label="p", filling="saline", region=BALL),)


def test_whole_numbers_of_a_goal_made_by_code_are_written_as_numbers(tmp_path):
    made = plan(goal=Goal(isotherm_c=-40, margin_mm=5, coverage_fraction=1))
    assert read_back(made, tmp_path) == made


def test_what_a_goal_is_when_nobody_says_more():
    assert Goal() == Goal(isotherm_c=-20.0, margin_mm=0.0, coverage_fraction=0.95, intent="palliation", aim="lesion")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"isotherm_c": 20.0}, "between -100 and 0 °C.*with its sign"),
        ({"isotherm_c": -100.1}, "between -100 and 0"),
        ({"isotherm_c": math.nan}, "between -100 and 0"),
        ({"isotherm_c": -math.inf}, "between -100 and 0"),
        ({"margin_mm": -1.0}, "a margin of -1.0 mm is none"),
        ({"margin_mm": 20.1}, "write 0 to 20 mm"),
        ({"margin_mm": math.nan}, "a margin of nan"),
        ({"coverage_fraction": 0.0}, "covers nothing"),
        ({"coverage_fraction": 95.0}, "coverage of a goal"),
        ({"coverage_fraction": math.nan}, "coverage of a goal"),
        ({"intent": "cure"}, "intent 'cure' is unknown; write one of palliation, local_control"),
        ({"aim": "all"}, "aim 'all' is unknown; write one of lesion, interface"),
    ],
)
def test_a_goal_that_means_nothing_is_refused_and_says_what_to_write(wrong, says):
    with pytest.raises(InputError, match=says):
        Goal(**wrong)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isotherm_c", 20),
        ("isotherm_c", "cold"),
        ("margin_mm", -1),
        ("coverage_fraction", 95),
        ("coverage_fraction", 0),
        ("intent", "cure"),
        ("aim", "all"),
        ("depth_mm", 3),
    ],
)
def test_a_wrong_goal_in_a_file_is_refused_by_its_field(tmp_path, field, value):
    io.write_plan(plan(goal=Goal()), tmp_path / "p")
    content = json.loads((tmp_path / "p").read_text())
    content["goal"][field] = value
    (tmp_path / "p").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"goal.{field}") as refused:
        io.read_plan(tmp_path / "p")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pushes": ("bowel",)},  # by how much?
        {"push_mm": (5.0, 0.0, 0.0)},  # what?
        {"pushes": ("bowel",), "push_mm": (50.1, 0.0, 0.0)},  # farther than tissue gives
        {"pushes": ("bowel",), "push_mm": (math.nan, 0.0, 0.0)},
        {"pushes": ("bowel",), "push_mm": (math.inf, 0.0, 0.0)},
    ],
)
def test_a_push_of_nothing_by_nothing_or_too_far_is_refused(wrong):
    with pytest.raises(InputError, match="pocket p: its push|pocket p: it pushes"):
        Pocket(label="p", filling="saline", region=BALL, **wrong)


@given(push=pushes)
def test_a_push_in_a_file_without_what_is_pushed_is_refused(push, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    pocket = Pocket(label="p", filling="saline", region=BALL, pushes=("bowel",), push_mm=push)
    io.write_plan(plan(protections=(pocket,)), path)
    content = json.loads(path.read_text())
    content["protections"][0]["pushes"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="it pushes nothing by"):
        io.read_plan(path)


def test_another_goal_is_another_plan():
    assert plan(goal=Goal()) != plan(goal=dataclasses.replace(Goal(), isotherm_c=-40.0))
    assert plan(goal=Goal()) != plan()
