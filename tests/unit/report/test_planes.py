"""Pictures show the patient the right way round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.nouns import Grid, Placement, Plan, Volume, read_protocol
from iceball.report.palette import isotherm_colours
from iceball.report.planes import cut, three_planes
from iceball.report.words import direction, point, signed, spacings, typeset

LEFT, BACK, HEAD = np.eye(3)
place = st.tuples(*[st.floats(-200, 200)] * 3)


@pytest.mark.parametrize(
    ("plane", "to_the_right", "upwards"),
    [(0, LEFT, -BACK), (1, LEFT, HEAD), (2, BACK, HEAD)],
    ids=["axial", "coronal", "sagittal"],
)
def test_radiological_orientation(plane, to_the_right, upwards):
    cut_ = three_planes((1.0, 2.0, 3.0), (1.0, 2.0, 3.0), 40.0)[plane]
    middle = np.asarray(cut_.centre_mm)
    assert cut_.flat(middle + 5 * to_the_right) == pytest.approx([5.0, 0.0, 0.0])
    assert cut_.flat(middle + 5 * upwards) == pytest.approx([0.0, 5.0, 0.0])


def test_marks_name_the_sides():
    axial, coronal, sagittal = three_planes((0.0,) * 3, (0.0,) * 3, 40.0)
    assert (axial.marks, coronal.marks, sagittal.marks) == (
        ("R", "L", "A", "P"), ("R", "L", "H", "F"), ("A", "P", "H", "F"),
    )  # fmt: skip


@given(through=place, middle=place)
def test_every_plane_passes_through_the_place_it_shows(through, middle):
    for plane in three_planes(through, middle, 30.0):
        assert plane.flat(np.asarray(through))[2] == pytest.approx(0.0, abs=1e-9)


@given(through=place, half_mm=st.floats(5, 60))
def test_sampled_points_are_where_the_picture_draws_them(through, half_mm):
    plane = three_planes(through, through, half_mm)[2]
    flat = plane.flat(plane.points_mm())
    # coordinates up to 200 mm in double precision
    assert np.abs(flat[0, :, 0] - plane.ticks_mm).max() < 1e-9
    assert np.abs(flat[:, 0, 1] - plane.ticks_mm).max() < 1e-9
    assert np.abs(flat[..., 2]).max() < 1e-9


def test_a_cut_shows_the_values_at_their_places_and_nothing_outside():
    grid = Grid(shape=(21, 21, 5), spacing_mm=(2.0, 2.0, 4.0), origin_mm=(-20.0, -20.0, -8.0))
    x = grid.position_mm(np.stack(np.indices(grid.shape), axis=-1))[..., 0]
    axial = three_planes((0.0,) * 3, (0.0,) * 3, 30.0)[0]
    shown = cut(Volume(grid=grid, array=x, quantity="hu"), axial)
    seen = np.isfinite(shown)
    across = np.broadcast_to(axial.ticks_mm, shown.shape)
    # a linear field is interpolated exactly between voxel centres; the last half voxel repeats the edge
    inner = np.abs(across) <= 20.0
    assert shown[seen & inner] == pytest.approx(across[seen & inner], abs=1e-9)
    assert not seen[:, np.abs(axial.ticks_mm) > 21.0].any()


def test_labels_are_never_blurred():
    grid = Grid(shape=(9, 9, 9), spacing_mm=(3.0,) * 3, origin_mm=(-12.0,) * 3)
    labels = np.random.default_rng(3).choice([0, 7, 90], grid.shape).astype(np.uint8)
    shown = cut(Volume(grid=grid, array=labels, quantity="label"), three_planes((0.4,) * 3, (0.0,) * 3, 12.0)[1])
    assert set(np.unique(shown[np.isfinite(shown)])) <= {0.0, 7.0, 90.0}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ((0.0, 100.0, 0.0), "to the front"),
        ((100.0, 100.0, 0.0), "to the front, 45° to the patient's right"),
        ((-100.0, -100.0, 0.0), "to the back, 45° to the patient's left"),
        ((0.0, 100.0, -100.0), "to the front; 45° headward"),
        ((0.0, 0.0, 100.0), "90° footward"),
    ],
)
def test_a_probe_points_where_the_words_say(entry, text):
    probe = library.probe("argon-17g-30mm")
    assert direction(Placement(label="A", probe=probe, entry_mm=entry, tip_mm=(0.0, 0.0, 0.0))) == text


def test_spacing_of_parallel_probes_is_their_distance():
    probe = library.probe("argon-17g-30mm")
    placements = [
        Placement(label=label, probe=probe, entry_mm=(x, 100.0, 0.0), tip_mm=(x, 0.0, 0.0))
        for label, x in (("A", 0.0), ("B", 13.0), ("C", -5.0))
    ]
    plan = Plan(placements=tuple(placements), protocol=read_protocol("10-8-10"))
    assert spacings(plan) == ("A–B 13.0 mm", "A–C 5.0 mm", "B–C 18.0 mm")


def test_minus_signs_are_true_only_before_numbers():
    assert typeset("reached -9.8 °C, argon-17g-30mm, 10-8-10") == "reached −9.8 °C, argon-17g-30mm, 10-8-10"
    assert (signed(-3.25, 1), signed(40.0), point((1.0, -2.0, 3.25))) == ("−3.2", "40", "1.0, −2.0, 3.2")


def test_isotherms_have_different_colours_whatever_their_order():
    colours = isotherm_colours((-40.0, 0.0, -20.0, -30.0, -50.0))
    assert len(set(colours.values())) == 5
    assert colours[0.0] == isotherm_colours((0.0,))[0.0]
