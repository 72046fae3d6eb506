"""A bench for the solver alone: media, boxes and marches without a patient. Used by verification and contracts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns import Tissue
from iceball.thermal.backends import backend_named, backend_names
from iceball.thermal.backends._numba import NumbaOperator
from iceball.thermal.engine import Engine
from iceball.thermal.exact import Phases
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C, Table, curve, tabulate
from iceball.thermal.problem import OFF, POWER_LIMITED, PRESCRIBED, Drive, Problem, Wall, Watch, Wells
from iceball.thermal.stepping import Stepping, advance, euler_limit, ramp
from iceball.thermal.wells import no_wells
from iceball.thermal.wholebox import WholeBox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WATER = Phases(
    frozen_conductivity_w_per_m_k=2.22,
    frozen_capacity_j_per_m3_k=2.05e6,
    conductivity_w_per_m_k=0.56,
    capacity_j_per_m3_k=4.2e6,
    latent_heat_j_per_m3=333.6e6,
    freezing_c=0.0,
)
TISSUE = Phases(
    frozen_conductivity_w_per_m_k=2.0,
    frozen_capacity_j_per_m3_k=1.8e6,
    conductivity_w_per_m_k=0.5,
    capacity_j_per_m3_k=3.6e6,
    latent_heat_j_per_m3=250e6,
    freezing_c=-1.0,
)
MEDIA = {"WATER": WATER, "TISSUE": TISSUE}


def sharp(medium: Phases, *, perfusion: float = 0.0, over_k: float = 0.0) -> Tissue:
    """A tissue that freezes at one temperature with constant properties in each phase.

    ``over_k`` spreads its latent heat over that range, centred: a voxel that holds the front then has a temperature of
    its own instead of the freezing point.
    """
    return Tissue(
        name="sharp",
        conductivity_w_per_m_k=medium.conductivity_w_per_m_k,
        frozen_conductivity_w_per_m_k=medium.frozen_conductivity_w_per_m_k,
        heat_capacity_j_per_m3_k=medium.capacity_j_per_m3_k,
        frozen_heat_capacity_j_per_m3_k=medium.frozen_capacity_j_per_m3_k,
        latent_heat_j_per_m3=medium.latent_heat_j_per_m3,
        solidus_c=medium.freezing_c - over_k / 2,
        liquidus_c=medium.freezing_c + over_k / 2,
        conductivity_ice_fraction=0.0,
        capacity_ice_fraction=0.0,
        perfusion_w_per_m3_k=perfusion,
    )


def gel(**changes: Any) -> Tissue:
    """A gel with ice's temperature laws and a mushy range of -8 to -1 °C: the medium of performance.md, section 0."""
    base = Tissue(
        name="gel",
        conductivity_w_per_m_k=0.52,
        frozen_conductivity_w_per_m_k=2.2,
        heat_capacity_j_per_m3_k=3.78e6,
        frozen_heat_capacity_j_per_m3_k=1.79e6,
        latent_heat_j_per_m3=250e6,
        solidus_c=-8.0,
        liquidus_c=-1.0,
    )
    return replace(base, **changes)


def make_problem(shape: tuple[int, int, int], spacing_mm: float, *tissues: Tissue, **changes: Any) -> Problem:
    """A box of ``tissues`` (all the first one unless ``index`` says otherwise)."""
    fields: dict[str, Any] = {
        "spacing_m": spacing_mm / 1000.0,
        "table": tabulate([curve(t) for t in tissues]),
        "index": np.zeros(shape, np.uint8),
        "conducts": np.array([not t.inert for t in tissues]),
        "perfusion": np.array([t.perfusion_w_per_m3_k for t in tissues]),
        "metabolic": np.array([t.metabolic_heat_w_per_m3 for t in tissues]),
        "arterial_c": 37.0,
        "open_conductance": np.zeros(shape),
        "air_c": 20.0,
        "wells": no_wells(),
    }
    return Problem(**fields | changes)


def held(axis: int, side: int, at_c: float) -> Wall:
    """A wall held at a temperature."""
    return Wall(axis=axis, side=side, held_c=at_c)  # pyright: ignore[reportArgumentType]


def drive_of(mode: int, value: float, probes: int = 1) -> Drive:
    """The same drive for every probe, at full power."""
    return Drive(
        mode=np.full(probes, mode),
        value=np.full(probes, float(value)),
        power=np.ones(probes),
        resistance=np.ones(probes),
    )


def off(_now_s: float) -> Drive:
    """No probe."""
    return drive_of(OFF, 0.0, 0)


def takes(heat_w_per_m: float) -> Callable[[float], Drive]:
    """A probe that takes a given heat per length."""
    return lambda _now_s: drive_of(PRESCRIBED, heat_w_per_m)


def gas_at(temperature_c: float, *, tau_s: float = 0.0, from_c: float = 37.0) -> Callable[[float], Drive]:
    """A power-limited probe whose gas nears ``temperature_c`` with ``tau_s``."""

    def driver(now_s: float) -> Drive:
        fade = np.exp(-now_s / tau_s) if tau_s else 0.0
        return drive_of(POWER_LIMITED, temperature_c + (from_c - temperature_c) * fade)

    return driver


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
    for stop in ramp(0.0, until_s, longest_s):
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


def line_through(
    shape: tuple[int, int, int], offset: tuple[float, float], spacing_mm: float, radius_mm: float
) -> Wells:
    """A straight line along the third axis, one segment per plane: a probe without ends."""
    from iceball.thermal.wells import b_spline, effective_radius, kernel_width

    width = kernel_width(radius_mm, spacing_mm)
    centre = np.array([(n - 1) / 2 for n in shape[:2]]) + offset
    across = [b_spline((np.arange(n) - c) * spacing_mm / width) for n, c in zip(shape[:2], centre, strict=True)]
    plane = across[0][:, None] * across[1][None, :]
    near = np.argwhere(plane > 0)
    weight = plane[plane > 0] / plane.sum()
    n, planes = len(near), shape[2]
    voxel = [np.ravel_multi_index((near[:, 0], near[:, 1], np.full(n, k)), shape) for k in range(planes)]
    ones = np.ones(planes)
    return Wells(
        start=np.arange(planes + 1) * n,
        voxel=np.concatenate(voxel).astype(np.int64),
        weight=np.tile(weight, planes),
        probe=np.zeros(planes, np.int64),
        length_m=ones * spacing_mm / 1000,
        conductance=ones * 2 * np.pi / np.log(effective_radius(width, spacing_mm) / radius_mm),
        resistance=ones * 0.0,
        mix_start=np.arange(planes + 1),
        material=np.zeros(planes, np.int64),
        share=ones,
        probes=1,
    )


def smooth_medium(
    capacity: Callable[..., Any], conductivity: Callable[..., Any], unfrozen: Callable[..., Any]
) -> Table:
    """A medium given by functions of temperature (B11): enthalpy and potential integrated on a fine grid."""
    from iceball.thermal.materials import Curve

    t = np.arange(-60.0, 60.0, 0.005)
    middle = 0.5 * (t[1:] + t[:-1])

    def integral(f: Callable[..., Any]) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(f(middle) * 0.005)])

    made = Curve(
        temperature_c=t,
        enthalpy_j_per_m3=integral(capacity),
        potential_w_per_m=integral(conductivity),
        conductivity_w_per_m_k=conductivity(t),
        unfrozen_fraction=unfrozen(t),
    )
    table = tabulate([made], nodes=1 << 16)  # its interpolation must not blur a second-order error
    surface = np.arange(table.surface_potential.shape[1]) * SURFACE_STEP_C + COLDEST_C
    return replace(table, surface_potential=np.interp(surface, t, made.potential_w_per_m)[None])
