"""Chance that is smooth: random fields of a known length, and one generator for each thing that is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Grid

# Each thing drawn has a stream of its own, so that a change to one leaves the others as they were.
STREAMS = ("shape", "look", "border", "fringe", "cortex", "matter", "islands", "rim", "noise", "place")


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one of STREAMS for ``seed``."""
    return np.random.default_rng([seed, STREAMS.index(name)])


def smooth_field(rng: np.random.Generator, grid: Grid, length_mm: float | Sequence[float]) -> NDArray[np.float64]:
    """(I, J, K) normal numbers, mean 0 and spread 1, smoothed by a Gaussian of ``length_mm`` along the axes [mm]."""
    from scipy import ndimage  # only here: slow to import

    lengths = np.broadcast_to(np.asarray(length_mm, dtype=float), 3) / grid.spacing_mm
    rough = rng.standard_normal(grid.shape)
    smooth = np.asarray(ndimage.gaussian_filter(rough, lengths, mode="wrap"))
    return smooth / np.prod([_shrinks(n, length) for n, length in zip(grid.shape, lengths, strict=True)])


def _shrinks(n: int, length: float) -> float:
    """Spread that is left of white noise on a ring of ``n`` voxels, smoothed over ``length`` of them."""
    from scipy import ndimage

    one = np.zeros(n)
    one[0] = 1.0
    return float(np.sqrt(np.sum(np.square(ndimage.gaussian_filter1d(one, length, mode="wrap")))))
