"""``iceball plan`` from end to end: files, one JSON object, exit codes, Ctrl-C, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import planning_hostile
import pytest
from typer.testing import CliRunner

from iceball import io
from iceball.cli import _app, app, main

PROBE = "argon-17g-22mm"
# Ends itself with Ctrl-C (SIGINT) once the search has run plans, and with as many more as it is told.
INTERRUPTED = """
import os, signal, sys, threading, time
from iceball import planning
import iceball.planning.optimise  # the module, which its function of the same name hides
from iceball.cli import main

usual, times = planning.optimise, int(sys.argv.pop(1))

def press():
    os.kill(os.getpid(), signal.SIGINT)

def pressed(*words, progress, **more):
    def heard(share, text):
        progress(share, text)
        if "plans run" in text and not heard.done:
            heard.done = True
            threading.Thread(target=press).start()
            for n in range(1, times):
                threading.Timer(0.3 * n, press).start()
            time.sleep(0.1)
    heard.done = False
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
    import dataclasses

    io.write_case(dataclasses.replace(planning_hostile.plain(), lesion=None), tmp_path / "case")
    said = refused(tmp_path / "case", "--probe", PROBE, monkeypatch=monkeypatch, capsys=capsys)
    assert "lesion" in said
    assert not (tmp_path / "case" / "plan.json").exists()


def test_no_way_in_is_a_finding_exit_code_3_and_no_file(tmp_path):
    io.write_case(planning_hostile.no_way_in(), tmp_path / "case")
    done = CliRunner().invoke(
        app, ["plan", str(tmp_path / "case"), "--probe", PROBE, "--json"], catch_exceptions=False
    )
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
    assert "the best plan so far is finished" in done.stderr
    assert io.read_plan(tmp_path / "plan.json").placements


def test_two_interrupts_leave_without_a_plan(folder, tmp_path):
    done = pressed(2, folder, tmp_path / "plan.json")
    assert done.returncode == 130
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
