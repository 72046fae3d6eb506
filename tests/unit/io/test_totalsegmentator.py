"""The adapter of TotalSegmentator, against a stand-in that is called as the program is."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import standin_segmenter

from iceball import io
from iceball.errors import GeometryError, InputError, MissingPart
from iceball.io import _totalsegmentator as adapter
from iceball.nouns import Case, Grid, Structure, Volume


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a stand-in that does as told; return the folder with its log."""

    def make(do: str, **kwargs) -> Path:
        for name, value in standin_segmenter.install(tmp_path, do, **kwargs).items():
            monkeypatch.setenv(name, value)
        return tmp_path

    return make


def small(**kwargs) -> Case:
    grid = Grid(shape=(12, 10, 8), spacing_mm=(2.0, 2.0, 3.0), origin_mm=(5.0, -7.0, 11.0))
    return Case(id="small", ct=Volume(grid=grid, array=np.zeros(grid.shape, dtype=np.int16), quantity="hu"), **kwargs)


def with_labels(array: np.ndarray, *structures: Structure) -> Case:
    case = small()
    volume = Volume(grid=case.ct.grid, array=array.astype(np.uint8), quantity="label")
    return dataclasses.replace(case, labels=volume, structures=structures)


def test_every_label_of_a_real_file_gets_its_name_role_and_place(shared_data: Path, standin):
    folder = shared_data / "abdomen_pelvis_ct"
    truth = io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")
    case = dataclasses.replace(truth, labels=None, structures=(), notes=())
    place = standin("copy", labels=folder / "example_ct_sm_seg117.nii.gz")
    told: list[float] = []
    made = io.run_totalsegmentator(case, progress=lambda share, text: told.append(share))
    assert made.structures == truth.structures
    assert made.labels is not None
    assert truth.labels is not None
    np.testing.assert_array_equal(made.labels.array, truth.labels.array)
    assert made.notes == (f"labels by TotalSegmentator, task total, fast model: {len(truth.structures)} structures",)
    assert told == sorted(told)
    log = json.loads((place / "log.json").read_text())
    assert log["arguments"][4:] == ["--ml", "--task", "total", "--device", "cpu", "--fast"]


def test_nothing_is_reported_to_anybody_and_nothing_is_left_behind(standin):
    place = standin("block")
    io.run_totalsegmentator(small())
    log = json.loads((place / "log.json").read_text())
    assert log["config"]["send_usage_stats"] is False
    assert log["weights"] == str(place / "weights")
    assert not Path(log["folder"]).exists()


def test_the_full_model_and_the_gpu_are_asked_for(standin):
    place = standin("block", weights=(291, 292, 293, 294, 295))
    made = io.run_totalsegmentator(small(), model="full", device="gpu")
    arguments = json.loads((place / "log.json").read_text())["arguments"]
    assert "--fast" not in arguments
    assert arguments[-1] == "gpu"
    assert "full model" in made.notes[-1]


@pytest.mark.parametrize(
    ("do", "error", "says"),
    [
        ("fail", InputError, r"failed \(7\): CUDA out of memory"),
        ("nothing", InputError, "ended well but left no labels"),
        ("half", InputError, "damaged or truncated"),
        ("empty", InputError, "found nothing on this CT"),
        ("unknown", InputError, r"numbers without a name \(1: 999\)"),
        ("fractions", InputError, "hold fractions"),
        ("shape", GeometryError, r"\(5 × 6 × 7 voxels\) do not lie on the CT \(12 × 10 × 8\)"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(standin, do: str, error: type[Exception], says: str):
    place = standin(do)
    with pytest.raises(error, match=says) as refused:
        io.run_totalsegmentator(small())
    assert "\n" not in str(refused.value)
    assert not Path(json.loads((place / "log.json").read_text())["folder"]).exists()


def test_one_that_hangs_is_ended_at_the_limit(standin):
    place = standin("hang")
    began = time.monotonic()
    with pytest.raises(InputError, match="was not done after 3 s and was ended: allow it more time"):
        io.run_totalsegmentator(small(), limit_s=3.0)
    assert time.monotonic() - began < 20  # long before its own 60 s
    pid = int((place / "log.json.pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_cannot_be_started_is_refused(standin):
    program = standin("copy") / "bin" / "TotalSegmentator"
    program.write_bytes(b"#!/nowhere/python\n")
    with pytest.raises(InputError, match="could not be started"):
        io.run_totalsegmentator(small())


def test_without_the_program_the_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(adapter.sys, "executable", str(tmp_path / "python"))
    says = io.totalsegmentator_missing()
    assert says is not None
    assert "pip install 'iceball[segment]' torch" in says
    with pytest.raises(MissingPart, match="is not installed"):
        io.run_totalsegmentator(small())


@pytest.mark.parametrize(
    ("model", "there", "lacking", "task"),
    [("fast", (), "Dataset297_*", "total_fast"), ("full", (291, 293, 294, 295), "Dataset292_*", "total")],
)
def test_without_weights_the_line_says_which_where_and_how(standin, model, there, lacking: str, task: str):
    place = standin("copy", weights=there)
    says = io.totalsegmentator_missing(model)
    assert says is not None
    assert f"no {lacking} in {place / 'weights'}" in says
    assert f"totalseg_download_weights -t {task}`" in says
    with pytest.raises(MissingPart, match="weights are not"):
        io.run_totalsegmentator(small(), model=model)


def test_weights_are_looked_for_where_totalsegmentator_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("TOTALSEG_WEIGHTS_PATH", raising=False)
    monkeypatch.delenv("TOTALSEG_HOME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert adapter._weights("fast")[0] == tmp_path / ".totalsegmentator" / "nnunet" / "results"
    monkeypatch.setenv("TOTALSEG_HOME_DIR", str(tmp_path / "home"))
    assert adapter._weights("fast")[0] == tmp_path / "home" / "nnunet" / "results"


def test_what_a_person_drew_stays_and_what_iceball_guessed_gives_way(standin):
    standin("block")  # liver (5) and aorta (52), side by side
    array = np.zeros((12, 10, 8))
    array[:, :4, :4], array[:, 4:, :4] = 5, 130
    drawn = Structure(name="my_tumour", role="at_risk", label=5)
    guess = Structure(name="bone", role="way_in", label=130, estimated=True)
    case = with_labels(array, drawn, guess)
    made = io.run_totalsegmentator(case)
    assert made.labels is not None
    np.testing.assert_array_equal(made.labels.array[array == 5], 5)
    assert made.structures[:2] == (drawn, guess)
    liver = made.structure("liver")
    assert liver.label not in (5, 130), "the number 5 was taken by what a person drew"
    under = made.labels.array[array == 130]
    assert (under == liver.label).any(), "where iceball had guessed, the label counts"


def test_a_name_that_is_there_is_not_labelled_again_unless_asked(standin):
    standin("block")
    array = np.zeros((12, 10, 8))
    array[0, 0, 0] = 77
    case = with_labels(array, Structure(name="liver", role="at_risk", label=77))
    made = io.run_totalsegmentator(case)
    assert made.labels is not None
    assert np.count_nonzero(made.labels.array == 77) == 1
    assert "1 of its structures were labelled already" in made.notes[-1]
    replaced = io.run_totalsegmentator(case, replace=True)
    assert replaced.labels is not None
    assert replaced.structure("liver").label == 5
    assert np.count_nonzero(replaced.labels.array == 5) == 4 * 4 * 4
    assert not (replaced.labels.array == 77).any()


def test_voxels_of_a_number_without_a_name_do_not_become_a_structure(standin):
    standin("block")  # liver (5) and aorta (52)
    array = np.zeros((12, 10, 8))
    array[-1, -1, -1], array[0, 0, 0] = 5, 77  # nobody says what 5 is
    made = io.run_totalsegmentator(with_labels(array, Structure(name="my_tumour", role="at_risk", label=77)))
    assert made.labels is not None
    assert made.labels.array[-1, -1, -1] != made.structure("liver").label
