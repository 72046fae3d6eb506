"""Smooth fields in time: perfusion alone and with conduction (B10), and a manufactured solution (B11)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import noun
from iceball.thermal.exact.media import Phases

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Field = NDArray[np.float64]


def warmed_c(medium: Phases, *, start_c: float, arterial_c: float, perfusion_w_per_m3_k: float, time_s: float) -> float:
    """B10: temperature [°C] of unfrozen tissue that started at ``start_c`` [°C], after ``time_s`` [s] of perfusion.

    Blood comes at ``arterial_c`` [°C]: T_a + (T_0 - T_a) exp(-W t / C). Source: key iceball_physics_notes, B10.
    """
    fade = math.exp(-perfusion_w_per_m3_k * time_s / medium.capacity_j_per_m3_k)
    return arterial_c + (start_c - arterial_c) * fade


@noun
class GaussianSpot:
    """A Gaussian of ``peak_k`` above ``arterial_c``, of standard deviation ``width_mm``, that spreads and fades (B10).

    T = T_a + peak (σ²/(σ² + 2at))^(3/2) exp(-W t/C) exp(-r²/2(σ² + 2at)). Source: key iceball_physics_notes, B10.
    """

    medium: Phases
    arterial_c: float
    peak_k: float
    width_mm: float
    perfusion_w_per_m3_k: float

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] from its centre and ``time_s`` [s]."""
        narrow = self.width_mm**2
        wide = narrow + 2e6 * self.medium.diffusivity * time_s
        fade = math.exp(-self.perfusion_w_per_m3_k * time_s / self.medium.capacity_j_per_m3_k)
        shape = np.exp(-(np.asarray(distance_mm, dtype=float) ** 2) / (2 * wide))
        return self.arterial_c + self.peak_k * (narrow / wide) ** 1.5 * fade * shape


@noun
class Manufactured:
    """A chosen field T = mean + swing sin(πx/L) cos(2πt/P), and the heat source that makes it exact (B11).

    The medium freezes smoothly, f = ½ (1 + tanh((T - middle)/spread)) being its unfrozen fraction: k = k_s + (k_l -
    k_s) f, C = C_s + (C_l - C_s) f + L df/dT; perfusion acts on f. Source: key iceball_physics_notes, B11.
    """

    medium: Phases
    perfusion_w_per_m3_k: float
    arterial_c: float
    length_mm: float = 40.0
    period_s: float = 400.0
    mean_c: float = -3.5
    swing_k: float = 12.0
    middle_c: float = -4.5
    spread_k: float = 2.5

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] from the wall and ``time_s`` [s]."""
        return self.mean_c + self.swing_k * self._wave(distance_mm) * math.cos(self._angle(time_s))

    def unfrozen(self, temperature_c: ArrayLike) -> Field:
        """Unfrozen fraction (...) at ``temperature_c`` (...) [°C]."""
        return 0.5 * (1 + np.tanh((np.asarray(temperature_c, dtype=float) - self.middle_c) / self.spread_k))

    def conductivity_w_per_m_k(self, temperature_c: ArrayLike) -> Field:
        """Conductivity (...) [W/m/K] at ``temperature_c`` (...) [°C]."""
        frozen = self.medium.frozen_conductivity_w_per_m_k
        return frozen + (self.medium.conductivity_w_per_m_k - frozen) * self.unfrozen(temperature_c)

    def capacity_j_per_m3_k(self, temperature_c: ArrayLike) -> Field:
        """Heat capacity (...) [J/m³/K] at ``temperature_c`` (...) [°C], latent heat included."""
        frozen = self.medium.frozen_capacity_j_per_m3_k
        sensible = frozen + (self.medium.capacity_j_per_m3_k - frozen) * self.unfrozen(temperature_c)
        return sensible + self.medium.latent_heat_j_per_m3 * self._thawing_per_k(temperature_c)

    def source_w_per_m3(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Heat source (...) [W/m³] that makes the field exact, at ``distance_mm`` (...) [mm] and ``time_s`` [s]."""
        wave, angle, per_m = self._wave(distance_mm), self._angle(time_s), math.pi / self.length_mm * 1e3
        x = np.asarray(distance_mm, dtype=float) / 1e3
        t = self.temperature_c(distance_mm, time_s)
        in_time = -self.swing_k * 2 * math.pi / self.period_s * wave * math.sin(angle)
        slope = self.swing_k * per_m * np.cos(per_m * x) * math.cos(angle)
        bend = -self.swing_k * per_m**2 * wave * math.cos(angle)
        step = self.medium.conductivity_w_per_m_k - self.medium.frozen_conductivity_w_per_m_k
        conduction = step * self._thawing_per_k(t) * slope**2 + self.conductivity_w_per_m_k(t) * bend
        perfusion = self.perfusion_w_per_m3_k * self.unfrozen(t) * (self.arterial_c - t)
        return self.capacity_j_per_m3_k(t) * in_time - conduction - perfusion

    def _thawing_per_k(self, temperature_c: ArrayLike) -> Field:
        place = (np.asarray(temperature_c, dtype=float) - self.middle_c) / self.spread_k
        return 0.5 / self.spread_k / np.cosh(place) ** 2

    def _wave(self, distance_mm: ArrayLike) -> Field:
        return np.sin(math.pi * np.asarray(distance_mm, dtype=float) / self.length_mm)

    def _angle(self, time_s: float) -> float:
        return 2 * math.pi * time_s / self.period_s
