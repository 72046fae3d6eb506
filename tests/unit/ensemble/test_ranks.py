"""What matters most: rank correlations find what was planted, and nothing where nothing was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from iceball.ensemble._ranks import rank_correlations
from iceball.ensemble._scenarios import sobol
from iceball.ensemble._tell import wilson

pytestmark = pytest.mark.unit


def inputs(n=200, d=60, seed=0):
    return sobol(d, n, seed)


def test_the_planted_input_is_the_strongest_and_told_apart():
    x = inputs()
    noise = np.random.default_rng(1).normal(size=200)
    outcome = np.exp(3 * x[:, 17]) + 2.0 * x[:, 4] + noise  # monotone, not straight: ranks do not mind
    found = rank_correlations(x, outcome, seed=0)
    assert found is not None
    assert int(np.argmax(np.abs(found.correlation))) == 17
    assert found.correlation[17] > found.by_chance
    assert found.low[17] > 0.5 > 0.0


def test_the_sign_says_which_way():
    x = inputs(100, 3)
    found = rank_correlations(x, -(x[:, 1] ** 3), seed=0)
    assert found is not None
    assert found.correlation[1] == pytest.approx(-1.0)


def test_it_is_spearmans_correlation_with_ties():
    x = np.round(inputs(80, 5), 1)
    outcome = np.round(x[:, 0] + 0.3 * x[:, 1], 1)
    found = rank_correlations(x, outcome, seed=0)
    assert found is not None
    known = [spearmanr(x[:, i], outcome).statistic for i in range(5)]
    assert found.correlation == pytest.approx(known, abs=1e-12)  # the same formula: rounding only


def test_where_nothing_matters_nothing_is_told_apart():
    x, rng = inputs(d=30), np.random.default_rng(2)
    found = [rank_correlations(x, rng.normal(size=200), seed=i) for i in range(8)]
    above = sum(bool((np.abs(each.correlation) > each.by_chance).any()) for each in found if each is not None)
    assert above <= 2  # each exceeds it with probability 0.05; three or more of eight: 6 in 1000


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(3), 0
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # Spearman's correlation of two normals correlated by 0.5
    for i in range(60):
        x = rng.normal(size=(150, 1))
        y = 0.5 * x[:, 0] + np.sqrt(0.75) * rng.normal(size=150)
        found = rank_correlations(x, y, seed=i)
        assert found is not None
        hits += bool(found.low[0] <= truth <= found.high[0])
    assert hits >= 51  # of 60; at 95 % fewer than 51 come once in 2,000


def test_infinite_outcomes_count_by_their_rank():
    x = inputs(60, 4)
    outcome = np.where(x[:, 2] < 0.3, -np.inf, x[:, 2])
    found = rank_correlations(x, outcome, seed=0)
    assert found is not None
    assert found.correlation[2] > 0.95  # a third of the members share the lowest rank


def test_an_outcome_that_does_not_vary_has_no_cause():
    assert rank_correlations(inputs(50, 3), np.ones(50), seed=0) is None
    assert rank_correlations(inputs(3, 3), np.arange(3.0), seed=0) is None


def test_the_same_seed_gives_the_same_interval():
    x = inputs(50, 3)
    first, again = (rank_correlations(x, x[:, 0] ** 2, seed=7) for _ in range(2))
    assert first is not None
    assert again is not None
    assert np.array_equal(first.low, again.low)
    assert first.by_chance == again.by_chance


@given(n=st.integers(1, 500), share=st.floats(0, 1))
@settings(deadline=None)
def test_the_interval_lies_in_the_unit_interval_about_the_share(n, share):
    hits = round(share * n)
    low, high = wilson(hits, n)
    assert 0.0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1.0


def test_known_values():
    # Wilson 1927, as in every table: 8 of 10, 95 %
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 200) == pytest.approx((0.0, 0.0188), abs=1e-4)


def test_no_member_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
