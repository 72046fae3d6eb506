"""Margins and coverage against fields whose isotherms are known spheres and planes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from iceball.assessment import assess
from iceball.assessment.surface import distance_mm, isotherm_surface, mask_surface
from iceball.nouns import Volume

SHARED = [HealthCheck.function_scoped_fixture]  # the fixtures are factories without state


def at(assessment, isotherm_c):
    return next(result for result in assessment.isotherms if result.isotherm_c == isotherm_c)


# The border of a mask lies within half a voxel of the true one along some axis; the isotherm of a cone is found to
# h²/8b, some hundredths of a millimetre: so every margin is known to half the largest CT voxel and 0.05 mm.
def tolerance_mm(grid):
    return 0.5 * max(grid.spacing_mm) + 0.05


OBLIQUE = Rotation.from_euler("zyx", (20, -35, 50), degrees=True).as_matrix()
SCANS = {
    "cubes of 1 mm": ((41, 41, 41), (1.0, 1.0, 1.0), np.eye(3)),
    "thick slices": ((61, 61, 15), (0.8, 0.8, 3.0), np.eye(3)),
    "oblique thick slices": ((61, 61, 21), (0.8, 0.8, 2.5), OBLIQUE),
    "axes exchanged": ((41, 45, 31), (1.2, 1.0, 1.5), np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])),
}


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("isotherm_mm", [14.0, 9.5, 8.0, 5.0])
def test_margin_of_concentric_spheres_is_the_difference_of_their_radii(
    name, isotherm_mm, make_grid, make_case, make_history, cone
):
    shape, spacing, direction = SCANS[name]
    ct = make_grid(shape, spacing, direction=direction)
    history = make_history(make_grid((51, 51, 51), (1.0,) * 3), cone(radius_mm=isotherm_mm))
    result = at(assess(make_case(ct, radius_mm=8.0), history), -40.0)
    expected = isotherm_mm - 8.0
    assert result.least_margin_mm == pytest.approx(expected, abs=tolerance_mm(ct))
    assert result.fifth_percentile_margin_mm == pytest.approx(expected, abs=tolerance_mm(ct))
    assert result.least_margin_mm <= result.fifth_percentile_margin_mm


def test_least_margin_of_offset_spheres_is_on_the_far_side(make_grid, make_case, make_history, cone):
    ct, box = make_grid((81, 81, 81), (0.5,) * 3), make_grid((51, 51, 51), (1.0,) * 3)
    shift = 5.0 * np.array([2.0, -1.0, 2.0]) / 3.0
    result = at(assess(make_case(ct, radius_mm=8.0), make_history(box, cone(-shift, radius_mm=14.0))), -40.0)
    assert result.least_margin_mm == pytest.approx(14.0 - 8.0 - 5.0, abs=tolerance_mm(ct))
    place = np.asarray(result.worst_place_mm)
    # Steps of half a voxel in the mask can outweigh the true margin's fall from its least value up to 33° away from it.
    angle = math.degrees(math.acos(float(place @ shift) / (np.linalg.norm(place) * 5.0)))
    assert angle < 33.0
    assert np.linalg.norm(place) == pytest.approx(8.0, abs=tolerance_mm(ct))


def test_visible_ice_overlap_is_the_least_margin_of_the_zero_isotherm(make_grid, make_case, make_history, cone):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    assessment = assess(make_case(ct), make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(radius_mm=10.0)))
    # 4 °C per mm: the 0 °C sphere lies 10 mm outside that of -40 °C.
    assert assessment.visible_ice_overlap_mm == pytest.approx(20.0 - 8.0, abs=tolerance_mm(ct))
    assert assessment.visible_ice_overlap_mm == at(assessment, 0.0).least_margin_mm


@pytest.mark.parametrize("name", SCANS)
def test_a_plane_through_the_middle_covers_half_the_lesion(name, make_grid, make_case, make_history):
    shape, spacing, direction = SCANS[name]
    case = make_case(make_grid(shape, spacing, direction=direction))
    normal = np.array([1.0, 2.0, 2.0]) / 3.0

    def plane(grid):
        return -40.0 + 4.0 * (grid.position_mm(np.stack(np.indices(grid.shape), axis=-1)) @ normal)

    history = make_history(make_grid((41, 41, 41), (1.0,) * 3), plane)
    # A mask symmetric about the plane is halved exactly but for points on the plane itself: one layer of 1 mm
    # samples of a ball of 8 mm is at most 1 / (4/3 * 8) = 9 % of it, half of which is on the wrong side.
    assert at(assess(case, history), -40.0).coverage_fraction == pytest.approx(0.5, abs=0.05)


def test_thick_slices_are_cut_finer_than_their_voxels(make_grid, make_case, make_history):
    """A plane one third into a slice covers one third of that slice, not all or nothing."""
    ct = make_grid((21, 21, 5), (1.0, 1.0, 5.0))
    slab = np.zeros(ct.shape, bool)
    slab[:, :, 2] = True  # one slice thick: -2.5 to 2.5 mm
    case = make_case(ct, mask=slab)

    def plane(grid):
        return -40.0 + 4.0 * (grid.position_mm(np.stack(np.indices(grid.shape), axis=-1))[..., 2] + 5.0 / 6.0)

    history = make_history(make_grid((31, 31, 31), (1.0, 1.0, 0.625)), plane)
    assert at(assess(case, history), -40.0).coverage_fraction == pytest.approx(1.0 / 3.0, abs=1e-6)


def test_nothing_cold_means_no_margin_and_no_cover(make_grid, make_case, make_history):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    history = make_history(ct, lambda grid: np.full(grid.shape, -10.0))
    result = at(assess(make_case(ct), history), -40.0)
    assert (result.coverage_fraction, result.volume_ml) == (0.0, 0.0)
    assert result.least_margin_mm is None
    assert result.worst_place_mm is None


def test_what_lies_outside_the_box_was_never_cooled(make_grid, make_case, make_history):
    """A box over one half of the lesion, all of it at -60 °C, covers that half and no more."""
    ct = make_grid((40, 40, 40), (1.0,) * 3)
    half = make_grid((20, 40, 40), (1.0,) * 3, centre_mm=(-10.0, 0.0, 0.0))
    result = at(
        assess(make_case(ct, radius_mm=8.0), make_history(half, lambda grid: np.full(grid.shape, -60.0))), -40.0
    )
    assert result.coverage_fraction == pytest.approx(0.5, abs=1e-9)  # the voxels lie symmetric about x = 0
    # The surface closes at the box's last voxel centres, x = -0.5 mm; the lesion reaches x = 8 ± 0.5 mm.
    assert result.least_margin_mm == pytest.approx(-8.5, abs=0.55)
    assert result.worst_place_mm[0] > 7.0


def test_ice_that_leaves_the_box_is_closed_at_its_border(make_grid, make_case, make_history, cone):
    ct = make_grid((61, 61, 61), (1.0,) * 3)
    box = make_grid((61, 61, 25), (1.0,) * 3)  # reaches 12 mm up and down; the sphere 20 mm
    result = at(assess(make_case(ct), make_history(box, cone(radius_mm=20.0))), -40.0)
    assert result.least_margin_mm == pytest.approx(12.0 - 8.0, abs=tolerance_mm(ct))


@settings(max_examples=10, deadline=None, suppress_health_check=SHARED)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    shift=st.tuples(*[st.floats(-300, 300)] * 3),
)
def test_moving_the_patient_moves_the_worst_place_and_changes_nothing_else(
    angles, shift, make_grid, make_case, make_history, cone
):
    turn, move = Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), np.asarray(shift)
    middle = np.array([2.3, -1.1, 0.7])

    def judged(turn, move):
        ct = make_grid((25, 25, 13), (1.0, 1.0, 2.0), centre_mm=move, direction=turn)
        box = make_grid((31, 31, 31), (1.1,) * 3, centre_mm=move, direction=turn)
        return at(assess(make_case(ct, move, 7.03), make_history(box, cone(turn @ middle + move, 11.0))), -40.0)

    moved, still = judged(turn, move), judged(np.eye(3), np.zeros(3))
    # Vertices are float32 voxel indices below 64: exact to 4e-6 of a voxel.
    # No voxel lies 7.03 mm from the middle: the mask is the same.
    assert moved.least_margin_mm == pytest.approx(still.least_margin_mm, abs=1e-4)
    assert moved.fifth_percentile_margin_mm == pytest.approx(still.fifth_percentile_margin_mm, abs=1e-4)
    assert moved.coverage_fraction == pytest.approx(still.coverage_fraction, abs=1e-3)


@settings(max_examples=15, deadline=None, suppress_health_check=SHARED)
@given(seed=st.integers(0, 2**32 - 1), isotherm_c=st.sampled_from([0.0, -20.0, -40.0]))
def test_more_cold_never_covers_less(seed, isotherm_c, make_grid, make_case, make_history):
    random = np.random.default_rng(seed)
    ct, box = make_grid((15, 15, 15), (1.0,) * 3), make_grid((13, 13, 13), (1.3,) * 3)
    warm, more = random.uniform(-70, 40, box.shape), random.exponential(15.0, box.shape)
    case = make_case(ct, radius_mm=5.0)
    one = at(assess(case, make_history(box, lambda _: warm)), isotherm_c)
    two = at(assess(case, make_history(box, lambda _: warm - more)), isotherm_c)
    assert two.coverage_fraction >= one.coverage_fraction
    assert two.volume_ml >= one.volume_ml


@settings(max_examples=10, deadline=None, suppress_health_check=SHARED)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_nearest_triangle_is_found_among_all(seed, make_grid):
    random = np.random.default_rng(seed)
    grid = make_grid((24, 20, 12), (1.0, 1.0, 2.0))
    surface = mask_surface(Volume(grid=grid, array=random.random(grid.shape) < 0.02, quantity="label"))
    points = random.uniform(-15, 15, (40, 3))
    corners = surface.corners_mm
    # Every triangle sampled at 45 places: at most a quarter of its longest edge from any of its points.
    grid2 = np.array([(i, j, 8 - i - j) for i in range(9) for j in range(9 - i)]) / 8.0
    dense = np.einsum("sc,tcx->tsx", grid2, corners).reshape(-1, 3)
    brute = np.array([np.linalg.norm(dense - p, axis=1).min() for p in points])
    found = distance_mm(points, surface)
    assert np.all(found <= brute + 1e-9)
    assert np.all(found >= brute - 0.25 * 2.3)  # the longest edge in a voxel of 1 x 1 x 2 mm is below 2.3 mm


def test_an_isotherm_surface_lies_where_the_field_says(make_grid, make_history, cone):
    box = make_grid((41, 41, 41), (1.0,) * 3)
    surface = isotherm_surface(make_history(box, cone(radius_mm=12.3)).coldest, -40.0)
    away = np.linalg.norm(surface.vertices_mm, axis=1)
    # linear interpolation of a radius over one voxel errs by at most h²/8b = 0.01 mm
    assert np.abs(away - 12.3).max() < 0.011
    assert surface.areas_mm2.sum() == pytest.approx(4 * math.pi * 12.3**2, rel=0.01)  # inscribed facets lose < 1 %
