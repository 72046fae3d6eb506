"""Is bone whole, and only bone?"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_spine import make_spine

from iceball import io, library
from iceball.anatomy import outlines
from iceball.nouns import Case, Grid, Structure, Volume


def with_hu(case: Case, array: np.ndarray) -> Case:
    return dataclasses.replace(case, ct=dataclasses.replace(case.ct, array=array.astype(np.int16)))


def test_a_shaft_is_filled_with_its_fatty_marrow(shaft):
    found = outlines.bone(shaft.ct)
    ideal_ml = np.pi * 14.0**2 * 90.0 / 1000.0  # a cylinder of cortex and marrow
    assert found.sum() * shaft.ct.grid.voxel_ml == pytest.approx(ideal_ml, rel=0.03)  # the voxels' stairs
    assert found[30, 30].all(), "the middle of the marrow, from end to end"


def test_a_hole_in_the_cortex_lets_nothing_leak_out(shaft):
    array = shaft.ct.array.copy()
    array[36:42, 27:33, 28:34] = 50  # a lytic hole of 9 mm through the wall
    found, sound = outlines.bone(with_hu(shaft, array).ct), outlines.bone(shaft.ct)
    # the hole itself may count as bone or not; the marrow stays, and no muscle comes in
    assert found[sound].mean() > 0.98
    assert np.count_nonzero(found & ~sound) < 0.01 * np.count_nonzero(sound)


def test_bodies_are_filled_and_the_canal_is_left_out(spine):
    found = outlines.bone(spine.case.ct)
    marrow = spine.case.ct.array == 160
    assert found[marrow].mean() > 0.98
    assert found[spine.canal].mean() < 0.02
    assert found[spine.case.ct.array == -100].mean() < 0.01, "fat under the skin"


def test_thick_slices_keep_the_marrow():
    made = make_spine(spacing_mm=(0.8, 0.8, 5.0))
    found = outlines.bone(made.case.ct)
    # endplates of 2 mm in slices of 5 mm: some marrow is open upwards
    assert found[made.case.ct.array == 160].mean() > 0.9
    assert found[made.canal].mean() < 0.06


@pytest.mark.parametrize("contrast_hu", [180, 300, 450])
def test_an_aorta_full_of_contrast_beside_a_vertebra_is_no_bone(spine, contrast_hu: int):
    grid = spine.case.ct.grid
    x, y, _ = np.meshgrid(*[np.arange(n) * s for n, s in zip(grid.shape, grid.spacing_mm, strict=True)], indexing="ij")
    vessel = np.hypot(x - 62.0, y - 12.0) < 11.0  # touches the front of the bodies
    array = spine.case.ct.array.copy()
    noise = np.random.default_rng(1).normal(0.0, 12.0, array.shape)
    array[vessel & (array < 200)] = contrast_hu
    found = outlines.bone(with_hu(spine.case, array + noise).ct)
    inside = vessel & (spine.case.ct.array < 150)
    assert found[inside].mean() < 0.1
    assert found[spine.case.ct.array == 700].mean() > 0.85, "the cortex that it touches stays"


def test_a_table_in_the_air_is_no_bone(shaft):
    array = shaft.ct.array.copy()
    array[array < -900] = -1000
    array[:, 58:60] = -1000
    array[:, 59] = 600
    assert not outlines.bone(with_hu(shaft, array).ct)[:, 59].any()


def test_a_part_is_the_part_of_the_whole(spine):
    part = (slice(10, 50), slice(5, 60), slice(8, 40))
    whole, cut = outlines.bone(spine.case.ct)[part], outlines.bone(spine.case.ct, within=part)
    assert cut.shape == whole.shape
    assert (whole == cut).mean() > 0.98


def test_cortex_is_the_dense_part_of_bone(spine):
    hard = outlines.cortex(spine.case.ct)
    assert (spine.case.ct.array[hard] >= library.hu_rules()["bone_above_hu"].value).all()
    assert hard[spine.case.ct.array == 700].mean() > 0.99
    assert not (hard & ~outlines.bone(spine.case.ct)).any()


def test_what_was_not_scanned_is_no_bone(shaft):
    view = np.ones(shaft.ct.grid.shape, dtype=np.uint8)
    view[:, 30:] = 0
    seen = Volume(grid=shaft.ct.grid, array=view, quantity="label")
    assert not outlines.bone(shaft.ct, seen)[:, 31:].any()


def test_a_label_says_what_is_bone_where_there_is_one(shaft):
    labels = np.zeros(shaft.ct.grid.shape, dtype=np.uint8)
    labels[:10, :10] = 75  # a femur where there is air
    labels[28:32, 20:24] = 52  # the aorta, on the cortex
    case = dataclasses.replace(
        shaft,
        labels=Volume(grid=shaft.ct.grid, array=labels, quantity="label"),
        structures=(
            Structure(name="femur_left", role="way_in", label=75),
            Structure(name="aorta", role="barrier", label=52),
        ),
    )
    found = outlines.bone_of(case)
    assert found[:10, :10].all()
    assert not found[28:32, 20:24].any()
    assert found[30, 30].all(), "what has no label is found as without labels"


@pytest.mark.parametrize("level", [40, 3000], ids=["all soft", "all metal"])
def test_a_scan_of_one_value_ends_without_an_error(level: int):
    grid = Grid(shape=(20, 20, 20), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    ct = Volume(grid=grid, array=np.full(grid.shape, level, dtype=np.int16), quantity="hu")
    found = outlines.bone(ct)
    assert found.any() == (level > 200)


def test_labelled_vertebrae_are_bone_and_vessels_and_organs_are_not(shared_data: Path):
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")
    assert case.labels is not None
    found = outlines.bone(case.ct)
    # 3 mm, marrow hardly above muscle: thin transverse processes and noisy marrow are missed
    vertebra = case.labels.array == case.structure("vertebrae_L2").label
    assert found[vertebra].mean() > 0.85
    for organ in ("aorta", "kidney_left", "liver", "spinal_cord"):
        assert found[case.labels.array == case.structure(organ).label].mean() < 0.01


def test_the_aorta_beside_a_real_spine_is_no_bone(shared_data: Path):
    case = io.read_scan(shared_data / "bone_lesions_ct" / "8.nii.gz")
    found = outlines.bone(case.ct)
    assert not found[58:74, 20:36, 20].any(), "the aorta, at 173 HU"
    assert found[36:52, 35:50, 70].mean() > 0.95, "the body of a vertebra"
