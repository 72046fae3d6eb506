"""What a run keeps: clocks and curves, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball.nouns import Grid, Sensor
from iceball.thermal.recording import Log, count_time_below, thermometers


def test_a_clock_counts_the_share_of_a_step_below_its_threshold():
    before, after = np.array([[[37.0, 5.0, -10.0, -50.0]]]), np.array([[[30.0, -15.0, -30.0, -60.0]]])
    clocks = {-20.0: np.zeros((1, 1, 4), np.float32), 0.0: np.zeros((1, 1, 4), np.float32)}
    count_time_below(clocks, before, after, 8.0)
    np.testing.assert_allclose(clocks[0.0][0, 0], [0, 6, 8, 8])  # from 5 to -15: three quarters below zero
    np.testing.assert_allclose(clocks[-20.0][0, 0], [0, 0, 4, 8])
    count_time_below(clocks, after, before, 8.0)
    np.testing.assert_allclose(clocks[-20.0][0, 0], [0, 0, 8, 16])  # warming counts as cooling does


def test_a_voxel_that_stays_as_it_is_is_below_wholly_or_not_at_all():
    still = np.array([[[-25.0, -20.0, 10.0]]])
    clocks = {-20.0: np.zeros(still.shape, np.float32)}
    count_time_below(clocks, still, still, 5.0)
    np.testing.assert_array_equal(clocks[-20.0][0, 0], [5, 0, 0])


def test_a_structure_is_noted_by_its_coldest_voxel_and_its_mean():
    log = Log()
    voxels = tuple(np.array(axis) for axis in ([0, 0], [0, 0], [0, 2]))
    log.note(0.0, np.array([[[37.0, 0.0, 37.0]]]), 0.0, {"cord": voxels})
    log.note(5.0, np.array([[[10.0, 0.0, 20.0]]]), 1.0, {"cord": voxels})
    assert log.mean_c["cord"] == pytest.approx([37.0, 15.0])
    assert log.coldest_c["cord"] == [37.0, 10.0]
    assert log.ice_ml == [0.0, 1.0]


def test_a_curve_points_at_the_coldest_voxel_of_its_structure():
    log = Log()
    whole = np.unravel_index(np.array([0, 1, 3]), (1, 2, 2))
    log.note(0.0, np.full((1, 2, 2), 37.0), 0.0, {"cord": whole})
    coldest = np.array([[[30.0, 12.0], [-5.0, 20.0]]])
    grid = Grid(shape=(1, 2, 2), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(10.0, 20.0, 30.0))
    (curve,) = log.structure_curves(coldest, {"cord": whole}, grid)
    assert curve.place_mm == (10.0, 20.0, 32.0)


def sensors_at(*places):
    return [Sensor(label=str(n), at_mm=place) for n, place in enumerate(places)]


@given(st.tuples(st.floats(10.0, 16.0), st.floats(20.0, 28.0), st.floats(30.0, 38.0)))
def test_a_thermometer_shows_a_linear_field_exactly_wherever_it_is(place):
    grid = Grid(shape=(4, 5, 5), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(10.0, 20.0, 30.0))
    x, y, z = np.moveaxis(grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
    field = 0.5 * x - 2.0 * y + 3.0 * z
    (shown,) = thermometers(sensors_at(place), grid, np.ones(grid.shape, bool)).read(field)
    assert shown == pytest.approx(0.5 * place[0] - 2.0 * place[1] + 3.0 * place[2], abs=1e-9)  # rounding alone


def test_a_thermometer_beside_air_shows_the_tissue_alone():
    grid = Grid(shape=(2, 1, 1), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    field, conducts = np.array([[[-30.0]], [[20.0]]]), np.array([[[True]], [[False]]])
    (shown,) = thermometers(sensors_at((0.4, 0.0, 0.0)), grid, conducts).read(field)
    assert shown == -30.0


def test_no_thermometer_shows_less_than_the_coldest_gas():
    log = Log()
    log.sensor_c += [np.array([37.0, 37.0]), np.array([-163.0, 12.0])]
    on_axis, beside = log.sensor_curves(sensors_at((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)), -150.0)
    assert list(on_axis.temperature_c) == [37.0, -150.0]
    assert list(beside.temperature_c) == [37.0, 12.0]
    assert beside.at_mm == (1.0, 0.0, 0.0)
