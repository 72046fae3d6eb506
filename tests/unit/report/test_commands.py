"""``iceball assess`` and ``iceball report`` on a stored run."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from iceball import io
from iceball.cli import app
from iceball.errors import InputError


@pytest.fixture(scope="module")
def run_folder(vertebra, tmp_path_factory):
    case, plan, history, _ = vertebra(1)
    folder = tmp_path_factory.mktemp("stored")
    io.write_case(case, folder / "case")
    io.write_run(history, plan, folder / "case", folder / "run")
    return folder / "run"


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_assess_prints_json_alone_writes_it_and_exits_with_three_on_stop(run_folder):
    done = invoke("assess", run_folder, "--json")
    assert done.exit_code == 3, done.output
    printed = json.loads(done.stdout)
    stored = json.loads((run_folder / "assessment.json").read_text(encoding="utf-8"))
    assert printed["verdict"] == stored["verdict"] == "stop"
    assert [r["isotherm_c"] for r in printed["isotherms"]] == [0.0, -20.0, -40.0]
    assert printed["clearances"][0]["structure"] == "spinal_cord"


def test_assess_takes_a_goal_with_its_sign(run_folder):
    printed = json.loads(invoke("assess", run_folder, "--isotherm", "-25", "--json").stdout)
    assert -25.0 in [r["isotherm_c"] for r in printed["isotherms"]]
    assert ["goal_isotherm_c", "-25"] in printed["run"]["settings"]


def test_assess_prints_tables_for_people(run_folder):
    text = invoke("assess", run_folder).stdout
    for words in ("Isotherms against the lesion", "Structures at risk", "spinal_cord", "verdict: stop", "Research use"):
        assert words in text


def test_report_says_where_it_is(run_folder, tmp_path):
    done = invoke("report", run_folder, "--out", tmp_path / "told", "--no-pdf", "--json")
    assert done.exit_code == 3, done.output
    printed = json.loads(done.stdout)
    assert printed == {"verdict": "stop", "html": str(tmp_path / "told" / "report.html"), "pdf": None}
    assert (tmp_path / "told" / "report.html").stat().st_size > 100_000


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    done = invoke("assess", tmp_path)
    assert isinstance(done.exception, InputError)
    assert list(tmp_path.iterdir()) == []
