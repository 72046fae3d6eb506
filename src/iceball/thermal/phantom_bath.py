"""A bench as the solver sees it: its media as curves, its layers on a grid, and a box that the cold does not fill."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError
from iceball.nouns import Grid
from iceball.nouns.bench import Medium
from iceball.thermal.checks import check_probes
from iceball.thermal.materials import COLDEST_C, WARMEST_C, Curve, curve, tabulate
from iceball.thermal.problem import Problem, Wall
from iceball.thermal.wells import kernel_width, wells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Placement
    from iceball.nouns._noun import Point
    from iceball.nouns.bench import Bench, Law

    Field = NDArray[np.float64]

SHARP_K = 1e-6  # a single freezing point is given this width: enthalpy must rise with temperature
NODE_STEP_C = 0.25
UNNOTICED_K = 0.5  # what the default box lets a wall change by, at most
ICE_OVER_RADIUS = 10.0  # radius of the ice over that of the shaft, for the first guess of the heat
LARGEST_VOXELS = 60_000_000
ON_FACE = 1e-6  # of a voxel


def curve_of(medium: Medium) -> Curve:
    """Integrate ``medium``: enthalpy and Kirchhoff potential from its properties, trapezoids between close nodes.

    The nodes hold the solidus, the liquidus and every temperature of its tables, so that straight lines between table
    rows are integrated exactly but for the curvature of k times a straight line in the mush.
    """
    solidus, liquidus = medium.solidus_c, medium.liquidus_c
    if liquidus - solidus < SHARP_K:
        solidus = liquidus - SHARP_K
    nodes = _nodes(medium, solidus, liquidus)
    melted = np.clip((nodes - solidus) / (liquidus - solidus), 0.0, 1.0)
    k = _between(medium.conductivity_frozen_w_per_m_k, medium.conductivity_unfrozen_w_per_m_k, nodes, melted)
    c = _between(medium.heat_capacity_frozen_j_per_m3_k, medium.heat_capacity_unfrozen_j_per_m3_k, nodes, melted)
    return Curve(
        temperature_c=nodes,
        enthalpy_j_per_m3=_integral(c, nodes) + medium.latent_heat_j_per_m3 * melted,
        potential_w_per_m=_integral(k, nodes),
        conductivity_w_per_m_k=k,
        unfrozen_fraction=melted,
    )


def bath_grid(bench: Bench) -> Grid:
    """Lay the grid of ``bench``: voxel faces at whole multiples of the spacing from x = y = 0 and ``layers_from_z_mm``.

    Raises
    ------
    GeometryError : if a point or a probe lies outside the box, or the box has too many voxels
    """
    h = bench.spacing_mm
    if bench.box_size_mm is not None:
        centre = np.array(bench.box_centre_mm or _middle(bench.probes))
        low, high = centre - np.array(bench.box_size_mm) / 2, centre + np.array(bench.box_size_mm) / 2
    else:
        low, high = _default_box(bench)
    zero = np.array([0.0, 0.0, bench.layers_from_z_mm])
    first, last = np.floor((low - zero) / h + 1e-9), np.ceil((high - zero) / h - 1e-9)
    shape = np.maximum(last - first, 1).astype(np.int64)
    if shape.prod() > LARGEST_VOXELS:
        raise GeometryError(
            f"the box has {' x '.join(str(n) for n in shape)} voxels of {h:g} mm, more than "
            f"{LARGEST_VOXELS / 1e6:g} million: write a larger spacing_mm or a smaller box_size_mm"
        )
    origin = zero + (first + 0.5) * h
    grid = Grid(
        shape=(int(shape[0]), int(shape[1]), int(shape[2])),
        spacing_mm=(h, h, h),
        origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
    )
    for name, place in bench.points_mm:
        if not grid.contains(place):
            raise GeometryError(f"point {name!r} at {place} mm lies outside the box: move it, or write a larger box")
    return grid


def bath_problem(bench: Bench, grid: Grid) -> Problem:
    """Fill ``grid`` with the layers of ``bench`` and put its probes in.

    Raises
    ------
    GeometryError : if a probe does not fit the grid
    """
    media = [layer.medium for layer in bench.layers]
    check_probes(bench.probes, grid)
    index = np.broadcast_to(_layer_of(bench, grid), grid.shape).astype(np.uint8)
    conducts = np.array([isinstance(m, Medium) or not m.inert for m in media])
    held_c = np.array([_held_c(m) for m in media])
    living = conducts & ~np.isfinite(held_c)
    walls = (Wall(axis=a, side=s, held_c=bench.start_c) for a in range(3) for s in (0, 1))
    return Problem(
        spacing_m=bench.spacing_mm / 1000.0,
        table=tabulate([_curve(m) for m in media]),
        index=np.ascontiguousarray(index),
        conducts=conducts,
        perfusion=np.where(living, [m.perfusion_w_per_m3_k for m in media], 0.0),
        metabolic=np.where(living, [m.metabolic_heat_w_per_m3 for m in media], 0.0),
        arterial_c=bench.start_c if bench.arterial_c is None else bench.arterial_c,
        open_conductance=np.zeros(grid.shape),
        air_c=bench.start_c,
        wells=wells(bench.probes, grid, index, living),
        held_c=held_c,
        walls=tuple(walls) if bench.walls == "held" else (),
    )


def bath_start(bench: Bench, problem: Problem) -> Field:
    """Temperature (I, J, K) [°C] before freezing: ``start_c``, or what a heat bath among the layers is held at."""
    by_layer = np.array([_held_c(layer.medium) for layer in bench.layers])
    return np.where(np.isfinite(by_layer), by_layer, bench.start_c)[problem.index]


def bath_notes(bench: Bench, grid: Grid) -> tuple[str, ...]:
    """Say where a boundary of layers had to be moved to a voxel face."""
    found: list[str] = []
    for z, below, above in zip(_interfaces(bench), bench.layers, bench.layers[1:], strict=False):
        place = (z - bench.layers_from_z_mm) / bench.spacing_mm
        if abs(place - round(place)) > ON_FACE:
            drawn = bench.layers_from_z_mm + round(place) * bench.spacing_mm
            found.append(
                f"the boundary of {below.medium.name} and {above.medium.name} at z = {z:g} mm is drawn at "
                f"{drawn:g} mm, on a face of the grid"
            )
    return tuple(found)


def _held_c(medium: object) -> float:
    """Temperature [°C] at which a tissue of the library is held for ever; NaN for all others."""
    held_c = getattr(medium, "held_c", None)
    return math.nan if held_c is None else float(held_c)


def _curve(medium: object) -> Curve:
    return curve_of(medium) if isinstance(medium, Medium) else curve(medium)  # pyright: ignore[reportArgumentType]


def _nodes(medium: Medium, solidus: float, liquidus: float) -> Field:
    laws = (
        medium.conductivity_frozen_w_per_m_k,
        medium.conductivity_unfrozen_w_per_m_k,
        medium.heat_capacity_frozen_j_per_m3_k,
        medium.heat_capacity_unfrozen_j_per_m3_k,
    )
    rows = [row[0] for law in laws if isinstance(law, tuple) for row in law]
    even = np.arange(COLDEST_C, WARMEST_C + NODE_STEP_C / 2, NODE_STEP_C)
    nodes = np.unique(np.concatenate([even, np.linspace(solidus, liquidus, 33), rows]))
    return nodes[(nodes >= COLDEST_C) & (nodes <= WARMEST_C)]


def _between(frozen: Law, unfrozen: Law, nodes: Field, melted: Field) -> Field:
    return (1 - melted) * _at(frozen, nodes) + melted * _at(unfrozen, nodes)


def _at(law: Law, temperature_c: Field) -> Field:
    if not isinstance(law, tuple):
        return np.full(temperature_c.shape, float(law))
    return np.interp(temperature_c, [row[0] for row in law], [row[1] for row in law])


def _integral(values: Field, nodes: Field) -> Field:
    return np.concatenate([[0.0], np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(nodes))])


def _interfaces(bench: Bench) -> list[float]:
    thick = [layer.thickness_mm or 0.0 for layer in bench.layers[:-1]]
    return list(bench.layers_from_z_mm + np.cumsum(thick))


def _layer_of(bench: Bench, grid: Grid) -> NDArray[np.integer]:
    z = grid.position_mm(np.array([[0, 0, k] for k in range(grid.shape[2])]))[:, 2]
    return np.searchsorted(np.array(_interfaces(bench)), z, side="right")


def _middle(probes: Sequence[Placement]) -> Field:
    ends = np.array([placement.active_ends_mm for placement in probes]).reshape(-1, 3)
    return (ends.min(axis=0) + ends.max(axis=0)) / 2


def _default_box(bench: Bench) -> tuple[Field, Field]:
    """Corners (3,), (3,) [mm] of a box that leaves ``reach_mm`` around all active zones, and holds all points."""
    places: list[Point] = [end for placement in bench.probes for end in placement.active_ends_mm]
    places += [placement.tip_mm for placement in bench.probes]
    reach = max(reach_mm(bench), max(3 * _kernel_mm(p, bench.spacing_mm) for p in bench.probes))
    points = np.array([place for _, place in bench.points_mm]).reshape(-1, 3)
    ends = np.array(places, dtype=float)
    low = np.vstack([ends - reach, points - bench.spacing_mm]).min(axis=0)
    high = np.vstack([ends + reach, points + bench.spacing_mm]).max(axis=0)
    return low, high


def _kernel_mm(placement: Placement, spacing_mm: float) -> float:
    return 1000 * kernel_width(placement.probe.shaft_diameter_mm / 2000, spacing_mm / 1000)


def reach_mm(bench: Bench) -> float:
    """Distance [mm] from the probes at which the bath changes by 0.5 K at most, by the last time reported.

    A line that takes q' from time 0 on cools an unfrozen medium by q'/(4 π k) E1(r²/(4 a t)) at the distance r (physics
    notes, B3); all probes are taken as lying in one line, endless, and each to take what an ideal probe at its gas
    temperature takes when its ice has ten times its radius; r begins at that ice. That is more than they take; freezing
    and perfusion, which hold the cold back, are left out. Of several media the one that carries it farthest counts.
    """
    time_s = max(max(bench.times_s), 1.0)
    ice_mm = ICE_OVER_RADIUS * max(placement.probe.shaft_diameter_mm / 2 for placement in bench.probes)
    return ice_mm + max(_reach_mm(bench, _curve(layer.medium), time_s) for layer in bench.layers)


def _reach_mm(bench: Bench, law: Curve, time_s: float) -> float:
    from scipy.optimize import brentq  # only here: slow to import
    from scipy.special import exp1

    def at(values: Field, temperature_c: float) -> float:
        return float(np.interp(temperature_c, law.temperature_c, values))

    start = max(bench.start_c, float(law.temperature_c[np.argmax(law.unfrozen_fraction >= 1.0)]))
    gas = min(min(p.probe.gas_temperature_c, p.probe.handle_gas_c) for p in bench.probes)
    drop = at(law.potential_w_per_m, bench.start_c) - at(law.potential_w_per_m, gas)
    heat = len(bench.probes) * 2 * math.pi * drop / math.log(ICE_OVER_RADIUS)
    k = at(law.conductivity_w_per_m_k, start)
    step = NODE_STEP_C
    capacity = (at(law.enthalpy_j_per_m3, start + step) - at(law.enthalpy_j_per_m3, start)) / step
    wanted = UNNOTICED_K * 4 * math.pi * k / heat
    root = float(brentq(lambda x: math.log(max(float(exp1(x)), 1e-300) / wanted), 1e-6, 500.0))  # pyright: ignore[reportArgumentType]
    return 1000 * math.sqrt(4 * k / capacity * time_s * root)
