"""Levels: tiles sorted by how many stages they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.thermal.layout import WELL
from iceball.thermal.superstep import stages_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.layout import Layout
    from iceball.thermal.stiffness import Stiffness

REST, SLOWER, FASTER = 0, 1, 2  # what lies beyond a face: see native/kernel.hpp
FRONT_K = 15.0  # above the melting point: how far from a front levels may meet
LEVELS = 2  # how many there are at most
WORTH_IT = 0.8  # a level of its own must save stages
THAWED_ORDER = 1  # of RKL, far from any front: 0.01 mm worse than the second, with two thirds of the stages


@dataclass
class Level:
    """Tiles that take the same number of stages.

    ``own`` (.,) are stepped for good; ``guess`` (.,) belong to a faster level and only guess, until they have thawed,
    which needs no more stages than the stiffness ``guess_per_s`` [1/s]. The kernel knows their faces. ``order`` is that
    of RKL; nothing of a ``thawed`` level's own freezes in a step.
    """

    own: NDArray[np.int32]
    guess: NDArray[np.int32]
    guess_per_s: float
    count: int = 2
    order: int = 2
    thawed: bool = False

    @property
    def tiles(self) -> int:
        """How many tiles are stepped, for good or as a guess."""
        return self.own.size + self.guess.size


class Levels:
    """Sorts tiles into levels, and keeps the last order as long as nothing has changed."""

    def __init__(
        self, stiffness: Stiffness, order: int, layout: Layout, list_level: Callable[..., tuple[Any, Any]]
    ) -> None:
        """``list_level`` is the kernel's."""
        self._stiffness, self._order, self._list_level = stiffness, order, list_level
        self._wells = (layout.flags & WELL) > 0
        # A tile that only guesses does without its probes. So none that has one may meet the other level: beside a
        # probe in thawed tissue the guess would take steps of 30 s without it, and lose a third of its heat.
        beside = layout.beside[self._wells]
        self._wells[beside[beside >= 0]] = True
        self._made: list[Level] = []
        self._key = b""

    def enough(self, level: Level, step_s: float, low_c: NDArray[np.floating]) -> bool:
        """Whether ``level`` took the stages that ``step_s`` [s] asks for; its own tiles got to ``low_c`` (T,) [°C]."""
        return stages_needed(step_s, self._stiffness.most(level.own, low_c), level.order) <= level.count

    def sort(self, step_s: float, tiles: NDArray[np.int64], floor_c: NDArray[np.floating]) -> list[Level]:
        """Sort ``tiles``, which stay above ``floor_c`` (T,) [°C], the slowest first."""
        # the wells are worked out in one level only; a front may not lie along a face between levels, nor a metal's
        # surface: what conducts well while it is thawed is stepped with all that is
        cold = self._wells[tiles] | (floor_c < self._stiffness.melts_c[tiles] + FRONT_K)
        per_s = self._stiffness.of(tiles, floor_c)
        most, thawed = (
            stages_needed(step_s, float(of.max(initial=0.0)), order)
            for of, order in ((per_s, self._order), (per_s[~cold], THAWED_ORDER))
        )
        apart = thawed < most * WORTH_IT and cold.any() and not cold.all()
        cuts = [thawed, most] if apart else [most]
        where = np.full(self._wells.size, -1, np.int8)
        where[tiles] = cold if len(cuts) > 1 else 0
        key = where.tobytes()
        if key != self._key:
            self._key = key
            self._made = [self._level(where, number, thawed=len(cuts) > number + 1) for number in range(len(cuts))]
        for level, count in zip(self._made, cuts, strict=True):
            guess = stages_needed(step_s, level.guess_per_s, level.order) if level.guess.size else 0
            level.count = max(count, guess)
        return self._made

    def _level(self, where: NDArray[np.int8], number: int, *, thawed: bool) -> Level:
        own, guess = self._list_level(where, number)
        order = THAWED_ORDER if thawed else self._order
        return Level(
            own, guess, self._stiffness.most(guess, self._stiffness.melts_c[guess]), order=order, thawed=thawed
        )
