"""Are shapes of known size measured as what they are?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ellipe

from iceball.nouns import Grid
from iceball.thermal import shape

STEP = 0.25
TICKS = np.arange(-20.0, 20.0 + STEP / 2, STEP)
U, V = np.meshgrid(TICKS, TICKS, indexing="ij")
offsets = st.tuples(st.floats(-2, 2), st.floats(-2, 2))
turns = st.floats(0, math.pi)


def disc(radius: float, middle: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Distance from the edge of a disc [mm], negative inside."""
    return np.hypot(U - middle[0], V - middle[1]) - radius


def ellipse(a: float, b: float, turn: float, middle: tuple[float, float]) -> np.ndarray:
    """Below zero inside an ellipse of half axes ``a`` and ``b``."""
    x, y = U - middle[0], V - middle[1]
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return np.hypot(along / a, across / b) - 1.0


@given(st.floats(1.5, 15), offsets)
def test_all_diameters_of_a_disc_are_its_diameter(radius, middle):
    found = shape.section(disc(radius, middle), STEP, 0.0)
    assert found is not None
    assert found.pieces == 1
    # A polygon with a corner on each grid line: its sagitta is below STEP²/(4 R), as is the error of linear crossings.
    close = STEP**2 / radius
    for size in (
        found.equal_area_diameter_mm,
        found.largest_caliper_mm,
        found.smallest_caliper_mm,
        found.mean_caliper_mm,
    ):
        assert size == pytest.approx(2 * radius, abs=close)


@given(st.floats(3, 14), st.floats(0.3, 1.0), turns, offsets)
def test_an_ellipse_has_the_area_and_the_calipers_of_an_ellipse(a, ratio, turn, middle):
    b = a * ratio
    found = shape.section(ellipse(a, b, turn, middle), STEP, 0.0)
    assert found is not None
    perimeter = 4 * a * float(ellipe(1 - ratio**2))
    close = STEP**2 * a / b**2  # the smallest radius of curvature is b²/a
    assert found.area_mm2 == pytest.approx(math.pi * a * b, abs=close * perimeter)
    assert found.largest_caliper_mm == pytest.approx(2 * a, abs=close)
    assert found.smallest_caliper_mm == pytest.approx(2 * b, abs=close)
    assert found.mean_caliper_mm == pytest.approx(perimeter / math.pi, abs=close)  # Cauchy: π times the mean width


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9), st.floats(1.5, 6)), min_size=1, max_size=5))
def test_of_any_lobed_shape_equal_area_is_below_the_mean_caliper_and_that_below_the_largest(discs):
    lobes = np.min([disc(r, (x, y)) for x, y, r in discs], axis=0)
    found = shape.section(lobes, STEP, 0.0)
    assert found is not None
    assert found.equal_area_diameter_mm <= found.mean_caliper_mm + 1e-9  # exact of polygons: isoperimetry of the hull
    assert found.smallest_caliper_mm <= found.mean_caliper_mm <= found.largest_caliper_mm + 1e-9
    assert 1 <= found.pieces <= len(discs)


def test_two_discs_apart_are_two_pieces_and_the_largest_caliper_lies_across_both():
    found = shape.section(np.minimum(disc(3, (-8, 0)), disc(3, (8, 0))), STEP, 0.0)
    assert found is not None
    assert found.pieces == 2
    # As for one disc: STEP²/R is 0.02 mm.
    assert found.area_mm2 == pytest.approx(2 * math.pi * 9, abs=0.4)
    assert found.largest_caliper_mm == pytest.approx(22, abs=0.02)
    assert found.smallest_caliper_mm == pytest.approx(6, abs=0.02)


def test_a_hole_counts_neither_as_area_nor_as_a_piece():
    found = shape.section(np.maximum(disc(10), -disc(4)), STEP, 0.0)
    assert found is not None
    assert found.pieces == 1
    assert found.area_mm2 == pytest.approx(math.pi * (100 - 16), rel=1e-3)  # polygons of some 200 corners
    assert found.largest_caliper_mm == pytest.approx(20, abs=0.02)


def test_where_nothing_is_inside_there_is_no_section():
    assert shape.section(disc(5) + 100, STEP, 0.0) is None
    assert shape.section(np.full((4, 4), np.nan), STEP, 0.0) is None


def test_what_lies_beyond_the_grid_is_not_inside():
    half = np.where(U > 0, np.nan, disc(10))
    found = shape.section(half, STEP, 0.0)
    assert found is not None
    # The edge runs between a sample and the first one beyond: half a disc to a step of its diameter.
    assert found.area_mm2 == pytest.approx(math.pi * 50, abs=20 * STEP)


GRID = Grid(shape=(41, 41, 41), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(-20.0, -20.0, -20.0))
PLACES = GRID.position_mm(np.stack(np.meshgrid(*[np.arange(41)] * 3, indexing="ij"), axis=-1))
axes = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).filter(lambda a: math.hypot(*a) > 0.1)


def ball(radius: float, middle: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Distance from the surface of a ball [mm] on GRID, negative inside."""
    return np.linalg.norm(PLACES - middle, axis=-1) - radius


@settings(max_examples=25)
@given(st.floats(4, 14), axes, st.tuples(*[st.floats(-1, 1)] * 3))
def test_every_diameter_of_a_ball_is_its_diameter_from_whatever_side(radius, axis, middle):
    found = shape.diameters(ball(radius, middle), GRID, 0.0, middle, axis, angles=10)
    # Trilinear interpolation of a distance is too large by up to three times h²/(8 R), at each end.
    np.testing.assert_allclose(found, 2 * radius, atol=2 * 3 / (8 * radius))


@settings(max_examples=25)
@given(st.floats(4, 14), st.tuples(*[st.floats(-1, 1)] * 3))
def test_the_volume_of_a_ball_is_its_volume(radius, middle):
    found = shape.volume_ml(ball(radius, middle), 1.0, 0.0)
    wanted = 4 / 3 * math.pi * radius**3 / 1000
    # The mesh lies inside by up to h²/(4 R) of radius, and so by 3/4 (h/R)² of volume.
    assert found == pytest.approx(wanted, rel=1.0 / radius**2)


@given(axes, axes)
def test_a_frame_is_right_handed_and_turned_toward_what_is_asked(axis, toward):
    first, second, along = shape.frame(axis, toward=toward)
    np.testing.assert_allclose([first @ first, second @ second, along @ along], 1.0, atol=1e-9)
    np.testing.assert_allclose(np.cross(first, second), along, atol=1e-6)
    assert first @ np.asarray(toward) >= -1e-6


def test_a_ray_that_stays_inside_up_to_the_edge_of_the_grid_has_no_end():
    assert np.isnan(shape.rays(ball(60), GRID, 0.0, (0, 0, 0), [(1.0, 0.0, 0.0)])).all()


def test_a_ray_that_is_never_inside_has_no_end():
    assert np.isnan(shape.rays(ball(5), GRID, 0.0, (12, 0, 0), [(1.0, 0.0, 0.0)])).all()


def test_a_ray_out_of_a_thawed_middle_ends_at_the_outer_surface():
    shell = np.maximum(ball(10), -ball(4))
    found = shape.rays(shell, GRID, 0.0, (0, 0, 0), [(1.0, 0.0, 0.0), (0.0, 0.0, -1.0)])
    np.testing.assert_allclose(found, 10.0, atol=1e-6)  # along an axis of the grid the distance is linear


def test_a_plane_holds_what_the_field_holds_there_and_nothing_beyond_the_grid():
    ticks, values = shape.plane(PLACES[..., 2], GRID, (0, 0, 1.5), (np.eye(3)[0], np.eye(3)[2]), 25.0)
    inside = np.abs(ticks) <= 18
    np.testing.assert_allclose(
        values[np.ix_(inside, inside)], np.broadcast_to(1.5 + ticks[inside], (inside.sum(),) * 2)
    )
    assert np.isnan(values[0, 0])
