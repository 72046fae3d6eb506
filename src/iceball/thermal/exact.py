"""Exact solutions of freezing, to verify any solver against. SI units, °C; both phases have one density.

Numbered as in physics README, section 4. Each returns a noun whose methods give front and temperature in time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf, erfc, exp1, k0e, k1e

from iceball.errors import InputError
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Field = NDArray[np.float64]


@noun
class Phases:
    """A medium that freezes at one temperature: conductivities, volumetric heat capacities, latent heat."""

    frozen_conductivity_w_per_m_k: float
    frozen_capacity_j_per_m3_k: float
    conductivity_w_per_m_k: float
    capacity_j_per_m3_k: float
    latent_heat_j_per_m3: float
    freezing_c: float

    @property
    def frozen_diffusivity(self) -> float:
        """Diffusivity of the frozen phase [m²/s]."""
        return self.frozen_conductivity_w_per_m_k / self.frozen_capacity_j_per_m3_k

    @property
    def diffusivity(self) -> float:
        """Diffusivity of the unfrozen phase [m²/s]."""
        return self.conductivity_w_per_m_k / self.capacity_j_per_m3_k


@noun
class Similarity:
    """A freezing front that grows as 2 λ sqrt(a_s t), from a plane (B2) or from a line (B3)."""

    medium: Phases
    root: float
    wall_c: float
    start_c: float
    heat_w_per_m: float

    def front_mm(self, time_s: float) -> float:
        """Distance of the front from the wall or the line [mm] at ``time_s`` [s]."""
        return 2e3 * self.root * math.sqrt(self.medium.frozen_diffusivity * time_s)

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] and ``time_s`` [s]."""
        m = self.medium
        x = np.asarray(distance_mm, dtype=float) / 1e3
        frozen = x / (2 * math.sqrt(m.frozen_diffusivity * time_s))
        unfrozen = x / (2 * math.sqrt(m.diffusivity * time_s))
        ratio = math.sqrt(m.frozen_diffusivity / m.diffusivity)
        if math.isnan(self.heat_w_per_m):
            inner = self.wall_c + (m.freezing_c - self.wall_c) * erf(frozen) / math.erf(self.root)
            outer = self.start_c - (self.start_c - m.freezing_c) * erfc(unfrozen) / math.erfc(self.root * ratio)
        else:
            strength = self.heat_w_per_m / (4 * math.pi * m.frozen_conductivity_w_per_m_k)
            inner = m.freezing_c - strength * (exp1(frozen**2) - exp1(self.root**2))
            far = exp1((self.root * ratio) ** 2)
            outer = self.start_c - (self.start_c - m.freezing_c) * exp1(unfrozen**2) / far
        return np.where(x * 1e3 < self.front_mm(time_s), inner, outer)


def neumann(medium: Phases, *, wall_c: float, start_c: float) -> Similarity:
    """B2, two-phase Neumann: a half-space at ``start_c`` [°C] whose wall is held at ``wall_c`` [°C] from time zero.

    Raises
    ------
    InputError : if nothing would freeze

    Source: key iceball_physics_notes, B2 (Carslaw and Jaeger 1959, ch. XI, as quoted there).
    """
    if not wall_c < medium.freezing_c < start_c:
        raise InputError(
            f"a wall at {wall_c:g} °C and a start at {start_c:g} °C do not enclose {medium.freezing_c:g} °C"
        )
    ratio = math.sqrt(medium.frozen_diffusivity / medium.diffusivity)
    drop, rise = medium.freezing_c - wall_c, start_c - medium.freezing_c
    conduction = medium.conductivity_w_per_m_k / medium.frozen_conductivity_w_per_m_k * ratio * rise / drop
    stefan = medium.latent_heat_j_per_m3 * math.sqrt(math.pi) / (medium.frozen_capacity_j_per_m3_k * drop)

    def balance(x: float) -> float:
        warm = conduction * math.exp(-((x * ratio) ** 2)) / math.erfc(x * ratio)
        return math.exp(-x * x) / math.erf(x) - warm - x * stefan

    root = _root(balance, 1e-8, 3.0)
    return Similarity(medium=medium, root=root, wall_c=wall_c, start_c=start_c, heat_w_per_m=math.nan)


def paterson(medium: Phases, *, heat_w_per_m: float, start_c: float) -> Similarity:
    """B3, Paterson: a line that takes ``heat_w_per_m`` [W/m] from time zero out of a medium at ``start_c`` [°C].

    Raises
    ------
    InputError : if the line takes no heat or the medium starts frozen

    Source: key iceball_physics_notes, B3 (Paterson 1952, as quoted there).
    """
    if heat_w_per_m <= 0 or start_c <= medium.freezing_c:
        raise InputError(f"a line sink of {heat_w_per_m:g} W/m in a medium at {start_c:g} °C does not freeze anything")
    square = medium.frozen_diffusivity / medium.diffusivity
    rise = start_c - medium.freezing_c

    def balance(x: float) -> float:
        y = x * x
        warm = medium.conductivity_w_per_m_k * rise * math.exp(-y * square) / exp1(y * square)
        latent = y * medium.frozen_diffusivity * medium.latent_heat_j_per_m3
        return float(heat_w_per_m / (4 * math.pi) * math.exp(-y) - warm - latent)

    root = _root(balance, 1e-7, 5.0)
    return Similarity(medium=medium, root=root, wall_c=math.nan, start_c=start_c, heat_w_per_m=heat_w_per_m)


def steady_perfused_radius_mm(
    medium: Phases, *, probe_c: float, probe_radius_mm: float, arterial_c: float, perfusion_w_per_m3_k: float
) -> float:
    """B7: radius [mm] at which a cylinder at ``probe_c`` [°C] and perfusion of the unfrozen tissue hold each other.

    k_s ΔT_s / (R ln(R/r_p)) = k_l ΔT_l m K1(mR)/K0(mR), m = sqrt(W/k_l). Perfusion stops in the frozen tissue.

    Raises
    ------
    InputError : if no steady radius lies between the probe and 5 m

    Source: key iceball_physics_notes, B7 (steady Pennes equation).
    """
    m = math.sqrt(perfusion_w_per_m3_k / medium.conductivity_w_per_m_k)
    inner = medium.frozen_conductivity_w_per_m_k * (medium.freezing_c - probe_c)
    outer = medium.conductivity_w_per_m_k * (arterial_c - medium.freezing_c) * m
    r_p = probe_radius_mm / 1e3

    def balance(r: float) -> float:
        return float(inner / (r * math.log(r / r_p)) - outer * k1e(m * r) / k0e(m * r))

    low, high = r_p * (1 + 1e-9), 5.0
    if balance(low) * balance(high) > 0:
        raise InputError("no steady radius below 5 m: the probe is too warm or nothing is perfused")
    return 1e3 * _root(balance, low, high)


def _root(balance: Callable[[float], float], low: float, high: float) -> float:
    return cast("float", brentq(balance, low, high))
