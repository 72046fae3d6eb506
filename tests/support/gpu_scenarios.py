"""Marches on the cuda backend, in a process of its own: python gpu_scenarios.py ANSWERS.npz.

numba decides once per process whether device code runs on a GPU or, simulated, as plain Python. The problems are tiny:
the simulator takes a tenth of a second for one tile and one stage.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import lab
import numpy as np

from iceball.errors import SimulationError
from iceball.nouns import Grid, Placement, Probe
from iceball.thermal import Stepping
from iceball.thermal.problem import OFF, POWER_LIMITED, PRESCRIBED, Drive, Watch
from iceball.thermal.wells import wells

AIR, MUSCLE, BONE, VESSEL = range(4)
TISSUES = (
    lab.gel(name="air", inert=True),
    lab.gel(name="muscle", perfusion_w_per_m3_k=2.5e4, metabolic_heat_w_per_m3=700.0),
    lab.gel(name="bone", conductivity_w_per_m_k=0.35, frozen_conductivity_w_per_m_k=0.7, latent_heat_j_per_m3=9e7),
    lab.gel(name="vessel"),
)
HELD_C = np.array([np.nan, np.nan, np.nan, 37.0])
WATCH = Watch(clocks_c=(20.0, 0.0), stasis_c=-5.0)
PROBE = Probe(
    name="p", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=6.0, gas_temperature_c=-150.0,
    gas_temperature_at_handle_c=-110.0, internal_resistance_k_m_per_w=0.02, cooling_time_s=2.0,
)  # fmt: skip
SHORT_S, LONG_S = 0.002, 250.0
FREEZE_S, THAW_S = (0.1, 0.2, 0.4, 0.4), (0.1, 0.3)


def patient():
    """All at once: patches of two tissues, air, a held vessel, skin, a held wall, two probes that cross."""
    shape, draw = (9, 8, 20), np.random.default_rng(3)
    index = draw.choice([MUSCLE, BONE], size=[-(-n // 4) for n in shape]).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    index = index[: shape[0], : shape[1], : shape[2]].astype(np.uint8)
    index[draw.random(shape) < 0.03] = AIR
    index[:, 6, 14:16] = VESSEL
    opened = np.zeros(shape)
    opened[:, 0, :] = np.where((index == MUSCLE) | (index == BONE), 8e3, 0.0)[:, 0, :]
    flows = np.zeros(shape)
    flows[-1] = np.where(np.isin(index, (MUSCLE, BONE)), 2e4, 0.0)[-1]
    grid, middle = Grid(shape=shape, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3), np.array([4.2, 3.4, 9.0])
    placed = [
        Placement(label=label, probe=PROBE, tip_mm=tuple(middle - 3 * along), entry_mm=tuple(middle + 5 * along))
        for label, along in (("A", np.array([0.1, 0.05, 0.99])), ("B", np.array([-0.12, 0.3, 0.95])))
    ]
    living = np.array([False, True, True, False])
    return lab.make_problem(
        shape, 1.0, *TISSUES, index=index, open_conductance=opened, walls=(lab.held(0, 1, 30.0),), held_c=HELD_C,
        wells=wells(placed, grid, index, living), wall_heat=flows,
        perfusion=np.where(living, [t.perfusion_w_per_m3_k for t in TISSUES], 0.0),
    )  # fmt: skip


def freezing(now_s: float) -> Drive:
    """Both take heat; B at six tenths, its gas as cold along the whole shaft."""
    gas_c = -150.0 + 187.0 * np.exp(-now_s / 0.5)
    return Drive(
        mode=np.array([POWER_LIMITED] * 2), value=np.array([gas_c, gas_c]), power=np.array([1.0, 0.6]),
        resistance=np.ones(2), tilt=np.array([1.0, 0.0]),
    )  # fmt: skip


def thawing(_now_s: float) -> Drive:
    """A is off, B gives at most 300 W/m."""
    return Drive(
        mode=np.array([OFF, POWER_LIMITED]), value=np.array([0.0, 40.0]), power=np.ones(2), resistance=np.zeros(2),
        most_heat_w_per_m=np.array([np.inf, 300.0]),
    )  # fmt: skip


def slope():
    """Tissue between walls at 33 and 41 °C, at rest but for the heat that flows through it; a probe at one end."""
    shape = (4, 4, 64)
    wall = (lab.held(2, 0, 33.0), lab.held(2, 1, 41.0))
    start = np.broadcast_to(33.0 + 8.0 * (np.arange(64) + 0.5) / 64, shape)
    grid = Grid(shape=shape, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3)
    made = replace(PROBE, active_length_mm=3.0)
    placed = Placement(label="A", probe=made, tip_mm=(1.6, 1.4, 10.5), entry_mm=(1.6, 1.4, 18.0))
    index = np.zeros(shape, np.uint8)
    problem = lab.make_problem(
        shape, 1.0, lab.gel(), walls=wall, wells=wells([placed], grid, index, np.array([True])), index=index
    )
    return problem, np.array(start)


def cube(**changes: Any):
    """One tile of one tissue."""
    return lab.make_problem((4, 4, 16), 1.0, lab.gel(perfusion_w_per_m3_k=2e4), **changes)


def answer(solved: Any) -> dict[str, Any]:
    """What a solver says of where it stands."""
    solver = solved.solver  # what it shows, the next step may change
    return {
        "temperature": np.array(solver.temperature()), "coldest": np.array(solver.coldest()),
        "frozen": solver.frozen_fraction(),
        "clocks": np.array(list(solver.below_s().values())), "energy_j": solved.energy_j, "heat_w": solved.heat_w,
        "surface_c": solved.surface_c, "stored_j": solver.stored_j(), "stages": solver.stages_done,
        "voxel_stages": solver.voxel_stages,
    }  # fmt: skip


def rates(backend: Any) -> dict[str, dict[str, Any]]:
    """A step so short that it is a rate, from every phase beside every other."""
    problem, draw = patient(), np.random.default_rng(11)
    warm_c = draw.uniform(-90.0, 39.0, problem.index.shape)
    start_c = np.where(problem.index == VESSEL, 37.0, np.where(problem.index == AIR, 37.0, warm_c))
    solver = backend.solver(problem, start_c, Stepping(), WATCH)
    begun = np.array(solver.temperature(), float)
    moved = answer(lab.solve_on(solver, lambda _t: freezing(1.1), steps_s=[SHORT_S]))
    return {"rates": moved | {"changed_c": moved["temperature"] - begun}}


def everything(backend: Any) -> dict[str, dict[str, Any]]:
    """A freeze and a thaw of the patient, and what the probes do at once."""
    solver = backend.solver(patient(), 37.0, Stepping(), WATCH)
    froze = lab.solve_on(solver, freezing, steps_s=FREEZE_S)
    frozen = answer(froze)
    now = dict(zip(("heat_w", "surface_c"), solver.probes_now(freezing(1.1)), strict=True))
    thawed = lab.solve_on(solver, thawing, steps_s=THAW_S)
    return {"frozen": frozen, "now": now, "thawed": answer(replace(thawed, energy_j=froze.energy_j + thawed.energy_j))}


def simple(backend: Any, method: str = "rkl2") -> dict[str, dict[str, Any]]:
    """One tile: a first order step, a source that changes, and a probe of given heat in a large one."""
    wall, warm = (lab.held(2, 0, -60.0),), np.linspace(1e5, 2e5, 256).reshape(4, 4, 16)
    sourced = lab.solve(cube(source=lambda now_s: warm * now_s), backend, 37.0, steps_s=[1.0, 1.0], method=method)
    cooled = lab.solve(cube(walls=wall), backend, 37.0, steps_s=[0.5, 0.5], method=method)
    return {f"sourced {method}": answer(sourced), f"cooled {method}": answer(cooled)}


def rest(backend: Any) -> dict[str, dict[str, Any]]:
    """Heat that flows through tissue at rest; the tiles awake are counted by what was stepped."""
    problem, start = slope()
    solver = backend.solver(problem, start, Stepping(), Watch())
    drive = Drive(mode=np.array([PRESCRIBED]), value=np.array([900.0]), power=np.ones(1), resistance=np.ones(1))
    first = lab.solve_on(solver, lambda _t: drive, steps_s=[0.5])
    one = answer(first)
    after = lab.solve_on(solver, lambda _t: drive, steps_s=[1.0] * 3)
    return {"one step": one, "four steps": answer(replace(after, energy_j=first.energy_j + after.energy_j))}


def failures(backend: Any) -> dict[str, dict[str, Any]]:
    """A step that is always lost, and one that wants more stages than a table begins with."""
    lost = backend.solver(cube(source=lambda _t: np.full((4, 4, 16), np.nan)), 37.0, Stepping(), Watch())
    before, says = lost.stored_j(), ""
    try:
        lost.advance(7.0, 1.0, lab.off(0.0), lab.off(1.0))
    except SimulationError as error:
        says = str(error)
    apart = np.abs(lost.temperature() - 37.0).max()
    long = backend.solver(cube(walls=(lab.held(2, 0, -60.0),)), 37.0, Stepping(), Watch())
    long.advance(0.0, LONG_S, lab.off(0.0), lab.off(LONG_S))
    many = {"stages": long.stages_done, "temperature": long.temperature()}
    refused = ""
    try:
        backend.solver(cube(), 37.0, Stepping(method="euler"), Watch())
    except SimulationError as error:
        refused = str(error)
    return {
        "refused": {"says": refused},
        "lost": {"says": says, "moved_k": apart, "gained_j": lost.stored_j() - before},
        "many": many,
    }


def blocks(backend: Any, threads: int) -> dict[str, Any]:
    """A block of several threads, which wait for each other: what the GPU does with 256."""
    from iceball.thermal.backends.cuda._solver import CudaSolver

    problem, start = slope()
    solver = CudaSolver(problem, start, Stepping(), Watch(), threads=threads)
    drive = lab.drive_of(POWER_LIMITED, -100.0)
    return answer(lab.solve_on(solver, lambda _t: drive, steps_s=[0.25]))


def main(path: str) -> None:
    """Run all and keep the answers as SCENARIO/FIELD."""
    from iceball.thermal.backends.cuda import CudaBackend

    sys.setswitchinterval(1e-5)  # the simulator's threads wait for each other in turn
    backend = CudaBackend()
    found = rates(backend) | everything(backend) | rest(backend) | failures(backend)
    found |= simple(backend) | simple(backend, "rkl1")
    found |= {f"threads {n}": blocks(backend, n) for n in (1, 4)}
    np.savez(path, **{f"{name}/{field}": value for name, fields in found.items() for field, value in fields.items()})


if __name__ == "__main__":
    main(sys.argv[1])
