"""Which input matters most: rank correlations, how far they may be off, and what chance alone would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

# Numerical: with so many the ends of an interval are good to a hundredth or two.
RESAMPLES = 500
LEVEL = 0.95


@array_noun
class RankCorrelations:
    """Spearman's rank correlation of each input (D,) with one outcome, and its interval by bootstrap.

    ``by_chance`` is what the strongest of all inputs would reach in 1 of 20 ensembles if none of them mattered.
    """

    correlation: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]
    by_chance: float

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("correlation", "low", "high"):
            seal_field(self, field, getattr(self, field))


def rank_correlations(inputs: Values, outcome: Values, *, seed: int) -> RankCorrelations | None:
    """Correlate the ranks of each column of ``inputs`` (N, D) with those of ``outcome`` (N,); ties share their rank.

    The interval holds the middle 95 % of what the members, drawn again with replacement, give; a Sobol design is more
    even than such draws, so that it is rather too wide than too narrow. ``by_chance`` comes from outcomes shuffled
    against the inputs. None where the outcome is the same for all members, or there are fewer than four.

    Parameters
    ----------
    inputs : (N, D) what was drawn
    outcome : (N,) what came of it; infinities count by their rank
    seed : of resampling and shuffling

    Source: Spearman's rank correlation, bootstrap and permutation as in every textbook (key ``iceball_judgement``).
    """
    from scipy.stats import rankdata  # only here: slow to import

    n = len(outcome)
    if n < 4 or np.all(outcome == outcome[0]):
        return None
    rng = np.random.default_rng(seed)
    ranks, of_outcome = rankdata(inputs, axis=0), rankdata(outcome)
    again = np.empty((RESAMPLES, inputs.shape[1]))
    for i in range(RESAMPLES):
        picked = rng.integers(0, n, n)
        again[i] = _pearson(rankdata(ranks[picked], axis=0), rankdata(of_outcome[picked]))
    shuffled = [np.abs(_pearson(ranks, of_outcome[rng.permutation(n)])).max() for _ in range(RESAMPLES)]
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(again, [tail, 1.0 - tail], axis=0)
    return RankCorrelations(
        correlation=_pearson(ranks, of_outcome), low=low, high=high, by_chance=float(np.quantile(shuffled, LEVEL))
    )


def _pearson(columns: Values, outcome: Values) -> Values:
    """(D,) correlation of each column (N, D) with ``outcome`` (N,); 0 where one of them does not vary."""
    x, y = columns - columns.mean(axis=0), outcome - outcome.mean()
    scale = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return np.divide(y @ x, scale, out=np.zeros(columns.shape[1]), where=scale > 0)
