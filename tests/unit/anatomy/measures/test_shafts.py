"""Cortical involvement of long bones, on tubes with a notch of known length and share of the circumference."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from bone_phantoms import Tube, tube_case
from hostile import cropped
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.anatomy import measures
from iceball.nouns import Case

# The page of measures has finer ones; they take longer than a test may.
MIDDLE, THICK, COARSE = (1.0, 1.0, 1.5), (1.0, 1.0, 3.0), (3.0, 3.0, 3.0)


SMALL = Tube(outer_mm=11, cortex_mm=4, notch_mm=14, notch_fraction=0.3)


def facts(case: Case):
    return {fact.key: fact for fact in measures.measure(case)}


@functools.cache
def measured(tube: Tube, spacing_mm=MIDDLE, labelled=True):
    half = tube.notch_mm / 2 + 32
    return facts(tube_case(dataclasses.replace(tube, half_mm=half), spacing_mm, labelled=labelled))


# Half a section's step to either side, and how far the edge of a notch is blurred: up to half a slice at each end.
TOLERANCE_MM = {MIDDLE: 1.5, THICK: 2.0, COARSE: 3.0}
TOLERANCE_SHARE = {MIDDLE: 0.02, THICK: 0.02, COARSE: 0.04}
NOTCHES = [(10.0, 0.1), (30.0, 0.4), (60.0, 0.9)]


@pytest.mark.parametrize("spacing_mm", TOLERANCE_MM, ids=str)
@pytest.mark.parametrize(("notch_mm", "share"), NOTCHES)
def test_a_hole_in_a_shaft_is_measured_along_and_around(spacing_mm, notch_mm: float, share: float):
    found = measured(Tube(notch_mm=notch_mm, notch_fraction=share), spacing_mm)
    assert found["cortex_axial_mm"].value == pytest.approx(notch_mm, abs=TOLERANCE_MM[spacing_mm])
    assert found["cortex_circumference_fraction"].value == pytest.approx(share, abs=TOLERANCE_SHARE[spacing_mm])
    assert found["cortex_breached"].value is True
    assert found["cortex_axial_mm"].origin == "measured"


@pytest.mark.parametrize(
    ("spacing_mm", "loss"), [(MIDDLE, 0.5), (MIDDLE, 0.7), (THICK, 0.5), (THICK, 0.7), (COARSE, 0.5)], ids=str
)
def test_a_thinned_cortex_is_measured_like_a_hole_but_is_none(spacing_mm, loss: float):
    # Not 0.7 at 3 mm: what is left there is thinner than half a voxel, and reads as a hole in places (docs).
    found = measured(Tube(loss_fraction=loss), spacing_mm)
    assert found["cortex_axial_mm"].value == pytest.approx(30, abs=TOLERANCE_MM[spacing_mm])
    assert found["cortex_circumference_fraction"].value == pytest.approx(0.4, abs=TOLERANCE_SHARE[spacing_mm])
    assert found["cortex_breached"].value is False


def test_an_intact_cortex_is_not_involved():
    found = measured(Tube(loss_fraction=0.0))  # the lesion lies in the marrow and touches the cortex from inside
    assert found["cortex_axial_mm"].value == 0
    assert found["cortex_circumference_fraction"].value == 0
    assert found["cortex_breached"].value is False


def test_a_shaft_without_a_label_is_outlined_and_says_that_it_is_an_estimate():
    found = measured(Tube(), MIDDLE, labelled=False)  # the case names its bone
    assert found["cortex_axial_mm"].origin == "estimated"
    assert found["cortex_axial_mm"].value == pytest.approx(30, abs=TOLERANCE_MM[MIDDLE])
    assert found["cortex_circumference_fraction"].value == pytest.approx(
        0.4, abs=0.03
    )  # the outline is a millimetre off


def test_the_lesion_against_the_width_of_the_bone_is_what_a_ruler_says():
    # The notch spans 36 degrees: a chord of 2 · 14 · sin(18°) = 8.65 mm across; 8 mm deep where it is 5 + 3 mm
    # thick. Its diagonal, from a corner at the surface to the opposite one inside, is what a calliper finds.
    found = measured(Tube(notch_mm=20, notch_fraction=0.1))
    assert found["lesion_to_bone_width_fraction"].value == pytest.approx(10.2 / 28, abs=0.05)  # two voxels of 28 mm


def test_a_bone_that_flares_is_measured_and_says_that_it_is_no_plain_shaft():
    # From 8 to 20 mm radius over the reference: the girth more than doubles.
    facts_ = measured(dataclasses.replace(SMALL, axis=(0.0, 0.0, 1.0), outer_mm=14, cortex_mm=5, flare=0.2))
    assert facts_["cortex_axial_mm"].origin == "estimated"
    assert "no plain shaft" in facts_["cortex_axial_mm"].note
    assert facts_["cortex_axial_mm"].value == pytest.approx(14, abs=2)  # the wall stands askew to the rays
    assert facts_["cortex_circumference_fraction"].value == pytest.approx(0.3, abs=0.03)


def test_a_bone_of_the_trunk_has_no_shaft_to_unroll():
    found = facts(tube_case(Tube(name="sternum", half_mm=45), MIDDLE))
    assert "cortex_axial_mm" not in found
    assert found["cortex_breached"].value is True  # by the surface of any bone


def test_the_bone_on_one_side_of_the_lesion_is_reference_enough():
    case = tube_case(dataclasses.replace(SMALL, axis=(0.0, 0.0, 1.0), half_mm=40), MIDDLE)
    assert case.lesion is not None
    top = int(np.argwhere(case.lesion.mask.array)[:, 2].max())
    found = facts(cut(case, slice(0, top + 5)))  # 6 mm above the lesion, 33 mm below
    assert "on one side" in found["cortex_axial_mm"].note
    assert found["cortex_axial_mm"].value == pytest.approx(14, abs=TOLERANCE_MM[MIDDLE])


def test_where_only_the_lesion_s_own_level_is_scanned_the_opposite_side_is_the_reference():
    case = tube_case(dataclasses.replace(SMALL, axis=(0.0, 0.0, 1.0), half_mm=40, notch_mm=24), MIDDLE)
    assert case.lesion is not None
    there = np.argwhere(case.lesion.mask.array)[:, 2]
    found = facts(cut(case, slice(int(there.min()) - 5, int(there.max()) + 6)))  # 7.5 mm beyond either end
    assert "opposite side" in found["cortex_circumference_fraction"].note
    assert found["cortex_circumference_fraction"].value == pytest.approx(0.3, abs=0.03)


def cut(case: Case, along: slice) -> Case:
    """The slices ``along`` of a case."""
    return cropped(case, (slice(None), slice(None), along))


FEW = settings(max_examples=6, deadline=None)  # a phantom takes half a second


@FEW
@given(
    lean=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    shift=st.tuples(*[st.floats(-2.0, 2.0)] * 3),
    turned=st.floats(0, 360),
)
def test_the_axial_length_does_not_depend_on_where_the_bone_lies(lean, shift, turned):
    tube = dataclasses.replace(SMALL, axis=(*lean, 1.0), centre_mm=shift, turned_deg=turned, half_mm=40)
    found = facts(tube_case(tube, (1.5, 1.5, 1.5)))
    assert found["cortex_axial_mm"].value == pytest.approx(14, abs=2.0)  # a voxel, and half of one for the edge's blur
    assert found["cortex_circumference_fraction"].value == pytest.approx(0.3, abs=0.05)  # 1.5 mm of 69


@FEW
@given(shares=st.tuples(st.floats(0.1, 0.8), st.floats(0.05, 0.1)))
def test_a_wider_notch_takes_more_of_the_circumference(shares):
    narrow, wide = (
        facts(tube_case(dataclasses.replace(SMALL, notch_fraction=share, half_mm=40), (1.5, 1.5, 1.5)))
        for share in (shares[0], sum(shares))
    )
    key = "cortex_circumference_fraction"
    assert narrow[key].value < wide[key].value


def test_the_unrolled_axis_is_the_axis_of_the_bone():
    from iceball.anatomy.measures._part import part_of
    from iceball.anatomy.measures._unroll import unroll

    tube = dataclasses.replace(SMALL, axis=(0.3, 0.2, 1.0), half_mm=45)
    part = part_of(tube_case(tube, MIDDLE))
    bone = unroll(part, part.labelled(75), from_mm=4, length_mm=25)
    assert bone is not None
    off = np.degrees(np.arccos(abs(bone.axis @ np.asarray(tube.axis)) / np.linalg.norm(tube.axis)))
    assert off < 0.5  # half a degree is 0.3 mm over the 30 mm of the lesion and its reference
    assert np.median(bone.outer_mm) == pytest.approx(11, abs=0.3)  # half a voxel
