"""The state of a run on its box: what is known of every voxel, and how it moves into a larger box."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.nouns import TissueMap
from iceball.nouns._noun import array_noun
from iceball.thermal.materials import Table, curve, tabulate
from iceball.thermal.problem import OFF, Drive, Problem
from iceball.thermal.steady import steady_state
from iceball.thermal.wells import wells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Placement
    from iceball.thermal.backdrop import Backdrop
    from iceball.thermal.box import Box
    from iceball.thermal.problem import Backend, Operator

    Field = NDArray[np.float64]


@array_noun
class Patient:
    """What stays the same while the box grows: the case made ready, the backend, the whole scan before freezing.

    ``reach_mm`` is how far the cold is expected to spread during the protocol.
    """

    prepared: Prepared
    backend: Backend
    backdrop: Backdrop
    reach_mm: float


@array_noun
class Surroundings:
    """The part of the patient that boxes are cut from: its tissue and its temperature before freezing (I, J, K) [°C].

    ``structures`` gives the flat voxels of each structure at risk in ``box``.
    """

    box: Box
    tissue: TissueMap
    start_c: Field
    scanned: NDArray[np.bool_]
    structures: Mapping[str, NDArray[np.intp]]


@array_noun
class Watched:
    """A structure as seen from a box: its voxels there, and what the rest of it, still untouched, is like."""

    voxels: NDArray[np.intp]
    rest_count: int
    rest_sum_c: float
    rest_coldest_c: float


@array_noun
class Setting:
    """One box made ready: its problem, the backend bound to it, and the temperature before freezing (I, J, K) [°C]."""

    box: Box
    around: Surroundings
    problem: Problem
    operator: Operator
    start_c: Field
    watched: Mapping[str, Watched]


@array_noun
class State:
    """Where a run stands: enthalpy [J/m³] now and at the start, temperature at the start and coldest so far [°C].

    ``alive`` says where blood still flows; ``below_s`` is the time spent below each threshold [s].
    """

    enthalpy: Field
    start_enthalpy: Field
    start_c: Field
    alive: NDArray[np.uint8]
    coldest_c: Field
    below_s: Mapping[float, NDArray[np.float32]]


def make_surroundings(patient: Patient, box: Box) -> Surroundings:
    """Map the tissue of ``box`` and find its steady state before freezing; its cut walls are as in the backdrop."""
    grid = box.grid
    tissue = anatomy.tissue_map(patient.prepared, grid)
    problem = make_problem(tissue, ())
    operator = patient.backend.operator(problem)
    return Surroundings(
        box=box,
        tissue=tissue,
        start_c=steady_state(operator, problem, patient.backdrop.at(grid), box.cut_walls()),
        scanned=anatomy.inside_scan(patient.prepared, grid),
        structures=anatomy.structure_voxels(patient.prepared.case, grid),
    )


def make_setting(patient: Patient, placements: Sequence[Placement], box: Box, known: Surroundings) -> Setting:
    """Cut ``box`` out of what is ``known``, or of wider surroundings where it has outgrown that; place the probes.

    Walls that cut through the patient let through the heat that keeps the state before freezing steady.
    """
    around = known if known.box.holds(box) else make_surroundings(patient, box.widened(patient.reach_mm))
    place = box.inside(around.box)
    tissue = TissueMap(
        grid=box.grid,
        index=np.ascontiguousarray(around.tissue.index[place]),
        tissues=around.tissue.tissues,
        open_faces=around.tissue.open_faces[place],
    )
    bare, start_c = make_problem(tissue, placements), np.ascontiguousarray(around.start_c[place])
    wall_heat = _wall_heat(patient.backend.operator(bare), bare, start_c, box.cut_walls())
    problem = replace(bare, wall_heat=wall_heat)
    return Setting(
        box=box,
        around=around,
        problem=problem,
        operator=patient.backend.operator(problem),
        start_c=start_c,
        watched=_watched(around, place),
    )


def _watched(around: Surroundings, place: tuple[slice, slice, slice]) -> Mapping[str, Watched]:
    where = np.full(around.box.grid.shape, -1, dtype=np.intp)
    inner = where[place]
    inner[...] = np.arange(inner.size).reshape(inner.shape)
    found: dict[str, Watched] = {}
    for name, voxels in around.structures.items():
        here = where.reshape(-1)[voxels]
        rest = around.start_c.reshape(-1)[voxels[here < 0]]
        found[name] = Watched(
            voxels=here[here >= 0],
            rest_count=rest.size,
            rest_sum_c=float(rest.sum()),
            rest_coldest_c=float(rest.min(initial=np.inf)),
        )
    return found


def _wall_heat(operator: Operator, problem: Problem, start_c: Field, walls: NDArray[np.bool_]) -> Field:
    """Heat (I, J, K) [W/m³] through the cut walls that keeps ``start_c`` (I, J, K) [°C] steady."""
    probes = problem.wells.probes
    nothing = np.zeros(probes)
    idle = Drive(mode=np.full(probes, OFF), value=nothing, power=nothing, resistance=nothing)
    enthalpy = problem.table.enthalpy(start_c, problem.index)
    rate = operator.rate(enthalpy, idle, np.ones(start_c.shape, dtype=np.uint8), np.empty(start_c.shape))
    return np.where(walls & problem.conducts[problem.index], -rate.enthalpy, 0.0)


def make_problem(tissue: TissueMap, placements: Sequence[Placement]) -> Problem:
    """Turn tissue in clinical units into the solver's SI arrays; constants of the room and the blood from the library.

    Skin faces lose heat to the room through h in series with half a voxel of tissue: U = 1/(1/h + dx/2k).
    """
    constants = library.physics()
    spacing_m = tissue.grid.spacing_mm[0] / 1000.0
    conducts = np.array([not t.inert for t in tissue.tissues])
    k = np.array([t.conductivity_w_per_m_k for t in tissue.tissues])
    through = 1.0 / (1.0 / constants["skin_convection_w_per_m2_k"].value + spacing_m / 2 / k)
    opened = tissue.open_faces * np.where(conducts, through, 0.0)[tissue.index] / spacing_m
    return Problem(
        spacing_m=spacing_m,
        table=_table(tissue),
        index=np.ascontiguousarray(tissue.index),
        conducts=conducts,
        perfusion=np.array([t.perfusion_w_per_m3_k for t in tissue.tissues]),
        metabolic=np.array([t.metabolic_heat_w_per_m3 for t in tissue.tissues]),
        arterial_c=constants["arterial_c"].value,
        open_conductance=opened,
        air_c=constants["room_air_c"].value,
        wells=wells(placements, tissue.grid, tissue.index, conducts),
    )


def fresh_state(setting: Setting, thresholds_c: Sequence[float]) -> State:
    """Return the state before freezing, with clocks for ``thresholds_c`` [°C] at zero."""
    enthalpy = setting.problem.table.enthalpy(setting.start_c, setting.problem.index)
    shape = enthalpy.shape
    return State(
        enthalpy=enthalpy,
        start_enthalpy=enthalpy.copy(),
        start_c=setting.start_c.copy(),
        alive=np.ones(shape, dtype=np.uint8),
        coldest_c=setting.start_c.copy(),
        below_s={threshold: np.zeros(shape, dtype=np.float32) for threshold in thresholds_c},
    )


def moved(state: State, old: Setting, new: Setting) -> State:
    """Carry ``state`` from the box of ``old`` into the larger box of ``new``; what is new is as before freezing.

    Where wider surroundings have put the state before freezing a little differently, everything moves along with it.
    """
    place = old.box.inside(new.box)
    fresh = fresh_state(new, tuple(state.below_s))
    shift = fresh.start_enthalpy[place] - state.start_enthalpy
    for target, values in (
        (fresh.enthalpy, state.enthalpy + shift),
        (fresh.alive, state.alive),
        (fresh.coldest_c, state.coldest_c),
        *((fresh.below_s[threshold], clock) for threshold, clock in state.below_s.items()),
    ):
        target[place] = values
    return fresh


def _table(tissue: TissueMap) -> Table:
    return tabulate([curve(t) for t in tissue.tissues])
