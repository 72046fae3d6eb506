"""Does a shaft meet every voxel that its thickness touches, and no other?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from iceball.nouns import Grid
from iceball.planning.check._shafts import met

SHAPE = (17, 15, 11)


@st.composite
def scenes(draw) -> Any:
    """A turned grid with random labels, and a line somewhere in or beside it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turn = Rotation.from_euler("xyz", [draw(st.sampled_from((0.0, 25.0, 90.0))) for _ in range(3)], degrees=True)
    flat: Any = tuple(float(v) for v in turn.as_matrix().ravel())
    grid = Grid(
        shape=SHAPE,
        spacing_mm=(draw(st.floats(0.5, 1.5)), draw(st.floats(0.5, 1.5)), draw(st.floats(0.5, 4.0))),
        origin_mm=(draw(st.floats(-50, 50)), 3.0, -7.0),
        direction=flat,
    )
    labels = (rng.random(SHAPE) < draw(st.floats(0.01, 0.3))).astype(np.uint8)
    ends = grid.position_mm(rng.uniform(-4, np.asarray(SHAPE) + 3, (2, 3)))
    return grid, labels, tuple(map(tuple, ends.tolist())), draw(st.floats(0.3, 3.0))


def touched(grid, labels, line, reach_mm, rng):
    """Voxels with a label that a dense cloud of points of the thick line falls into: never more than there are."""
    start, end = np.asarray(line)
    share = rng.random((60_000, 1))
    away = rng.normal(size=(60_000, 3))
    away *= reach_mm * rng.random((60_000, 1)) ** (1 / 3) / np.linalg.norm(away, axis=1, keepdims=True)
    index = np.floor(grid.index_of(start + share * (end - start) + away) + 0.5).astype(int)
    index = index[np.all((index >= 0) & (index < SHAPE), axis=1)]
    return int(labels[tuple(np.unique(index, axis=0).T)].sum())


@given(scenes())
@settings(max_examples=30, deadline=None)
def test_no_voxel_that_a_dense_cloud_of_the_shaft_falls_into_is_missed(scene):
    grid, labels, line, reach_mm = scene
    found = met(labels, grid, line, reach_mm, np.array([False, True]))
    assert len(found.number) >= touched(grid, labels, line, reach_mm, np.random.default_rng(0))


@given(scenes())
@settings(max_examples=30, deadline=None)
def test_the_gap_is_the_least_distance_from_the_line_to_the_box(scene):
    grid, labels, line, reach_mm = scene
    found = met(labels, grid, line, reach_mm, np.array([False, True]))
    spacing = np.asarray(grid.spacing_mm)
    start, end = (grid.index_of(point) * spacing for point in line)
    walk = start + np.linspace(0, 1, 2001)[:, None] * (end - start)
    voxels = np.argwhere(labels) * spacing
    away = np.array([np.linalg.norm(np.maximum(abs(walk - v) - spacing / 2, 0), axis=1).min() for v in voxels])
    step = math.dist(start, end) / 2000
    close = np.sort(away[away <= reach_mm - step])
    # The walk sees each distance at most half a step too large.
    assert len(found.gap_mm) >= len(close)
    np.testing.assert_allclose(np.sort(found.gap_mm)[: len(close)], close, atol=step)
    assert np.all(found.gap_mm <= reach_mm)
    assert np.all((found.along_mm >= 0) & (found.along_mm <= math.dist(*line) + 1e-9))


def test_a_line_along_a_wall_of_voxels_keeps_its_distance_exactly():
    grid = Grid(shape=(20, 9, 9), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    labels = np.zeros(grid.shape, np.uint8)
    labels[:, 6:, :] = 1  # its face lies at y = 5.5
    for away in (0.74, 0.76):
        line = ((1.0, 5.5 - away, 4.0), (18.0, 5.5 - away, 4.0))
        assert bool(len(met(labels, grid, line, 0.75, np.array([False, True])).number)) == (away < 0.75)


def test_a_line_beside_the_scan_meets_nothing():
    grid = Grid(shape=(5, 5, 5), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    labels = np.ones(grid.shape, np.uint8)
    assert not len(met(labels, grid, ((50.0, 50.0, 50.0), (60.0, 50.0, 50.0)), 2.0, np.array([False, True])).number)
