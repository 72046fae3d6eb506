"""The verb of this folder: freeze a case by a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import EnergyBalance, ThermalHistory, Volume
from iceball.provenance import now
from iceball.thermal._describe import describe
from iceball.thermal.backends import default_backend
from iceball.thermal.checks import check_apart, check_spacing
from iceball.thermal.field import Setting, make_setting
from iceball.thermal.marching import around_probes, strides
from iceball.thermal.problem import Watch
from iceball.thermal.recording import Log, Thermometers, thermometers
from iceball.thermal.schedule import legs, phases
from iceball.thermal.stepping import accuracy_named
from iceball.thermal.wells import line_length_mm

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.nouns import Case, Plan, StructureCurve
    from iceball.provenance import Run
    from iceball.thermal.box import Box
    from iceball.thermal.marching import Driver, Leg
    from iceball.thermal.problem import Backend, Solver
    from iceball.thermal.stepping import Stepping

    Progress = Callable[[float, str], None]

ICE_C = 0.0
NOTABLE_K = 1.0  # less cooling than this at the edge of the scan changes no finding
REACHED_K = 0.2  # a cut wall that cooled by this much has been reached by the cold: the box was too small
KEPT_K = 0.05  # what cooled by less is cut off the history
WIDER = (1.0, 1.6, 2.5)  # how much wider a box is tried


@dataclass
class _Course:
    """A run under way: the one mutable thing of the folder, alive only inside ``simulate``."""

    plan: Plan
    setting: Setting
    solver: Solver
    stepping: Stepping
    energy_j: NDArray[np.float64]
    log: Log
    thermometers: Thermometers
    curves: bool = True  # else only the ends of the run are noted


class _OutgrownError(Exception):
    """The cold has reached where the box cuts through the patient."""


def simulate(  # noqa: PLR0913  (what to freeze, by what, and five knobs that people turn)
    case: Case,
    plan: Plan,
    *,
    spacing_mm: float = 1.0,
    accuracy: str = "standard",
    backend: Backend | None = None,
    stepping: Stepping | None = None,
    progress: Progress | None = None,
) -> ThermalHistory:
    """Freeze ``case`` by ``plan``: the enthalpy bioheat equation on a box that the cold does not fill.

    Parameters
    ----------
    case : CT with labels and, if there is one, the lesion
    plan : probes in place, protections and a protocol
    spacing_mm : voxel size of the simulation [mm], 0.1 to 5
    accuracy : "preview", "standard" or "reference": how long the steps are
    backend : the fastest of this installation by default; no other is taken when it fails
    stepping : how to march, instead of what the accuracy asks for
    progress : called with the done fraction and a line of text

    Returns
    -------
    ThermalHistory : coldest temperature [°C] and time below thresholds [s] per voxel, curves, energy balance

    Raises
    ------
    GeometryError : if a probe's active zone leaves the scan or the body, if two probes are in one place, or if the
        voxels are too coarse for a probe
    InputError : if the plan asks what a probe cannot do
    UnknownName : if there is no accuracy of that name
    SimulationError : if the temperature before freezing does not settle, or blows up in the smallest steps

    Equations and numbers: DESIGN "Physics in one page"; tissue, probe and room values with sources in the library.
    """
    begun, tell = now(), progress or _silent
    backend, stepping = backend or default_backend(), stepping or accuracy_named(accuracy)
    check_spacing(plan.placements, spacing_mm)
    check_apart(plan.placements)
    laid = legs(plan)

    def along(at_s: float, text: str) -> None:
        tell(at_s / plan.protocol.duration_s, text)

    for widen in WIDER:
        tell(0.0, "tissue from CT")
        course = begin(make_setting(case, plan, spacing_mm, backend, widen), plan, backend, stepping)
        try:
            for leg in laid:
                run_leg(
                    course, leg, lambda at_s, text: tell(at_s / plan.protocol.duration_s, text), last=widen == WIDER[-1]
                )
        except _OutgrownError:
            laid = legs(plan)
            continue
        break
    settings = (backend, stepping, spacing_mm)
    tissues = course.setting.tissues
    return finish(course, describe(case, plan, course.setting.box.grid.shape, tissues, settings, begun))


def _silent(done: float, text: str) -> None:
    """Tell nobody."""


def begin(setting: Setting, plan: Plan, backend: Backend, stepping: Stepping, *, curves: bool = True) -> _Course:
    clocks = {ICE_C} | {cited.value for cited in library.isotherms()}
    clocks |= {value for limit in library.limits() for value in limit.values_c}
    watch = Watch(clocks_c=tuple(sorted(clocks)), stasis_c=library.physics()["stasis_below_c"].value)
    solver = backend.solver(setting.problem, setting.start_c, stepping, watch)
    conducts = setting.problem.conducts[setting.problem.index]
    return _Course(
        plan=plan,
        setting=setting,
        solver=solver,
        stepping=stepping,
        energy_j=np.zeros(4),
        log=Log(),
        thermometers=thermometers(plan.sensors, setting.box.grid, conducts),
        curves=curves,
    )


def run_leg(course: _Course, leg: Leg, tell: Callable[[float, str], None], *, last: bool) -> None:
    driver = leg.begin(around_probes(course.setting.problem, course.solver.temperature()))
    word = "freezing" if leg.freezing else "thawing"
    if not course.log.time_s:
        _note(course, leg.start_s, driver)
    for stop, done in strides(course.solver, course.stepping, leg, driver):
        course.energy_j += done.energy_j
        if course.curves or stop >= course.plan.protocol.duration_s:
            _note(course, stop, driver)
        tell(stop, f"{word}, {stop / 60:.1f} min, ice {course.log.ice_ml[-1]:.1f} ml")
    if not last and _cooled(course)[course.setting.cut].max(initial=0.0) > REACHED_K:
        raise _OutgrownError


def _cooled(course: _Course) -> NDArray[np.float64]:
    conducting = course.setting.problem.conducts[course.setting.problem.index]
    return np.where(conducting, course.setting.start_c - course.solver.coldest(), 0.0)


def _note(course: _Course, now_s: float, driver: Driver) -> None:
    setting, temperature = course.setting, course.solver.temperature()
    frozen = int(np.count_nonzero((temperature <= ICE_C) & setting.freezes))
    course.log.note(now_s, temperature, frozen * setting.box.grid.voxel_ml, setting.structures)
    course.log.note_probes(*course.solver.probes_now(driver(now_s)))
    course.log.sensor_c.append(course.thermometers.read(temperature))


def finish(course: _Course, run: Run) -> ThermalHistory:
    setting, solver = course.setting, course.solver
    place, kept = _kept(course)
    energies = [float(e) for e in course.energy_j]
    inert = ~setting.problem.conducts[setting.problem.index]
    coldest = np.where(inert, setting.start_c, _no_colder_than_gas(course)).astype(np.float32)
    grid = kept.grid
    return ThermalHistory(
        coldest=Volume(grid=grid, array=coldest[place], quantity="temperature_c"),
        start=Volume(grid=grid, array=setting.start_c[place].astype(np.float32), quantity="temperature_c"),
        below={
            t: Volume(grid=grid, array=np.ascontiguousarray(clock[place]), quantity="time_s")
            for t, clock in solver.below_s().items()
        },
        time_s=np.array(course.log.time_s),
        ice_ml=np.array(course.log.ice_ml),
        structures=_structure_curves(course),
        probes=course.log.probe_curves([placement.label for placement in course.plan.placements]),
        energy=EnergyBalance(
            stored_j=solver.stored_j(),
            probe_j=energies[0],
            perfusion_j=energies[1],
            metabolic_j=energies[2],
            boundary_j=energies[3],
        ),
        run=run,
        notes=_notes(course),
        sensors=course.log.sensor_curves(course.plan.sensors, _coldest_gas_c(course)),
    )


def _kept(course: _Course) -> tuple[tuple[slice, slice, slice], Box]:
    """The part of the box that the history keeps: lesion and probes, and all that cooled."""
    setting = course.setting
    cooled, core = np.argwhere(_cooled(course) > KEPT_K), setting.core
    low, high = np.array(core.low), np.array(core.high)
    if cooled.size:
        low = np.minimum(low, setting.box.low + cooled.min(axis=0) - 1)
        high = np.maximum(high, setting.box.low + cooled.max(axis=0) + 2)
    kept = setting.box.part(low, high)
    return kept.inside(setting.box), kept


def _no_colder_than_gas(course: _Course) -> NDArray[np.float64]:
    """Coldest temperature (I, J, K) [°C] by voxel, not below the coldest gas.

    Inside the spline of a line source the voxel nearest to the axis lies below the spline's mean, which is what the
    well index ties to the shaft: with an ideal thick probe it would undercut the gas by some degrees.
    """
    return np.maximum(course.solver.coldest(), _coldest_gas_c(course))


def _coldest_gas_c(course: _Course) -> float:
    goals = np.concatenate([phase.goal_c for phase in phases(course.plan)])
    return min(float(np.nanmin(goals)), *(placement.probe.handle_gas_c for placement in course.plan.placements))


def _structure_curves(course: _Course) -> tuple[StructureCurve, ...]:
    setting = course.setting
    return course.log.structure_curves(course.solver.coldest(), setting.structures, setting.box.grid)


def _notes(course: _Course) -> tuple[str, ...]:
    """Say what a reader of the run must know: probes that stand in gas, cold at the edge of what was scanned."""
    problem, placements = course.setting.problem, course.plan.placements
    wells = problem.wells
    coupled_mm = 1e3 * np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)
    lines_mm = np.array([line_length_mm(p, 1e3 * problem.spacing_m) for p in placements])
    notes = [
        f"probe {p.label}: {lost * p.probe.active_length_mm:.1f} mm of its active zone lie in gas, "
        "in a large vessel or outside the scan "
        "and take no heat"
        for p, lost in zip(placements, 1 - coupled_mm / lines_mm, strict=True)
        if lost > 0.01
    ]
    return (*notes, *_edge_notes(course))


def _edge_notes(course: _Course) -> tuple[str, ...]:
    """Say where the cold met the edge of what was scanned: nothing is known beyond, the edge is taken as insulated."""
    from scipy.ndimage import binary_dilation  # only here: slow to import

    setting, coldest, notes = course.setting, course.solver.coldest(), []
    lattice, box = setting.box.lattice, setting.box
    reached = np.asarray(binary_dilation(~setting.scanned), dtype=bool)
    for axis in range(3):
        if box.low[axis] == 0:
            np.moveaxis(reached, axis, 0)[0] = True
        if box.high[axis] == lattice.shape[axis]:
            np.moveaxis(reached, axis, 0)[-1] = True
    cooled = _cooled(course)
    touched = reached & (cooled > NOTABLE_K)
    if touched.any():
        worst = float(coldest[touched].min())
        notes.append(
            f"the cold reached the edge of the scan, where it got to {worst:.1f} °C: no heat is assumed to cross it"
        )
    if cooled[setting.cut].max(initial=0.0) > NOTABLE_K:
        worst = float(cooled[setting.cut].max())
        notes.append(f"the cold outran the widest box that is simulated: its wall cooled by {worst:.1f} K")
    return tuple(notes)
