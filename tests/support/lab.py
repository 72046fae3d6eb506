"""A bench for the solver alone: media, boxes and marches without a patient. Used by verification and contracts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns import Tissue
from iceball.thermal.backends import backend_named, backend_names
from iceball.thermal.backends._numba import NumbaOperator
from iceball.thermal.control import SAME_S, Pace
from iceball.thermal.engine import Engine
from iceball.thermal.materials import curve
from iceball.thermal.problem import POWER_LIMITED, Drive, Problem, Watch
from iceball.thermal.stepping import Stepping, advance, euler_limit
from iceball.thermal.wholebox import WholeBox
from iceball.verification._bench import GEL, WATER, box, drive_of, held, off
from iceball.verification._bench import sharp_tissue as sharp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "WATER", "DoublePrecision", "March", "Solved", "drive_of", "ends_of", "engines", "gas_at", "gel", "held", "last",
    "make_problem", "march", "off", "sharp", "solve", "solve_on",
]  # fmt: skip


def gel(**changes: Any) -> Tissue:
    """The gel of ``iceball verify``, changed."""
    return replace(GEL, **changes)


def make_problem(shape: tuple[int, int, int], spacing_mm: float, *tissues: Tissue, **changes: Any) -> Problem:
    """A box of ``tissues`` (all the first one unless ``index`` says otherwise), with their blood and heat."""
    fields: dict[str, Any] = {
        "conducts": np.array([not t.inert for t in tissues]),
        "perfusion": np.array([t.perfusion_w_per_m3_k for t in tissues]),
        "metabolic": np.array([t.metabolic_heat_w_per_m3 for t in tissues]),
    }
    return box(shape, spacing_mm, [curve(t) for t in tissues], **fields | changes)


def gas_at(temperature_c: float, *, tau_s: float = 0.0, from_c: float = 37.0) -> Callable[[float], Drive]:
    """A power-limited probe whose gas nears ``temperature_c`` with ``tau_s``."""

    def driver(now_s: float) -> Drive:
        fade = np.exp(-now_s / tau_s) if tau_s else 0.0
        return drive_of(POWER_LIMITED, temperature_c + (from_c - temperature_c) * fade)

    return driver


def ends_of(stepping: Stepping, start_s: float, stop_s: float, *, freezing: bool) -> list[float]:
    """Ends [s] of the steps of a leg, where nobody looks at how far they are off."""
    pace, now, ends = Pace(stepping, freezing=freezing, looks=False), start_s, []
    while stop_s - now > SAME_S:
        step_s = pace.step(stop_s - now)
        stop = stop_s if stop_s - now - step_s < SAME_S else now + step_s
        pace.took(stop - now, stop - now, math.nan)
        now = stop
        ends.append(now)
    return ends


@dataclass
class March:
    """A run of the bare solver: where it stands after each step."""

    problem: Problem
    operator: Any
    enthalpy: np.ndarray
    start: np.ndarray
    energy_j: np.ndarray
    now_s: float

    @property
    def temperature(self) -> np.ndarray:
        """Temperature [°C]."""
        return self.operator.temperature(self.enthalpy)

    @property
    def frozen_voxels(self) -> float:
        """Frozen volume in voxels, fractions counted."""
        return float(self.operator.frozen_fraction(self.enthalpy).sum())

    @property
    def residual_fraction(self) -> float:
        """Energy not accounted for, over the largest term."""
        stored = (self.enthalpy - self.start).sum() * self.problem.voxel_m3
        return float(abs(stored - self.energy_j.sum()) / np.abs(self.energy_j).max())


def march(
    problem: Problem,
    backend: Any,
    start_c: float | np.ndarray,
    driver: Callable[[float], Drive] = off,
    *,
    until_s: float,
    coldest_c: float,
    longest_s: float = 2.0,
    method: str = "rkl2",
) -> Iterator[March]:
    """March ``problem`` from ``start_c``; yields after every step."""
    operator = backend.operator(problem)
    enthalpy = problem.table.enthalpy(start_c, problem.index)
    alive = np.ones(problem.index.shape, np.uint8)
    limit = euler_limit(problem, coldest_c)
    at = March(problem, operator, enthalpy, enthalpy.copy(), np.zeros(4), 0.0)
    steps = Stepping(freeze_step_s=longest_s, early_step_s=longest_s)
    for stop in ends_of(steps, 0.0, until_s, freezing=True):
        done = advance(
            operator, at.enthalpy, (at.now_s, stop), limit, driver, alive, method=method, source=problem.source
        )
        at.enthalpy, at.now_s = done.enthalpy, stop
        at.energy_j = at.energy_j + done.energy_j
        yield at


def last(steps: Iterator[March]) -> March:
    """Run to the end."""
    return list(steps)[-1]  # each step yields the same March, moved on


@dataclass(frozen=True)
class Solved:
    """What a backend's solver came to: its solver, the energies (4,) [J], and what the last step said of the probes."""

    solver: Any
    energy_j: np.ndarray
    heat_w: np.ndarray
    surface_c: np.ndarray
    stored_j: float

    @property
    def residual_fraction(self) -> float:
        """Energy not accounted for, over the largest term."""
        return float(abs(self.stored_j - self.energy_j.sum()) / np.abs(self.energy_j).max())


def solve(
    problem: Problem,
    backend: Any,
    start_c: float | np.ndarray,
    driver: Callable[[float], Drive] = off,
    *,
    steps_s: Sequence[float],
    method: str = "rkl2",
    watch: Watch | None = None,
) -> Solved:
    """Take ``steps_s`` with ``backend``'s own solver of ``problem``: the way simulate() and march() go."""
    solver = backend.solver(problem, start_c, Stepping(method=method), watch or Watch())
    return solve_on(solver, driver, steps_s=steps_s)


def solve_on(solver: Any, driver: Callable[[float], Drive] = off, *, steps_s: Sequence[float]) -> Solved:
    """Take ``steps_s`` with a solver."""
    energy_j, now_s = np.zeros(4), 0.0
    done: Any = None
    for step_s in steps_s:
        done = solver.advance(now_s, step_s, driver(now_s), driver(now_s + step_s))
        energy_j, now_s = energy_j + done.energy_j, now_s + step_s
    return Solved(solver, energy_j, done.heat_w, done.surface_c, solver.stored_j())


def engines() -> list[Any]:
    """The backends of this installation whose solver is the fast engine, and not the whole box."""
    problem, found = make_problem((4, 4, 4), 1.0, gel()), [backend_named(name) for name in backend_names()]
    return [b for b in found if isinstance(b.solver(problem, 37.0, Stepping(), Watch()), Engine)]


class DoublePrecision:
    """The whole box by numba's rates, which are numpy's to 1e-9 (test_backends): the specification, but quick."""

    name = "double precision"

    def solver(self, problem: Problem, start_c: float | np.ndarray, stepping: Stepping, watch: Watch) -> WholeBox:
        """See Backend.solver."""
        return WholeBox(problem, NumbaOperator(problem), start_c, stepping, watch)
