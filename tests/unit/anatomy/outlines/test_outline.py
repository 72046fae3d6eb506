"""What `outline` adds, what it leaves alone, and what it says of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from iceball import io, library
from iceball.anatomy import outlines
from iceball.errors import InputError
from iceball.nouns import Case, Grid, Structure, Volume


@pytest.fixture(scope="module")
def labelled(spine):
    """The made spine with a kidney of muscle and a piece of labelled vertebra."""
    labels = np.zeros(spine.case.ct.grid.shape, dtype=np.uint8)
    labels[5:12, 30:40, 5:20] = 3
    labels[(spine.case.ct.array == 160) & (np.arange(50) < 12)] = 200
    return dataclasses.replace(
        spine.case,
        labels=Volume(grid=spine.case.ct.grid, array=labels, quantity="label"),
        structures=(
            Structure(name="kidney_left", role="at_risk", label=3),
            Structure(name="vertebrae_L2", role="way_in", label=200),
        ),
    )


def test_estimates_are_flagged_named_and_ruled_by_the_library(spine):
    done = outlines.outline(spine.case)
    kinds = {structure.name for structure in done.structures}
    assert {"spinal_canal", "nerve_root_left_1", "nerve_root_right_4", "bone", "skin"} <= kinds
    assert "lung" not in kinds
    for structure in done.structures:
        rule = library.structure_rule(structure.name)
        assert structure.estimated
        assert rule.known
        assert (structure.role, structure.limit, structure.tissue) == (rule.role, rule.limit, rule.tissue)
    assert done.notes == (
        "estimated by iceball, drawn by nobody: spinal_canal, nerve_root, bone, skin",
        "looked for and not found on this scan: pleura, lung",
    )


def test_no_label_is_touched_and_no_number_is_used_twice(labelled):
    done = outlines.outline(labelled)
    assert done.labels is not None
    assert labelled.labels is not None
    old = labelled.labels.array
    np.testing.assert_array_equal(done.labels.array[old > 0], old[old > 0])
    assert done.structures[:2] == labelled.structures
    numbers = [structure.label for structure in done.structures]
    assert len(set(numbers)) == len(numbers)
    assert min(number for number in numbers[2:]) > 200
    assert set(np.unique(done.labels.array)) == {0, *numbers}, "every number has a name, and every name a voxel"


def test_what_the_case_has_is_not_estimated_again(labelled):
    done = outlines.outline(labelled)
    assert "bone" not in {structure.name for structure in done.structures}
    assert "already labelled, not estimated: bone" in done.notes
    again = outlines.outline(done)
    assert again.structures == done.structures
    assert again.labels is not None
    assert done.labels is not None
    np.testing.assert_array_equal(again.labels.array, done.labels.array)


def test_only_what_was_asked_for_is_added(spine):
    done = outlines.outline(spine.case, only=["skin"])
    assert [structure.name for structure in done.structures] == ["skin"]
    with pytest.raises(InputError, match="does not estimate liver; it estimates: spinal_canal"):
        outlines.outline(spine.case, only=["liver"])


def test_progress_rises_to_the_end(spine):
    told: list[float] = []
    outlines.outline(spine.case, progress=lambda share, text: told.append(share))
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1


def test_what_a_person_drew_lies_over_labels_and_an_estimate_does_not(labelled):
    mask = np.zeros(labelled.ct.grid.shape, dtype=bool)
    mask[8:16, 34:36, 8:12] = True  # half in the kidney
    nerve = outlines.Outline(name="sciatic_nerve_left", mask=mask, estimated=False, note="")
    guess = outlines.Outline(name="sciatic_nerve_right", mask=mask, estimated=True, note="")
    drawn = outlines.with_outlines(labelled, [nerve], over=True)
    guessed = outlines.with_outlines(labelled, [guess])
    assert drawn.labels is not None
    assert guessed.labels is not None
    assert np.count_nonzero(drawn.labels.array == drawn.structure("sciatic_nerve_left").label) == mask.sum()
    assert np.count_nonzero(guessed.labels.array == guessed.structure("sciatic_nerve_right").label) == mask.sum() / 2
    assert drawn.structure("sciatic_nerve_left").limit == "motor_nerve"


def test_a_name_that_is_taken_is_refused(labelled):
    mask = np.ones(labelled.ct.grid.shape, dtype=bool)
    with pytest.raises(InputError, match="'kidney_left' already: name the new one otherwise"):
        outlines.with_outlines(labelled, [outlines.Outline(name="kidney_left", mask=mask, estimated=False, note="")])


def test_a_real_case_gets_canal_and_roots_between_its_labels(shared_data: Path):
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")
    done = outlines.outline(case)
    names = {structure.name for structure in done.structures if structure.estimated}
    assert {"spinal_canal", "nerve_root_L1_left", "nerve_root_L1_right", "pleura", "skin"} <= names
    assert {structure.name for structure in case.structures} & names == set()
    assert done.labels is not None
    assert case.labels is not None
    was = case.labels.array > 0
    np.testing.assert_array_equal(done.labels.array[was], case.labels.array[was])


def test_thick_slices_metal_and_bone_everywhere_are_said(spine):
    def with_hu(array: np.ndarray, spacing_mm=(1.5, 1.5, 5.0)):
        grid = Grid(shape=array.shape, spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0))
        return Case(id="x", ct=Volume(grid=grid, array=array.astype(np.int16), quantity="hu"))

    thick = outlines.outline(with_hu(np.asarray(spine.case.ct.array)[:, :, ::2]), only=["bone"])
    assert "voxels of 5 mm: the estimates are coarse" in thick.notes
    metal = np.asarray(spine.case.ct.array).copy()
    metal[20:30, 20:30, 20:30] = 3071
    assert any("ml of metal on the scan" in note for note in outlines.outline(with_hu(metal), only=["bone"]).notes)
    with pytest.raises(InputError, match="the numbers are no HU"):
        outlines.outline(with_hu(np.full((20, 20, 20), 3000)), only=["bone"])
    half = np.full((40, 40, 40), 50.0)  # muscle, and half of it a shaft: a wall of 3 mm around marrow
    half[6:34, 6:34], half[8:32, 8:32] = 700.0, 40.0
    noisy = half + np.random.default_rng(1).normal(0.0, 15.0, half.shape)
    told = outlines.outline(with_hu(noisy, (1.5, 1.5, 1.5)), only=["bone"]).notes
    assert told[-1].startswith("49 % of the 0.2 l around the patient reads as bone")  # 28 of 40 squared, of 60 mm cubed
    sound = outlines.outline(spine.case, only=["bone"])
    assert sound.notes == ("estimated by iceball, drawn by nobody: bone",)


def test_a_scan_of_nothing_but_air_is_refused():
    grid = Grid(shape=(9, 9, 9), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    air = Case(id="air", ct=Volume(grid=grid, array=np.full(grid.shape, -1000, dtype=np.int16), quantity="hu"))
    with pytest.raises(InputError, match="a scan of air"):
        outlines.outline(air)
