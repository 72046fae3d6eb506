"""How far a step is off, in millimetres of isotherm, and how long the next one may be.

Super-time-stepping damps its stiff modes by about a half per step: what is wrong at the end of a step is what the last
two steps did not foresee. So the second difference of the temperature over two steps tells the error, within a factor
of three in nine steps of ten (docs/concepts/solver.md). The estimate that belongs to Runge-Kutta-Chebyshev, the step
against the trapezoid of its rates, was ten times too large and more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import noun
from iceball.thermal.layout import TILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.stepping import Stepping

# Where errors are looked for [°C]: in ice, where isotherms are wanted and the temperature is smooth; in a thaw, where
# the edge of the ice is what moves.
FREEZE_BAND_C, THAW_BAND_C = (-50.0, -10.0), (-1.0, 4.0)
FEWEST = 8  # voxels of a tile within the band, if there are tiles that have so many
WORST_SHARE = 0.95
FLATTEST_K2 = 1e-9
RAMP_START_S, RAMP_GROWTH = 0.25, 1.5
SAME_S = 1e-9  # moments closer than this are one
BLIND_STEPS = 2  # after a switch: nothing is known yet of the temperature's course
SAFETY, SHORTEST_SHARE = 0.9, 0.3
REFUSED = 2.0  # a step that is off by so many times what is allowed is taken again in halves
WITHOUT_LOOKING = 0.5  # share of the longest steps for a solver that does not tell how far it is off


@noun
class Look:
    """Where to look for the error of a step: ``band_c`` (lowest, highest) [°C]; off by more than ``most_mm`` [mm] it is
    to be taken again in halves.
    """

    band_c: tuple[float, float]
    most_mm: float = math.inf


def off_mm(sums: NDArray[np.floating], spacing_mm: float) -> float:
    """How far isotherms are off after a step [mm], at the worst places; NaN where nothing lies in the band.

    Parameters
    ----------
    sums : (T, 3) by tile, over its voxels in the band: second difference over two steps squared [K²], slope squared [K²
        per voxel²], and how many there are
    spacing_mm : of the voxels [mm]
    """
    some = sums[:, 2] >= min(FEWEST, sums[:, 2].max(initial=0.0))
    some &= sums[:, 2] > 0
    if not some.any():
        return math.nan
    bends, slopes, count = sums[some].T
    off = spacing_mm * np.sqrt(bends / np.maximum(slopes, FLATTEST_K2))
    order = np.argsort(off)
    share = np.cumsum(count[order])
    return float(off[order][min(int(np.searchsorted(share, WORST_SHARE * share[-1])), off.size - 1)])


def sums_of(
    now_c: NDArray[np.floating], foreseen_c: NDArray[np.floating], band_c: tuple[float, float]
) -> NDArray[np.float64]:
    """Sums (T, 3) for ``off_mm`` of a whole box: temperature (I, J, K) [°C] after a step, and as was foreseen."""
    inside = (now_c > band_c[0]) & (now_c < band_c[1])
    slope2 = np.zeros(now_c.shape)
    for axis in range(3):
        if now_c.shape[axis] > 1:
            slope2 += np.gradient(now_c, axis=axis) ** 2
    parts = (np.where(inside, part, 0.0) for part in ((now_c - foreseen_c) ** 2, slope2, 1.0))
    return np.stack([_by_tile(part) for part in parts], axis=1)


def _by_tile(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum a box (I, J, K) by tiles (T,)."""
    wide = np.pad(field, [(0, -n % t) for n, t in zip(field.shape, TILE, strict=True)])
    counts = [n // t for n, t in zip(wide.shape, TILE, strict=True)]
    split = wide.reshape(counts[0], TILE[0], counts[1], TILE[1], counts[2], TILE[2])
    return split.sum(axis=(1, 3, 5)).reshape(-1)


class Pace:
    """How long the steps of one leg are: short after the switch, then as long as they may be, less where they err."""

    def __init__(self, stepping: Stepping, *, freezing: bool, looks: bool) -> None:
        """Start at a switch; ``looks`` says whether the solver tells how far its steps are off."""
        self._stepping, self._freezing = stepping, freezing
        self._allowed_mm = stepping.off_mm if looks else math.inf
        self._share = 1.0 if looks or math.isinf(stepping.off_mm) else WITHOUT_LOOKING
        self._wish_s = min(RAMP_START_S, self._longest(0.0))
        self._taken, self._since_s, self._cut = 0, 0.0, False

    @property
    def look(self) -> Look | None:
        """What to look for in the next step; None where nobody asks."""
        if math.isinf(self._allowed_mm):
            return None
        band_c = FREEZE_BAND_C if self._freezing else THAW_BAND_C
        return Look(band_c=band_c, most_mm=REFUSED * self._allowed_mm if self._taken >= BLIND_STEPS else math.inf)

    def step(self, left_s: float) -> float:
        """Length [s] of the next step towards a moment that is ``left_s`` [s] away and ends a step."""
        if left_s <= self._wish_s * 1.0001:
            self._cut = left_s < self._wish_s * 0.9999
            return left_s
        self._cut = left_s < 2 * self._wish_s
        return left_s / 2 if self._cut else self._wish_s

    def took(self, step_s: float, at_once_s: float, off_mm: float) -> None:
        """Learn from a step of ``step_s`` [s], the last ``at_once_s`` of it at once, that is ``off_mm`` [mm] off."""
        self._taken += 1
        self._since_s += step_s
        whole = at_once_s >= step_s
        base = max(step_s, self._wish_s) if self._cut and whole else at_once_s
        wish = min(base * RAMP_GROWTH, self._longest(self._since_s))
        if self._taken > BLIND_STEPS and math.isfinite(off_mm) and math.isfinite(self._allowed_mm):
            factor = SAFETY * math.sqrt(self._allowed_mm / max(off_mm, 1e-9))
            # a step that was cut short to end at a moment says nothing of how long the next may be, but may warn
            if not self._cut or factor < 1.0:
                wish = min(wish, at_once_s * max(SHORTEST_SHARE, factor))
        self._wish_s = wish

    def _longest(self, since_s: float) -> float:
        return self._share * self._stepping.longest(since_s, freezing=self._freezing)
