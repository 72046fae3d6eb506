"""Distances, on balls whose distance is known: surface to surface, and never a number that the scan cannot give."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from bone_phantoms import balls_case
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.anatomy import measures
from iceball.anatomy.measures._surfaces import largest_calliper_mm, nearest_mm, surface_mm
from iceball.nouns import Case, Lesion, Volume

KEY = "distance_vessel_mm"


def found(case: Case):
    return {fact.key: fact for fact in measures.measure(case)}


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5), (3.0, 3.0, 3.0)], ids=str)
@pytest.mark.parametrize("direction", [(1, 0, 0), (1, 1, 1), (0.3, 0.2, 1)], ids=str)
@pytest.mark.parametrize("between_mm", [4.0, 25.0])
def test_the_distance_is_from_surface_to_surface(spacing_mm, direction, between_mm: float):
    case = balls_case(spacing_mm, between_mm=between_mm, direction=direction)
    # Each of two surfaces lies within half a voxel of the ball that it was drawn from.
    assert found(case)[KEY].value == pytest.approx(between_mm, abs=max(spacing_mm))


@pytest.mark.parametrize("direction", [(1, 0, 0), (1, 1, 1)], ids=str)
def test_what_touches_is_at_distance_zero(direction):
    assert found(balls_case(between_mm=0, direction=direction))[KEY].value == 0


def test_of_several_the_nearest_counts_and_is_named():
    case = balls_case(between_mm=10, names=("aorta", "inferior_vena_cava", "iliac_artery_left"))
    assert found(case)[KEY].value == pytest.approx(10, abs=1)
    assert "aorta" in found(case)[KEY].note


def test_the_distance_does_not_depend_on_who_is_the_lesion():
    here = balls_case(between_mm=15, direction=(1, 1, 0))
    assert here.lesion is not None
    assert here.labels is not None
    other = dataclasses.replace(
        here,
        labels=Volume(grid=here.ct.grid, array=here.lesion.mask.array * np.uint8(101), quantity="label"),
        lesion=Lesion(
            mask=Volume(grid=here.ct.grid, array=(here.labels.array == 101).astype(np.uint8), quantity="label"),
            matrix="lytic",
            origin="drawn by a test",
        ),
    )
    assert found(other)[KEY].value == found(here)[KEY].value


masks = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=6, unique=True
)
spacings = st.tuples(*[st.sampled_from([0.7, 1.0, 2.5])] * 3)


def surface(voxels, spacing_mm):
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[tuple(np.transpose(voxels))] = True
    return surface_mm(mask, np.asarray(spacing_mm), np.zeros(3))


@settings(max_examples=60)
@given(masks, masks, masks, spacings)
def test_distances_of_surfaces_are_symmetric_and_no_way_round_is_shorter(a, b, c, spacing_mm):
    first, second, third = (surface(voxels, spacing_mm) for voxels in (a, b, c))
    way = nearest_mm(first, second)
    assert way == pytest.approx(nearest_mm(second, first))
    # By way of a third body: from a to b at most to c, across c, and on to b.
    across = np.linalg.norm(third[:, None] - third[None], axis=-1).max()
    assert way <= nearest_mm(first, third) + across + nearest_mm(third, second) + 1e-9


@settings(max_examples=60)
@given(masks, spacings)
def test_the_largest_calliper_is_between_the_centres_and_the_corners_of_the_voxels(voxels, spacing_mm):
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[tuple(np.transpose(voxels))] = True
    size = np.asarray(spacing_mm)
    centres = np.asarray(voxels) * size
    widest = np.linalg.norm(centres[:, None] - centres[None], axis=-1).max()
    found_mm = largest_calliper_mm(mask, size, np.zeros(3))
    assert widest - 1e-9 <= found_mm <= widest + np.linalg.norm(size) + 1e-9


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.7, 0.7, 2.5)], ids=str)
@pytest.mark.parametrize("radius_mm", [6.0, 15.0])
def test_the_calliper_of_a_ball_is_its_diameter(spacing_mm, radius_mm: float):
    size = np.asarray(spacing_mm)
    index = np.moveaxis(np.indices((60, 60, 40)), 0, -1)
    ball = np.linalg.norm((index - [30.2, 30.4, 20.3]) * size, axis=-1) <= radius_mm
    # Less than half of the longest edge of a voxel.
    assert largest_calliper_mm(ball, size, np.zeros(3)) == pytest.approx(2 * radius_mm, abs=max(spacing_mm) / 2)


def test_what_is_not_there_has_no_distance_and_a_reason():
    survey = measures.survey(balls_case(names=("aorta",)))
    assert not {fact.key for fact in survey.facts} & {"distance_foramen_mm", "distance_pleura_mm", "distance_joint_mm"}
    why = {gap.key: gap.why for gap in survey.gaps}
    assert "no lung or pleura" in why["distance_pleura_mm"]


def test_a_structure_that_leaves_the_scan_nearer_than_it_is_seen_has_no_distance():
    case = balls_case(between_mm=30)
    assert case.labels is not None
    labels = np.array(case.labels.array)
    labels[:, :2, :] = 101  # the vessel runs along a border of the scan, and is seen far away only
    labels[:, 2:, :] = np.where(labels[:, 2:, :] == 101, 0, labels[:, 2:, :])
    labels[:70] = 0
    near = dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=labels, quantity="label"))
    survey = measures.survey(near)
    assert KEY not in {fact.key for fact in survey.facts}
    assert "leaves the scan" in {gap.key: gap.why for gap in survey.gaps}[KEY]


def test_padding_counts_as_the_end_of_the_scan():
    case = balls_case(between_mm=20, direction=(1, 0, 0))
    view = np.ones(case.ct.grid.shape, dtype=np.uint8)
    half = case.ct.grid.shape[0] // 2
    view[half + 8 :] = 0  # in the vessel
    padded = dataclasses.replace(case, field_of_view=Volume(grid=case.ct.grid, array=view, quantity="label"))
    survey = measures.survey(padded)
    known = {fact.key: fact for fact in survey.facts}
    # The vessel's near side is scanned: what is missing lies behind it.
    assert known[KEY].value == pytest.approx(20, abs=1)
    view[half - 6 :] = 0
    nearer = dataclasses.replace(case, field_of_view=Volume(grid=case.ct.grid, array=view, quantity="label"))
    assert KEY not in {fact.key for fact in measures.survey(nearer).facts}


def test_a_structure_around_the_lesion_is_as_far_as_its_nearest_voxel():
    """Two rods at opposite edges: their common box holds the lesion, their voxels are farther than the first look."""
    case = balls_case((2.0, 2.0, 2.0), between_mm=60, direction=(1, 1, 1))
    assert case.lesion is not None
    away = np.argwhere(case.lesion.mask.array).max(axis=0) + 16  # faces 15 voxels of 2 mm beyond the lesion, each axis
    labels = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    labels[1:-1, away[1], away[2]] = 101
    labels[1:-1, 1, 1] = 101
    rods = dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=labels, quantity="label"))
    ball = np.argwhere(case.lesion.mask.array)
    gap = (np.array([away[1], away[2]]) - ball[:, 1:]) * 2.0
    centres = float(np.linalg.norm(gap, axis=1).min())
    assert centres > 25  # beyond the first look at 20 mm
    assert found(rods)[KEY].value == pytest.approx(centres, abs=2.5)  # centre to surface: a voxel's diagonal at most


def test_padding_farther_away_than_the_part_that_is_looked_at_counts_too():
    case = balls_case((2.0, 2.0, 2.0), between_mm=90)
    assert case.labels is not None
    labels = np.array(case.labels.array)
    start = np.argwhere(case.lesion.mask.array).mean(axis=0).round().astype(int)  # type: ignore[union-attr]
    view = np.ones(case.ct.grid.shape, dtype=np.uint8)
    # Seen 90 mm away, the vessel runs into padding 61 mm away: the part that is looked at ends at 45 mm.
    ends = np.argwhere(labels).max(axis=0)
    view[start[0] + 34 :, ends[1] - 1 :] = 0
    padded = dataclasses.replace(case, field_of_view=Volume(grid=case.ct.grid, array=view, quantity="label"))
    survey = measures.survey(padded)
    assert KEY not in {fact.key for fact in survey.facts}
    # At most too short: by the diagonal of the voxels of 2 mm that far padding is looked for on.
    unseen = re.search(r"leaves the scan (\d+) mm", {gap.key: gap.why for gap in survey.gaps}[KEY])
    assert unseen is not None
    assert 57 <= int(unseen[1]) <= 61


def test_an_estimated_structure_makes_an_estimated_distance():
    case = balls_case()
    guessed = dataclasses.replace(case, structures=(dataclasses.replace(case.structures[0], estimated=True),))
    assert found(case)[KEY].origin == "measured"
    assert found(guessed)[KEY].origin == "estimated"
