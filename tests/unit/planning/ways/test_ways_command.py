"""``iceball ways``: a table, one JSON object, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import made_ways as made
import pytest
from typer.testing import CliRunner

from iceball import io
from iceball.cli import _app, app, main

CORD = made.Blob("spinal_cord", (0.0, 24.0, 0.0), (6.0, 6.0, 60.0))
PROBE = "argon-17g-10mm"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The folder of a made body, written once."""
    place = tmp_path_factory.mktemp("ways") / "case"
    io.write_case(made.body(CORD), place)
    return place


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which no table is squeezed."""
    monkeypatch.setattr(_app.out, "_width", 200)


def asked(*words: object):
    return CliRunner().invoke(app, ["ways", *map(str, words)], catch_exceptions=False)


def test_the_table_shows_ten_ways_and_says_each(folder: Path):
    done = asked(folder, "--probe", PROBE)
    assert done.exit_code == 0
    assert "spine, vertebrae_L2; prone (usual at this site), closed: anterior" in done.stdout
    assert "10  from" in done.stdout
    assert "spinal_cord" in done.stdout
    assert "not a medical device" in done.stdout


def test_json_is_one_object_with_every_way(folder: Path):
    done = asked(folder, "--probe", PROBE, "--biopsy", "--json")
    told = json.loads(done.stdout)
    assert told["probe"] == PROBE
    assert told["fingerprint"] == io.case_fingerprint(io.read_case(folder))
    assert len(told["ways"]) > 10
    assert {"entry_mm", "tip_mm", "length_mm", "sector", "clearance_mm", "near", "cortex_mm", "says"} <= set(
        told["ways"][0]
    )
    assert told["biopsy"]["says"].startswith("biopsy")


def test_sides_can_be_forbidden_or_chosen(folder: Path):
    forbidden = json.loads(asked(folder, "--probe", PROBE, "--forbid", "posterior, left", "--json").stdout)
    assert forbidden["closed"] == ["anterior", "posterior", "left"]
    assert {way["sector"] for way in forbidden["ways"]} == {"right"}
    chosen = json.loads(asked(folder, "--probe", PROBE, "--position", "supine", "--only", "anterior", "--json").stdout)
    assert {way["sector"] for way in chosen["ways"]} == {"anterior"}


def test_no_way_in_is_exit_code_3_and_a_finding(folder: Path, tmp_path: Path):
    wall = made.Blob("aorta", (0.0, 24.0, 0.0), (200.0, 4.0, 200.0))
    io.write_case(made.body(wall), tmp_path / "walled")
    done = asked(tmp_path / "walled", "--probe", PROBE, "--only", "posterior")
    assert done.exit_code == 3
    assert "stop no straight way in keeps every rule" in done.stdout
    assert "aorta" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--probe", "argon-17g-30m"), "did you mean 'argon-17g-30mm'"),
        (("--probe", PROBE, "--position", "upright"), "position 'upright' is unknown"),
        (("--probe", PROBE, "--forbid", "top"), "sector 'top' is unknown"),
        (("--probe", PROBE, "--allow", "spinal_cord"), "spinal_cord (spinal cord) is never entered"),
        (("--probe", PROBE, "--allow", "colon"), "no structure 'colon' to allow"),
    ],
)
def test_a_choice_that_is_none_is_one_line_and_exit_code_1(folder: Path, words, says, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["iceball", "ways", str(folder), *words])
    monkeypatch.setattr(_app.err, "_width", 200)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
