"""Do values land where they belong?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.anatomy._sampling import sampling
from iceball.nouns import Grid

FLIPPED = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)
CT = Grid(shape=(20, 18, 12), spacing_mm=(0.7, 0.7, 2.5), origin_mm=(-5.0, 9.0, -10.0), direction=FLIPPED)
EVERYWHERE = np.ones(CT.shape, dtype=bool)


def a_grid(spacing_mm: float, shape: tuple[int, int, int] = (5, 4, 3)) -> Grid:
    return Grid(shape=shape, spacing_mm=(spacing_mm,) * 3, origin_mm=(-1.0, 6.0, -4.0), direction=FLIPPED)


def positions(grid: Grid) -> np.ndarray:
    return grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1))


@settings(max_examples=40, deadline=None)
@given(spacing_mm=st.floats(0.3, 2.0), slope=st.tuples(*[st.floats(-50.0, 50.0)] * 3))
def test_a_linear_field_is_sampled_exactly(spacing_mm: float, slope: tuple[float, float, float]):
    grid = a_grid(spacing_mm)
    field = (positions(CT) @ np.asarray(slope)).astype(np.float32)
    got = sampling(CT, grid).averaged(field, EVERYWHERE)
    # the mean of a linear field over a voxel is its value in the middle, but a voxel wider than a CT voxel takes in
    # parts of CT voxels as constants: up to an eighth of a CT voxel's step
    slack = float(np.abs(slope) @ np.asarray(CT.spacing_mm)) / 8 + 1e-3
    np.testing.assert_allclose(got, positions(grid) @ np.asarray(slope), atol=slack)


def test_a_finer_grid_is_interpolated_linearly():
    field = np.zeros(CT.shape, dtype=np.float32)
    field[8] = 100.0
    half = Grid(shape=(3, 1, 1), spacing_mm=(0.35,) * 3, origin_mm=tuple(CT.position_mm((7, 5, 5))), direction=FLIPPED)
    got = sampling(CT, half).averaged(field, EVERYWHERE)[:, 0, 0]
    assert got == pytest.approx([0.0, 50.0, 100.0], abs=1e-3)


def test_a_coarser_grid_averages_what_each_voxel_holds():
    noise = np.random.default_rng(3).normal(0.0, 30.0, CT.shape).astype(np.float32)
    triple = Grid(
        shape=(1, 1, 1), spacing_mm=(2.1, 2.1, 2.5), origin_mm=tuple(CT.position_mm((8, 7, 5))), direction=FLIPPED
    )
    got = sampling(CT, triple).averaged(noise, EVERYWHERE)[0, 0, 0]
    assert got == pytest.approx(noise[7:10, 6:9, 5].mean(), abs=1e-2)  # float32 sums


def test_masked_voxels_do_not_count():
    field = np.where(np.arange(CT.shape[0])[:, None, None] < 8, -1000.0, 40.0) * np.ones(CT.shape)
    mask = field > 0
    between = Grid(
        shape=(1, 1, 1), spacing_mm=(0.7,) * 3, origin_mm=tuple(CT.position_mm((7.6, 5, 5))), direction=FLIPPED
    )
    assert sampling(CT, between).averaged(field, mask)[0, 0, 0] == pytest.approx(40.0)
    nowhere = sampling(CT, between).averaged(field, np.zeros_like(mask))
    assert np.isnan(nowhere).all()


@settings(max_examples=40, deadline=None)
@given(spacing_mm=st.floats(0.3, 3.0))
def test_the_nearest_value_is_that_of_the_nearest_centre(spacing_mm: float):
    grid = a_grid(spacing_mm)
    numbers = np.arange(np.prod(CT.shape)).reshape(CT.shape)
    place = sampling(CT, grid)
    got, inside = place.nearest(numbers), place.inside()
    centres = positions(CT).reshape(-1, 3)
    for point, value in zip(positions(grid)[inside], got[inside], strict=True):
        away = np.linalg.norm(centres - point, axis=1)
        assert away[value] <= away.min() + 1e-4  # ties go either way


def test_inside_is_where_the_grid_noun_says_it_is():
    grid = a_grid(1.7, (14, 12, 20))
    assert (sampling(CT, grid).inside() == CT.contains(positions(grid))).all()
