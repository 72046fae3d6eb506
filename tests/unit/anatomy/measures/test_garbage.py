"""What a scan cannot tell is left out with a reason, or flagged: never a silent number."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from bone_phantoms import Tube, tube_case
from hostile import cropped
from spine_phantoms import Spine, spine_case

from iceball.anatomy import measures
from iceball.errors import InputError
from iceball.nouns import Case, Lesion, Volume

SHAFT = {"cortex_axial_mm", "cortex_circumference_fraction", "lesion_to_bone_width_fraction"}
EXTENT = {"lesion_diameter_mm", "lesion_volume_ml", "soft_tissue_ml"}
TUBE = Tube(outer_mm=11, cortex_mm=4, notch_mm=14, notch_fraction=0.3, half_mm=40)


@functools.cache
def tube(spacing_mm=(1.5, 1.5, 1.5)) -> Case:
    return tube_case(TUBE, spacing_mm)


def survey(case: Case):
    found = measures.survey(case)
    return {fact.key: fact for fact in found.facts}, {gap.key: gap.why for gap in found.gaps}


def with_hu(case: Case, array) -> Case:
    return dataclasses.replace(case, ct=Volume(grid=case.ct.grid, array=array, quantity="hu"))


ALL = slice(None)


def test_an_empty_mask_is_refused_before_anything_is_measured():
    empty = np.zeros(tube().ct.grid.shape, dtype=np.uint8)
    with pytest.raises(InputError, match="empty"):
        Lesion(mask=Volume(grid=tube().ct.grid, array=empty, quantity="label"), matrix="lytic", origin="nobody")


def test_a_lesion_that_the_scan_cuts_has_no_extent():
    middle = tube().ct.grid.shape[2] // 2
    facts, gaps = survey(cropped(tube(), (ALL, ALL, slice(0, middle))))
    assert facts["lesion_cut_by_scan"].value is True
    assert set(gaps) >= (EXTENT | SHAFT)
    assert not (EXTENT | SHAFT) & set(facts)
    assert "cuts the lesion" in gaps["lesion_diameter_mm"]
    # The hole that is seen is a hole, whatever lies beyond.
    assert facts["cortex_breached"].value is True


def test_a_lesion_at_the_edge_of_the_padding_is_cut_too():
    case = tube()
    view = np.ones(case.ct.grid.shape, dtype=np.uint8)
    view[:, :, case.ct.grid.shape[2] // 2 :] = 0
    facts, gaps = survey(
        dataclasses.replace(case, field_of_view=Volume(grid=case.ct.grid, array=view, quantity="label"))
    )
    assert facts["lesion_cut_by_scan"].value is True
    assert set(gaps) >= EXTENT


def test_metal_beside_the_lesion_leaves_the_cortex_out_and_farther_away_flags_it():
    for away, said in ((6, "left out"), (20, "flagged")):
        case = tube()
        assert case.lesion is not None
        assert case.labels is not None
        hu = np.array(case.ct.array)
        top = int(np.argwhere(case.lesion.mask.array)[:, 2].max()) + round(away / 1.5)
        centre = np.argwhere(case.labels.array[:, :, top]).mean(axis=0).astype(int)
        hu[centre[0] - 2 : centre[0] + 3, centre[1] - 2 : centre[1] + 3, top : top + 3] = 3000
        facts, gaps = survey(with_hu(case, hu))
        assert facts["metal_near_lesion"].value is True
        if said == "left out":
            assert (SHAFT | {"cortex_breached"}) <= set(gaps)
            assert "metal" in gaps["cortex_axial_mm"]
        else:
            assert facts["cortex_axial_mm"].origin == "estimated"
            assert "metal" in facts["cortex_axial_mm"].note


def test_metal_everywhere_is_refused():
    hu = np.full(tube().ct.grid.shape, 3071, dtype=np.int16)
    with pytest.raises(InputError, match="no HU"):
        survey(with_hu(tube(), hu))


@pytest.mark.parametrize("offset", [1024, -1024])
def test_numbers_that_are_no_hu_are_refused(offset: int):
    hu = tube().ct.array.astype(np.int16) + offset
    with pytest.raises(InputError, match="1024 HU"):
        survey(with_hu(tube(), hu))


def test_slices_of_five_millimetres_show_no_walls():
    facts, gaps = survey(tube((1.5, 1.5, 5.0)))
    assert facts["slice_spacing_mm"].value == 5
    assert not (SHAFT | {"cortex_breached"}) & set(facts)
    assert "5 mm" in gaps["cortex_axial_mm"]
    facts, gaps = survey(spine_case(Spine(), (1.5, 1.5, 5.0)))
    assert "posterior_wall_breached" not in facts
    assert "5 mm" in gaps["posterior_wall_breached"]


def test_a_bone_of_which_only_the_lesion_s_level_is_scanned_is_not_compared_with_itself():
    case = tube()
    assert case.lesion is not None
    there = np.argwhere(case.lesion.mask.array)[:, 2]
    facts, gaps = survey(cropped(case, (ALL, ALL, slice(int(there.min()) - 1, int(there.max()) + 2))))
    assert not SHAFT & set(facts)
    assert set(gaps) >= SHAFT


def test_a_body_that_the_scan_cuts_has_no_distance_to_a_skin_that_is_farther_than_the_cut():
    case = spine_case(Spine(), (3.0, 3.0, 3.0), half_mm=(20.0, 60.0, 60.0))
    facts, gaps = survey(case)
    assert "distance_skin_mm" not in facts
    assert "leaves the scan" in gaps["distance_skin_mm"]


def test_a_fact_that_is_left_out_is_no_fact_and_has_a_reason():
    for case in (tube(), spine_case(Spine(), (3.0, 3.0, 3.0))):
        found = measures.survey(case)
        assert not {gap.key for gap in found.gaps} & {fact.key for fact in found.facts}
        assert all(gap.why for gap in found.gaps)
        keys = [fact.key for fact in found.facts]
        assert len(keys) == len(set(keys))
        numbers = [fact for fact in found.facts if not isinstance(fact.value, bool | str)]
        assert [fact.key for fact in numbers if not fact.unit] == []


def test_a_single_voxel_is_measured_without_stumbling():
    case = tube()
    assert case.lesion is not None
    mask = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    mask[tuple(np.argwhere(case.lesion.mask.array)[0])] = 1
    one = dataclasses.replace(
        case, lesion=dataclasses.replace(case.lesion, mask=Volume(grid=case.ct.grid, array=mask, quantity="label"))
    )
    facts, _ = survey(one)
    assert 0 < facts["lesion_diameter_mm"].value < 3  # a voxel of 1.5 mm
    assert facts["cortex_breached"].value is True  # it lies in the hole of the phantom
