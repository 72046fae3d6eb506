"""Are the hostile cases what they claim to be? Tests that feed them rely on it."""

from __future__ import annotations

import dataclasses

import hostile
import numpy as np
import pytest

from iceball import demo, library
from iceball.errors import InputError
from iceball.implanting import Wish, implant
from iceball.nouns import Case, Lesion


@pytest.fixture(scope="module")
def good() -> Case:
    return demo.with_lesion(demo.phantom())


def mask_of(case: Case) -> np.ndarray:
    assert case.lesion is not None
    return case.lesion.mask.array > 0


@pytest.mark.parametrize("name", hostile.HOSTILE)
def test_each_makes_a_case_of_its_own_and_leaves_the_good_one_as_it_was(good: Case, name: str):
    before = good.ct.array.copy()
    bad = hostile.HOSTILE[name](good)
    assert isinstance(bad, Case)
    assert bad is not good
    assert (good.ct.array == before).all()
    assert mask_of(bad).any()


def test_an_empty_mask_is_refused_when_the_lesion_is_made(good: Case):
    with pytest.raises(InputError, match="empty"):
        Lesion(mask=hostile.empty_mask(good), matrix="lytic", origin="a test")


def test_one_voxel_is_left(good: Case):
    assert mask_of(hostile.one_voxel(good)).sum() == 1


def test_metal_is_everywhere(good: Case):
    metal = hostile.metal_everywhere(good).ct.array > library.hu_rules()["metal_above_hu"].value
    assert metal.sum() > 10_000


def test_the_cut_goes_through_the_lesion(good: Case):
    bad = hostile.cut_through_lesion(good)
    assert mask_of(bad)[:, :, -1].any()
    assert mask_of(bad).sum() == pytest.approx(0.5 * mask_of(good).sum(), rel=0.3)  # it is irregular
    assert bad.ct.grid.same_place_as(bad.lesion.mask.grid) if bad.lesion else False


@pytest.mark.parametrize("offset", [1024, -1024])
def test_every_voxel_is_off(good: Case, offset: int):
    assert (hostile.hu_offset(good, offset).ct.array.astype(int) - good.ct.array == offset).all()


def test_slices_are_thick_and_things_stay_where_they_are(good: Case):
    bad = hostile.thick_slices(good)
    assert bad.ct.grid.spacing_mm[2] >= 4.0
    ends = [np.argwhere(mask_of(case)).mean(axis=0) for case in (good, bad)]
    places = [case.ct.grid.position_mm(end) for case, end in zip((good, bad), ends, strict=True)]
    assert np.linalg.norm(places[0] - places[1]) < 2.0  # half of what a slice grew by


def test_a_cropped_body_has_no_air_and_holds_the_lesion(good: Case):
    bad = hostile.cropped_body(good)
    assert bad.ct.array.min() > -500
    assert mask_of(bad).sum() == mask_of(good).sum()


def test_unknown_labels_are_unknown(good: Case):
    bad = hostile.unknown_labels(good)
    assert all(not library.structure_rule(s.name).known for s in bad.structures)
    assert bad.labels is not None
    assert set(np.unique(bad.labels.array)) - {0} > {s.label for s in bad.structures}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_place_on_the_outer_face_of_the_scan_is_refused_in_one_line(good: Case, axis: int):
    bare = dataclasses.replace(good, lesion=None)
    index = np.array(bare.ct.grid.shape) // 2 + 0.0
    index[axis] = bare.ct.grid.shape[axis] - 0.5
    at_mm = tuple(float(v) for v in bare.ct.grid.position_mm(index))
    with pytest.raises(InputError, match="choose a place in bone|reaches out of the scan|there is bone for"):
        implant(bare, Wish(at_mm=at_mm, size_mm=12.0, matrix="lytic"))
