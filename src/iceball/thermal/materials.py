"""Tissues as tables of enthalpy: one look-up gives temperature, conduction potential, conductivity, unfrozen fraction.

The volumetric enthalpy H [J/m³] is the state of the solver. Every material is a table over H in equal steps, so that
each look-up is one index and one linear interpolation; temperature is never differentiated and no apparent heat
capacity is ever sampled (DESIGN, "Physics in one page").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from iceball.nouns import Tissue

COLDEST_C, WARMEST_C = -230.0, 120.0
KELVIN = 273.15
REFERENCE_K = KELVIN - 40.0
NODES = 4096
SURFACE_STEP_C = 0.125


@array_noun
class Curve:
    """One material over temperature: nodes (N,) of temperature_c, enthalpy [J/m³], potential [W/m] = ∫k dT,
    conductivity [W/m/K] and unfrozen fraction, in rising temperature; enthalpy must rise from node to node.
    """

    temperature_c: NDArray[np.float64]
    enthalpy_j_per_m3: NDArray[np.float64]
    potential_w_per_m: NDArray[np.float64]
    conductivity_w_per_m_k: NDArray[np.float64]
    unfrozen_fraction: NDArray[np.float64]

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

    def __post_init__(self) -> None:
        """Seal the arrays."""
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
    """Integrate ``tissue``: frozen, mushy and unfrozen, exact at solidus and liquidus.

    Below the solidus k = k40 [(1-b) + b 233.15/T_K] and C = C40 [(1-c) + c T_K/233.15]; between solidus and liquidus
    the latent heat is released linearly and k and C run linearly between the phases (DESIGN, physics README 1.2-1.4).

    Returns
    -------
    Curve with nodes at every half degree, the solidus and the liquidus
    """
    gap = max(tissue.liquidus_c - tissue.solidus_c, 1e-6)
    solidus, liquidus = tissue.liquidus_c - gap, tissue.liquidus_c
    nodes = np.unique(np.concatenate([np.arange(COLDEST_C, WARMEST_C + 0.25, 0.5), np.linspace(solidus, liquidus, 33)]))
    kelvin, from_k = nodes + KELVIN, COLDEST_C + KELVIN
    solid = np.minimum(kelvin, solidus + KELVIN)
    b, c = tissue.conductivity_ice_fraction, tissue.capacity_ice_fraction
    k40, c40 = tissue.frozen_conductivity_w_per_m_k, tissue.frozen_heat_capacity_j_per_m3_k
    k_solid = k40 * ((1 - b) + b * REFERENCE_K / solid)
    c_solid = c40 * ((1 - c) + c * (solidus + KELVIN) / REFERENCE_K)
    melted = np.clip((nodes - solidus) / gap, 0.0, 1.0)
    mush = np.clip(nodes - solidus, 0.0, gap)
    warm = np.maximum(nodes - liquidus, 0.0)
    k_step = tissue.conductivity_w_per_m_k - k_solid
    c_step = tissue.heat_capacity_j_per_m3_k - c_solid
    potential = k40 * ((1 - b) * (solid - from_k) + b * REFERENCE_K * np.log(solid / from_k))
    potential = potential + (k_solid + 0.5 * k_step * melted) * mush + tissue.conductivity_w_per_m_k * warm
    enthalpy = c40 * ((1 - c) * (solid - from_k) + 0.5 * c * (solid**2 - from_k**2) / REFERENCE_K)
    enthalpy = enthalpy + (c_solid + 0.5 * c_step * melted) * mush + tissue.latent_heat_j_per_m3 * melted
    enthalpy = enthalpy + tissue.heat_capacity_j_per_m3_k * warm
    return Curve(
        temperature_c=nodes,
        enthalpy_j_per_m3=enthalpy,
        potential_w_per_m=potential,
        conductivity_w_per_m_k=k_solid + k_step * melted,
        unfrozen_fraction=melted,
    )


def tabulate(curves: Sequence[Curve], *, nodes: int = NODES) -> Table:
    """Resample ``curves`` on ``nodes`` equal steps of enthalpy each. Returns a Table of M = len(curves) materials."""
    start = np.array([c.enthalpy_j_per_m3[0] for c in curves])
    stop = np.array([c.enthalpy_j_per_m3[-1] for c in curves])
    surface = np.arange(COLDEST_C, WARMEST_C + SURFACE_STEP_C / 2, SURFACE_STEP_C)

    def over_enthalpy(field: str) -> NDArray[np.float64]:
        rows = [
            np.interp(np.linspace(a, z, nodes), c.enthalpy_j_per_m3, getattr(c, field))
            for c, a, z in zip(curves, start, stop, strict=True)
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
    )
