"""Steady states: a freeze that perfusion stops (B7), k(T) of ice (B8), two media side by side (B8, B9)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import brentq
from scipy.special import gamma, k0e, k1e

from iceball.errors import InputError
from iceball.nouns._noun import noun
from iceball.thermal.exact.media import Phases

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Field = NDArray[np.float64]

KELVIN = 273.15
ICE_W_PER_M = 2.22 * KELVIN  # k T_K of ice
# Conformal radius of a square of half-side 1, seen from its centre: sqrt(2) over a quarter of the lemniscate's length.
SQUARE = math.sqrt(2.0) * 4 * math.sqrt(2 * math.pi) / float(gamma(0.25)) ** 2
FARTHEST_M = 5.0


@noun
class PerfusedFreeze:
    """A wall, cylinder or sphere held at ``probe_c`` in a medium perfused where it is not frozen (B7).

    At rest the frozen tissue carries what the perfused tissue around it brings. Source: key iceball_physics_notes, B7
    (steady Pennes equation).
    """

    medium: Phases
    probe_c: float
    arterial_c: float
    perfusion_w_per_m3_k: float

    def plane_mm(self) -> float:
        """Thickness [mm] frozen by a wall: k_s ΔT_s / (k_l ΔT_l m), m = sqrt(W/k_l)."""
        return 1e3 * self._cold / (self._warm * self._fade_per_m)

    def cylinder_mm(self, probe_radius_mm: float) -> float:
        """Radius [mm] frozen by a cylinder of ``probe_radius_mm`` [mm]; InputError if none lies below 5 m.

        k_s ΔT_s / (R ln(R/r_p)) = k_l ΔT_l m K1(mR)/K0(mR)
        """
        m, r_p = self._fade_per_m, probe_radius_mm / 1e3

        def balance(r: float) -> float:
            return float(self._cold / (r * math.log(r / r_p)) - self._warm * m * k1e(m * r) / k0e(m * r))

        low = r_p * (1 + 1e-9)
        if self._cold <= 0 or balance(FARTHEST_M) > 0:
            raise InputError("no steady radius below 5 m: the probe is too warm or nothing is perfused")
        return 1e3 * cast("float", brentq(balance, low, FARTHEST_M, xtol=1e-14))

    def sphere_mm(self, probe_radius_mm: float) -> float:
        """Radius [mm] frozen by a sphere of ``probe_radius_mm`` [mm]: k_s ΔT_s r_p/(R (R - r_p)) = k_l ΔT_l (m + 1/R).

        A quadratic in R: m R² + (1 - m r_p) R - r_p (1 + k_s ΔT_s / k_l ΔT_l) = 0.
        """
        m, r_p = self._fade_per_m, probe_radius_mm / 1e3
        b, c = 1 - m * r_p, r_p * (1 + self._cold / self._warm)
        return 1e3 * (math.sqrt(b * b + 4 * m * c) - b) / (2 * m)

    def sphere_heat_w(self, probe_radius_mm: float) -> float:
        """Heat [W] that a sphere of ``probe_radius_mm`` [mm] takes at rest: 4π k_s ΔT_s / (1/r_p - 1/R)."""
        span = 1e3 / probe_radius_mm - 1e3 / self.sphere_mm(probe_radius_mm)
        return 4 * math.pi * self._cold / span

    @property
    def _cold(self) -> float:
        return self.medium.frozen_conductivity_w_per_m_k * (self.medium.freezing_c - self.probe_c)

    @property
    def _warm(self) -> float:
        return self.medium.conductivity_w_per_m_k * (self.arterial_c - self.medium.freezing_c)

    @property
    def _fade_per_m(self) -> float:
        return math.sqrt(self.perfusion_w_per_m3_k / self.medium.conductivity_w_per_m_k)


@noun
class SquareBath:
    """A thin cylinder in the middle of a square whose sides are held: the Cartesian twin of two cylinders (B8, B9).

    Seen from its centre a square of half-side b is a circle of radius 1.0787 b (its conformal radius), wrong by the
    fourth power of the thin cylinder's radius over b. Source: key iceball_physics_notes, B8 and B9 for the cylinders;
    the conformal map of the square is textbook mathematics.
    """

    half_side_mm: float
    radius_mm: float

    @property
    def outer_mm(self) -> float:
        """Radius [mm] of the circle that the square looks like from its centre."""
        return SQUARE * self.half_side_mm

    def heat_w_per_m(self, potential_w_per_m: float) -> float:
        """Heat into the cylinder [W/m] for ``potential_w_per_m``, ∫k dT from cylinder to wall: 2π Θ / ln(R/r) (B8)."""
        return 2 * math.pi * potential_w_per_m / math.log(self.outer_mm / self.radius_mm)

    def layered_heat_w_per_m(self, inner: float, outer: float, boundary_mm: float, rise_k: float) -> float:
        """Heat into the cylinder [W/m] through two layers that meet at ``boundary_mm`` [mm] (B9).

        ``inner`` and ``outer`` are their conductivities [W/m/K]; the wall is ``rise_k`` warmer than the cylinder.
        """
        resistance = math.log(boundary_mm / self.radius_mm) / inner + math.log(self.outer_mm / boundary_mm) / outer
        return 2 * math.pi * rise_k / resistance

    def ice_c(self, distance_mm: ArrayLike, *, cylinder_c: float, wall_c: float) -> Field:
        """Temperature (...) [°C] in ice at ``distance_mm`` (...) [mm] from the axis: ln T_K is linear in ln r (B8)."""
        share = np.log(np.asarray(distance_mm, dtype=float) / self.radius_mm) / math.log(self.outer_mm / self.radius_mm)
        cold, warm = cylinder_c + KELVIN, wall_c + KELVIN
        return cold * (warm / cold) ** share - KELVIN


def kirchhoff_ice_w_per_m(low_c: float, high_c: float) -> float:
    """B8: ∫k dT [W/m] of ice, k = 2.22 · 273.15/T_K, from ``low_c`` [°C] to ``high_c`` [°C].

    Source: key iceball_physics_notes, B8 (a fit of the type of Slack 1980, as quoted there).
    """
    return ICE_W_PER_M * math.log((high_c + KELVIN) / (low_c + KELVIN))


def contact_temperature_c(one: Phases, one_c: float, other: Phases, other_c: float) -> float:
    """B9: temperature [°C] where half-spaces ``one`` at ``one_c`` [°C] and ``other`` at ``other_c`` [°C] touch.

    Both unfrozen; each counts by its effusivity sqrt(k C). Source: key iceball_physics_notes, B9.
    """
    e = [math.sqrt(m.conductivity_w_per_m_k * m.capacity_j_per_m3_k) for m in (one, other)]
    return (e[0] * one_c + e[1] * other_c) / (e[0] + e[1])
