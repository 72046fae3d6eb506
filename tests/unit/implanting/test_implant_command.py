"""Does ``iceball implant`` keep its promises?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iceball import demo, io
from iceball.cli import app
from iceball.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("implant") / "case"
    io.write_case(demo.phantom(), path)
    return path


def run(*words: object):
    return CliRunner().invoke(app, ["implant", *map(str, words)])


def test_json_is_one_object_that_says_what_was_asked_and_what_became_of_it(folder: Path, tmp_path: Path):
    words = ("--in", "vertebrae_L1", "--size", 20, "--matrix", "mixed", "--seed", 4, "--json")
    ended = run(folder, *words, "--out", tmp_path / "new")
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert told["lesion"]["origin"] == "implanted by iceball: not a finding in this patient"
    assert told["lesion"]["seed"] == 4
    assert told["lesion"]["bone"] == "vertebrae_L1"
    assert len(told["achieved"]["extent_mm"]) == 3
    case = io.read_case(tmp_path / "new")
    assert case.lesion is not None
    assert told["achieved"]["volume_ml"] == pytest.approx(case.lesion.volume_ml, rel=1e-9)  # the same count of voxels
    assert told["fingerprint"] == io.case_fingerprint(case)
    assert case.lesion.matrix == "mixed"
    assert case.notes[-1] == told["note"]


def test_the_table_says_first_of_all_that_it_is_no_finding(folder: Path, tmp_path: Path):
    ended = run(folder, "--at", "0,18,0", "--size", 15, "--matrix", "blastic", "--out", tmp_path / "new")
    assert ended.exit_code == 0, ended.output
    assert "not a finding in this patient" in ended.stdout
    assert "achieved" in ended.stdout


def test_the_same_words_write_the_same_bytes(folder: Path, tmp_path: Path):
    for name in ("one", "two"):
        words = ("--in", "vertebrae_L2", "--size", 14, "--matrix", "lytic", "--out", tmp_path / name)
        assert run(folder, *words).exit_code == 0
    for file in ("ct.nii.gz", "lesion.nii.gz", "case.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--size", 20), "one of the two"),
        (("--in", "vertebrae_L1", "--at", "0,18,0", "--size", 20), "one of the two"),
        (("--at", "0,18", "--size", 20), "three numbers"),
        (("--at", "a,b,c", "--size", 20), "three numbers"),
        (("--at", "0,nan,3", "--size", 20), "finite"),
        (("--in", "femur", "--size", 20), "vertebrae_L1"),
        (("--in", "aorta", "--size", 20), "no bone"),
        (("--in", "vertebrae_L1", "--size", -1), "above zero"),
        (("--in", "vertebrae_L1", "--size", 99), "at most 80 mm"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(folder: Path, tmp_path: Path, words, says: str):
    ended = run(folder, *words, "--matrix", "lytic", "--out", tmp_path / "new")
    assert isinstance(ended.exception, InputError)  # main() makes one line of it, and exit code 1
    assert says in str(ended.exception)
    assert not (tmp_path / "new").exists()


def test_an_occupied_folder_is_refused(folder: Path):
    ended = run(folder, "--in", "vertebrae_L1", "--size", 20, "--matrix", "lytic", "--out", folder)
    assert isinstance(ended.exception, InputError)
