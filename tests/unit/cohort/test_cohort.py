"""Cohorts: one table, nothing done twice, and a case that fails stops nobody."""

from __future__ import annotations

import csv
import dataclasses
import json

import pytest
import small_patient
from hypothesis import given
from hypothesis import strategies as st

from iceball import cohort, io, library, planning
from iceball.errors import InputError, UnknownName
from iceball.nouns import Finding, Goal, Placement, Plan

pytestmark = pytest.mark.unit

WISH = cohort.read_wish("--probe argon-17g-10mm --protocol 3-1-2 --max-probes 2")
STOP = Finding(rule="made up", severity="stop", says="the cord gets to 3 °C", source="iceball_judgement")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three small cases; the second has no lesion."""
    place, whole = tmp_path_factory.mktemp("cases"), small_patient.patient(size=(48, 60, 40))
    for name, each in {"a": whole, "b": dataclasses.replace(whole, lesion=None), "c": whole}.items():
        io.write_case(dataclasses.replace(each, id=name), place / name)
    return [place / name for name in "abc"]


@pytest.fixture
def planned(monkeypatch):
    """Put a planner that answers at once in the place of the real one; returns the cases that it was asked for."""
    asked = []

    def optimise(case, *, probes, protocol, goal, max_probes, seed):
        asked.append(case.id)
        if case.lesion is None:
            raise InputError(f"case {case.id} has no lesion to plan for")
        placement = Placement(label="A", probe=probes[0], tip_mm=(0.0, 0.0, 0.0), entry_mm=(0.0, 60.0, 0.0))
        plan = Plan(placements=(placement,), protocol=protocol, goal=goal)
        findings = (STOP,) if case.id == "c" else ()
        option = planning.Option(
            name="made up", plan=plan, accuracy="preview", coverage_fraction=0.97, healthy_ml=0.0, coldest_c=(),
            unprotected_c=(), protected_by=(), says="", findings=findings,
        )  # fmt: skip
        return planning.Planning(options=(option,), hindrances=(), findings=(), runs=1, seed=seed)

    monkeypatch.setattr(planning, "optimise", optimise)
    return asked


def test_every_case_has_its_row_and_its_plan(folders, planned, tmp_path):
    found = cohort.run(folders, WISH, tmp_path / "out")
    assert [row.status for row in found.rows] == ["planned", "failed", "stop"]
    assert "no lesion" in found.rows[1].why
    assert "3 °C" in found.rows[2].why
    plan = io.read_plan(tmp_path / "out" / "a" / "plan.json")
    assert plan.goal == Goal()  # the lesion is to be palliated, and -20 °C is what that asks
    assert plan.case == io.stored_case_fingerprint(folders[0])
    assert not (tmp_path / "out" / "b" / "plan.json").exists()


def test_the_table_is_there_for_people_and_programs(folders, planned, tmp_path):
    cohort.run(folders, WISH, tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "cohort.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["name"] for row in rows] == ["a", "b", "c"]
    assert [row["coverage_fraction"] for row in rows] == ["0.97", "", "0.97"]
    document = json.loads((tmp_path / "out" / "cohort.json").read_text(encoding="utf-8"))
    assert [case["status"] for case in document["cases"]] == ["planned", "failed", "stop"]


def test_what_was_done_is_not_done_again(folders, planned, tmp_path):
    first = cohort.run(folders[:2], WISH, tmp_path / "out")
    second = cohort.run(folders, WISH, tmp_path / "out")
    assert planned == ["a", "b", "c"]
    assert second.rows[:2] == first.rows
    assert (first.again, second.again) == (0, 2)


def test_another_wish_is_planned_anew(folders, planned, tmp_path):
    cohort.run(folders[:1], WISH, tmp_path / "out")
    cohort.run(folders[:1], dataclasses.replace(WISH, max_probes=3), tmp_path / "out")
    assert planned == ["a", "a"]


def test_a_plan_that_was_removed_is_made_again(folders, planned, tmp_path):
    cohort.run(folders[:1], WISH, tmp_path / "out")
    (tmp_path / "out" / "a" / "plan.json").unlink()
    cohort.run(folders[:1], WISH, tmp_path / "out")
    assert planned == ["a", "a"]


def test_an_interrupted_cohort_keeps_what_was_done(folders, planned, tmp_path):
    def interrupt(done, text):
        if text.startswith("1 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cohort.run(folders, WISH, tmp_path / "out", progress=interrupt)
    cohort.run(folders, WISH, tmp_path / "out")
    assert planned == ["a", "b", "c"]


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_search_without_a_plan_is_a_row_and_one_that_was_stopped_is_none(folders, tmp_path, monkeypatch, interrupted):
    why = dataclasses.replace(STOP, says="there is no way in")
    none = planning.Planning(options=(), hindrances=(), findings=(why,), runs=0, seed=0, interrupted=interrupted)
    monkeypatch.setattr(planning, "optimise", lambda case, **options: none)
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            cohort.run(folders[:1], WISH, tmp_path / "out")
        assert not (tmp_path / "out" / "a" / "row.json").exists()
    else:
        assert cohort.run(folders[:1], WISH, tmp_path / "out").rows[0].why == "there is no way in"


def test_a_folder_that_is_no_case_is_a_row_that_says_so(folders, planned, tmp_path):
    found = cohort.run([folders[0], tmp_path / "nowhere"], WISH, tmp_path / "out")
    assert [row.status for row in found.rows] == ["planned", "failed"]
    assert "does not exist" in found.rows[1].why


def test_cases_of_one_name_keep_apart(folders, planned, tmp_path):
    for ward in ("north", "south"):
        io.write_case(io.read_case(folders[0]), tmp_path / ward / "lesion")
    found = cohort.run([tmp_path / "north" / "lesion", tmp_path / "south" / "lesion"], WISH, tmp_path / "out")
    assert [row.name for row in found.rows] == ["north_lesion", "south_lesion"]


def test_nonsense_is_refused(folders, planned, tmp_path):
    with pytest.raises(InputError, match="at least one case"):
        cohort.run([], WISH, tmp_path / "out")
    with pytest.raises(InputError, match="named twice"):
        cohort.run([folders[0], folders[0]], WISH, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        cohort.run(folders[:1], WISH, tmp_path / "mine")


def test_a_wish_reads_what_plan_takes():
    wish = cohort.read_wish(
        "--probe argon-17g-30mm,argon-17g-10mm --protocol '10-8-10' --max-probes 3 --seed 4 "
        "--goal local-control --isotherm -40 --margin 5 --coverage 0.99"
    )
    assert wish.probes == (library.probe("argon-17g-30mm"), library.probe("argon-17g-10mm"))
    assert planning.goal_of(wish.goal) == Goal(
        isotherm_c=-40.0, margin_mm=5.0, coverage_fraction=0.99, intent="local_control"
    )
    assert (wish.max_probes, wish.seed, str(wish.protocol)) == (3, 4, "10-8-10")


@pytest.mark.parametrize(
    "text", ["", "--protocol 10-8-10", "--probe argon-17g-10mm --wish", "--probe 'argon", "--probe argon-17g-10mm x"]
)
def test_a_wish_that_cannot_be_read_says_how_to_write_one(text):
    with pytest.raises(InputError, match="for example --plan-with"):
        cohort.read_wish(text)


def test_an_unknown_probe_is_named():
    with pytest.raises(UnknownName, match="argon-17g"):
        cohort.read_wish("--probe argon-17g-31mm")


@given(st.text(max_size=40))
def test_any_text_without_a_probe_is_one_clear_error(text):
    if "--probe" not in text:
        with pytest.raises(InputError, match="for example --plan-with"):
            cohort.read_wish(text)


def test_the_line_of_help_shows_a_wish_that_can_be_read():
    from iceball.cohort._wish import HOW

    assert cohort.read_wish(HOW.split("'")[1]).max_probes == 4
