"""Cases as nobody wants them, through marking, measuring and screening: refused clearly, or said in a finding."""

from __future__ import annotations

import dataclasses

import hostile
import pytest

from iceball import implanting, io
from iceball.anatomy import measures, outlines
from iceball.anatomy.lesion import find_lesion
from iceball.errors import InputError
from iceball.nouns import Lesion
from iceball.screening import screen_case

SIZE_MM = 24.0


@pytest.fixture(scope="module")
def good(shared_data):
    """A real CT with labels and a lytic lesion implanted into L3."""
    folder = shared_data / "abdomen_pelvis_ct"
    case = io.read_scan(folder / "example_ct.nii.gz", labels=folder / "vertebrae_seg.nii.gz")
    at = implanting.place_in(case, "vertebrae_L3", size_mm=SIZE_MM, seed=1)
    wish = implanting.Wish(at_mm=at, size_mm=SIZE_MM, matrix="lytic", shape="sphere", seed=1, bone="vertebrae_L3")
    return implanting.implant(case, wish), at


def rules(findings) -> set[str]:
    return {finding.rule for finding in findings}


def test_an_empty_mask_is_no_lesion(good):
    with pytest.raises(InputError, match="empty"):
        Lesion(mask=hostile.empty_mask(good[0]), matrix="lytic", origin="made by a test")


@pytest.mark.parametrize("offset", ["HU 1024 too high", "HU 1024 too low"])
@pytest.mark.parametrize("verb", ["mark", "outline", "measure", "screen"])
def test_numbers_that_are_no_hu_are_refused_with_what_to_do(good, offset, verb):
    case, at = good
    bad = hostile.HOSTILE[offset](case)
    bare = dataclasses.replace(bad, lesion=None)
    verbs = {
        "mark": lambda: find_lesion(bare, seed_mm=at),
        "outline": lambda: outlines.outline(bare, only=["spinal_canal"]),
        "measure": lambda: measures.survey(bad),
        "screen": lambda: screen_case(bad),
    }
    with pytest.raises(InputError, match="1024 HU") as refused:
        verbs[verb]()
    assert "\n" not in str(refused.value)


SAID = {
    "metal everywhere": ("metal near the lesion", {"scan metal", "metal_near"}),
    "cut through the lesion": ("lesion cut by the scan", {"cut_by_scan"}),
    "slices of 5 mm": ("coarse slices", {"thick_slices"}),
}


@pytest.mark.parametrize("kind", SAID)
def test_what_spoils_the_scan_is_said_in_a_finding(good, kind):
    case, at = good
    bad = hostile.HOSTILE[kind](case)
    of_mask, of_screening = SAID[kind]
    assert of_mask in rules(find_lesion(dataclasses.replace(bad, lesion=None), seed_mm=at).findings)
    assert of_screening <= rules(screen_case(bad).findings)


def test_metal_everywhere_stops(good):
    assert screen_case(hostile.metal_everywhere(good[0])).verdict == "not within the evidence"


def test_a_lesion_of_one_voxel_is_named_as_tiny(good):
    assert "tiny_lesion" in rules(screen_case(hostile.one_voxel(good[0])).findings)


def test_what_a_cropped_body_does_not_show_is_left_out_with_the_reason(good):
    survey = measures.survey(hostile.cropped_body(good[0]))
    known = {fact.key for fact in survey.facts}
    left = {gap.key: gap.why for gap in survey.gaps}
    assert "distance_skin_mm" not in known
    assert left["distance_skin_mm"]


def test_labels_that_the_library_does_not_know_are_no_bone_and_a_lesion_there_says_so(good):
    case, at = good
    bad = hostile.unknown_labels(case)
    bad = dataclasses.replace(bad, lesion=dataclasses.replace(bad.lesion, bone=""))  # nor does anybody say which it is
    survey = measures.survey(bad)
    assert "lesion_site" not in {fact.key for fact in survey.facts}
    found = find_lesion(dataclasses.replace(bad, lesion=None), seed_mm=at)
    assert "mostly outside bone" in rules(found.findings)
