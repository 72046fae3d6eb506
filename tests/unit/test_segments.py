"""How far two shafts lie apart: against brute force, where they are parallel, touch, cross, or are points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iceball.nouns.segments import apart_mm, segments_apart_mm

coordinate = st.floats(-100.0, 100.0)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)
short = st.tuples(*[st.floats(-1.0, 1.0)] * 3).map(np.array)


def to_segment_mm(at, start, end):
    """Distance of points (N, 3) to a segment: projected on its line and cut off at its ends."""
    along = end - start
    share = np.clip((at - start) @ along / (along @ along), 0.0, 1.0)
    return np.linalg.norm(at - (start + share[:, None] * along), axis=1)


def between(start, end, other_start, other_end):
    return apart_mm((start, end), (other_start, other_end))


def brute_mm(start, end, other_start, other_end):
    """Least distance of two segments: along the first it is convex, so each lattice narrows to beside its best."""
    low, high = 0.0, 1.0
    for _ in range(25):
        share = np.linspace(low, high, 13)
        apart = to_segment_mm(start + share[:, None] * (end - start), other_start, other_end)
        best = int(apart.argmin())
        low, high = share[max(best - 1, 0)], share[min(best + 1, 12)]
    return float(apart.min())


@settings(max_examples=200, deadline=None)
@given(point, point, point, point)
def test_the_distance_of_two_shafts_is_that_of_brute_force(start, end, other_start, other_end):
    assume(np.linalg.norm(end - start) > 1.0)
    assume(np.linalg.norm(other_end - other_start) > 1.0)
    found = between(start, end, other_start, other_end)
    # the last lattice is a millionth of a millimetre fine; where the two nearly touch, roots of rounding are left
    assert found == pytest.approx(brute_mm(start, end, other_start, other_end), abs=1e-4)


@settings(max_examples=150, deadline=None)
@given(point, point, st.floats(-3.0, 3.0), st.floats(-2.0, 2.0), point, short)
def test_parallel_and_nearly_parallel_shafts_are_as_far_apart_as_by_brute_force(
    start, along, shift, scale, aside, skew
):
    assume(np.linalg.norm(along) > 1.0)
    assume(abs(scale) > 0.05)
    other = start + shift * along + 0.1 * aside
    for tilt in (0.0, 1e-9, 1e-6, 1e-3):
        ends = (start, start + along, other, other + scale * along + tilt * skew)
        # nearly parallel lines have a flat valley: a wrong place in it changes the distance by less than the tilt
        assert between(*ends) == pytest.approx(brute_mm(*ends), abs=2e-3)


@settings(max_examples=100, deadline=None)
@given(point, point, point, point)
def test_the_distance_does_not_depend_on_which_shaft_comes_first_or_runs_which_way(start, end, other_start, other_end):
    assume(np.linalg.norm(end - start) > 1.0)
    assume(np.linalg.norm(other_end - other_start) > 1.0)
    found = between(start, end, other_start, other_end)
    for ends in (
        (end, start, other_start, other_end),
        (start, end, other_end, other_start),
        (other_start, other_end, start, end),
    ):
        # rounding where the segments are nearly parallel
        assert between(*ends) == pytest.approx(found, abs=1e-4)


def test_touching_crossing_and_overlapping_shafts_are_not_apart():
    one = np.array([[0.0, 0, 0]]), np.array([[10.0, 0, 0]])
    for start, end in (
        ((10.0, 0, 0), (20.0, 5, 0)),  # end to end
        ((5.0, -5, 0), (5.0, 5, 0)),  # crossing
        ((5.0, 0, 0), (5.0, 9, 0)),  # a T
        ((4.0, 0, 0), (14.0, 0, 0)),  # one over the other
        ((0.0, 0, 0), (10.0, 0, 0)),  # the same
    ):
        assert segments_apart_mm(*one, np.array(start), np.array(end))[0] == pytest.approx(0.0, abs=1e-9)


def test_many_shafts_have_the_same_answers_as_each_alone():
    rng = np.random.default_rng(3)
    starts, ends = rng.uniform(-50, 50, (2, 40, 3))
    start, end = rng.uniform(-50, 50, (2, 3))
    many = segments_apart_mm(starts, ends, start, end)
    alone = [between(a, z, start, end) for a, z in zip(starts, ends, strict=True)]
    assert np.allclose(many, alone, atol=1e-9)  # the same sums


@given(point, point, point)
def test_a_point_is_as_far_from_a_segment_as_from_its_nearest_place_and_from_a_point_as_they_lie(at, start, end):
    assume(np.linalg.norm(end - start) > 1.0)
    away = float(to_segment_mm(at[None], start, end)[0])
    assert between(at, at, start, end) == pytest.approx(away, abs=1e-6)  # rounding where it lies on the segment
    assert between(start, end, at, at) == pytest.approx(away, abs=1e-6)
    assert between(at, at, start, start) == pytest.approx(float(np.linalg.norm(at - start)), abs=1e-9)
