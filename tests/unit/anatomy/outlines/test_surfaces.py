"""Skin at the room's air only; lung, and not bowel, foam or windpipe; pleura around it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from iceball import io
from iceball.anatomy import outlines
from iceball.nouns import Case, Grid, Structure, Volume

SPACING = (2.0, 2.0, 2.0)


def make_chest(*, lung_hu: int = -820, noise_hu: float = 20.0) -> Case:
    """A trunk in air with two lungs, a piece of bowel gas, and fat under its skin; its ends are cut by the scan."""
    shape = (120, 90, 50)
    x, y, z = np.meshgrid(*[np.arange(n) * 2.0 for n in shape], indexing="ij")
    x, y = x - 120.0, y - 90.0
    trunk = np.hypot(x / 110, y / 80)
    hu = np.full(shape, -1000.0)
    hu[trunk < 1] = -100
    hu[trunk < 0.9] = 50
    for side in (-1, 1):
        hu[(np.hypot((x - side * 50) / 30, y / 45) < 1) & (z > 20)] = lung_hu
    hu[np.hypot(np.hypot(x / 14, (y + 45) / 14), (z - 15) / 10) < 1] = -980
    hu += np.random.default_rng(3).normal(0, noise_hu, shape)
    grid = Grid(shape=shape, spacing_mm=SPACING, origin_mm=(0.0, 0.0, 0.0))
    return Case(id="chest", ct=Volume(grid=grid, array=hu.astype(np.int16), quantity="hu"))


@pytest.fixture(scope="module")
def chest() -> Case:
    return make_chest()


def test_skin_is_a_thin_shell_all_around_and_not_where_the_scan_cuts(chest):
    found = outlines.skin(chest)
    assert found is not None
    assert found.estimated
    middle = found.mask[60, :, 25]
    assert middle.sum() in (2, 4), "front and back, one or two voxels of 2 mm each"
    assert not found.mask[60, 45, 0], "the cut at the end of the scan is no skin"
    outside = chest.ct.array < -700
    assert not (found.mask & outside).any()


def test_a_scan_inside_the_body_has_no_skin(chest):
    part = (slice(50, 70), slice(35, 55), slice(20, 40))
    array = np.full((20, 20, 20), 40, dtype=np.int16)
    grid = Grid(shape=array.shape, spacing_mm=SPACING, origin_mm=(0.0, 0.0, 0.0))
    assert outlines.skin(Case(id="part", ct=Volume(grid=grid, array=array, quantity="hu"))) is None
    assert outlines.skin(chest, within=part) is None


def test_skin_of_a_part_is_the_part_of_the_skin(chest):
    part = (slice(40, 80), slice(0, 30), slice(10, 30))
    whole, cut = outlines.skin(chest), outlines.skin(chest, within=part)
    assert whole is not None
    assert cut is not None
    np.testing.assert_array_equal(cut.mask, whole.mask[part])


def test_what_was_not_scanned_makes_no_skin(chest):
    view = np.ones(chest.ct.grid.shape, dtype=np.uint8)
    view[60:] = 0
    array = np.where(view > 0, chest.ct.array, -1024).astype(np.int16)
    case = dataclasses.replace(
        chest,
        ct=dataclasses.replace(chest.ct, array=array),
        field_of_view=Volume(grid=chest.ct.grid, array=view, quantity="label"),
    )
    found = outlines.skin(case)
    assert found is not None
    assert not found.mask[58:60, 20:70, 25].any(), "the border of the field of view, through the body"


def test_lung_is_found_and_gas_in_the_bowel_is_not(chest):
    found = outlines.lung(chest)
    assert found is not None
    x, y, z = 35, 45, 35  # in the right lung
    assert found.mask[x, y, z]
    assert not found.mask[60, 23, 7], "the bowel"
    assert found.mask.sum() * chest.ct.grid.voxel_ml == pytest.approx(2 * np.pi * 30 * 45 * 79 / 1000, rel=0.05)


def test_gas_as_dark_as_the_room_is_not_lung():
    assert outlines.lung(make_chest(lung_hu=-985, noise_hu=5.0)) is None


def test_pleura_is_a_closed_shell_around_the_lung(chest):
    lung, found = outlines.lung(chest), outlines.pleura(chest)
    assert lung is not None
    assert found is not None
    assert not (lung.mask & found.mask).any()
    around = np.zeros_like(lung.mask)
    around[1:] |= lung.mask[:-1]
    around[:-1] |= lung.mask[1:]
    assert found.mask[around & ~lung.mask].all()


def test_a_label_of_a_lobe_is_what_the_pleura_lies_around(chest):
    labels = np.zeros(chest.ct.grid.shape, dtype=np.uint8)
    labels[10:20, 40:50, 30:40] = 11
    case = dataclasses.replace(
        chest,
        labels=Volume(grid=chest.ct.grid, array=labels, quantity="label"),
        structures=(Structure(name="lung_lower_lobe_left", role="barrier", label=11),),
    )
    found = outlines.pleura(case)
    assert found is not None
    assert found.mask[9, 45, 35]
    assert not found.mask[35, 45, 35]


def test_foam_behind_the_skin_is_neither_lung_nor_body(shared_data: Path):
    case = io.read_scan(shared_data / "bone_lesions_ct" / "3.nii.gz")
    lung, skin = outlines.lung(case), outlines.skin(case)
    assert lung is not None
    assert skin is not None
    assert not lung.mask[:, 85:].any(), "what lies behind the back is foam"
    assert lung.mask[20, 10:30, 40].mean() > 0.9
    # the README: skin about 2 to 3 cm from the ribs, at the back
    assert (np.nonzero(skin.mask)[1] > 70).all()


def test_a_windpipe_that_the_border_cuts_has_no_skin(shared_data: Path):
    assert outlines.skin(io.read_scan(shared_data / "bone_lesions_ct" / "8.nii.gz")) is None


def test_real_lung_agrees_with_its_labels(shared_data: Path):
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")
    assert case.labels is not None
    found = outlines.lung(case)
    assert found is not None
    lobes = [s.label for s in case.structures if s.name.startswith("lung_")]
    labelled = np.isin(case.labels.array, lobes)
    dice = 2 * (found.mask & labelled).sum() / (found.mask.sum() + labelled.sum())
    assert dice > 0.85  # a rim of a voxel of 3 mm around thin tips of lung
    gut = np.isin(case.labels.array, [case.structure(name).label for name in ("colon", "stomach")])
    assert not found.mask[gut].any()
