"""Is a curve a tube of its radius, wherever and however it lies?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.anatomy import outlines
from iceball.errors import GeometryError, InputError
from iceball.nouns import Curve, Grid

GRID = Grid(shape=(40, 36, 30), spacing_mm=(1.0, 1.2, 1.5), origin_mm=(-20.0, 5.0, -7.0))


def place(fraction: tuple[float, float, float]) -> tuple[float, float, float]:
    index = np.asarray(fraction) * (np.asarray(GRID.shape) - 1)
    x, y, z = GRID.position_mm(index)
    return float(x), float(y), float(z)


fractions = st.tuples(*[st.floats(0.2, 0.8)] * 3)


@settings(max_examples=40)
@given(start=fractions, end=fractions, radius_mm=st.floats(0.3, 5.0))
def test_every_voxel_within_the_radius_is_in_the_tube_and_none_beyond(start, end, radius_mm):
    a, b = np.asarray(place(start)), np.asarray(place(end))
    if np.linalg.norm(b - a) < 1e-3:
        return
    mask = outlines.curve_tube(GRID, Curve(name="n", points_mm=(tuple(a), tuple(b))), radius_mm)
    centres = GRID.position_mm(np.stack(np.meshgrid(*[np.arange(n) for n in GRID.shape], indexing="ij"), axis=-1))
    share = np.clip((centres - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    away = np.linalg.norm(centres - (a + share[..., None] * (b - a)), axis=-1)
    # the line is sampled every quarter of a voxel; what the line passes is always in
    assert mask[away < radius_mm - 0.13].all()
    assert not mask[away > max(radius_mm, 1.2)].any()


@given(points=st.lists(fractions, min_size=2, max_size=6, unique=True), closed=st.booleans())
def test_the_smooth_line_passes_through_every_point(points, closed):
    places = tuple(place(point) for point in points)
    if min(np.linalg.norm(np.subtract(a, b)) for i, a in enumerate(places) for b in places[:i]) < 0.1:
        return
    line = outlines.smooth_line(Curve(name="n", points_mm=places, closed=closed), 0.05)
    for point in places:
        assert np.linalg.norm(line - point, axis=1).min() < 0.1  # the samples lie 0.05 mm apart
    if closed:
        np.testing.assert_allclose(line[0], line[-1], atol=1e-9)


def test_a_closed_curve_of_points_on_a_circle_is_nearly_that_circle():
    angles = np.arange(8) * np.pi / 4
    points = tuple((10 * np.cos(a), 25 + 10 * np.sin(a), 10.0) for a in angles)
    line = outlines.smooth_line(Curve(name="ring", points_mm=points, closed=True), 0.2)
    radius = np.hypot(line[:, 0], line[:, 1] - 25)
    # the chords cut 7.6 % of the radius off; the smooth line loses under 2 %
    assert np.abs(radius / 10 - 1).max() < 0.02


def test_a_tube_has_no_gap_on_a_grid_coarser_than_it_is_thick():
    from scipy import ndimage

    grid = Grid(shape=(20, 20, 12), spacing_mm=(3.0, 3.0, 5.0), origin_mm=(0.0, 0.0, 0.0))
    curve = Curve(name="thin", points_mm=((3.0, 3.0, 3.0), (50.0, 44.0, 50.0)))
    mask = outlines.curve_tube(grid, curve, 0.4)
    _, pieces = ndimage.label(mask, np.ones((3, 3, 3)))
    assert pieces == 1


def test_a_curve_off_the_scan_is_refused():
    with pytest.raises(GeometryError, match="does not pass through the scan"):
        outlines.curve_tube(GRID, Curve(name="n", points_mm=((900.0, 0.0, 0.0), (900.0, 9.0, 0.0))), 2.0)


@pytest.mark.parametrize("radius_mm", [0.0, -1.0, float("nan"), float("inf")])
def test_a_radius_of_nothing_is_refused(radius_mm: float):
    with pytest.raises(InputError, match="above zero"):
        outlines.curve_tube(GRID, Curve(name="n", points_mm=((0.0, 20.0, 0.0), (5.0, 20.0, 0.0))), radius_mm)


def test_a_curve_of_one_place_is_refused():
    with pytest.raises(InputError, match="draw at least two"):
        Curve(name="n", points_mm=((1.0, 2.0, 3.0), (1.0, 2.0, 3.0)))
