"""Tissues as tables of enthalpy: one look-up gives temperature, conduction potential, conductivity, unfrozen fraction.

The volumetric enthalpy H [J/m³] is the state of the solver. Every material is a table over H in equal steps, so that
each look-up is one index and one linear interpolation; temperature is never differentiated and no apparent heat
capacity is ever sampled (DESIGN, "Physics in one page").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.nouns import FreezingPointDepression
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from iceball.nouns import Tissue

COLDEST_C, WARMEST_C = -230.0, 120.0
KELVIN = 273.15
# [iceball_physics_notes] give k and C of ice down to here; that they stay so below is a judgement.
HELD_BELOW_C = -160.0
REFERENCE_K = KELVIN - 40.0
NODES = 4096
SURFACE_STEP_C = 0.125
CLOSEST_K = 1e-9  # nodes closer than this differ by rounding, and so would their enthalpies


@array_noun
class Curve:
    """One material over temperature: nodes (N,) of temperature_c, enthalpy [J/m³], potential [W/m] = ∫k dT,
    conductivity [W/m/K] and unfrozen fraction, in rising temperature; enthalpy must rise from node to node.

    ``perfused_fraction`` (N,) is the share of perfusion and metabolism that is left, None where it is the unfrozen one.
    """

    temperature_c: NDArray[np.float64]
    enthalpy_j_per_m3: NDArray[np.float64]
    potential_w_per_m: NDArray[np.float64]
    conductivity_w_per_m_k: NDArray[np.float64]
    unfrozen_fraction: NDArray[np.float64]
    perfused_fraction: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Refuse a curve whose enthalpy does not rise: its temperature would not be unique."""
        if not np.all(np.diff(self.enthalpy_j_per_m3) > 0):
            raise SimulationError("a material's enthalpy must rise with temperature from node to node")


@array_noun
class Table:
    """All materials of a problem on equal steps of enthalpy: arrays (M, N); ``surface_potential`` (M, S) over T.

    Row m, node n stands for H = start[m] + n / inverse_step[m].
    """

    start: NDArray[np.float64]
    inverse_step: NDArray[np.float64]
    temperature_c: NDArray[np.float64]
    potential: NDArray[np.float64]
    conductivity: NDArray[np.float64]
    unfrozen: NDArray[np.float64]
    surface_potential: NDArray[np.float64]
    perfused: NDArray[np.float64] = None  # pyright: ignore[reportAssignmentType]  (filled in when made)

    def __post_init__(self) -> None:
        """Seal the arrays; where nothing else is said, perfusion goes with the unfrozen fraction."""
        if self.perfused is None:
            object.__setattr__(self, "perfused", self.unfrozen)
        for field in self.__dataclass_fields__:
            seal_field(self, field, np.ascontiguousarray(getattr(self, field)))

    def enthalpy(self, temperature_c: ArrayLike, material: NDArray[np.integer]) -> NDArray[np.float64]:
        """Enthalpy [J/m³] of ``material`` (...) at ``temperature_c`` (...) [°C]; a plateau takes its warm end."""
        temperature = np.broadcast_to(np.asarray(temperature_c, dtype=float), material.shape)
        result = np.empty(material.shape)
        nodes = np.arange(self.temperature_c.shape[1])
        for m in np.unique(material):
            here = material == m
            rising = self.temperature_c[m] + nodes * 1e-12  # unique abscissae on a plateau
            result[here] = self.start[m] + np.interp(temperature[here], rising, nodes) / self.inverse_step[m]
        return result

    def stiffness(self, coldest_c: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Per material (M,), above ``coldest_c``: largest diffusivity [m²/s], largest k [W/m/K], largest dT/dH."""
        slope_t = np.diff(self.temperature_c, axis=1) * self.inverse_step[:, None]
        slope_p = np.diff(self.potential, axis=1) * self.inverse_step[:, None]
        seen = self.temperature_c[:, 1:] >= coldest_c
        k = np.where(self.temperature_c >= coldest_c, self.conductivity, 0.0).max(axis=1)
        return np.where(seen, slope_p, 0.0).max(axis=1), k, np.where(seen, slope_t, 0.0).max(axis=1)


def curve(tissue: Tissue) -> Curve:
    """Integrate ``tissue`` over temperature by its freezing law, in closed form at every node.

    Frozen matter has k = k40 [(1-b) + b 233.15/T_K] and C = C40 [(1-c) + c T_K/233.15] (physics README 1.2 to 1.4);
    below HELD_BELOW_C both stay as they are there.

    Returns
    -------
    Curve with nodes at every half degree, and close together where the enthalpy bends
    """
    if isinstance(tissue.freezing, FreezingPointDepression):
        return _depressed(tissue, tissue.freezing.complete_c)
    return _mushy(tissue)


def _mushy(tissue: Tissue) -> Curve:
    """Latent heat evenly between solidus and liquidus; k and C run linearly between the phases there."""
    gap = max(tissue.liquidus_c - tissue.solidus_c, 1e-6)
    solidus, liquidus = tissue.liquidus_c - gap, tissue.liquidus_c
    nodes = _nodes(tissue, np.linspace(solidus, liquidus, 33))
    solid = np.minimum(nodes, solidus)
    melted = np.clip((nodes - solidus) / gap, 0.0, 1.0)
    mush = np.clip(nodes - solidus, 0.0, gap)
    warm = np.maximum(nodes - liquidus, 0.0)
    k_solid, c_solid = _frozen(tissue, solid)
    k_step = tissue.conductivity_w_per_m_k - k_solid
    c_step = tissue.heat_capacity_j_per_m3_k - c_solid
    potential, enthalpy = _frozen_integrals(tissue, solid)
    potential = potential + (k_solid + 0.5 * k_step * melted) * mush + tissue.conductivity_w_per_m_k * warm
    enthalpy = enthalpy + (c_solid + 0.5 * c_step * melted) * mush + tissue.latent_heat_j_per_m3 * melted
    enthalpy = enthalpy + tissue.heat_capacity_j_per_m3_k * warm
    return _curve(tissue, nodes, enthalpy, potential, k_solid + k_step * melted, melted)


def _depressed(tissue: Tissue, complete_c: float) -> Curve:
    """Unfrozen share f = (T_f/T - s) / (1 - s), s = T_f/T_e, T in °C; k and C are (1 - f) frozen + f unfrozen.

    The integrals of f, f 233.15/T_K and f T_K/233.15 from T_e on are closed, so that no latent heat is lost.
    Nodes are even in f and in log T: the enthalpy falls steeply just below T_f and flattens like 1/T.
    """
    begin, end, ku, cu = tissue.liquidus_c, complete_c, tissue.conductivity_w_per_m_k, tissue.heat_capacity_j_per_m3_k
    s = begin / end
    even_in_f = begin / (s + (1 - s) * np.linspace(0.0, 1.0, 257))
    nodes = _nodes(tissue, even_in_f, -np.geomspace(-end, -begin, 129))
    solid, mush, warm = np.minimum(nodes, begin), np.clip(nodes, end, begin), np.maximum(nodes - begin, 0.0)
    melted = np.clip((begin / mush - s) / (1 - s), 0.0, 1.0)
    kelvin, from_k = mush + KELVIN, end + KELVIN
    log_c, log_k = np.log(mush / end), np.log(kelvin / from_k)
    plain = (begin * log_c - s * (mush - end)) / (1 - s)
    inverse = REFERENCE_K * (begin / KELVIN * (log_c - log_k) - s * log_k) / (1 - s)
    rising = (begin * (mush - end + KELVIN * log_c) - 0.5 * s * (kelvin**2 - from_k**2)) / (REFERENCE_K * (1 - s))
    b, k40 = tissue.conductivity_ice_fraction, tissue.frozen_conductivity_w_per_m_k
    c, c40 = tissue.capacity_ice_fraction, tissue.frozen_heat_capacity_j_per_m3_k
    potential, enthalpy = _frozen_integrals(tissue, solid)
    potential = potential + ku * (plain + warm) - k40 * ((1 - b) * plain + b * inverse)
    enthalpy = enthalpy + cu * (plain + warm) - c40 * ((1 - c) * plain + c * rising)
    enthalpy = enthalpy + tissue.latent_heat_j_per_m3 * melted
    conductivity = (1 - melted) * _frozen(tissue, solid)[0] + melted * ku
    return _curve(tissue, nodes, enthalpy, potential, conductivity, melted)


def _nodes(tissue: Tissue, *bends: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half degrees, where the curve bends, and where blood stops."""
    narrow = tissue.vasoconstriction
    ramp = [] if narrow is None else [narrow.stops_c, narrow.full_c]
    nodes = np.unique(np.concatenate([np.arange(COLDEST_C, WARMEST_C + 0.25, 0.5), *bends, ramp]))
    return nodes[np.diff(nodes, prepend=-np.inf) > CLOSEST_K]


def _frozen(tissue: Tissue, at_c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Conductivity [W/m/K] and heat capacity [J/m³/K] of what is frozen, at ``at_c`` [°C]."""
    b, c = tissue.conductivity_ice_fraction, tissue.capacity_ice_fraction
    kelvin = np.maximum(at_c, HELD_BELOW_C) + KELVIN
    k = tissue.frozen_conductivity_w_per_m_k * ((1 - b) + b * REFERENCE_K / kelvin)
    return k, tissue.frozen_heat_capacity_j_per_m3_k * ((1 - c) + c * kelvin / REFERENCE_K)


def _frozen_integrals(tissue: Tissue, to_c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """∫k dT [W/m] and ∫C dT [J/m³] of what is frozen, from COLDEST_C to ``to_c`` [°C]."""
    b, c = tissue.conductivity_ice_fraction, tissue.capacity_ice_fraction
    held_k, kelvin = HELD_BELOW_C + KELVIN, np.maximum(to_c, HELD_BELOW_C) + KELVIN
    below = np.minimum(to_c, HELD_BELOW_C) - COLDEST_C
    potential = (1 - b) * (below + kelvin - held_k) + b * REFERENCE_K * (below / held_k + np.log(kelvin / held_k))
    enthalpy = (1 - c) * (below + kelvin - held_k)
    enthalpy = enthalpy + c / REFERENCE_K * (below * held_k + 0.5 * (kelvin**2 - held_k**2))
    return tissue.frozen_conductivity_w_per_m_k * potential, tissue.frozen_heat_capacity_j_per_m3_k * enthalpy


def _curve(
    tissue: Tissue,
    nodes: NDArray[np.float64],
    enthalpy: NDArray[np.float64],
    potential: NDArray[np.float64],
    conductivity: NDArray[np.float64],
    melted: NDArray[np.float64],
) -> Curve:
    narrow, perfused = tissue.vasoconstriction, None
    if narrow is not None:
        perfused = melted * np.clip((nodes - narrow.stops_c) / (narrow.full_c - narrow.stops_c), 0.0, 1.0)
    return Curve(
        temperature_c=nodes,
        enthalpy_j_per_m3=enthalpy,
        potential_w_per_m=potential,
        conductivity_w_per_m_k=conductivity,
        unfrozen_fraction=melted,
        perfused_fraction=perfused,
    )


def tabulate(curves: Sequence[Curve], *, nodes: int = NODES) -> Table:
    """Resample ``curves`` on ``nodes`` equal steps of enthalpy each. Returns a Table of M = len(curves) materials."""
    start = np.array([c.enthalpy_j_per_m3[0] for c in curves])
    stop = np.array([c.enthalpy_j_per_m3[-1] for c in curves])
    surface = np.arange(COLDEST_C, WARMEST_C + SURFACE_STEP_C / 2, SURFACE_STEP_C)

    def over_enthalpy(field: str) -> NDArray[np.float64]:
        values = [getattr(c, field) for c in curves]
        values = [c.unfrozen_fraction if v is None else v for c, v in zip(curves, values, strict=True)]
        rows = [
            np.interp(np.linspace(a, z, nodes), c.enthalpy_j_per_m3, v)
            for c, v, a, z in zip(curves, values, start, stop, strict=True)
        ]
        return np.stack(rows)

    return Table(
        start=start,
        inverse_step=(nodes - 1) / (stop - start),
        temperature_c=over_enthalpy("temperature_c"),
        potential=over_enthalpy("potential_w_per_m"),
        conductivity=over_enthalpy("conductivity_w_per_m_k"),
        unfrozen=over_enthalpy("unfrozen_fraction"),
        surface_potential=np.stack([np.interp(surface, c.temperature_c, c.potential_w_per_m) for c in curves]),
        perfused=over_enthalpy("perfused_fraction"),
    )
