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

    from iceball.thermal.stiffness import Stiffness

REST, SLOWER, FASTER = 0, 1, 2  # what lies beyond a face: see native/kernel.hpp
FRONT_K = 15.0  # above the melting point: how far from a front levels may meet
LEVELS = 2  # how many there are at most
WORTH_IT = 0.8  # a level of its own must save stages


@dataclass
class Level:
    """Tiles that take the same number of stages.

    ``own`` (.,) are stepped for good; ``guess`` (.,) belong to a faster level and only guess, until they have thawed,
    which needs no more stages than the stiffness ``guess_per_s`` [1/s]. The kernel knows their faces.
    """

    own: NDArray[np.int32]
    guess: NDArray[np.int32]
    guess_per_s: float
    count: int = 2

    @property
    def tiles(self) -> int:
        """How many tiles are stepped, for good or as a guess."""
        return self.own.size + self.guess.size


class Levels:
    """Sorts tiles into levels, and keeps the last order as long as nothing has changed."""

    def __init__(
        self, stiffness: Stiffness, order: int, flags: NDArray[np.uint8], list_level: Callable[..., tuple[Any, Any]]
    ) -> None:
        """``flags`` are of all tiles; ``list_level`` is the kernel's."""
        self._stiffness, self._order, self._list_level = stiffness, order, list_level
        self._wells = (flags & WELL) > 0
        self._made: list[Level] = []
        self._key = b""

    def needed(self, step_s: float, tiles: NDArray[np.integer], floor_c: NDArray[np.floating]) -> int:
        """Stages that all ``tiles`` (T,) need for ``step_s`` [s] while they stay above ``floor_c`` (T,) [°C]."""
        return stages_needed(step_s, self._stiffness.most(tiles, floor_c), self._order)

    def sort(self, step_s: float, tiles: NDArray[np.int64], floor_c: NDArray[np.floating]) -> list[Level]:
        """Sort ``tiles``, which stay above ``floor_c`` (T,) [°C], the slowest first."""
        # the wells are worked out in one level only; a front may not lie along a face between levels, nor a metal's
        # surface: what conducts well while it is thawed is stepped with all that is
        cold = self._wells[tiles] | (floor_c < self._stiffness.melts_c[tiles] + FRONT_K)
        per_s = self._stiffness.of(tiles, floor_c)
        most, thawed = (stages_needed(step_s, float(of.max(initial=0.0)), self._order) for of in (per_s, per_s[~cold]))
        cuts = [thawed, most] if thawed < most * WORTH_IT and not cold.all() else [most]
        where = np.full(self._wells.size, -1, np.int8)
        where[tiles] = cold if len(cuts) > 1 else 0
        key = where.tobytes()
        if key != self._key:
            self._key = key
            self._made = [self._level(where, number) for number in range(len(cuts))]
        for level, count in zip(self._made, cuts, strict=True):
            level.count = max(count, stages_needed(step_s, level.guess_per_s, self._order) if level.guess.size else 0)
        return self._made

    def _level(self, where: NDArray[np.int8], number: int) -> Level:
        own, guess = self._list_level(where, number)
        return Level(own, guess, self._stiffness.most(guess, self._stiffness.melts_c[guess]))
