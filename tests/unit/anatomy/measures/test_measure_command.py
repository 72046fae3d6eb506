"""``iceball measure``: a table for people, one JSON object for programs."""

from __future__ import annotations

import dataclasses
import json

import pytest
from bone_phantoms import Tube, tube_case
from typer.testing import CliRunner

from iceball import io
from iceball.cli import _app, app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    tube = Tube(outer_mm=11, cortex_mm=4, notch_mm=14, notch_fraction=0.3, half_mm=34)
    place = tmp_path_factory.mktemp("measure") / "case"
    io.write_case(tube_case(tube, (1.5, 1.5, 1.5)), place)
    return place


def test_the_table_names_facts_their_origin_and_what_is_left_out(folder, monkeypatch):
    monkeypatch.setattr(_app.out, "_width", 200)  # the console has read COLUMNS long ago
    told = CliRunner().invoke(app, ["measure", str(folder)])
    assert told.exit_code == 0
    for word in ("cortex_axial_mm", "measured", "distance_pleura_mm", "not known", "the case has no lung or pleura"):
        assert word in told.stdout


def test_json_is_one_object_with_facts_and_gaps(folder):
    told = json.loads(CliRunner().invoke(app, ["measure", str(folder), "--json"]).stdout)
    facts = {fact["key"]: fact for fact in told["facts"]}
    assert facts["cortex_axial_mm"]["unit"] == "mm"
    assert facts["cortex_breached"]["value"] is True
    assert {gap["key"] for gap in told["left_out"]} >= {"distance_canal_mm"}
    assert told["fingerprint"]


def test_a_case_without_lesion_is_refused(folder, tmp_path):
    case = io.read_case(folder)
    io.write_case(dataclasses.replace(case, lesion=None), tmp_path / "bare")
    refused = CliRunner().invoke(app, ["measure", str(tmp_path / "bare")])
    assert refused.exit_code == 1
    assert "no lesion to measure" in str(refused.exception)
