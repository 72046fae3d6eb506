"""Choose from a pool: one probe after the other, then exchange each for a better one until none is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns._noun import array_noun, noun
from iceball.nouns.segments import segments_apart_mm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.planning.ellipsoids._pool import Pool
    from iceball.planning.ellipsoids._target import Target

    Field = NDArray[np.float64]
    Bits = NDArray[np.uint8]

# Numerical: what is not covered weighs so much more than what is covered in vain, each as a share of the target.
# Covering goes first, as the goal asks; among plans that cover alike the one that freezes least wins.
MISSED_WEIGHT = 10.0


@noun
class Spacing:
    """Distances between two probes: active zones at least, and to the nearest other at most; shafts at least [mm]."""

    closest_mm: float
    farthest_mm: float
    shafts_mm: float


@array_noun
class Chosen:
    """The ``numbers`` in the pool, and what they cost; ``cost`` is infinite where there is no way at all."""

    numbers: tuple[int, ...]
    cost: float


def usual_spacing(shaft_diameter_mm: float) -> Spacing:
    """Return the distances of ``library.planning_rules()`` for probes of this diameter [mm]."""
    return Spacing(
        closest_mm=library.planning_rule("probe_spacing_close").threshold.value,
        farthest_mm=library.planning_rule("probe_spacing_wide").threshold.value,
        shafts_mm=shaft_diameter_mm + library.planning_rule("probes_nearly_touch").threshold.value,
    )


class Chooser:
    """Chooses up to ``count`` ways of one pool for one ``target``, until ``over`` says that it is time."""

    def __init__(self, pool: Pool, count: int, *, target: Target, enough: float, over: Callable[[], bool]) -> None:
        self.pool, self.count, self.over = pool, count, over
        self.spacing = usual_spacing(pool.shaft_diameter_mm)
        self.points, self.enough = len(target.inside_mm), enough
        self.weight = target.around_ml / (target.inside_ml * self.points)
        self.shafts_mm = pool.shafts_mm

    def grown(self, first: int) -> Chosen:
        """Begin with the way ``first`` and add the best one each time; fewer where no other keeps its distance."""
        numbers = [first]
        while len(numbers) < self.count:
            best, cost = self._best(numbers)
            if not np.isfinite(cost):
                break
            numbers.append(best)
        return Chosen(numbers=tuple(numbers), cost=self.cost(numbers))

    def exchanged(self, chosen: Chosen) -> Chosen:
        """Exchange one probe after the other for the way that costs least beside the rest, until none is better."""
        numbers, cost, since = list(chosen.numbers), chosen.cost, 0
        place = 0
        while since < len(numbers) and not self.over():
            others = numbers[:place] + numbers[place + 1 :]
            best, least = self._best(others)
            if least < cost - 1e-9:
                numbers[place], cost, since = best, least, 0
            else:
                since += 1
            place = (place + 1) % len(numbers)
        return Chosen(numbers=tuple(numbers), cost=cost)

    def cost(self, numbers: list[int]) -> float:
        """What the ways ``numbers`` miss and freeze in vain."""
        *others, last = numbers
        return float(self._costs(others)[last])

    def _best(self, others: list[int]) -> tuple[int, float]:
        costs = np.where(self._free(others), self._costs(others), np.inf)
        best = int(np.argmin(costs))
        return best, float(costs[best])

    def _costs(self, others: list[int]) -> Field:
        """(N,) cost of the ways ``others`` with each way of the pool."""
        inside = self.pool.inside | np.bitwise_or.reduce(self.pool.inside[others], axis=0, initial=0)
        around = self.pool.around | np.bitwise_or.reduce(self.pool.around[others], axis=0, initial=0)
        covered = np.bitwise_count(inside).sum(axis=1) / self.points
        vain = np.bitwise_count(around).sum(axis=1) * self.weight
        return MISSED_WEIGHT * np.maximum(self.enough - covered, 0.0) + vain

    def _free(self, others: list[int]) -> NDArray[np.bool_]:
        """(N,) ways that keep their distance from ``others``, and are not too far from all of them."""
        if not others:
            return np.ones(len(self.pool), dtype=bool)
        free, near = np.ones(len(self.pool), dtype=bool), np.zeros(len(self.pool), dtype=bool)
        for number in others:
            active = _apart_mm(self.pool.active_mm, number)
            free &= active >= self.spacing.closest_mm
            free &= _apart_mm(self.shafts_mm, number) >= self.spacing.shafts_mm
            near |= active <= self.spacing.farthest_mm
        return free & near


def _apart_mm(ends_mm: Field, number: int) -> Field:
    """(N,) least distances [mm] of the segments ``ends_mm`` (N, 2, 3) from the one of this ``number``."""
    return segments_apart_mm(ends_mm[:, 0], ends_mm[:, 1], *ends_mm[number])
