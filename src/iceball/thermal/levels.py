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
WORTH_IT = 0.8  # a level of its own must save stages


@dataclass
class Level:
    """Tiles that take the same number of stages; the last ``guessed`` belong to a faster level and only guess.

    ``faces`` is what the kernel needs to know of where these tiles meet others.
    """

    guessed: int
    tiles: NDArray[np.int32]
    count: int
    faces: Any

    @property
    def own(self) -> NDArray[np.int32]:
        """The tiles that this level steps for good."""
        return self.tiles[: self.tiles.size - self.guessed]


class Levels:
    """Sorts tiles into levels, and keeps the last order as long as nothing has changed."""

    def __init__(self, layout: Layout, stiffness: Stiffness, order: int, list_faces: Callable[..., Any]) -> None:
        self._layout, self._stiffness, self._order, self._list_faces = layout, stiffness, order, list_faces
        self._made: list[Level] = []
        self._key = b""

    def needed(self, step_s: float, tiles: NDArray[np.integer], floor_c: NDArray[np.floating]) -> int:
        """Stages that all ``tiles`` (T,) need for ``step_s`` [s] while they stay above ``floor_c`` (T,) [°C]."""
        return stages_needed(step_s, self._stiffness.most(tiles, floor_c), self._order)

    def sort(
        self, step_s: float, tiles: NDArray[np.int64], floor_c: NDArray[np.floating], flags: NDArray[np.uint8]
    ) -> list[Level]:
        """Sort ``tiles``, which stay above ``floor_c`` (T,) [°C], the slowest first; ``flags`` is of all tiles."""
        melts_c = self._stiffness.melts_c
        # the wells are worked out in one level only; a front may not lie along a face between levels, nor a metal's
        # surface: what conducts well while it is thawed is stepped with all that is
        cold = ((flags[tiles] & WELL) > 0) | (floor_c < melts_c[tiles] + FRONT_K)
        most, thawed = (self.needed(step_s, tiles[which], floor_c[which]) for which in (slice(None), ~cold))
        cuts = [thawed, most] if thawed < most * WORTH_IT and not cold.all() else [most]
        where = np.full(flags.size, -1, np.int8)
        where[tiles] = cold if len(cuts) > 1 else 0
        if where.tobytes() != self._key:
            self._key = where.tobytes()
            self._made = [self._level(np.flatnonzero(where == n), where, n, flags) for n in range(len(cuts))]
        for level, count in zip(self._made, cuts, strict=True):
            level.count = count
            if level.guessed:
                guess = level.tiles[level.own.size :]
                level.count = max(level.count, self.needed(step_s, guess, melts_c[guess]))
        return [level for level in self._made if level.tiles.size]

    def _level(self, tiles: NDArray[np.int64], where: NDArray[np.int8], number: int, flags: NDArray[np.uint8]) -> Level:
        tiles, lay = tiles[np.argsort((flags[tiles] & WELL) > 0, kind="stable")], self._layout
        beside = lay.beside[tiles]
        guess = np.unique(beside[(beside >= 0) & (where[beside] > number)])
        every = np.concatenate([tiles, guess]).astype(np.int32)
        return Level(guessed=guess.size, tiles=every, count=2, faces=self._list_faces(every, tiles.size, where, number))
