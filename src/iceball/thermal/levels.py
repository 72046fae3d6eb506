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

REST, SLOWER, FASTER, STILL = 0, 1, 2, 3  # what lies beyond a face: see native/kernel.hpp
GUESS = 32
FRONT_K = 10.0  # above the melting point: how far from a front levels may meet
WORTH_IT = 0.8  # a level of its own must save stages


@dataclass
class Level:
    """Tiles that take the same number of stages; the last ``guessed`` belong to a faster level and only guess.

    ``faces`` is what the kernel needs to know of where these tiles meet others.
    """

    guessed: int
    tiles: NDArray[np.int64]
    count: int
    offset: NDArray[np.int64]
    flags: NDArray[np.uint8]
    label: NDArray[np.uint8]
    energy: NDArray[np.float64]
    faces: Any

    @property
    def own(self) -> NDArray[np.int64]:
        """The tiles that this level steps for good."""
        return self.tiles[: self.tiles.size - self.guessed]


class Levels:
    """Sorts tiles into levels, and keeps the last order as long as nothing has changed."""

    def __init__(self, layout: Layout, stiffness: Stiffness, order: int, list_faces: Callable[..., Any]) -> None:
        self._layout, self._stiffness, self._order, self._list_faces = layout, stiffness, order, list_faces
        self._made: list[Level] = []
        self._key = b""

    def needed(self, step_s: float, tiles: NDArray[np.int64], floor_c: NDArray[np.floating]) -> NDArray[np.int64]:
        """Stages (T,) that ``tiles`` need for ``step_s`` [s] while they stay above ``floor_c`` (T,) [°C]."""
        return stages_needed(step_s, self._stiffness.rows(tiles, floor_c), self._order)

    def sort(
        self, step_s: float, tiles: NDArray[np.int64], floor_c: NDArray[np.floating], flags: NDArray[np.uint8]
    ) -> list[Level]:
        """Sort ``tiles``, which stay above ``floor_c`` (T,) [°C], the slowest first; ``flags`` is of all tiles."""
        melts_c = self._stiffness.melts_c
        needed = self.needed(step_s, tiles, floor_c)
        # the wells are worked out in one level only; a front may not lie along a face between levels, nor a metal's
        # surface: what conducts well while it is thawed is stepped with all that is
        cold = ((flags[tiles] & WELL) > 0) | (floor_c < melts_c[tiles] + FRONT_K)
        most = int(needed.max())
        thawed = int(needed[~cold].max(initial=0))
        cuts = [thawed, most] if 0 < thawed < most * WORTH_IT else [most]
        where = np.full(flags.size, -1, np.int8)
        where[tiles] = cold if len(cuts) > 1 else 0
        if where.tobytes() != self._key:
            self._key = where.tobytes()
            self._made = [self._level(np.flatnonzero(where == n), where, n, flags) for n in range(len(cuts))]
        for level, count in zip(self._made, cuts, strict=True):
            level.count, level.flags, own = int(count), flags[level.tiles], level.own.size
            if level.guessed:
                guess = level.tiles[own:]
                level.flags[own:] = level.flags[own:] & ~np.uint8(WELL) | GUESS
                level.count = max(level.count, int(self.needed(step_s, guess, melts_c[guess]).max()))
        return [level for level in self._made if level.tiles.size]

    def _level(self, tiles: NDArray[np.int64], where: NDArray[np.int8], number: int, flags: NDArray[np.uint8]) -> Level:
        tiles, lay = tiles[np.argsort((flags[tiles] & WELL) > 0, kind="stable")], self._layout
        beside = lay.beside[tiles]
        guess = np.unique(beside[(beside >= 0) & (where[beside] > number)])
        every = np.concatenate([tiles, guess])
        return Level(
            guessed=guess.size,
            tiles=every,
            count=2,
            offset=lay.offset[every],
            flags=flags[every],
            label=lay.tile_label[every],
            energy=np.zeros((every.size, 3)),
            faces=self._list_faces(tiles, where, number, guess),
        )
