"""Which bone and which site, how large, of what: from labels, from what the case says, and from the mask."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from bone_phantoms import Tube, balls_case, tube_case

from iceball import library
from iceball.anatomy import measures
from iceball.anatomy.measures._survey import Notebook
from iceball.errors import InputError, LibraryError
from iceball.library import _measures
from iceball.nouns import Case, Volume
from iceball.nouns.found import MADE_FROM

SMALL = Tube(outer_mm=11, cortex_mm=4, notch_mm=14, notch_fraction=0.3, half_mm=34)
SPACING = (1.5, 1.5, 1.5)


@functools.cache
def phantom(name: str = "femur_left", labelled: bool = True) -> Case:
    return tube_case(dataclasses.replace(SMALL, name=name), SPACING, labelled=labelled)


def facts(case: Case):
    return {fact.key: fact for fact in measures.measure(case)}


def lesion(case: Case, **changes) -> Case:
    assert case.lesion is not None
    return dataclasses.replace(case, lesion=dataclasses.replace(case.lesion, **changes))


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("femur_left", "long_bone"),
        ("tibia", "long_bone"),
        ("rib_left_7", "rib"),
        ("sternum", "sternum"),
        ("scapula_right", "scapula"),
        ("skull", "skull"),
        ("clavicula_left", "other"),
        ("sacrum", "pelvis_sacrum"),
        ("vertebrae_S1", "pelvis_sacrum"),
        ("vertebrae_T9", "spine"),
    ],
)
def test_the_site_is_that_of_the_label_s_name(name: str, site: str):
    found = facts(phantom(name))
    assert found["lesion_site"].value == site
    assert found["lesion_bone"].value == name
    assert found["lesion_site"].origin == "label"


def test_every_bone_of_the_segmentation_has_a_site_and_nothing_else_has_one():
    for name in library.label_names().values():
        bone = library.structure_rule(name).bone or name == "costal_cartilages"
        assert (library.bone_rule(name) is not None) == bone, name


def test_a_lesion_left_out_of_its_label_belongs_to_the_bone_around_it():
    case = phantom()
    assert case.labels is not None
    assert case.lesion is not None
    holed = np.where(case.lesion.mask.array > 0, 0, case.labels.array)
    found = facts(dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=holed, quantity="label")))
    assert found["lesion_bone"].value == "femur_left"


def test_of_two_bones_under_a_lesion_the_one_with_most_of_it_counts_and_the_other_is_named():
    case = ball_in_a_rib(0.0)
    assert case.labels is not None
    assert case.lesion is not None
    middle = np.argwhere(case.lesion.mask.array)[:, 2].mean()
    labels = np.array(case.labels.array)
    labels[..., int(middle) + 2 :][labels[..., int(middle) + 2 :] > 0] = 29
    third = dataclasses.replace(case.structures[0], name="vertebrae_L3", label=29)
    two = dataclasses.replace(
        case,
        labels=Volume(grid=case.ct.grid, array=labels, quantity="label"),
        structures=(third, *case.structures),
    )
    bone = facts(two)["lesion_bone"]
    assert bone.value == "rib_left_7"
    assert "also meets vertebrae_L3" in bone.note


def test_without_a_label_the_name_that_the_case_gives_counts():
    found = facts(phantom(labelled=False))
    assert found["lesion_bone"].value == "femur_left"
    assert "the case says" in found["lesion_bone"].note


def test_without_label_and_name_bone_and_site_stay_open():
    survey = measures.survey(lesion(phantom(labelled=False), bone=""))
    open_keys = {gap.key for gap in survey.gaps}
    assert {"lesion_site", "lesion_bone", "cortex_axial_mm"} <= open_keys
    assert not open_keys & {fact.key for fact in survey.facts}


def test_a_label_of_an_unknown_name_is_no_bone():
    case = phantom()
    strange = dataclasses.replace(case.structures[0], name="thing_7")
    found = facts(dataclasses.replace(case, structures=(strange,)))
    assert "lesion_bone" not in found
    assert "cortex_axial_mm" not in found


def test_the_matrix_is_what_the_case_says_and_the_note_what_hu_say():
    found = facts(lesion(phantom(), matrix="blastic"))["lesion_matrix"]
    assert (found.value, found.origin) == ("blastic", "label")
    assert "denser than 300 HU" in found.note


def test_what_rests_on_a_mask_that_iceball_made_is_an_estimate():
    drawn, made = facts(phantom()), facts(lesion(phantom(), origin=MADE_FROM["click"]))
    assert drawn.keys() == made.keys()
    assert {"measured", "label"} <= {fact.origin for fact in drawn.values()}
    assert {key for key, fact in made.items() if fact.origin == "measured"} == {"slice_spacing_mm"}
    assert made["lesion_matrix"].origin == "estimated"  # from the HU in the mask
    assert made["lesion_bone"].origin == "label"
    assert [fact.value for fact in made.values()] == [fact.value for fact in drawn.values()]


def test_volume_and_what_lies_outside_bone_are_those_of_the_masks():
    case = balls_case(names=("rib_left_7",))
    assert case.lesion is not None
    assert case.labels is not None
    found = facts(lesion(case, bone="rib_left_7"))
    assert found["lesion_volume_ml"].value == pytest.approx(case.lesion.volume_ml, abs=0.0051)  # two decimals
    half = np.where(case.lesion.mask.array > 0, 101, 0)
    half[: int(np.argwhere(half).mean(axis=0)[0])] = 0
    labelled = dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=half, quantity="label"))
    outside = np.count_nonzero((case.lesion.mask.array > 0) & (half == 0)) * case.ct.grid.voxel_ml
    assert facts(labelled)["soft_tissue_ml"].value == pytest.approx(outside, abs=0.0051)
    assert facts(labelled)["soft_tissue_ml"].origin == "measured"


def ball_in_a_rib(hole_mm: float) -> Case:
    """A lesion of 6 mm in the middle of a ball of a rib, 14 mm, whose label spares ``hole_mm`` around its middle."""
    case = balls_case((2.0, 2.0, 2.0), names=("rib_left_7",))
    assert case.lesion is not None
    index = np.moveaxis(np.indices(case.ct.grid.shape), 0, -1)
    away = np.linalg.norm((index - np.argwhere(case.lesion.mask.array).mean(axis=0)) * 2.0, axis=-1)
    labels = np.where((away <= 14) & (away > hole_mm), 101, 0).astype(np.uint8)
    return dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=labels, quantity="label"))


def test_a_hole_that_the_label_leaves_for_the_lesion_is_bone():
    assert facts(ball_in_a_rib(0.0))["soft_tissue_ml"].value == 0
    assert facts(ball_in_a_rib(9.0))["soft_tissue_ml"].value == 0


def test_where_the_label_leaves_the_lesion_out_and_open_what_was_bone_is_not_known():
    case = ball_in_a_rib(9.0)
    labels = np.array(case.labels.array)  # type: ignore[union-attr]
    labels[:, :, np.argwhere(labels)[:, 2].mean().round().astype(int) :] = 0  # half of the shell: a notch
    notched = Volume(grid=case.ct.grid, array=labels, quantity="label")
    survey = measures.survey(dataclasses.replace(case, labels=notched))
    assert "soft_tissue_ml" not in {fact.key for fact in survey.facts}
    assert "leave the lesion out" in {gap.key: gap.why for gap in survey.gaps}["soft_tissue_ml"]


@pytest.mark.parametrize("share", [1 / 3, 2 / 3])
def test_a_share_just_beside_a_third_stays_on_its_side(share: float):
    book = Notebook()
    for key, value in (("below", share - 0.001), ("above", share + 0.001)):
        book.put(key, value, "measured", unit="1")
    below, above = (fact.value for fact in book.facts)
    assert below < share < above


def femur(top_mm: float, *, z_up: bool = True) -> Case:
    """A femur that ends ``top_mm`` above the middle of its lesion, where the scan goes on, or does not."""
    case = tube_case(dataclasses.replace(SMALL, axis=(0.0, 0.0, 1.0), half_mm=top_mm + 12), (2.0, 2.0, 2.0))
    assert case.labels is not None
    z = case.ct.grid.position_mm(np.moveaxis(np.indices(case.ct.grid.shape), 0, -1))[..., 2]
    cut = np.where((z if z_up else -z) > top_mm, 0, case.labels.array)
    return dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=cut, quantity="label"))


@pytest.mark.parametrize(("top_mm", "site"), [(60.0, "trochanteric"), (160.0, "lower_limb")])
def test_how_far_below_the_top_of_the_femur_decides_the_site_by_mirels(top_mm: float, site: str):
    found = facts(femur(top_mm))["mirels_site"]
    assert (found.value, found.origin) == (site, "estimated")


def test_a_femur_whose_upper_end_is_not_scanned_leaves_the_site_by_mirels_to_be_asked_for():
    survey = measures.survey(femur(60.0, z_up=False))
    assert not {fact.key for fact in survey.facts} & {"mirels_site", "femur_part"}
    why = {gap.key: gap.why for gap in survey.gaps}
    assert "not in the scan" in why["mirels_site"]
    assert "not in the scan" in why["femur_part"]


def test_farther_below_the_end_of_the_scan_than_the_trochanters_reach_is_a_lower_limb():
    found = facts(femur(160.0, z_up=False))["mirels_site"]  # the scan ends 172 mm above the lesion's middle
    assert (found.value, found.origin) == ("lower_limb", "estimated")
    assert "the end of the scan" in found.note


def test_an_arm_is_an_upper_limb():
    assert facts(phantom("humerus_right"))["mirels_site"].value == "upper_limb"
    assert "mirels_site" not in facts(phantom("rib_left_7"))


def test_every_fact_is_an_answer_that_the_library_s_questions_take():
    for case in (phantom(), phantom("rib_left_7"), balls_case()):
        for fact in measures.measure(case):
            library.check_fact(fact)


def test_the_progress_is_told():
    told: list[float] = []
    measures.measure(balls_case(), progress=lambda done, text: told.append(done))
    assert told[0] == 0
    assert told[-1] == 1
    assert told == sorted(told)


def test_a_case_without_a_lesion_is_refused():
    with pytest.raises(InputError, match="no lesion to measure"):
        measures.measure(dataclasses.replace(balls_case(), lesion=None))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"site": "toe"}, "site 'toe' is unknown"),
        ({"site": "rib", "limb": "wing"}, "limb 'wing' is unknown"),
        ({"site": "rib", "colour": "white"}, "unknown field colour"),
        ({}, "lacks site"),
        ({"site": "rib", "joins": ["tail"]}, "joins tail"),
    ],
)
def test_a_row_of_the_table_of_bones_that_breaks_a_rule_is_refused(monkeypatch, entry, says: str):
    monkeypatch.setattr(_measures, "table", lambda name: {"bones": {"rib": entry}})
    _measures._bones.cache_clear()
    with pytest.raises(LibraryError, match=says):
        library.bone_rule("rib")
    monkeypatch.undo()
    _measures._bones.cache_clear()
