"""Marching a bare problem through time: what phantoms, verification and benchmarks are built on.

No patient is known here: a Problem in SI units, its temperature at the start, and legs that say what the probes do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.nouns._noun import array_noun, noun
from iceball.thermal.materials import COLDEST_C
from iceball.thermal.problem import Drive
from iceball.thermal.stepping import Stepping, advance, euler_limit, ramp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.thermal.problem import Backend, Operator, Problem

Driver = Callable[[float], Drive]
FLOOR_C, HEADROOM_C = 10.0, 15.0


@noun
class Leg:
    """One stretch of a march between two switches.

    ``begin`` is given the mean temperature (P,) [°C] of the tissue along each probe when the leg starts, and returns
    what drives the probes at a time [s] of the march.
    """

    start_s: float
    stop_s: float
    freezing: bool
    begin: Callable[[NDArray[np.float64]], Driver]


@array_noun
class Moment:
    """Where a march stands at ``now_s``.

    ``temperature_c``, ``frozen_fraction`` (I, J, K); ``energy_j`` (4,) heat into the tissue since the start by PROBE,
    PERFUSION, METABOLIC, BOUNDARY; ``stored_j`` its enthalpy above the start; ``heat_w`` and ``surface_c`` (P,) heat
    into each probe and its mean surface temperature.
    """

    now_s: float
    temperature_c: NDArray[np.float64]
    frozen_fraction: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    stored_j: float
    heat_w: NDArray[np.float64]
    surface_c: NDArray[np.float64]

    @property
    def residual_fraction(self) -> float:
        """Energy not accounted for, over the largest term."""
        largest = float(np.abs(self.energy_j).max())
        return abs(self.stored_j - float(self.energy_j.sum())) / largest if largest else 0.0


def march(
    problem: Problem,
    start_c: float | NDArray[np.float64],
    legs: Sequence[Leg],
    report_s: Sequence[float],
    *,
    stepping: Stepping | None = None,
    backend: Backend | None = None,
) -> Iterator[Moment]:
    """March ``problem`` from ``start_c`` ((I, J, K) or one number [°C]) through ``legs``; yield at ``report_s`` [s].

    Parameters
    ----------
    legs : end to end, the first from 0 s on
    report_s : rising times within the legs; 0 is the start itself

    Raises
    ------
    SimulationError : if the temperature blows up even in the smallest steps
    """
    from iceball.thermal.backends import NumbaBackend

    operator = (backend or NumbaBackend()).operator(problem)
    yield from _March(problem, operator, stepping or Stepping()).through(start_c, legs, report_s)


class _March:
    """A march under way."""

    def __init__(self, problem: Problem, operator: Operator, stepping: Stepping) -> None:
        self.problem, self.operator, self.stepping = problem, operator, stepping
        self.alive = np.ones(problem.index.shape, np.uint8)
        self.energy_j = np.zeros(4)
        self.limits_s: dict[float, float] = {}

    def through(
        self, start_c: float | NDArray[np.float64], legs: Sequence[Leg], report_s: Sequence[float]
    ) -> Iterator[Moment]:
        self.enthalpy = self.problem.table.enthalpy(start_c, self.problem.index)
        self.start = self.enthalpy.copy()
        self.temperature = self.operator.temperature(self.enthalpy)
        waiting = list(report_s)
        for leg in legs:
            driver = leg.begin(self._around_probes())
            while waiting and waiting[0] <= leg.start_s:
                yield self._moment(waiting.pop(0), driver)
            now, longest = leg.start_s, self._longest(leg)
            marks = {mark for mark in waiting if mark < leg.stop_s} | {leg.stop_s}
            for stop in _split(ramp(leg.start_s, leg.stop_s, longest), marks):
                self._step(driver, (now, stop))
                now = stop
                while waiting and waiting[0] <= now:
                    yield self._moment(waiting.pop(0), driver)

    def _longest(self, leg: Leg) -> float:
        return self.stepping.freeze_step_s if leg.freezing else self.stepping.thaw_step_s

    def _step(self, driver: Driver, span: tuple[float, float]) -> None:
        floor_c = FLOOR_C * math.floor((float(self.temperature.min()) - HEADROOM_C) / FLOOR_C)
        while True:
            if floor_c not in self.limits_s:
                self.limits_s[floor_c] = euler_limit(self.problem, floor_c)
            limit, method = self.limits_s[floor_c], self.stepping.method
            source = self.problem.source
            done = advance(self.operator, self.enthalpy, span, limit, driver, self.alive, method=method, source=source)
            after = self.operator.temperature(done.enthalpy)
            if not np.isfinite(done.enthalpy).all():
                raise SimulationError(
                    f"the temperature blew up at {span[0]:.0f} s: report this, it is a fault of iceball"
                )
            if float(after.min()) >= floor_c or floor_c <= COLDEST_C:
                break
            floor_c -= 2 * FLOOR_C
        self.enthalpy, self.temperature = done.enthalpy, after
        self.energy_j = self.energy_j + done.energy_j

    def _moment(self, now_s: float, driver: Driver) -> Moment:
        rate = self.operator.rate(self.enthalpy, driver(now_s), self.alive, np.empty_like(self.enthalpy))
        return Moment(
            now_s=now_s,
            temperature_c=self.temperature,
            frozen_fraction=self.operator.frozen_fraction(self.enthalpy),
            energy_j=self.energy_j.copy(),
            stored_j=float((self.enthalpy - self.start).sum() * self.problem.voxel_m3),
            heat_w=rate.probe_heat_w,
            surface_c=rate.surface_c,
        )

    def _around_probes(self) -> NDArray[np.float64]:
        """Mean temperature (P,) of the tissue along each active zone [°C]: where the gas starts from at a switch."""
        wells, flat = self.problem.wells, self.temperature.reshape(-1)
        if not wells.probes:
            return np.zeros(0)
        per_segment = np.add.reduceat(wells.weight * flat[wells.voxel], wells.start[:-1])
        total = np.bincount(wells.probe, weights=per_segment * wells.length_m, minlength=wells.probes)
        return total / np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)


def _split(stops: Sequence[float], marks: set[float]) -> list[float]:
    return sorted(set(stops) | marks)
