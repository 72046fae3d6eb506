"""The picture of a plan: planes along and across its probes, and what is drawn of its protections."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.image import imread

from iceball.errors import InputError
from iceball.nouns import Capsule, Goal, Pocket, Sensor
from iceball.planning import Option
from iceball.report.plan import plan_picture
from iceball.report.planes import probe_planes

direction = st.tuples(*[st.floats(-1, 1)] * 3)


@given(direction, direction)
def test_the_planes_lie_along_and_across_the_probes_and_are_square(outward, spread):
    assume(np.linalg.norm(outward) > 0.1)
    unit = np.asarray(outward) / np.linalg.norm(outward)
    along, across = probe_planes(outward, spread, (1.0, 2.0, 3.0), 40.0)
    for plane in (along, across):
        axes = np.array([plane.across, plane.up])
        assert axes @ axes.T == pytest.approx(np.eye(2), abs=1e-6)  # rounding
    assert abs(np.dot(along.up, unit)) == pytest.approx(1.0, abs=1e-6)
    assert np.array([across.across, across.up]) @ unit == pytest.approx([0.0, 0.0], abs=1e-6)
    aside = np.asarray(spread) - np.dot(spread, unit) * unit
    if np.linalg.norm(aside) > 1e-3:  # the probes lie apart: the first plane holds them all
        assert abs(along.flat(np.array([1.0, 2.0, 3.0]) + aside)[2]) < 1e-6


def test_a_probe_from_behind_comes_from_below_and_the_right_is_on_the_left():
    along, across = probe_planes((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0), 40.0)
    assert along.marks == ("R", "L", "A", "P")
    assert across.marks == ("R", "L", "H", "F")


def test_a_slanting_plane_names_two_sides():
    along, _ = probe_planes((1.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), 40.0)
    assert set(along.marks[3]) | set(along.marks[2]) == {"A", "P", "L", "R"}


def option_of(plan, judged=None) -> Option:
    return Option(
        name="recommended",
        plan=plan,
        accuracy="standard",
        coverage_fraction=0.96,
        healthy_ml=3.0,
        coldest_c=(),
        unprotected_c=(),
        protected_by=(),
        says="two probes",
        assessment=judged,
    )


def drawn(vertebra, *protections):
    case, plan, history, judged = vertebra(3)
    option = option_of(dataclasses.replace(plan, protections=protections), judged)
    return imread(io.BytesIO(plan_picture(case, option, history, Goal())))[..., :3]


def test_protections_are_drawn_in_a_colour_of_their_own(vertebra):
    lime = np.array([0xB6, 0xFF, 0x3B]) / 255
    middle = vertebra(3)[0].lesion.mask
    x, y, z = (float(v) for v in middle.grid.position_mm(np.argwhere(middle.array)).mean(axis=0))
    pocket = Pocket(
        label="gas", filling="carbon_dioxide",
        region=Capsule(start_mm=(x - 9, y, z), end_mm=(x + 9, y, z), radius_mm=5.0),
    )  # fmt: skip
    places = [drawn(vertebra), drawn(vertebra, pocket), drawn(vertebra, Sensor(label="s", at_mm=(x, y, z)))]
    bare, pocketed, watched = ((np.abs(place - lime) < 0.02).all(axis=-1).sum() for place in places)
    assert bare == 0
    assert pocketed > 200
    assert watched > 50


def test_a_case_without_a_lesion_has_no_plan_to_draw(vertebra):
    case, plan, history, _ = vertebra(1)
    with pytest.raises(InputError, match="has no lesion"):
        plan_picture(dataclasses.replace(case, lesion=None), option_of(plan), history, Goal())
