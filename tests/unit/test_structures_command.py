"""Does ``iceball structures`` add what was drawn and what is estimated, and say which is which?"""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from made_spine import make_spine
from typer.testing import CliRunner

from iceball import io
from iceball.cli import app
from iceball.errors import InputError, MissingPart


@pytest.fixture(scope="module")
def spine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("structures") / "case"
    io.write_case(make_spine(spacing_mm=(2.0, 2.0, 2.5), height_mm=75.0).case, folder)
    return folder


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    points = [{"position": [20.0, 0.0, z]} for z in (10.0, 30.0, 60.0)]
    markup = {"type": "Curve", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": points}
    path = tmp_path / "sciatic_nerve_left.mrk.json"
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["structures", *map(str, arguments)])


def told(done) -> dict:
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_estimates_are_added_to_a_new_case_and_flagged(spine_folder: Path, tmp_path: Path):
    said = told(run(spine_folder, "--out", tmp_path / "new", "--json"))
    made = io.read_case(tmp_path / "new")
    assert [each["name"] for each in said["structures"]] == [structure.name for structure in made.structures]
    assert all(each["estimated"] and each["volume_ml"] > 0 for each in said["structures"])
    canal = next(each for each in said["structures"] if each["name"] == "spinal_canal")
    assert (canal["role"], canal["limit"]) == ("barrier", "spinal_cord")
    assert made.structure("spinal_canal").estimated
    assert any("drawn by nobody" in note for note in made.notes)


def test_a_curve_becomes_a_tube_drawn_by_a_person(spine_folder: Path, tmp_path: Path, curve: Path):
    said = told(run(spine_folder, "--out", tmp_path / "new", "--curve", f"{curve}:4", "--no-estimate", "--json"))
    (nerve,) = said["structures"]
    assert nerve["name"] == "sciatic_nerve_left"
    assert not nerve["estimated"]
    assert nerve["limit"] == "motor_nerve"
    # 50 mm of a tube of 4 mm, with round ends; voxels of 2 mm give it stairs
    assert nerve["volume_ml"] == pytest.approx((np.pi * 16 * 50 + 4 / 3 * np.pi * 64) / 1000, rel=0.1)
    assert "a tube of radius 4 mm" in said["notes"][0]


def test_a_curve_may_be_named_and_has_a_radius_of_the_library_without_one(spine_folder, tmp_path, curve):
    said = told(
        run(spine_folder, "--out", tmp_path / "new", "--curve", f"{curve}:ureter left", "--no-estimate", "--json")
    )
    assert said["structures"][0]["name"] == "ureter_left"
    assert "a tube of radius 3 mm" in said["notes"][0]


def test_a_mask_is_added_under_its_name(spine_folder: Path, tmp_path: Path):
    case = io.read_case(spine_folder)
    array = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    array[2:6, 10:20, 5:9] = 1
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ case.ct.grid.affine
    nib.save(nib.Nifti1Image(array, ras), tmp_path / "bowel.nii.gz")
    said = told(
        run(
            spine_folder,
            "--out",
            tmp_path / "new",
            "--mask",
            f"bowel={tmp_path / 'bowel.nii.gz'}",
            "--only",
            "spinal_canal",
            "--json",
        )
    )
    assert [each["name"] for each in said["structures"]] == ["bowel", "spinal_canal"]
    made = io.read_case(tmp_path / "new")
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels.array == made.structure("bowel").label, array == 1)


def test_people_see_a_table_that_says_who_drew_what(spine_folder: Path, tmp_path: Path, curve: Path):
    done = run(spine_folder, "--out", tmp_path / "new", "--curve", curve, "--only", "spinal_canal")
    assert done.exit_code == 0
    assert "a person" in done.stdout
    assert "nobody" in done.stdout
    assert "written:" in done.stdout


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        (["--no-estimate"], InputError, "nothing to do"),
        (["--no-estimate", "--only", "skin"], InputError, "--only says what to estimate"),
        (["--only", "liver"], InputError, "does not estimate liver"),
        (["--mask", "bowel"], InputError, "write it as --mask NAME=FILE"),
        (["--mask", "bowel=none.nii.gz"], MissingPart, "does not exist"),
        (["--curve", "none.mrk.json"], MissingPart, "does not exist"),
        (["--curve", "none.mrk.json:a:b:2"], InputError, "write FILE, FILE:NAME"),
    ],
)
def test_what_cannot_be_done_is_refused_and_makes_nothing(spine_folder, tmp_path: Path, options, error, says: str):
    done = run(spine_folder, "--out", tmp_path / "new", *options)
    assert isinstance(done.exception, error)
    assert says in str(done.exception)
    assert not (tmp_path / "new").exists()


def test_a_curve_in_the_wrong_place_is_refused(spine_folder: Path, tmp_path: Path, curve: Path):
    curve.write_text(curve.read_text().replace("20.0", "900.0"))
    done = run(spine_folder, "--out", tmp_path / "new", "--curve", curve)
    assert isinstance(done.exception, InputError)
    assert "does not pass through the scan" in str(done.exception)


def test_what_lies_wholly_under_what_was_drawn_before_is_not_left_out_without_a_word(spine_folder, tmp_path, curve):
    done = run(
        spine_folder,
        "--out",
        tmp_path / "new",
        "--curve",
        f"{curve}:one:4",
        "--curve",
        f"{curve}:two:3",
        "--no-estimate",
    )
    assert isinstance(done.exception, InputError)
    assert "two lies wholly under what was drawn before it" in str(done.exception)
    assert not (tmp_path / "new").exists()
