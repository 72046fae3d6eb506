"""The state of a run on its box: what is known of every voxel, and how it moves into a larger box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.nouns._noun import array_noun
from iceball.thermal.materials import Table, curve, tabulate
from iceball.thermal.problem import Problem
from iceball.thermal.steady import steady_state
from iceball.thermal.wells import wells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Placement, TissueMap
    from iceball.thermal.box import Box
    from iceball.thermal.problem import Backend, Operator

    Field = NDArray[np.float64]


@array_noun
class Setting:
    """One box made ready: its problem, the backend bound to it, and the temperature before freezing (I, J, K) [°C]."""

    box: Box
    problem: Problem
    operator: Operator
    start_c: Field
    scanned: NDArray[np.bool_]
    structures: Mapping[str, NDArray[np.intp]]


@array_noun
class State:
    """Where a run stands: enthalpy [J/m³], where blood still flows, coldest so far [°C], time below thresholds [s]."""

    enthalpy: Field
    start_enthalpy: Field
    alive: NDArray[np.uint8]
    coldest_c: Field
    below_s: Mapping[float, NDArray[np.float32]]


def make_setting(
    prepared: Prepared, placements: Sequence[Placement], box: Box, backend: Backend, guess_c: Field | None = None
) -> Setting:
    """Map the tissue of ``box``, place the probes, and find the steady state before freezing.

    ``guess_c`` (I, J, K) [°C] starts the search for the steady state.
    """
    grid = box.grid
    tissue = anatomy.tissue_map(prepared, grid)
    problem = make_problem(tissue, placements)
    operator = backend.operator(problem)
    start_c = steady_state(operator, problem, guess_c)
    return Setting(
        box=box,
        problem=problem,
        operator=operator,
        start_c=start_c,
        scanned=anatomy.inside_scan(prepared, grid),
        structures=anatomy.structure_voxels(prepared.case, grid),
    )


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
        alive=np.ones(shape, dtype=np.uint8),
        coldest_c=setting.start_c.copy(),
        below_s={threshold: np.zeros(shape, dtype=np.float32) for threshold in thresholds_c},
    )


def moved(state: State, old: Setting, new: Setting) -> State:
    """Carry ``state`` from the box of ``old`` into the larger box of ``new``; what is new is as before freezing."""
    place = old.box.inside(new.box)
    fresh = fresh_state(new, tuple(state.below_s))
    for target, values in (
        (fresh.enthalpy, state.enthalpy),
        (fresh.start_enthalpy, state.start_enthalpy),
        (fresh.alive, state.alive),
        (fresh.coldest_c, state.coldest_c),
        *((fresh.below_s[threshold], clock) for threshold, clock in state.below_s.items()),
    ):
        target[place] = values
    return fresh


def spread_guess(old: Setting, larger: Box) -> Field:
    """Return a first guess of the steady state in ``larger``: the old one, its walls carried outward (I, J, K) [°C]."""
    pads = [(a - b, z - y) for a, b, z, y in zip(old.box.low, larger.low, larger.high, old.box.high, strict=True)]
    return np.pad(old.start_c, pads, mode="edge")


def _table(tissue: TissueMap) -> Table:
    return tabulate([curve(t) for t in tissue.tissues])
