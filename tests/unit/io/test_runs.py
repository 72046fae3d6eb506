"""The run folder: history, plan and provenance come back, and the case is checked."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from iceball import io
from iceball.errors import InputError
from iceball.nouns import Assessment, Clearance, Finding


@pytest.fixture
def stored(case, plan, history, tmp_path):
    io.write_case(case, tmp_path / "cases" / "one")
    io.write_run(history, plan, tmp_path / "cases" / "one", tmp_path / "runs" / "first")
    return tmp_path / "runs" / "first"


def test_a_run_read_back_is_the_run_that_was_written(stored, plan, history):
    back = io.read_run(stored)
    assert back.plan == plan
    assert (back.history.run, back.history.energy, back.history.notes) == (history.run, history.energy, history.notes)
    pairs = [(back.history.coldest, history.coldest), (back.history.start, history.start)]
    assert sorted(back.history.below) == [-40.0, -2.5]
    pairs += [(back.history.below[t], history.below[t]) for t in history.below]
    for one, other in pairs:
        assert one.grid == other.grid
        assert one.quantity == other.quantity
        np.testing.assert_array_equal(one.array, other.array)
    np.testing.assert_array_equal(back.history.time_s, history.time_s)
    np.testing.assert_array_equal(back.history.ice_ml, history.ice_ml)
    for one, other in zip(back.history.structures, history.structures, strict=True):
        assert (one.name, one.place_mm) == (other.name, other.place_mm)
        np.testing.assert_array_equal(one.coldest_c, other.coldest_c)  # NaN counts as equal here
        np.testing.assert_array_equal(one.mean_c, other.mean_c)
    for one, other in zip(back.history.probes, history.probes, strict=True):
        assert one.label == other.label
        np.testing.assert_array_equal(one.surface_c, other.surface_c)
        np.testing.assert_array_equal(one.heat_w, other.heat_w)
    for one, other in zip(back.history.sensors, history.sensors, strict=True):
        assert (one.label, one.at_mm) == (other.label, other.at_mm)
        np.testing.assert_array_equal(one.temperature_c, other.temperature_c)


def test_a_run_without_what_a_later_version_adds_keeps_its_seal(case, plan, history, tmp_path):
    io.write_case(case, tmp_path / "case")
    io.write_run(dataclasses.replace(history, sensors=()), plan, tmp_path / "case", tmp_path / "run")
    content = json.loads((tmp_path / "run" / "run.json").read_text())
    assert content.pop("sensor_curves") == []
    (tmp_path / "run" / "run.json").write_text(json.dumps(content))
    assert io.read_run(tmp_path / "run").history.sensors == ()


def test_the_files_are_named_after_what_they_hold(stored):
    names = {path.name for path in stored.iterdir()}
    assert names == {"run.json", "coldest.nii.gz", "start.nii.gz", "below_-40.nii.gz", "below_-2.5.nii.gz"}


def test_the_case_is_found_by_its_relative_path_wherever_both_are_moved(stored, case, tmp_path):
    shutil.move(tmp_path / "cases", tmp_path / "elsewhere" / "cases")
    shutil.move(tmp_path / "runs", tmp_path / "elsewhere" / "runs")
    back = io.read_run(tmp_path / "elsewhere" / "runs" / "first")
    assert io.read_run_case(back).id == case.id


def test_a_case_that_moved_is_asked_for(stored, case, tmp_path):
    shutil.move(tmp_path / "cases" / "one", tmp_path / "moved")
    back = io.read_run(stored)
    with pytest.raises(InputError, match=r"is not at .* any more: say where it is with --case"):
        io.read_run_case(back)
    assert io.read_run_case(back, tmp_path / "moved").id == case.id


def test_another_case_in_its_place_is_refused(stored, case, tmp_path):
    lesion = dataclasses.replace(case.lesion, matrix="lytic")
    io.write_case(dataclasses.replace(case, lesion=lesion), tmp_path / "other")
    with pytest.raises(InputError, match=r"holds another case .* simulate again"):
        io.read_run_case(io.read_run(stored), tmp_path / "other")


def test_a_changed_volume_is_refused_by_name(stored):
    shutil.copy(stored / "start.nii.gz", stored / "below_-40.nii.gz")
    with pytest.raises(InputError, match=r"below_-40\.nii\.gz has changed"):
        io.read_run(stored)


def test_a_run_without_its_probe_is_refused(stored):
    content = json.loads((stored / "run.json").read_text())
    (stored / "run.json").write_text(json.dumps(content | {"probes": []}))
    with pytest.raises(InputError, match="probes: it lacks test probe"):
        io.read_run(stored)


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run["energy"].update(stored_j=0.0),
        lambda run: run["below"].pop(),
        lambda run: run["grid"]["origin_mm"].__setitem__(0, 300.0),
        lambda run: run["plan"].update(protocol="1"),
        lambda run: run["run"].update(library="ffffffffffff"),
        lambda run: run.update(ice_ml=run["ice_ml"][:-1]),
        lambda run: run.update(fingerprint="ffffffffffff"),
    ],
    ids=["energy", "threshold", "grid", "plan", "library", "curve", "fingerprint"],
)
def test_a_run_json_edited_by_hand_is_refused(stored, change):
    content = json.loads((stored / "run.json").read_text())
    change(content)
    (stored / "run.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"run\.json has changed since it was written: .* simulate again"):
        io.read_run(stored)


def test_a_folder_without_run_json_is_no_run(tmp_path):
    with pytest.raises(InputError, match=r"is no run folder: it has no run\.json"):
        io.read_run(tmp_path)


def test_a_run_without_its_case_is_not_written(history, plan, tmp_path):
    with pytest.raises(InputError, match="case folder .* does not exist"):
        io.write_run(history, plan, tmp_path / "none", tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_occupied_run_folder_is_left_alone(stored, history, plan, tmp_path):
    before = (stored / "run.json").read_bytes()
    with pytest.raises(InputError, match="exists and is not empty"):
        io.write_run(history, plan, tmp_path / "cases" / "one", stored)
    assert (stored / "run.json").read_bytes() == before


def test_an_assessment_is_written_with_its_verdict_and_without_nan(history, tmp_path):
    finding = Finding(rule="r", severity="stop", says="kälter", source="DESIGN", measured=float("inf"), unit="°C")
    clearance = Clearance(
        structure="cord",
        coldest_c=float("nan"),
        place_mm=(1.0, 2.0, 3.0),
        below_s=((-20.0, 12.5),),
        distance_to_lesion_mm=None,
        limit=None,
    )
    assessment = Assessment(
        lesion_ml=1.5,
        isotherms=(),
        visible_ice_overlap_mm=None,
        clearances=(clearance,),
        findings=(finding,),
        run=history.run,
    )
    io.write_assessment(assessment, tmp_path / "assessment.json")
    content = json.loads((tmp_path / "assessment.json").read_text(encoding="utf-8"))
    assert (content["format"], content["version"], content["verdict"]) == ("iceball-assessment", 1, "stop")
    assert content["findings"][0] | {"measured": None} == content["findings"][0]
    assert content["clearances"][0]["coldest_c"] is None
    assert content["clearances"][0]["below_s"] == [[-20.0, 12.5]]
    assert content["run"]["inputs"] == [["case", "0123456789ab"]]
