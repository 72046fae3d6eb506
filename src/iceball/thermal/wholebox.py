"""A solver that steps every voxel of the box in double precision: the readable one, and the specification of the fast.

RKL2 or Euler on the rates of an Operator (stepping.py); nothing is left out, nothing is rounded to single precision.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.thermal.control import off_mm, sums_of
from iceball.thermal.materials import COLDEST_C
from iceball.thermal.problem import Advanced, Drive
from iceball.thermal.recording import count_time_below
from iceball.thermal.stepping import Advance, advance, euler_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.control import Look
    from iceball.thermal.problem import Operator, Problem, Watch
    from iceball.thermal.stepping import Stepping

    Field = NDArray[np.float64]

FLOOR_C, HEADROOM_C = 10.0, 15.0
HALVINGS = 6


class WholeBox:
    """See problem.Solver."""

    looks = True

    def __init__(
        self, problem: Problem, operator: Operator, start_c: float | Field, stepping: Stepping, watch: Watch
    ) -> None:
        self.problem, self.operator, self.stepping, self.watch = problem, operator, stepping, watch
        self._enthalpy = problem.table.enthalpy(start_c, problem.index)
        self._start = self._enthalpy.copy()
        self._now_c = operator.temperature(self._enthalpy)
        self._coldest_c = self._now_c.copy()
        self._alive = np.ones(problem.index.shape, np.uint8)
        self._below_s = {t: np.zeros(problem.index.shape, np.float32) for t in watch.clocks_c}
        self._limits_s: dict[float, float] = {}
        self._rate_k_per_s: Field | None = None  # of the last step: what it foresees
        self.stages_done = self.voxel_stages = 0

    def advance(self, start_s: float, step_s: float, before: Drive, after: Drive, look: Look | None = None) -> Advanced:
        """See Solver.advance. The error is told; a step that is off by too much is not taken again."""
        was_c, parts = self._now_c, 1
        for _ in range(HALVINGS):
            done = self._try(start_s, step_s, before, after, parts)
            if done is not None:
                off = self._off_mm(was_c, step_s, look)
                self._rate_k_per_s = (self._now_c - was_c) / step_s
                return replace(done, off_mm=off, at_once_s=step_s / parts)
            parts *= 2
        parts //= 2
        raise SimulationError(
            f"the temperature blew up at {start_s:.0f} s even in steps of {step_s / parts:.2g} s: report this case, it "
            "is a fault of iceball"
        )

    def _try(self, start_s: float, step_s: float, before: Drive, after: Drive, parts: int) -> Advanced | None:
        """Take the step in so many parts; None where the temperature is lost, the state being as before."""
        enthalpy, energy, first = self._enthalpy, np.zeros(4), None
        temperature = self._now_c
        for n in range(parts):
            span = (start_s + step_s * n / parts, start_s + step_s * (n + 1) / parts)
            made = self._part(enthalpy, temperature, span, lambda t: between(before, after, (t - start_s) / step_s))
            if made is None:
                return None
            done, temperature = made
            first = first or done.rate
            enthalpy, energy = done.enthalpy, energy + done.energy_j
        assert first is not None
        self._take(enthalpy, temperature, step_s)
        return Advanced(energy_j=energy, heat_w=first.probe_heat_w, surface_c=first.surface_c)

    def _off_mm(self, was_c: Field, step_s: float, look: Look | None) -> float:
        """How far the step just taken is off [mm]."""
        if look is None or self._rate_k_per_s is None:
            return math.nan
        foreseen = was_c + step_s * self._rate_k_per_s
        return off_mm(sums_of(self._now_c, foreseen, look.band_c), 1000 * self.problem.spacing_m)

    def _part(
        self, enthalpy: Field, now_c: Field, span: tuple[float, float], driver: Callable[[float], Drive]
    ) -> tuple[Advance, Field] | None:
        """Step with what is stable down to a guessed floor; guess lower where the tissue got colder than it.

        Ice conducts the better the colder it is: a floor near the coldest voxel saves a third of the stages.
        """
        problem, method = self.problem, self.stepping.method
        floor_c = FLOOR_C * math.floor((float(now_c.min()) - HEADROOM_C) / FLOOR_C)
        while True:
            if floor_c not in self._limits_s:
                self._limits_s[floor_c] = euler_limit(problem, floor_c)
            limit = self._limits_s[floor_c]
            done = advance(
                self.operator, enthalpy, span, limit, driver, self._alive, method=method, source=problem.source
            )
            if not np.isfinite(done.enthalpy).all():
                return None
            after = self.operator.temperature(done.enthalpy)
            if float(after.min()) >= floor_c or floor_c <= COLDEST_C:
                return done, after
            floor_c -= 2 * FLOOR_C

    def _take(self, enthalpy: Field, temperature: Field, step_s: float) -> None:
        count_time_below(self._below_s, self._now_c, temperature, step_s)
        np.minimum(self._coldest_c, temperature, out=self._coldest_c)
        self._alive[self._coldest_c < self.watch.stasis_c] = 0
        self._enthalpy, self._now_c = enthalpy, temperature

    def temperature(self) -> Field:
        """See Solver.temperature."""
        return self._now_c

    def coldest(self) -> Field:
        """See Solver.coldest."""
        return self._coldest_c

    def below_s(self) -> dict[float, NDArray[np.float32]]:
        """See Solver.below_s."""
        return self._below_s

    def frozen_fraction(self) -> Field:
        """See Solver.frozen_fraction."""
        return self.operator.frozen_fraction(self._enthalpy)

    def stored_j(self) -> float:
        """See Solver.stored_j."""
        return float((self._enthalpy - self._start).sum() * self.problem.voxel_m3)

    def probes_now(self, drive: Drive) -> tuple[Field, Field]:
        """See Solver.probes_now."""
        rate = self.operator.rate(self._enthalpy, drive, self._alive, np.empty_like(self._enthalpy))
        return rate.probe_heat_w, rate.surface_c


def between(before: Drive, after: Drive, part: float) -> Drive:
    """The drive ``part`` (0 to 1) of the way from ``before`` to ``after``; only values change within a step."""
    return Drive(
        mode=before.mode, value=before.value + part * (after.value - before.value), power=before.power,
        resistance=before.resistance, tilt=before.tilt + part * (after.tilt - before.tilt),
        most_heat_w_per_m=before.most_heat_w_per_m,
    )  # fmt: skip
