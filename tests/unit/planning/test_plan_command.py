"""``iceball plan`` from end to end: files, one JSON object, exit codes, Ctrl-C, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import check_patient
import planning_hostile
import pytest
from typer.testing import CliRunner

from iceball import io, planning
from iceball.cli import _app, app, main
from iceball.cli._plan_found import Found, refuse_taken
from iceball.cli._plan_tables import down, verdict_of
from iceball.cli.plan import INTENTS
from iceball.errors import InputError
from iceball.nouns import Goal
from iceball.planning import Option, Planning

PROBE = "argon-17g-22mm"
# Presses Ctrl-C (SIGINT) on itself when the search has run plans, and at what it says next, so many times as told.
INTERRUPTED = """
import os, signal, sys, time
from iceball import planning
from iceball.cli import main

usual, left = planning.optimise, int(sys.argv.pop(1))

def pressed(*words, progress, **more):
    begun = False
    def heard(share, text):
        global left
        nonlocal begun
        progress(share, text)
        begun = begun or "plans run" in text
        if begun and left:
            left -= 1
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5.0)  # the interrupt ends this sleep
    return usual(*words, progress=heard, **more)

planning.optimise = pressed
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A case whose lesion lies open to the back; nothing is near."""
    place = tmp_path_factory.mktemp("plan") / "case"
    io.write_case(planning_hostile.plain(), place)
    return place


@pytest.fixture(scope="module")
def planned(folder, tmp_path_factory):
    """The case planned once, with a figure: what was printed, and where the plan lies."""
    place = tmp_path_factory.mktemp("planned")
    words = ["--out", place / "plan.json", "--figure", place / "plan.png", "--json"]
    return CliRunner().invoke(
        app, ["plan", str(folder), "--probe", PROBE, *map(str, words)], catch_exceptions=False
    ), place / "plan.json"


def refused(*words, monkeypatch, capsys) -> str:
    """The one line on standard error with which ``iceball plan`` refuses."""
    monkeypatch.setattr(sys, "argv", ["iceball", "plan", *map(str, words)])
    monkeypatch.setattr(_app.err, "_width", 200)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if line.strip()]
    assert len(lines) == 1
    return lines[0]


def test_json_is_one_object_with_plans_findings_and_where_they_came_from(planned, folder):
    done, target = planned
    told = json.loads(done.stdout)
    assert done.exit_code == (3 if told["verdict"] == "stop" else 0)
    assert told["fingerprint"] == io.stored_case_fingerprint(folder)
    assert told["goal"]["isotherm_c"] == -20.0
    first = told["options"][0]
    assert first["name"] == "recommended"
    assert first["file"] == str(target)
    assert first["coverage_fraction"] >= 0.95
    assert first["run"]["version"]
    assert {"probe", "entry_mm", "tip_mm", "depth_mm", "sector"} <= set(first["probes"][0])
    assert {each["sector"] for each in first["probes"]} == {"posterior"}
    assert [each["severity"] for each in told["findings"]] == sorted(
        (each["severity"] for each in told["findings"]), key=("stop", "caution", "note").index
    )


def test_the_plan_is_read_again_and_accepted_by_check(planned, folder):
    told, target = json.loads(planned[0].stdout), planned[1]
    made = io.read_plan(target)
    assert made.case == io.stored_case_fingerprint(folder)
    assert made.goal is not None
    assert [list(each.tip_mm) for each in made.placements] == [each["tip_mm"] for each in told["options"][0]["probes"]]
    done = CliRunner().invoke(app, ["check", str(folder), "--plan", str(target), "--json", "--run-only"])
    checked = json.loads(done.stdout)
    assert "plan_of_another_case" not in {each["rule"] for each in checked["findings"]}
    assert checked["not_simulated"] == ""


def test_the_figure_is_a_picture(planned):
    figure = planned[1].with_name("plan.png")
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert json.loads(planned[0].stdout)["figure"] == str(figure)


def test_a_plan_that_is_there_is_not_overwritten(planned, folder, monkeypatch, capsys):
    before = planned[1].read_bytes()
    said = refused(folder, "--probe", PROBE, "--out", planned[1], monkeypatch=monkeypatch, capsys=capsys)
    assert "exists" in said
    assert "--replace" in said
    assert planned[1].read_bytes() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--probe", "garden-hose"], "garden-hose"),
        (["--probe", ","], "no probe is named"),
        (["--probe", PROBE, "--protocol", "ten minutes"], "cannot read"),
        (["--probe", PROBE, "--max-probes", "0"], "0 probes"),
        (["--probe", PROBE, "--isotherm", "20"], "with its sign"),
        (["--probe", PROBE, "--coverage", "95"], "coverage"),
        (["--probe", PROBE, "--margin", "-1"], "margin"),
        (["--probe", PROBE, "--position", "upright"], "upright"),
        (["--probe", PROBE, "--forbid", "above"], "above"),
        (["--probe", PROBE, "--forbid", "anterior,posterior,left,right"], "at least one open"),
        (["--probe", PROBE, "--allow", "spleen"], "spleen"),
        (["--probe", PROBE, "--figure", "plan.pdf"], ".png"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_written(words, says, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    said = refused(folder, *words, "--out", tmp_path / "new" / "plan.json", monkeypatch=monkeypatch, capsys=capsys)
    assert says in said
    assert list(tmp_path.iterdir()) == []


def test_a_case_without_a_lesion_is_refused(tmp_path, monkeypatch, capsys):
    io.write_case(dataclasses.replace(planning_hostile.plain(), lesion=None), tmp_path / "case")
    said = refused(tmp_path / "case", "--probe", PROBE, monkeypatch=monkeypatch, capsys=capsys)
    assert "lesion" in said
    assert not (tmp_path / "case" / "plan.json").exists()


def test_no_way_in_is_a_finding_exit_code_3_and_no_file(tmp_path):
    io.write_case(planning_hostile.no_way_in(), tmp_path / "case")
    done = CliRunner().invoke(app, ["plan", str(tmp_path / "case"), "--probe", PROBE, "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert told["options"] == []
    assert "no_way_in" in {each["rule"] for each in told["findings"]}
    assert not (tmp_path / "case" / "plan.json").exists()


def pressed(times: int, folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """``iceball plan`` in a process of its own, with Ctrl-C pressed so many ``times`` while it searches."""
    words = ["plan", str(folder), "--probe", PROBE, "--out", str(target), "--json"]
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(times), *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        start_new_session=True,
    )


def test_one_interrupt_gives_the_best_plan_so_far(folder, tmp_path):
    done = pressed(1, folder, tmp_path / "plan.json")
    told = json.loads(done.stdout)
    assert told["interrupted"] is True
    assert done.returncode in (0, 3)
    assert "the best plan so far is kept" in " ".join(done.stderr.split())
    assert io.read_plan(tmp_path / "plan.json").placements


def test_two_interrupts_leave_without_a_plan(folder, tmp_path):
    done = pressed(2, folder, tmp_path / "plan.json")
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert list(tmp_path.iterdir()) == []


def found(folder, *names: str) -> Found:
    """What a search has found, with plans of these names."""
    made = check_patient.plan()
    options = tuple(
        Option(
            name=name,
            plan=dataclasses.replace(made, name=name),
            accuracy="preview",
            coverage_fraction=0.9496,
            healthy_ml=1.0,
            coldest_c=(),
            unprotected_c=(),
            protected_by=(),
            says="",
        )
        for name in names
    )
    planning = Planning(options=options, hindrances=(), findings=(), runs=1, seed=0)
    return Found(folder, planning_hostile.plain(), Goal(), "0123456789ab", planning, (), 1.0)


def test_alternatives_lie_beside_the_plan_and_replacing_takes_only_old_ones_of_ours(tmp_path):
    target = tmp_path / "plan.json"
    found(tmp_path, "recommended", "fewer probes", "covers more").write(target, replace=False)
    lines, mine = tmp_path / "plan.mrk.json", tmp_path / "plan.mine.json"
    lines.write_text("{}")
    mine.write_bytes(target.read_bytes())
    with pytest.raises(InputError, match="exists"):
        refuse_taken(target, None, replace=False)
    found(tmp_path, "recommended", "warmer around").write(target, replace=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "plan.json", "plan.mine.json", "plan.mrk.json", "plan.warmer-around.json",
    ]  # fmt: skip
    assert io.read_plan(target).case == "0123456789ab"


def test_an_alternative_that_was_left_is_not_overwritten_either(tmp_path):
    found(tmp_path, "recommended", "fewer probes").write(tmp_path / "plan.json", replace=False)
    (tmp_path / "plan.json").unlink()
    with pytest.raises(InputError, match=r"plan\.fewer-probes\.json exists"):
        refuse_taken(tmp_path / "plan.json", None, replace=False)


@pytest.mark.parametrize(
    ("name", "wish_c", "lesion", "intent", "isotherm_c"),
    [
        ("palliation", None, "local_control", "palliation", -20.0),
        ("local-control", None, "palliation", "local_control", -40.0),
        ("local-control", -20.0, "palliation", "local_control", -20.0),
        (None, None, "local_control", "local_control", -40.0),
        (None, None, "palliation", "palliation", -20.0),
    ],
)
def test_the_isotherm_follows_from_the_intent_unless_one_is_named(name, wish_c, lesion, intent, isotherm_c):
    case = planning_hostile.plain()
    case = dataclasses.replace(case, lesion=dataclasses.replace(case.lesion, intent=lesion))
    wish = planning.Wish(intent=INTENTS.get(name), isotherm_c=wish_c, margin_mm=2.0, coverage_fraction=0.9)
    goal = planning.goal_of(wish, case)
    assert (goal.intent, goal.isotherm_c, goal.margin_mm, goal.coverage_fraction) == (intent, isotherm_c, 2.0, 0.9)


def test_a_share_is_rounded_down_and_a_preview_has_no_verdict(tmp_path):
    option = found(tmp_path, "recommended").planning.options[0]
    assert down(option.coverage_fraction) == "94.9 %"
    assert verdict_of(option) == "preview"
