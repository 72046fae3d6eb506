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
    n = len(outcome)
    if n < 4 or np.all(outcome == outcome[0]):
        return None
    rng = np.random.default_rng(seed)
    levels = np.column_stack([_levels(column) for column in (*inputs.T, outcome)])
    once = _correlations(levels, np.ones(n, dtype=np.intp))
    again = [_correlations(levels, np.bincount(rng.integers(0, n, n), minlength=n)) for _ in range(RESAMPLES)]
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(again, [tail, 1.0 - tail], axis=0)
    strongest = [
        np.abs(_correlations(_shuffled(levels, rng), np.ones(n, dtype=np.intp))).max() for _ in range(RESAMPLES)
    ]
    return RankCorrelations(correlation=once, low=low, high=high, by_chance=float(np.quantile(strongest, LEVEL)))


def _levels(values: Values) -> NDArray[np.intp]:
    """(N,) which of the different values each is, from 0 on: ties share a level."""
    return np.unique(values, return_inverse=True)[1].ravel()


def _shuffled(levels: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """``levels`` with the outcome, their last column, dealt out anew."""
    return np.column_stack([levels[:, :-1], rng.permutation(levels[:, -1])])


def _correlations(levels: NDArray[np.intp], times: NDArray[np.intp]) -> Values:
    """(D,) Spearman's correlation of each column but the last with the last, each member taken ``times`` (N,) over.

    The ranks of what was drawn anew follow from how often each level came: no sorting.
    """
    n, columns = levels.shape
    place = levels + n * np.arange(columns)
    weights = np.broadcast_to(times[:, None], levels.shape)
    counts = np.bincount(place.ravel(), weights=weights.ravel(), minlength=n * columns).reshape(columns, n)
    middle = np.cumsum(counts, axis=1) - 0.5 * (counts - 1.0)  # mean rank of each level
    ranks = middle.ravel()[place]
    away = ranks - (times @ ranks) / times.sum()
    x, y = away[:, :-1], away[:, -1]
    scale = np.sqrt((times @ x**2) * (times @ y**2))
    return np.divide((times * y) @ x, scale, out=np.zeros(columns - 1), where=scale > 0)
