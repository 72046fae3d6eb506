"""What is guessed of a set of placements before anything is computed, and what runs have taught of the guess."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.planning._shapes import potential, temperature_c
from iceball.planning._worth import Weights, loss, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.planning._pool import Pool
    from iceball.planning._scene import Scene
    from iceball.planning._shapes import Shape
    from iceball.planning._worth import Marks

    Field = NDArray[np.float64]

TOLD_C = (-80.0, 20.0)  # between these the scale is fitted: what is colder is covered, what is warmer is safe


@array_noun
class Guess:
    """Superposed shapes, one of each kind of probe, times ``scale``, and a ``correction`` (P,) at the marks.

    Both are learnt from the last run, and hold for placements like it.
    """

    scene: Scene
    marks: Marks
    shapes: tuple[Shape, ...]
    start: Field
    scale: float = 1.0
    correction: Field | float = 0.0

    def coarse(self, every: int) -> Guess:
        """The same guess at every so many of the marks: what is left to choose among is chosen by it."""
        marks, index = thinned(self.marks, every)
        fixed = self.correction if np.ndim(self.correction) == 0 else np.asarray(self.correction)[index]
        return replace(self, marks=marks, start=self.start[index], correction=fixed)

    def potentials(self, pool: Pool, places: Sequence[int] | None = None) -> Field:
        """What each placement of ``pool`` adds (K, P) at the marks, whichever of the plan's probes it stands for."""
        made = np.zeros((pool.size, len(self.marks.points_mm)))
        for number, shape in enumerate(self.shapes):
            which = pool.probe == number
            made[which] = shape.at(self.marks.points_mm, pool.middle_mm[which], pool.outward[which])
        return made

    def cold_c(self, total: Field) -> Field:
        """Coldest temperatures (..., P) [°C] of placements that add up to ``total`` (..., P)."""
        return temperature_c(self.start + self.scale * total + self.correction)

    def loss(self, total: Field, way: Field, weights: Weights) -> Field:
        """What is lost (N,) with placements that add up to ``total`` (N, P), of ways that cost ``way`` (N,)."""
        return loss(self.scene, self.marks, self.cold_c(total), way, weights)

    def coverage(self, total: Field) -> Field:
        """Share of the target (...,) that placements which add up to ``total`` (..., P) are guessed to cover."""
        cold = self.cold_c(total)[..., self.marks.target]
        return (cold <= self.scene.goal.isotherm_c).mean(axis=-1)

    def taught(self, total: Field, cold_c: Field) -> Guess:
        """The guess after a run of placements that add up to ``total`` (P,) came to ``cold_c`` (P,) [°C]."""
        real = potential(cold_c) - self.start
        told = (cold_c > TOLD_C[0]) & (cold_c < TOLD_C[1]) & (total > 0)
        squares = float((total[told] ** 2).sum())
        scale = float((total * real)[told].sum()) / squares if squares > 0 else self.scale
        return replace(self, scale=scale, correction=real - scale * total)
