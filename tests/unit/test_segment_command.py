"""Does ``iceball segment`` add labels, or say exactly what is missing?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import standin_segmenter
from typer.testing import CliRunner

from iceball import io
from iceball.cli import app
from iceball.errors import InputError, MissingPart
from iceball.nouns import Case, Grid, Volume


@pytest.fixture
def case_folder(tmp_path: Path) -> Path:
    grid = Grid(shape=(12, 10, 8), spacing_mm=(2.0, 2.0, 3.0), origin_mm=(0.0, 0.0, 0.0))
    ct = Volume(grid=grid, array=np.zeros(grid.shape, dtype=np.int16), quantity="hu")
    io.write_case(Case(id="small", ct=ct), tmp_path / "case")
    return tmp_path / "case"


def run(*arguments: object):
    return CliRunner().invoke(app, ["segment", *map(str, arguments)])


def test_it_makes_a_new_case_with_labels(case_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in standin_segmenter.install(tmp_path, "block").items():
        monkeypatch.setenv(name, value)
    done = run(case_folder, "--out", tmp_path / "new", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    made = io.read_case(tmp_path / "new")
    assert told["structures"] == ["liver", "aorta"] == [structure.name for structure in made.structures]
    assert told["fingerprint"] == io.case_fingerprint(made)
    assert "by TotalSegmentator" in told["note"]
    assert run(case_folder, "--out", tmp_path / "another").exit_code == 0


def test_without_the_program_it_says_so_and_makes_nothing(case_folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    done = run(case_folder, "--out", tmp_path / "new")
    assert isinstance(done.exception, MissingPart)
    assert "pip install 'iceball[segment]' torch" in str(done.exception)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("do", ["fail", "half", "shape", "unknown"])
def test_a_failure_leaves_no_case_behind(case_folder: Path, tmp_path: Path, monkeypatch, do: str):
    for name, value in standin_segmenter.install(tmp_path, do).items():
        monkeypatch.setenv(name, value)
    done = run(case_folder, "--out", tmp_path / "new")
    assert isinstance(done.exception, InputError)
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "weights", "case", "log.json"}


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(case_folder: Path, tmp_path: Path, minutes: str):
    done = run(case_folder, "--out", tmp_path / "new", "--limit", minutes)
    assert isinstance(done.exception, InputError)
    assert "--limit must be a number of minutes above zero" in str(done.exception)


def test_an_occupied_folder_is_refused_before_anything_is_run(case_folder: Path):
    done = run(case_folder, "--out", case_folder)
    assert isinstance(done.exception, InputError)
    assert "is not empty" in str(done.exception)
