"""A sharp front that grows as 2 λ sqrt(a_s t): from a wall (B1, B2), from a line (B3), from a point (B4)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf, erfc, erfcx, exp1

from iceball.errors import InputError
from iceball.nouns._noun import noun
from iceball.thermal.exact.media import Phases

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Field = NDArray[np.float64]

FAR_OUT = 500.0


@noun
class Front(ABC):
    """A front at 2 ``root`` sqrt(a_s t) in a medium that was at ``start_c``: what plane, line and point share.

    x stands for distance / (2 sqrt(a t)), with the diffusivity of the phase it is asked in.
    """

    medium: Phases
    root: float
    start_c: float

    def front_mm(self, time_s: float) -> float:
        """Distance of the front from the wall, the line or the point [mm] at ``time_s`` [s]."""
        return 2e3 * self.root * math.sqrt(self.medium.frozen_diffusivity * time_s)

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] from wall, line or point and ``time_s`` [s]."""
        m = self.medium
        ratio = math.sqrt(m.frozen_diffusivity / m.diffusivity)
        frozen = np.asarray(distance_mm, dtype=float) / 1e3 / (2 * math.sqrt(m.frozen_diffusivity * time_s))
        fallen = self._spread(frozen * ratio) / self._spread(self.root * ratio)
        outer = self.start_c - (self.start_c - m.freezing_c) * fallen
        return np.where(frozen < self.root, self._inside_c(frozen), outer)

    @abstractmethod
    def _inside_c(self, x: Field) -> Field:
        """Temperature (...) [°C] of what is frozen."""

    @abstractmethod
    def _spread(self, x: ArrayLike) -> Field:
        """How cold (...) spreads into what is not frozen, in any unit: it falls to nothing far away."""


@noun
class Plane(Front):
    """A half-space at ``start_c`` whose wall is held at ``wall_c`` from time zero (B1, B2)."""

    wall_c: float

    def _inside_c(self, x: Field) -> Field:
        return self.wall_c + (self.medium.freezing_c - self.wall_c) * erf(x) / math.erf(self.root)

    def _spread(self, x: ArrayLike) -> Field:
        return erfc(np.asarray(x, dtype=float))


@noun
class Line(Front):
    """A line that takes ``heat_w_per_m`` from time zero out of a medium at ``start_c`` (B3)."""

    heat_w_per_m: float

    def _inside_c(self, x: Field) -> Field:
        strength = self.heat_w_per_m / (4 * math.pi * self.medium.frozen_conductivity_w_per_m_k)
        return self.medium.freezing_c - strength * (exp1(x**2) - exp1(self.root**2))

    def _spread(self, x: ArrayLike) -> Field:
        return exp1(np.square(x))


@noun
class Point(Front):
    """A point that takes ``strength_w_per_sqrt_s`` times sqrt(t) out of a medium at ``start_c`` (B4)."""

    strength_w_per_sqrt_s: float

    def _inside_c(self, x: Field) -> Field:
        amplitude = _amplitude(self.medium, self.strength_w_per_sqrt_s)
        return self.medium.freezing_c - amplitude * (_point_spread(x) - _point_spread(self.root))

    def _spread(self, x: ArrayLike) -> Field:
        return _point_spread(x)


def stefan(medium: Phases, *, wall_c: float) -> Plane:
    """B1, one-phase Stefan: a half-space that is unfrozen at its freezing point, its wall held at ``wall_c`` [°C].

    sqrt(π) λ exp(λ²) erf λ = C_s (T_m - T_0) / L

    Raises
    ------
    InputError : if nothing would freeze

    Source: key iceball_physics_notes, B1 (Stefan 1891, as quoted there).
    """
    if not wall_c < medium.freezing_c:
        raise InputError(f"a wall at {wall_c:g} °C does not freeze what freezes at {medium.freezing_c:g} °C")
    number = medium.frozen_capacity_j_per_m3_k * (medium.freezing_c - wall_c) / medium.latent_heat_j_per_m3

    def balance(x: float) -> float:
        return math.sqrt(math.pi) * x * math.exp(x * x) * math.erf(x) - number

    return Plane(medium=medium, root=_root(balance, 1e-9, 5.0), wall_c=wall_c, start_c=medium.freezing_c)


def neumann(medium: Phases, *, wall_c: float, start_c: float) -> Plane:
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
    latent = medium.latent_heat_j_per_m3 * math.sqrt(math.pi) / (medium.frozen_capacity_j_per_m3_k * drop)

    def balance(x: float) -> float:
        warm = conduction / float(erfcx(x * ratio))
        return math.exp(-x * x) / math.erf(x) - warm - x * latent

    return Plane(medium=medium, root=_root(balance, 1e-8, 3.0), wall_c=wall_c, start_c=start_c)


def paterson(medium: Phases, *, heat_w_per_m: float, start_c: float) -> Line:
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
        warm = medium.conductivity_w_per_m_k * rise / _spread(y * square)
        latent = y * medium.frozen_diffusivity * medium.latent_heat_j_per_m3
        return float(heat_w_per_m / (4 * math.pi) * math.exp(-y) - warm - latent)

    return Line(medium=medium, root=_root(balance, 1e-7, 5.0), heat_w_per_m=heat_w_per_m, start_c=start_c)


def frank(medium: Phases, *, strength_w_per_sqrt_s: float, start_c: float) -> Point:
    """B4, Frank's sphere: a point that takes ``strength_w_per_sqrt_s`` sqrt(t) [W] out of a medium at ``start_c`` [°C].

    Raises
    ------
    InputError : if the point takes no heat or the medium starts frozen

    Source: key iceball_physics_notes, B4 (Frank 1950 and Paterson 1952, as quoted there).
    """
    if strength_w_per_sqrt_s <= 0 or start_c <= medium.freezing_c:
        raise InputError(
            f"a point sink of {strength_w_per_sqrt_s:g} W/sqrt(s) in a medium at {start_c:g} °C "
            "does not freeze anything"
        )
    ratio = math.sqrt(medium.frozen_diffusivity / medium.diffusivity)
    cold = medium.frozen_conductivity_w_per_m_k * _amplitude(medium, strength_w_per_sqrt_s)
    warm = medium.conductivity_w_per_m_k * (start_c - medium.freezing_c) * ratio
    latent = 2 * medium.frozen_diffusivity * medium.latent_heat_j_per_m3

    def balance(x: float) -> float:
        y = x * ratio  # exp(-y²) cancels against the same factor of the spread
        return cold * math.exp(-x * x) / x**2 - warm / (y * (1 - math.sqrt(math.pi) * y * float(erfcx(y)))) - latent * x

    root = _root(balance, 1e-4, 4.0)
    return Point(medium=medium, root=root, strength_w_per_sqrt_s=strength_w_per_sqrt_s, start_c=start_c)


def _amplitude(medium: Phases, strength_w_per_sqrt_s: float) -> float:
    """Q0 / (8 π k_s sqrt(a_s)) [K]."""
    conductance = 8 * math.pi * medium.frozen_conductivity_w_per_m_k * math.sqrt(medium.frozen_diffusivity)
    return strength_w_per_sqrt_s / conductance


def _point_spread(x: ArrayLike) -> Field:
    """exp(-x²)/x - sqrt(π) erfc(x): how heat from a point that grows as sqrt(t) spreads."""
    x = np.asarray(x, dtype=float)
    return np.exp(-x * x) * (1 / x - math.sqrt(math.pi) * erfcx(x))


def _spread(z: float) -> float:
    """e^z E1(z), also where its factors leave the numbers there are: far out by its series, to 1e-9 of itself."""
    if z < FAR_OUT:
        return math.exp(z) * float(exp1(z))
    return (1 - 1 / z + 2 / z**2 - 6 / z**3) / z


def _root(balance: Callable[[float], float], low: float, high: float) -> float:
    return cast("float", brentq(balance, low, high, xtol=1e-14))
