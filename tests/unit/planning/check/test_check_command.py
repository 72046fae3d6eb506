"""``iceball check`` from end to end: one JSON object, the exit code, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest
from check_patient import patient, placement, plan
from typer.testing import CliRunner

from iceball import io
from iceball.cli import app
from iceball.errors import InputError, UnknownName
from iceball.nouns import Goal

RUN = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A case folder and beside it a plan that covers the lesion and freezes the cord."""
    root = tmp_path_factory.mktemp("check")
    io.write_case(patient(), root / "case")
    made = plan(placement(tip=(9.0, -17.0, 0.0)), protocol="5", goal=Goal(coverage_fraction=0.5))
    io.write_plan(dataclasses.replace(made, case=io.stored_case_fingerprint(root / "case")), root / "plan.json")
    return root


def checked(folder, *more):
    done = RUN.invoke(app, ["check", str(folder / "case"), "--plan", str(folder / "plan.json"), *more])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_json_is_one_object_that_holds_findings_rescues_and_the_run(folder):
    done = checked(folder, "--json", "--rescue")
    told = json.loads(done.stdout)
    assert {"verdict", "findings", "rescue", "rescue_untried", "isotherms", "clearances", "took_s", "run"} <= set(told)
    assert told["not_simulated"] == ""
    assert told["rescue_untried"] == []
    stops = [each for each in told["findings"] if each["severity"] == "stop"]
    assert (told["verdict"] == "stop") == bool(stops)
    assert done.exit_code == (3 if stops else 0)
    for each in told["findings"]:
        assert each["source"]
        assert each["says"].endswith((".", ".)"))


def test_for_people_it_says_the_verdict_last_and_run_only_tries_nothing(folder):
    done = checked(folder, "--run-only")
    text = " ".join(done.stdout.split())
    assert "verdict:" in text
    assert text.rstrip().endswith("must not guide the care of a patient.")
    assert "Without moving a probe" not in text


def test_achieved_probes_are_what_is_judged(folder, tmp_path):
    table = tmp_path / "probes.csv"
    table.write_text(
        "label,entry_x,entry_y,entry_z,tip_x,tip_y,tip_z\nA,0,40.5,0,0,-17,0\n",  # through the middle of the cord
        encoding="utf-8",
    )
    done = checked(folder, "--json", "--run-only", "--achieved", str(table))
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert {"shaft_enters_structure", "probe_off_plan"} <= {each["rule"] for each in told["findings"]}
    assert told["probes"][0]["tip_mm"] == [0.0, -17.0, 0.0]


def test_a_plan_that_cannot_be_frozen_is_judged_by_its_geometry(folder, tmp_path):
    two = plan(placement("A"), placement("B", tip=(9.0, -17.0, 0.3)))
    io.write_plan(two, tmp_path / "plan.json")
    done = RUN.invoke(app, ["check", str(folder / "case"), "--plan", str(tmp_path / "plan.json"), "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 3
    assert "in one place" in told["not_simulated"]
    assert "probes_in_one_place" in {each["rule"] for each in told["findings"]}


def test_what_it_cannot_read_it_refuses(folder, tmp_path):
    with pytest.raises(InputError):
        checked(folder, "--achieved", str(folder / "plan.json"))
    with pytest.raises(UnknownName, match="has no structure 'spleen'"):
        checked(folder, "--allow", "spleen")
