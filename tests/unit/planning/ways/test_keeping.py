"""The one field that says how well a voxel keeps off everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iceball.planning.ways._keeping import WINDOW_MM, keeping

SPACINGS = st.sampled_from(((1.0, 1.0, 1.0), (1.4, 1.4, 2.5), (0.9, 2.0, 1.25)))


@given(st.integers(0, 10_000), SPACINGS, st.integers(0, 6))
def test_the_field_is_the_least_power_distance_to_voxels_as_boxes(seed, spacing, count):
    rng = np.random.default_rng(seed)
    asked = np.array([0.0, *np.sort(rng.uniform(0.5, 6.0, 3))])
    ranks = np.zeros((7, 6, 8), dtype=np.uint8)
    ranks.ravel()[rng.permutation(ranks.size)[:count]] = rng.integers(1, 4, count)
    field, nearest = keeping(ranks, asked, spacing)
    places = np.argwhere(ranks)
    voxels = np.moveaxis(np.indices(ranks.shape), 0, -1)
    gap = np.abs(voxels[..., None, :] - places) * spacing - np.asarray(spacing) / 2
    power = (np.maximum(gap, 0.0) ** 2).sum(axis=-1) - asked[ranks[tuple(places.T)]] ** 2
    true = np.minimum(power.min(axis=-1, initial=np.inf), WINDOW_MM**2)
    # rounded down to 1/64 mm² once for what is asked and once for each axis
    assert (field <= true + 1e-4).all()
    assert (field >= true - 4.1 / 64).all()
    near = nearest > 0
    assert np.array_equal(near, true < WINDOW_MM**2 - 0.1) or np.abs(true - WINDOW_MM**2).min() < 0.1
    if near.any():  # the obstacle that is named has that power distance
        own = np.where(ranks[tuple(places.T)] == nearest[..., None], power, np.inf).min(axis=-1)
        assert np.abs(own - true)[near].max() <= 4.1 / 64


@given(st.integers(0, 10_000), SPACINGS)
def test_between_the_centres_the_field_sags_by_no_more_than_is_taken_off(seed, spacing):
    """D(p) >= interpolation - sum of h² f (1 - f): the power distance less p² is a least of linear functions."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    ranks = np.zeros((8, 8, 8), dtype=np.uint8)
    ranks.ravel()[rng.permutation(ranks.size)[:5]] = rng.integers(1, 3, 5)
    asked = np.array([0.0, 1.5, 4.0])
    field, _ = keeping(ranks, asked, spacing)
    points = rng.uniform(0.0, 7.0, (200, 3))
    share = points - np.floor(points)
    value = ndimage.map_coordinates(field, points.T, order=1)
    value -= (np.asarray(spacing) ** 2 * share * (1 - share)).sum(axis=1)
    places = np.argwhere(ranks)
    gap = np.abs(points[:, None] - places) * spacing - np.asarray(spacing) / 2
    power = (np.maximum(gap, 0.0) ** 2).sum(axis=-1) - asked[ranks[tuple(places.T)]] ** 2
    true = np.minimum(power.min(axis=-1), WINDOW_MM**2)
    assert (value <= true + 1e-3).all()  # float32
    lost = np.sqrt(np.maximum(true, 0.0)) - np.sqrt(np.maximum(value, 0.0))
    assert lost.max() < np.linalg.norm(spacing) + 1.0  # of some use: less than a voxel's diagonal and a half
