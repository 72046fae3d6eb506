"""The socket of the hip: its roof, the joint, and the site by the distance to it."""

from __future__ import annotations

import dataclasses
import functools

import pytest
from bone_phantoms import hip_case

from iceball.anatomy import measures

ROOF, JOINT = "acetabular_roof_breached", "distance_joint_mm"


@functools.cache
def found(at_mm=(0.0, 0.0, 45.0), radius_mm=8.0, spacing_mm=(1.5, 1.5, 1.5)):
    return {fact.key: fact for fact in measures.measure(hip_case(at_mm, radius_mm, spacing_mm))}


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 2.5), (1.5, 1.5, 1.5), (3.0, 3.0, 3.0)], ids=str)
def test_a_lesion_that_opens_the_roof_breaches_it(spacing_mm):
    assert found((0.0, 0.0, 34.0), 12.0, spacing_mm)[ROOF].value is True
    assert found((0.0, 0.0, 45.0), 8.0, spacing_mm)[ROOF].value is False


def test_a_roof_that_is_thinned_but_stands_is_not_breached():
    # A millimetre of the two of the plate is left under the lesion.
    assert found((0.0, 0.0, 36.0), 10.0)[ROOF].value is False


def test_a_hole_in_the_front_of_the_socket_is_none_in_its_roof():
    facts = found((0.0, -22.0, 5.0), 9.0)
    assert facts["cortex_breached"].value is True
    assert facts[ROOF].value is False


@pytest.mark.parametrize("at_z_mm", [40.0, 45.0, 58.0])
def test_the_distance_to_the_joint_is_to_where_the_bones_meet(at_z_mm: float):
    # From the lesion's lower end to the roof, 25 mm above the head's centre; a voxel either way.
    assert found((0.0, 0.0, at_z_mm), 8.0)[JOINT].value == pytest.approx(at_z_mm - 8 - 25, abs=1.5)


def test_near_the_joint_the_hip_bone_is_acetabulum_and_farther_up_it_is_not():
    assert found((0.0, 0.0, 45.0))["lesion_site"].value == "acetabulum"
    assert found((0.0, 0.0, 58.0))["lesion_site"].value == "pelvis_sacrum"  # 25 mm away; 20 mm is the limit


def test_without_the_femur_the_site_in_the_hip_bone_stays_open():
    case = hip_case(spacing_mm=(1.5, 1.5, 1.5))
    alone = dataclasses.replace(case, structures=tuple(s for s in case.structures if s.name != "femur_left"))
    survey = measures.survey(alone)
    assert not {fact.key for fact in survey.facts} & {"lesion_site", JOINT, ROOF}
    why = {gap.key: gap.why for gap in survey.gaps}
    assert "femur is not labelled" in why["lesion_site"]
    assert {JOINT, ROOF} <= set(why)


def test_the_other_side_s_femur_makes_no_joint():
    case = hip_case(spacing_mm=(1.5, 1.5, 1.5))
    other = tuple(dataclasses.replace(s, name="femur_right") if s.name == "femur_left" else s for s in case.structures)
    assert JOINT not in {fact.key for fact in measures.measure(dataclasses.replace(case, structures=other))}


def test_a_sacrum_meets_the_hip_bones_of_both_sides():
    case = hip_case(spacing_mm=(1.5, 1.5, 1.5))
    names = {"hip_left": "sacrum", "femur_left": "hip_right"}
    named = tuple(dataclasses.replace(s, name=names[s.name]) for s in case.structures)
    facts = {fact.key: fact for fact in measures.measure(dataclasses.replace(case, structures=named))}
    assert facts[JOINT].value == pytest.approx(45 - 8 - 25, abs=1.5)
    assert "hip_right" in facts[JOINT].note


def test_a_joint_whose_other_bone_is_not_labelled_makes_the_nearest_one_an_estimate():
    """The hip bone meets the sacrum too: where only that is labelled, the hip joint may be nearer."""
    case = hip_case(spacing_mm=(1.5, 1.5, 1.5))
    named = tuple(dataclasses.replace(s, name="sacrum") if s.name == "femur_left" else s for s in case.structures)
    joint = {f.key: f for f in measures.measure(dataclasses.replace(case, structures=named))}[JOINT]
    assert joint.origin == "estimated"
    assert "no label of femur" in joint.note
