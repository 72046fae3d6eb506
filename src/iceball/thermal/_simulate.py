"""The verb of this folder: freeze a case by a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_dilation

from iceball import anatomy, library
from iceball.nouns import EnergyBalance, ThermalHistory, Volume
from iceball.provenance import now
from iceball.thermal._describe import describe
from iceball.thermal.backdrop import Backdrop, make_backdrop
from iceball.thermal.backends import NumbaBackend
from iceball.thermal.box import first_box, grown
from iceball.thermal.field import Setting, State, fresh_state, make_problem, make_setting, moved
from iceball.thermal.problem import Drive
from iceball.thermal.recording import Log, count_time_below
from iceball.thermal.schedule import Phase, coldest_c, drive, phases
from iceball.thermal.stepping import Stepping, advance, euler_limit, ramp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Case, Plan
    from iceball.provenance import Run
    from iceball.thermal.problem import Backend, Rate

    Progress = Callable[[float, str], None]

ICE_C = 0.0
NOTABLE_K = 1.0  # less cooling than this at the edge of the scan changes no finding


@dataclass
class _Course:
    """A run under way: the one mutable thing of the folder, alive only inside ``simulate``."""

    backdrop: Backdrop
    setting: Setting
    state: State
    temperature: NDArray[np.float64]
    energy_j: NDArray[np.float64]
    log: Log
    limit_s: float


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
    prepared = anatomy.prepare(case)
    course = _begin(prepared, plan, spacing_mm, backend, coldest_c(laid))
    for phase in laid:
        _run_phase(course, prepared, plan, backend, stepping, phase, laid, tell)
    _note_row(course, laid[-1].stop_s)
    course.log.note_probes(_rate_now(course, laid[-1]))
    settings = (backend, stepping, spacing_mm)
    run = describe(case, plan, course.setting.problem.index, prepared.palette.tissues, settings, begun)
    return _history(course, plan, run)


def _silent(done: float, text: str) -> None:
    """Tell nobody."""


def _begin(prepared: Prepared, plan: Plan, spacing_mm: float, backend: Backend, coldest: float) -> _Course:
    box = first_box(prepared.case, plan, spacing_mm)
    backdrop = make_backdrop(prepared, spacing_mm, backend, lambda tissue: make_problem(tissue, ()))
    setting = make_setting(prepared, plan.placements, box, backend, backdrop)
    thresholds = {ICE_C} | {cited.value for cited in library.isotherms()}
    thresholds |= {value for limit in library.limits() for value in limit.values_c}
    state = fresh_state(setting, sorted(thresholds))
    return _Course(
        backdrop=backdrop,
        setting=setting,
        state=state,
        temperature=setting.start_c.copy(),
        energy_j=np.zeros(4),
        log=Log(),
        limit_s=euler_limit(setting.problem, coldest),
    )


def _run_phase(  # noqa: PLR0913
    course: _Course,
    prepared: Prepared,
    plan: Plan,
    backend: Backend,
    stepping: Stepping,
    phase: Phase,
    laid: tuple[Phase, ...],
    tell: Progress,
) -> None:
    from_c = _around_probes(course)
    longest = stepping.freeze_step_s if phase.freezing else stepping.thaw_step_s
    start = phase.start_s
    for stop in ramp(phase.start_s, phase.stop_s, longest):
        _note_row(course, start)
        _step(course, phase, from_c, (start, stop), stepping.method)
        start = stop
        box = grown(course.setting.box, course.temperature - course.state.start_c)
        if box != course.setting.box:
            larger = make_setting(prepared, plan.placements, box, backend, course.backdrop)
            course.state = moved(course.state, course.setting, larger)
            course.setting = larger
            course.temperature = larger.operator.temperature(course.state.enthalpy)
            course.limit_s = euler_limit(larger.problem, coldest_c(laid))
        word = "freezing" if phase.freezing else "thawing"
        ice = course.log.ice_ml[-1]
        tell(
            start / laid[-1].stop_s,
            f"{word}, {start / 60:.1f} min, ice {ice:.1f} ml, box {course.setting.box.grid.shape}",
        )


def _step(course: _Course, phase: Phase, from_c: NDArray[np.float64], span: tuple[float, float], method: str) -> None:
    def driver(now_s: float) -> Drive:
        return drive(phase, from_c, now_s)

    operator, state = course.setting.operator, course.state
    done = advance(operator, state.enthalpy, span, course.limit_s, driver, state.alive, method=method)
    after = operator.temperature(done.enthalpy)
    count_time_below(state.below_s, course.temperature, after, span[1] - span[0])
    np.minimum(state.coldest_c, after, out=state.coldest_c)
    state.alive[state.coldest_c < library.physics()["stasis_below_c"].value] = 0
    course.log.note_probes(done.rate)
    course.energy_j += done.energy_j
    course.temperature = after
    course.state = State(
        enthalpy=done.enthalpy,
        start_enthalpy=state.start_enthalpy,
        start_c=state.start_c,
        alive=state.alive,
        coldest_c=state.coldest_c,
        below_s=state.below_s,
    )


def _around_probes(course: _Course) -> NDArray[np.float64]:
    """Mean temperature (P,) of the tissue along each active zone [°C]: where the gas starts from at a switch."""
    wells, flat = course.setting.problem.wells, course.temperature.reshape(-1)
    per_segment = np.add.reduceat(wells.weight * flat[wells.voxel], wells.start[:-1])
    total = np.bincount(wells.probe, weights=per_segment * wells.length_m, minlength=wells.probes)
    return total / np.bincount(wells.probe, weights=wells.length_m, minlength=wells.probes)


def _note_row(course: _Course, now_s: float) -> None:
    setting = course.setting
    frozen = int(np.count_nonzero((course.temperature <= ICE_C) & setting.problem.conducts[setting.problem.index]))
    course.log.note(now_s, course.temperature, frozen * setting.box.grid.voxel_ml, setting.structures)


def _rate_now(course: _Course, phase: Phase) -> Rate:
    gas = drive(phase, phase.goal_c, phase.stop_s)
    enthalpy = course.state.enthalpy
    return course.setting.operator.rate(enthalpy, gas, course.state.alive, np.empty_like(enthalpy))


def _history(course: _Course, plan: Plan, run: Run) -> ThermalHistory:
    setting, state = course.setting, course.state
    grid, voxel = setting.box.grid, setting.problem.voxel_m3
    energies = [float(e) for e in course.energy_j]
    inert = ~setting.problem.conducts[setting.problem.index]
    coldest = np.where(inert, state.start_c, state.coldest_c).astype(np.float32)
    return ThermalHistory(
        coldest=Volume(grid=grid, array=coldest, quantity="temperature_c"),
        start=Volume(grid=grid, array=state.start_c.astype(np.float32), quantity="temperature_c"),
        below={t: Volume(grid=grid, array=clock, quantity="time_s") for t, clock in state.below_s.items()},
        time_s=np.array(course.log.time_s),
        ice_ml=np.array(course.log.ice_ml),
        structures=course.log.structure_curves(state.coldest_c, setting.structures, grid),
        probes=course.log.probe_curves([placement.label for placement in plan.placements]),
        energy=EnergyBalance(
            stored_j=float((state.enthalpy - state.start_enthalpy).sum() * voxel),
            probe_j=energies[0],
            perfusion_j=energies[1],
            metabolic_j=energies[2],
            boundary_j=energies[3],
        ),
        run=run,
        notes=_notes(setting, state),
    )


def _notes(setting: Setting, state: State) -> tuple[str, ...]:
    """Say where the cold met the edge of what was scanned: nothing is known beyond, the edge is taken as insulated."""
    cooled = state.start_c - state.coldest_c > NOTABLE_K
    lattice, box = setting.box.lattice, setting.box
    reached = np.asarray(binary_dilation(~setting.scanned), dtype=bool)
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
