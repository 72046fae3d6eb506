"""Surfaces about a click: the cut is the optimum, what several agree on, and the border that a walk draws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.anatomy.lesion import _star
from iceball.anatomy.lesion._border import refined
from iceball.anatomy.lesion._hypotheses import Hypothesis, agreed
from iceball.anatomy.lesion._star import RAYS, STEP_MM, STEPS, ball_of, best_surface, star
from iceball.anatomy.lesion._window import HALF_MM, Window


def worth(reach: np.ndarray, gain: np.ndarray, stiffness: np.ndarray) -> float:
    """What a surface encloses, less what its steps between neighbouring rays cost: what the cut makes largest."""
    inside = np.arange(STEPS)[None] < reach[:, None]
    pairs = star().pairs
    apart = inside[pairs[:, 0]] != inside[pairs[:, 1]]
    return float(gain[inside].sum() - (apart * stiffness).sum())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), stiff=st.sampled_from([0.0, 0.3, 2.0]))
def test_no_other_surface_is_worth_more_than_the_cut(seed: int, stiff: float):
    rng = np.random.default_rng(seed)
    # in thousandths, as the cut counts: no rounding
    gain = np.rint(rng.normal(0.0, 1.0, (RAYS, STEPS)) * 1000) / 1000
    stiffness = np.full(STEPS, stiff)
    best = best_surface(gain, stiffness)
    most = worth(best, gain, stiffness)
    for _ in range(20):
        other = best.copy()
        some = rng.integers(RAYS, size=rng.integers(1, 12))
        other[some] = rng.integers(0, STEPS + 1, size=len(some))
        assert worth(other, gain, stiffness) <= most + 1e-6
    for level in range(STEPS + 1):
        assert worth(np.full(RAYS, float(level)), gain, stiffness) <= most + 1e-6


def test_without_stiffness_each_ray_takes_its_own_best():
    rng = np.random.default_rng(1)
    gain = np.rint(rng.normal(0.0, 1.0, (RAYS, STEPS)) * 1000) / 1000
    own = np.concatenate([np.zeros((RAYS, 1)), np.cumsum(gain, axis=1)], axis=1)
    best = best_surface(gain, np.zeros(STEPS)).astype(int)
    np.testing.assert_allclose(own[np.arange(RAYS), best], own.max(axis=1), atol=1e-9)


def test_stiffness_bridges_a_ray_that_sees_nothing():
    gain = np.full((RAYS, STEPS), -1.0)
    gain[:, :10] = 1.0
    gain[7] = 0.0
    reach = best_surface(gain, np.full(STEPS, 0.5))
    assert (reach == 10.0).all()


@pytest.mark.parametrize("radius_mm", [5.2, 12.3, 25.1])
def test_a_ball_of_rays_is_a_ball_of_voxels(radius_mm):
    mask = ball_of(np.full(RAYS, radius_mm / STEP_MM), 91, 1.0)
    place = np.indices(mask.shape) - 45.0
    np.testing.assert_array_equal(mask, np.sqrt((place**2).sum(axis=0)) <= radius_mm + 1e-9)


def test_neighbouring_rays_lie_next_to_one_another_and_every_ray_has_at_least_three():
    ways, pairs = star().ways, star().pairs
    angle = np.degrees(np.arccos((ways[pairs[:, 0]] * ways[pairs[:, 1]]).sum(axis=1)))
    assert angle.max() < 20.0  # 300 even rays lie about 12 degrees apart
    assert np.bincount(pairs.ravel(), minlength=RAYS).min() >= 3
    assert len(pairs) == 3 * RAYS - 6  # Euler: triangles all over a sphere


def test_surfaces_agree_by_their_weighted_median_and_a_stray_one_does_not_count():
    def of(reach: float, weight: float) -> Hypothesis:
        return Hypothesis(reach=np.full(RAYS, reach), weight=weight, radius_mm=reach)

    assert (agreed([of(10.0, 1.0), of(11.0, 1.0), of(30.0, 1.0)]) == 11.0).all()
    assert (agreed([of(10.0, 3.0), of(20.0, 1.0), of(30.0, 1.0)]) == 10.0).all()
    assert (agreed([of(10.0, 1.0), of(34.0, 0.0)]) == 10.0).all()


def made(inside_hu: float, outside_hu: float, radius_mm: float, mottled_hu: float = 0.0) -> Window:
    """A ball in bone of even density, its border blurred over a voxel, with the noise of a CT."""
    from scipy import ndimage

    n = int(HALF_MM)
    line = np.arange(-n, n + 1, dtype=np.float32)
    away = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)
    ball = np.linalg.norm(away, axis=-1) <= radius_mm
    rng = np.random.default_rng(2)
    hu = ndimage.gaussian_filter(np.where(ball, inside_hu, outside_hu), 1.0) + rng.normal(0.0, 15.0, ball.shape)
    hu += mottled_hu * np.sign(np.sin(away[..., 0]) + np.sin(away[..., 1])) * ball
    yes = np.ones(ball.shape, dtype=bool)
    return Window(
        centre_mm=(0.0, 0.0, 0.0),
        spacing_mm=1.0,
        hu=hu.astype(np.float32),
        scanned=yes,
        solid=yes,
        off_bone_mm=np.zeros(ball.shape, dtype=np.float32),
        away_mm=away,
    )


@pytest.mark.parametrize("first_mm", [9.0, 11.5])
def test_the_walk_moves_a_border_towards_half_the_contrast(first_mm):
    seen = made(60.0, 250.0, radius_mm=10.0)
    away = np.linalg.norm(seen.away_mm, axis=-1)
    size = np.count_nonzero(refined(away <= first_mm, seen))
    # what pulls back to the surface (0.3 per mm) leaves up to six tenths of the way
    assert abs((0.75 * size / np.pi) ** (1 / 3) - 10.0) <= 0.6 * abs(first_mm - 10.0)


def test_a_mottled_lesion_keeps_its_surface():
    seen = made(300.0, 200.0, radius_mm=10.0, mottled_hu=200.0)
    first = np.linalg.norm(seen.away_mm, axis=-1) <= 9.0
    np.testing.assert_array_equal(refined(first, seen), first)


def test_a_walk_that_runs_off_gives_way_to_the_surface():
    # the whole cube looks like the lesion but for a far corner: the walk has nothing to stop it
    seen = made(60.0, 250.0, radius_mm=30.0)
    first = np.linalg.norm(seen.away_mm, axis=-1) <= 6.0
    now = refined(first, dataclasses.replace(seen))
    both = np.count_nonzero(now & first)
    assert 2 * both >= 0.75 * (np.count_nonzero(now) + np.count_nonzero(first))


def test_a_step_of_the_rays_is_a_millimetre():
    np.testing.assert_allclose(np.diff(star().radii_mm), _star.STEP_MM)
