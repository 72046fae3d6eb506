"""Marching a bare problem through time: what phantoms, verification and benchmarks are built on.

No patient is known here: a Problem in SI units, its temperature at the start, and legs that say what the probes do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun, noun
from iceball.thermal.backends import default_backend
from iceball.thermal.control import SAME_S, Pace
from iceball.thermal.problem import Drive, Watch
from iceball.thermal.stepping import Stepping, accuracy_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.thermal.problem import Advanced, Backend, Problem, Solver

Driver = Callable[[float], Drive]


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
    into each probe and its mean surface temperature; ``stages`` and ``voxel_stages`` taken so far.
    """

    now_s: float
    temperature_c: NDArray[np.float64]
    frozen_fraction: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    stored_j: float
    heat_w: NDArray[np.float64]
    surface_c: NDArray[np.float64]
    stages: int = 0
    voxel_stages: int = 0

    @property
    def residual_fraction(self) -> float:
        """Energy not accounted for, over the largest term."""
        largest = float(np.abs(self.energy_j).max())
        return abs(self.stored_j - float(self.energy_j.sum())) / largest if largest else 0.0


def march(  # noqa: PLR0913  (a problem, a start, legs and times; four knobs by keyword)
    problem: Problem,
    start_c: float | NDArray[np.float64],
    legs: Sequence[Leg],
    report_s: Sequence[float],
    *,
    accuracy: str = "standard",
    stepping: Stepping | None = None,
    backend: Backend | None = None,
    fractions: bool = True,
) -> Iterator[Moment]:
    """March ``problem`` from ``start_c`` ((I, J, K) or one number [°C]) through ``legs``; yield at ``report_s`` [s].

    Parameters
    ----------
    legs : end to end, the first from 0 s on
    report_s : rising times within the legs; 0 is the start itself
    accuracy : "preview", "standard" or "reference"
    stepping : how to march, instead of what the accuracy asks for
    backend : the fastest of this installation by default
    fractions : whether moments tell the frozen fraction; it is NaN without: to work it out takes as long as some steps

    Raises
    ------
    SimulationError : if the temperature blows up even in the smallest steps
    """
    stepping = stepping or accuracy_named(accuracy)
    solver = (backend or default_backend()).solver(problem, start_c, stepping, Watch())
    yield from _March(problem, solver, stepping, fractions).through(legs, report_s)


class _March:
    """A march under way."""

    def __init__(self, problem: Problem, solver: Solver, stepping: Stepping, fractions: bool) -> None:
        self.problem, self.solver, self.stepping, self.fractions = problem, solver, stepping, fractions
        self.energy_j = np.zeros(4)

    def through(self, legs: Sequence[Leg], report_s: Sequence[float]) -> Iterator[Moment]:
        waiting = list(report_s)
        for leg in legs:
            driver = leg.begin(around_probes(self.problem, self.solver.temperature()))
            while waiting and waiting[0] <= leg.start_s:
                yield self._moment(waiting.pop(0), driver)
            marks = [mark for mark in waiting if mark < leg.stop_s]
            for now, done in strides(self.solver, self.stepping, leg, driver, marks):
                self.energy_j = self.energy_j + done.energy_j
                while waiting and waiting[0] <= now:
                    yield self._moment(waiting.pop(0), driver)
                if not waiting:  # nobody asks for what comes then
                    return

    def _moment(self, now_s: float, driver: Driver) -> Moment:
        heat_w, surface_c = self.solver.probes_now(driver(now_s))
        unknown = np.broadcast_to(np.nan, self.problem.index.shape)
        return Moment(
            now_s=now_s,
            temperature_c=self.solver.temperature().astype(np.float64),  # a copy: the next step changes the solver's
            frozen_fraction=self.solver.frozen_fraction() if self.fractions else unknown,
            energy_j=self.energy_j.copy(),
            stored_j=self.solver.stored_j(),
            heat_w=heat_w,
            surface_c=surface_c,
            stages=self.solver.stages_done,
            voxel_stages=self.solver.voxel_stages,
        )


def strides(
    solver: Solver, stepping: Stepping, leg: Leg, driver: Driver, marks_s: Sequence[float] = ()
) -> Iterator[tuple[float, Advanced]]:
    """Advance ``solver`` through ``leg``; yields the end [s] of each step and what it did.

    Steps end at each of ``marks_s`` (rising, within the leg) [s]. They are as long as ``stepping`` allows, and shorter
    where the solver says that the last one was off.
    """
    now, ends = leg.start_s, [*marks_s, leg.stop_s]
    pace = Pace(stepping, freezing=leg.freezing, looks=solver.looks)
    while leg.stop_s - now > SAME_S:
        end = next(mark for mark in ends if mark - now > SAME_S)
        step_s = pace.step(end - now)
        stop = end if end - now - step_s < SAME_S else now + step_s
        done = solver.advance(now, stop - now, driver(now), driver(stop), pace.look)
        pace.took(stop - now, done.at_once_s, done.off_mm)
        now = stop
        yield now, done


def around_probes(problem: Problem, temperature: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean temperature (P,) of the tissue along each active zone [°C]: where the gas starts from at a switch."""
    wells, flat = problem.wells, temperature.reshape(-1)
    if not wells.probes:
        return np.zeros(0)
    per_segment = np.add.reduceat(wells.weight * flat[wells.voxel], wells.start[:-1])
    total = np.bincount(wells.probe, weights=per_segment * wells.length_m, minlength=wells.probes)
    return total / np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)
