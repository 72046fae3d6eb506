"""Turn a scan until its axes run to the left, the back and the head, as the search for the canal needs them.

Readers do so already. A grid made by hand may run otherwise, and then left would be called right.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns import Case, Grid, Volume
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Place

UPRIGHT = 0.5  # cosine: an axis less than 60 degrees off its own way stays where it is, however the scan is tilted


@array_noun
class Turn:
    """Axis ``order[a]`` of the scan becomes axis ``a``, and runs backward where ``flipped[a]``."""

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    def array(self, array: NDArray[Any]) -> NDArray[Any]:
        """(I', J', K') view of ``array`` (I, J, K)."""
        return np.flip(np.transpose(array, self.order), self._axes())

    def back(self, array: NDArray[Any]) -> NDArray[Any]:
        """(I, J, K) copy of a turned ``array`` (I', J', K'), as it was before."""
        return np.ascontiguousarray(np.transpose(np.flip(array, self._axes()), np.argsort(self.order)))

    def place(self, within: Place | None, shape: tuple[int, int, int]) -> Place | None:
        """Where the part ``within`` of an array of ``shape`` lies after the turn."""
        if within is None:
            return None
        turned = []
        for axis, flipped in zip(self.order, self.flipped, strict=True):
            start, stop, _ = within[axis].indices(shape[axis])
            turned.append(slice(shape[axis] - stop, shape[axis] - start) if flipped else slice(start, stop))
        return turned[0], turned[1], turned[2]

    def volume(self, volume: Volume) -> Volume:
        """Turn ``volume``: the same voxels at the same places."""
        grid, order = volume.grid, list(self.order)
        sign = np.where(self.flipped, -1.0, 1.0)
        first = np.zeros(3)
        first[order] = np.where(self.flipped, np.asarray(grid.shape)[order] - 1, 0)
        a, b, c = (int(grid.shape[axis]) for axis in order)
        wide, deep, high = (float(grid.spacing_mm[axis]) for axis in order)
        x, y, z = grid.position_mm(first).tolist()
        ways: Any = tuple(float(v) for v in (np.asarray(grid.direction).reshape(3, 3)[:, order] * sign).ravel())
        turned = Grid(shape=(a, b, c), spacing_mm=(wide, deep, high), origin_mm=(x, y, z), direction=ways)
        return Volume(grid=turned, array=self.array(volume.array), quantity=volume.quantity)

    def case(self, case: Case) -> Case:
        """Turn what outlines are found from: CT, labels and field of view of ``case``."""
        labels, view = (None if v is None else self.volume(v) for v in (case.labels, case.field_of_view))
        return Case(id=case.id, ct=self.volume(case.ct), labels=labels, structures=case.structures, field_of_view=view)

    def _axes(self) -> tuple[int, ...]:
        return tuple(axis for axis, flipped in enumerate(self.flipped) if flipped)


def turn_of(grid: Grid) -> Turn | None:
    """Find the turn that makes the axes of ``grid`` run as nearly as can be to left, back and head; None where they do.

    Parameters
    ----------
    grid : Grid
    """
    ways = np.asarray(grid.direction).reshape(3, 3)
    if np.diagonal(ways).min() > UPRIGHT:
        return None
    order = max(itertools.permutations(range(3)), key=lambda each: sum(abs(ways[a, each[a]]) for a in range(3)))
    i, j, k = (bool(ways[a, order[a]] < 0) for a in range(3))
    turn = Turn(order=(order[0], order[1], order[2]), flipped=(i, j, k))
    return None if turn.order == (0, 1, 2) and not any(turn.flipped) else turn
