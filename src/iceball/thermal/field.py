"""A patient made ready for the solver: tissue, probes and the temperature before freezing, on one box."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import anatomy, library
from iceball.nouns._noun import array_noun
from iceball.thermal.backdrop import Backdrop, make_backdrop
from iceball.thermal.box import first_box
from iceball.thermal.materials import Table, curve, tabulate
from iceball.thermal.problem import OFF, Drive, Problem
from iceball.thermal.steady import TOLERANCE, steady_state
from iceball.thermal.wells import wells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Case, Grid, Placement, Plan, Tissue, TissueMap
    from iceball.thermal.box import Box
    from iceball.thermal.problem import Backend, Operator

    Field = NDArray[np.float64]
    Voxels = tuple[NDArray[np.intp], ...]

REACH, TISSUE_M2_PER_S = 1.5, 1.4e-7  # diffusion lengths of watery tissue that the cold may spread: numerical


@array_noun
class Ground:
    """The part of a patient that is simulated, made ready but for the probes.

    ``problem`` has no wells; ``tissues`` is what its ``index`` names, ``living`` (M,) which of them a probe can cool.
    ``start_c`` (I, J, K) [°C] is the temperature before freezing, ``scanned`` (I, J, K) what the scan holds, ``cut``
    (I, J, K) the outermost voxels where it cuts through the patient, ``freezes`` (I, J, K) what can freeze;
    ``structures`` the voxels of each structure at risk.
    """

    prepared: Prepared
    box: Box
    tissues: tuple[Tissue, ...]
    problem: Problem
    living: NDArray[np.bool_]
    start_c: Field
    scanned: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    freezes: NDArray[np.bool_]
    structures: Mapping[str, Voxels]


@array_noun
class Setting(Ground):
    """The ground with probes in it: ``problem`` has their wells, ``core`` is the part of ``box`` around them."""

    core: Box


def make_setting(case: Case, plan: Plan, spacing_mm: float, backend: Backend, widen: float = 1.0) -> Setting:
    """Cut a box out of ``case`` that the cold of ``plan`` does not fill, and find its state before freezing.

    The box reaches ``widen`` times as far beyond lesion and probes as the cold is expected to spread.

    Raises
    ------
    GeometryError : if a probe's active zone leaves the scan or the body
    """
    core = first_box(case, plan, spacing_mm)
    box, prepared = core.widened(reach_mm(plan, widen)), anatomy.prepare(case, protections=plan.protections)
    backdrop = backdrop_of(prepared, spacing_mm, backend)
    return with_probes(make_ground(prepared, box, backdrop, backend), plan, core)


def reach_mm(plan: Plan, widen: float) -> float:
    """How far [mm] beyond lesion and probes a box reaches."""
    return widen * REACH * 1e3 * math.sqrt(4 * TISSUE_M2_PER_S * plan.protocol.duration_s)


def backdrop_of(
    prepared: Prepared, spacing_mm: float, backend: Backend, tolerance: float = TOLERANCE, within: Grid | None = None
) -> Backdrop:
    """The patient before freezing, coarsely: the whole scan, or what of it lies ``within``."""
    return make_backdrop(prepared, spacing_mm, backend, lambda tissue: make_problem(tissue, ()), tolerance, within)


def make_ground(
    prepared: Prepared, box: Box, backdrop: Backdrop, backend: Backend, tolerance: float = TOLERANCE
) -> Ground:
    """Fill ``box`` with tissue and find its state before freezing.

    Walls that cut through the patient take the temperature of ``backdrop``, and go on letting through the heat that
    keeps the state before freezing steady, to ``tolerance`` of what makes and takes it.
    """
    tissue = _present(anatomy.tissue_map(prepared, box.grid))
    bare, cut = make_problem(tissue, ()), box.cut_walls()
    operator = backend.operator(bare)
    start_c = steady_state(operator, bare, backdrop.at(box.grid), cut, tolerance)
    freezes = np.array([t.latent_heat_j_per_m3 > 0 and not t.inert and t.held_c is None for t in tissue.tissues])
    structures = anatomy.structure_voxels(prepared.case, box.grid)
    return Ground(
        prepared=prepared,
        box=box,
        tissues=tissue.tissues,
        problem=replace(bare, wall_heat=_wall_heat(operator, bare, start_c, cut)),
        living=bare.conducts & (np.True_ if bare.held_c is None else ~np.isfinite(bare.held_c)),
        start_c=start_c,
        scanned=anatomy.inside_scan(prepared, box.grid),
        cut=cut,
        freezes=freezes[tissue.index],
        structures={name: np.unravel_index(voxels, box.grid.shape) for name, voxels in structures.items()},
    )


def with_probes(ground: Ground, plan: Plan, core: Box) -> Setting:
    """Put the probes of ``plan`` into ``ground``.

    Raises
    ------
    GeometryError : if an active zone leaves the box, or lies wholly where nothing conducts
    """
    problem = ground.problem
    wired = wells(plan.placements, ground.box.grid, problem.index, ground.living)
    fields: dict[str, Any] = {name: getattr(ground, name) for name in Ground.__dataclass_fields__}
    fields["problem"] = replace(problem, wells=wired)
    return Setting(core=core, **fields)


def retold(ground: Ground, change: Callable[[Tissue], Tissue]) -> Ground:
    """The same ground with each of its tissues changed; where they lie, and the start, stay as they are."""
    tissues = tuple(change(tissue) for tissue in ground.tissues)
    living = ground.living
    problem = replace(
        ground.problem,
        table=tabulate([curve(t) for t in tissues]),
        perfusion=np.where(living, [t.perfusion_w_per_m3_k for t in tissues], 0.0),
        metabolic=np.where(living, [t.metabolic_heat_w_per_m3 for t in tissues], 0.0),
        kept=None if ground.problem.kept is None else ground.problem.kept.of_places(),
    )
    return replace(ground, tissues=tissues, problem=problem)


def _present(tissue: TissueMap) -> TissueMap:
    """The same tissue, without those that are nowhere: the fewer the quicker."""
    there = np.bincount(tissue.index.reshape(-1), minlength=len(tissue.tissues)) > 0
    number = (np.cumsum(there) - 1).astype(np.uint8)
    tissues = tuple(each for each, is_there in zip(tissue.tissues, there, strict=True) if is_there)
    return replace(tissue, index=number[tissue.index], tissues=tissues)


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
    held_c = np.array([np.nan if t.held_c is None else t.held_c for t in tissue.tissues])
    living = conducts & np.isnan(held_c)
    film = tissue.film_w_per_m2_k
    film = constants["skin_convection_w_per_m2_k"].value if film is None else np.maximum(film, 1e-9).astype(float)
    through = 1.0 / (1.0 / film + (spacing_m / 2 / k)[tissue.index])
    opened = tissue.open_faces * np.where(conducts[tissue.index], through, 0.0) / spacing_m
    return Problem(
        spacing_m=spacing_m,
        table=_table(tissue),
        index=np.ascontiguousarray(tissue.index),
        conducts=conducts,
        perfusion=np.where(living, [t.perfusion_w_per_m3_k for t in tissue.tissues], 0.0),
        metabolic=np.where(living, [t.metabolic_heat_w_per_m3 for t in tissue.tissues], 0.0),
        arterial_c=constants["arterial_c"].value,
        open_conductance=opened,
        air_c=constants["room_air_c"].value if tissue.outside_c is None else tissue.outside_c.astype(float),
        wells=wells(placements, tissue.grid, tissue.index, living),
        held_c=held_c,
    )


def _table(tissue: TissueMap) -> Table:
    return tabulate([curve(t) for t in tissue.tissues])
