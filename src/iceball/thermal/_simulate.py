"""The verb of this folder: freeze a case by a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation

from iceball import anatomy, library
from iceball.errors import SimulationError
from iceball.nouns import EnergyBalance, StructureCurve, ThermalHistory, Volume
from iceball.provenance import now
from iceball.thermal._describe import describe
from iceball.thermal.backdrop import make_backdrop
from iceball.thermal.backends import NumbaBackend
from iceball.thermal.box import first_box, grown
from iceball.thermal.field import (
    Patient,
    Setting,
    State,
    fresh_state,
    make_problem,
    make_setting,
    make_surroundings,
    moved,
)
from iceball.thermal.materials import COLDEST_C
from iceball.thermal.problem import OFF, Drive
from iceball.thermal.recording import Log, count_time_below
from iceball.thermal.schedule import Phase, drive, phases
from iceball.thermal.stepping import Advance, Stepping, advance, euler_limit, ramp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.nouns import Case, Plan
    from iceball.provenance import Run
    from iceball.thermal.problem import Backend, Rate

    Progress = Callable[[float, str], None]

ICE_C = 0.0
FLOOR_C, HEADROOM_C = 10.0, 15.0
REACH, TISSUE_M2_PER_S = 1.3, 1.4e-7  # diffusion lengths of watery tissue that the cold may spread: numerical
NOTABLE_K = 1.0  # less cooling than this at the edge of the scan changes no finding


@dataclass
class _Course:
    """A run under way: the one mutable thing of the folder, alive only inside ``simulate``."""

    patient: Patient
    plan: Plan
    setting: Setting
    state: State
    temperature: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    log: Log
    gas_from_c: NDArray[np.float64]
    gas_c: NDArray[np.float64]
    limits_s: dict[float, float] = field(default_factory=dict)

    def limit_s(self, floor_c: float) -> float:
        """Euler's stable step [s] in this box while nothing is colder than ``floor_c``."""
        if floor_c not in self.limits_s:
            self.limits_s[floor_c] = euler_limit(self.setting.problem, floor_c)
        return self.limits_s[floor_c]


def simulate(
    case: Case,
    plan: Plan,
    *,
    spacing_mm: float = 1.0,
    backend: Backend | None = None,
    stepping: Stepping | None = None,
    progress: Progress | None = None,
) -> ThermalHistory:
    """Freeze ``case`` by ``plan``: the enthalpy bioheat equation on a box around the target that grows with the cold.

    Parameters
    ----------
    case : CT with labels and, if there is one, the lesion
    plan : probes in place and a protocol
    spacing_mm : voxel size of the simulation [mm], 0.1 to 5
    backend : NumbaBackend() by default; no other is taken when it fails
    stepping : how to march; RKL2 by default
    progress : called with the done fraction and a line of text

    Returns
    -------
    ThermalHistory : coldest temperature [°C] and time below thresholds [s] per voxel, curves, energy balance

    Raises
    ------
    GeometryError : if a probe's active zone leaves the scan or the body
    InputError : if the plan asks what a probe cannot do
    SimulationError : if the temperature before freezing does not settle

    Equations and numbers: DESIGN "Physics in one page"; tissue, probe and room values with sources in the library.
    """
    backend, stepping = backend or NumbaBackend(), stepping or Stepping()
    begun, laid, tell = now(), phases(plan), progress or _silent
    tell(0.0, "tissue from CT")
    course = _begin(case, plan, spacing_mm, backend)
    for phase in laid:
        _run_phase(course, stepping, phase, lambda at_s, text: tell(at_s / laid[-1].stop_s, text))
    _note_row(course, laid[-1].stop_s)
    course.log.note_probes(_rate_now(course, laid[-1]))
    settings = (backend, stepping, spacing_mm)
    index, tissues = course.setting.problem.index, course.patient.prepared.palette.tissues
    return _history(course, describe(case, plan, index, tissues, settings, begun))


def _silent(done: float, text: str) -> None:
    """Tell nobody."""


def _begin(case: Case, plan: Plan, spacing_mm: float, backend: Backend) -> _Course:
    box = first_box(case, plan, spacing_mm)
    prepared = anatomy.prepare(case)
    backdrop = make_backdrop(prepared, spacing_mm, backend, lambda tissue: make_problem(tissue, ()))
    reach_mm = REACH * 1e3 * math.sqrt(4 * TISSUE_M2_PER_S * plan.protocol.duration_s)
    patient = Patient(prepared=prepared, backend=backend, backdrop=backdrop, reach_mm=reach_mm)
    setting = make_setting(patient, plan.placements, box, make_surroundings(patient, box.widened(reach_mm)))
    thresholds = {ICE_C} | {cited.value for cited in library.isotherms()}
    thresholds |= {value for limit in library.limits() for value in limit.values_c}
    return _Course(
        patient=patient,
        plan=plan,
        setting=setting,
        state=fresh_state(setting, sorted(thresholds)),
        temperature=setting.start_c.copy(),
        energy_j=np.zeros(4),
        log=Log(),
        gas_from_c=np.full(len(plan.placements), np.nan),
        gas_c=np.full(len(plan.placements), np.nan),
    )


def _run_phase(course: _Course, stepping: Stepping, phase: Phase, tell: Callable[[float, str], None]) -> None:
    course.gas_from_c = np.where(np.isfinite(course.gas_c), course.gas_c, _around_probes(course))
    longest = stepping.freeze_step_s if phase.freezing else stepping.thaw_step_s
    word = "freezing" if phase.freezing else "thawing"
    start = phase.start_s
    for stop in ramp(phase.start_s, phase.stop_s, longest):
        _note_row(course, start)
        _step(course, phase, (start, stop), stepping.method)
        _grow(course)
        start = stop
        size = " x ".join(str(n) for n in course.setting.box.grid.shape)
        tell(start, f"{word}, {start / 60:.1f} min, ice {course.log.ice_ml[-1]:.1f} ml, box {size}")
    at_end = drive(phase, course.gas_from_c, phase.stop_s)
    course.gas_c = np.where(at_end.mode == OFF, np.nan, at_end.value)


def _grow(course: _Course) -> None:
    """Move into a larger box where the cold has reached a wall."""
    box = grown(course.setting.box, course.temperature - course.state.start_c)
    if box == course.setting.box:
        return
    larger = make_setting(course.patient, course.plan.placements, box, course.setting.around)
    course.state = moved(course.state, course.setting, larger)
    course.setting = larger
    course.temperature = larger.operator.temperature(course.state.enthalpy)
    course.limits_s = {}


def _step(course: _Course, phase: Phase, span: tuple[float, float], method: str) -> None:
    state = course.state
    done, after = _stable_advance(course, lambda now_s: drive(phase, course.gas_from_c, now_s), span, method)
    count_time_below(state.below_s, course.temperature, after, span[1] - span[0])
    np.minimum(state.coldest_c, after, out=state.coldest_c)
    state.alive[state.coldest_c < library.physics()["stasis_below_c"].value] = 0
    course.log.note_probes(done.rate)
    course.energy_j += done.energy_j
    course.temperature = after
    course.state = replace(state, enthalpy=done.enthalpy)


def _stable_advance(
    course: _Course, driver: Callable[[float], Drive], span: tuple[float, float], method: str
) -> tuple[Advance, NDArray[np.float64]]:
    """Advance with the step that is stable down to a guessed floor; guess lower where the tissue got colder than it.

    Ice conducts the better the colder it is, so that a floor near the coldest voxel saves a third of the stages.
    """
    setting, state = course.setting, course.state
    floor_c = FLOOR_C * math.floor((float(course.temperature.min()) - HEADROOM_C) / FLOOR_C)
    while True:
        limit_s = course.limit_s(floor_c)
        done = advance(setting.operator, state.enthalpy, span, limit_s, driver, state.alive, method=method)
        after = setting.operator.temperature(done.enthalpy)
        if not np.isfinite(done.enthalpy).all():
            raise SimulationError(
                f"the temperature blew up at {span[0]:.0f} s: report this case, it is a fault of iceball"
            )
        if float(after.min()) >= floor_c or floor_c <= COLDEST_C:
            return done, after
        floor_c -= 2 * FLOOR_C


def _around_probes(course: _Course) -> NDArray[np.float64]:
    """Mean temperature (P,) of the tissue along each active zone [°C]: where the gas starts from at a switch."""
    wells, flat = course.setting.problem.wells, course.temperature.reshape(-1)
    per_segment = np.add.reduceat(wells.weight * flat[wells.voxel], wells.start[:-1])
    total = np.bincount(wells.probe, weights=per_segment * wells.length_m, minlength=wells.probes)
    return total / np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)


def _note_row(course: _Course, now_s: float) -> None:
    setting = course.setting
    frozen = int(np.count_nonzero((course.temperature <= ICE_C) & setting.problem.conducts[setting.problem.index]))
    course.log.note(now_s, course.temperature, frozen * setting.box.grid.voxel_ml, setting.watched)


def _rate_now(course: _Course, phase: Phase) -> Rate:
    gas = drive(phase, course.gas_from_c, phase.stop_s)
    enthalpy = course.state.enthalpy
    return course.setting.operator.rate(enthalpy, gas, course.state.alive, np.empty_like(enthalpy))


def _history(course: _Course, run: Run) -> ThermalHistory:
    setting, state = course.setting, course.state
    grid, voxel = setting.box.grid, setting.problem.voxel_m3
    energies = [float(e) for e in course.energy_j]
    inert = ~setting.problem.conducts[setting.problem.index]
    coldest = np.where(inert, state.start_c, _no_colder_than_gas(course)).astype(np.float32)
    return ThermalHistory(
        coldest=Volume(grid=grid, array=coldest, quantity="temperature_c"),
        start=Volume(grid=grid, array=state.start_c.astype(np.float32), quantity="temperature_c"),
        below={t: Volume(grid=grid, array=clock, quantity="time_s") for t, clock in state.below_s.items()},
        time_s=np.array(course.log.time_s),
        ice_ml=np.array(course.log.ice_ml),
        structures=_structure_curves(course),
        probes=course.log.probe_curves([placement.label for placement in course.plan.placements]),
        energy=EnergyBalance(
            stored_j=float((state.enthalpy - state.start_enthalpy).sum() * voxel),
            probe_j=energies[0],
            perfusion_j=energies[1],
            metabolic_j=energies[2],
            boundary_j=energies[3],
        ),
        run=run,
        notes=_notes(course),
    )


def _no_colder_than_gas(course: _Course) -> NDArray[np.float64]:
    """Coldest temperature (I, J, K) [°C] by voxel, not below the coldest gas.

    Inside the spline of a line source the voxel nearest to the axis lies below the spline's mean, which is what the
    well index ties to the shaft: with an ideal thick probe it would undercut the gas by some degrees.
    """
    goals = np.concatenate([phase.goal_c for phase in phases(course.plan)])
    return np.maximum(course.state.coldest_c, np.nanmin(goals))


def _structure_curves(course: _Course) -> tuple[StructureCurve, ...]:
    around = course.setting.around
    coldest = around.start_c.copy()
    coldest[course.setting.box.inside(around.box)] = course.state.coldest_c
    return course.log.structure_curves(coldest, around.structures, around.box.grid)


def _notes(course: _Course) -> tuple[str, ...]:
    """Say what a reader of the run must know: probes that stand in gas, cold at the edge of what was scanned."""
    wells = course.setting.problem.wells
    coupled_mm = 1e3 * np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)
    notes = [
        f"probe {p.label}: {p.probe.active_length_mm - mm:.1f} mm of its active zone lie in gas or outside the scan "
        "and take no heat"
        for p, mm in zip(course.plan.placements, coupled_mm, strict=True)
        if mm < 0.99 * p.probe.active_length_mm
    ]
    return (*notes, *_edge_notes(course.setting, course.state))


def _edge_notes(setting: Setting, state: State) -> tuple[str, ...]:
    """Say where the cold met the edge of what was scanned: nothing is known beyond, the edge is taken as insulated."""
    cooled = state.start_c - state.coldest_c > NOTABLE_K
    lattice, box = setting.box.lattice, setting.box
    reached = np.asarray(binary_dilation(~setting.around.scanned[setting.box.inside(setting.around.box)]), dtype=bool)
    for axis in range(3):
        if box.low[axis] == 0:
            np.moveaxis(reached, axis, 0)[0] = True
        if box.high[axis] == lattice.shape[axis]:
            np.moveaxis(reached, axis, 0)[-1] = True
    touched = reached & cooled & setting.problem.conducts[setting.problem.index]
    if not touched.any():
        return ()
    worst = float(state.coldest_c[touched].min())
    return (f"the cold reached the edge of the scan, where it got to {worst:.1f} °C: no heat is assumed to cross it",)
