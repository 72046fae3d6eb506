"""``iceball lesion`` as people meet it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_patient import patient
from typer.testing import CliRunner

from iceball import io
from iceball.cli import app
from iceball.errors import InputError

SEED = "--seed=0,-6,0"


@pytest.fixture
def folder(tmp_path):
    """A case with a ball of 60 HU in a block of bone, which no one has marked."""
    import dataclasses

    case = patient()
    hu = np.array(case.ct.array) + np.random.default_rng(0).normal(0.0, 15.0, case.ct.grid.shape)
    hu[case.lesion.mask.array > 0] -= 250.0
    ct = dataclasses.replace(case.ct, array=hu.astype(np.float32))
    io.write_case(dataclasses.replace(case, ct=ct, lesion=None), tmp_path / "case")
    return tmp_path / "case"


def run(*arguments):
    return CliRunner().invoke(app, ["lesion", *map(str, arguments)])


def test_the_new_case_holds_the_lesion_its_picture_and_what_slicer_opens(folder, tmp_path):
    done = run(folder, SEED, "--bone", "L1", "--out", tmp_path / "new", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    case = io.read_case(tmp_path / "new")
    assert case.lesion.volume_ml == pytest.approx(told["volume_ml"])
    assert case.lesion.origin == told["origin"] == "made by iceball from a click, not by an expert"
    assert (case.lesion.bone, told["matrix"]) == ("L1", "lytic")
    assert (tmp_path / "new" / "lesion.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    again = io.read_scan(tmp_path / "new" / "ct.nii.gz", lesion=tmp_path / "new" / "lesion.seg.nrrd")
    np.testing.assert_array_equal(again.lesion.mask.array, case.lesion.mask.array)


def test_what_a_person_says_of_the_matrix_goes_before_the_hu(folder, tmp_path):
    run(folder, SEED, "--matrix", "mixed", "--out", tmp_path / "new")
    assert io.read_case(tmp_path / "new").lesion.matrix == "mixed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--seed=1,2",), "write 3 numbers"),
        (("--seed=a,b,c",), "write 3 numbers"),
        (("--seed=nan,0,0",), "write 3 numbers"),
        (("--box=1,2,3",), "write 6 numbers"),
        ((), "one of the two"),
        (("--seed=0,0,900",), "outside the scan"),
    ],
)
def test_a_wrong_place_is_refused_and_nothing_is_left(folder, tmp_path, arguments, says):
    done = run(folder, *arguments, "--out", tmp_path / "new")
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
    assert not (tmp_path / "new").exists()


def test_a_lesion_that_is_there_is_not_replaced_unasked(folder, tmp_path):
    run(folder, SEED, "--out", tmp_path / "one")
    again = run(tmp_path / "one", SEED, "--out", tmp_path / "two")
    assert "--replace" in str(again.exception)
    assert run(tmp_path / "one", SEED, "--replace", "--out", tmp_path / "two").exit_code == 0
