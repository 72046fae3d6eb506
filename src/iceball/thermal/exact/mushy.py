"""A mushy zone between two fronts, x_s = 2 λ sqrt(a_s t) and x_l = 2 μ sqrt(a_m t): from a wall (B5), a line (B6)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erf, erfc, erfcinv, erfcx, exp1

from iceball.errors import InputError
from iceball.nouns._noun import noun
from iceball.thermal.exact.media import MushyPhases

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Field = NDArray[np.float64]

LARGEST_EXPONENT = 600.0  # exp() of more would leave the range of numbers


@noun
class Mush:
    """A solidus and a liquidus that grow as sqrt(t) in a medium that was at ``start_c``; ``roots`` are λ and μ."""

    medium: MushyPhases
    roots: tuple[float, float]
    start_c: float

    def solidus_mm(self, time_s: float) -> float:
        """Distance of the solidus from the wall or the line [mm] at ``time_s`` [s]."""
        return 2e3 * self.roots[0] * math.sqrt(self.medium.frozen_diffusivity * time_s)

    def liquidus_mm(self, time_s: float) -> float:
        """Distance of the liquidus from the wall or the line [mm] at ``time_s`` [s]."""
        return 2e3 * self.roots[1] * math.sqrt(self.medium.mushy_diffusivity * time_s)


@noun
class MushyPlane(Mush):
    """A half-space at ``start_c`` whose wall is held at ``wall_c`` from time zero (B5); ``roots`` are λ and μ."""

    wall_c: float

    def frozen_mm(self, time_s: float) -> float:
        """Thickness [mm] of what is frozen at ``time_s`` [s], the mushy zone counted by its frozen fraction."""
        low, high = self.solidus_mm(time_s), self.liquidus_mm(time_s)
        return low + quad(lambda x: _frozen(self.medium, self.temperature_c(x, time_s)), low, high)[0]

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] from the wall and ``time_s`` [s]."""
        m, (lam, mu) = self.medium, self.roots
        frozen, mushy, unfrozen = _similar(m, distance_mm, time_s)
        inner_edge = lam * math.sqrt(m.frozen_diffusivity / m.mushy_diffusivity)
        outer_edge = mu * math.sqrt(m.mushy_diffusivity / m.diffusivity)
        share = (erfc(inner_edge) - erfc(mushy)) / (erfc(inner_edge) - erfc(mu))  # erf would be 1 - 1 for a narrow zone
        inner = self.wall_c + (m.solidus_c - self.wall_c) * erf(frozen) / erf(lam)
        between = m.solidus_c + (m.liquidus_c - m.solidus_c) * share
        outer = self.start_c - (self.start_c - m.liquidus_c) * erfc(unfrozen) / erfc(outer_edge)
        return np.where(frozen < lam, inner, np.where(mushy < mu, between, outer))


@noun
class MushyLine(Mush):
    """A line that takes ``heat_w_per_m`` from time zero out of a medium at ``start_c`` (B6); ``roots`` are λ and μ."""

    heat_w_per_m: float

    def frozen_mm(self, time_s: float) -> float:
        """Radius [mm] of a disc of the frozen area at ``time_s`` [s], the mushy zone counted by its frozen fraction."""
        low, high = self.solidus_mm(time_s), self.liquidus_mm(time_s)
        ring = quad(lambda r: 2 * r * _frozen(self.medium, self.temperature_c(r, time_s)), low, high)[0]
        return math.sqrt(low**2 + ring)

    def temperature_c(self, distance_mm: ArrayLike, time_s: float) -> Field:
        """Temperature (...) [°C] at ``distance_mm`` (...) [mm] from the line and ``time_s`` [s]."""
        m, (lam, mu) = self.medium, self.roots
        frozen, mushy, unfrozen = _similar(m, distance_mm, time_s)
        inner_edge = exp1(lam**2 * m.frozen_diffusivity / m.mushy_diffusivity)
        outer_edge = exp1(mu**2 * m.mushy_diffusivity / m.diffusivity)
        share = (exp1(mushy**2) - exp1(mu**2)) / (inner_edge - exp1(mu**2))
        strength = self.heat_w_per_m / (4 * math.pi * m.frozen_conductivity_w_per_m_k)
        inner = m.solidus_c - strength * (exp1(frozen**2) - exp1(lam**2))
        between = m.liquidus_c - (m.liquidus_c - m.solidus_c) * share
        outer = self.start_c - (self.start_c - m.liquidus_c) * exp1(unfrozen**2) / outer_edge
        return np.where(frozen < lam, inner, np.where(mushy < mu, between, outer))


def mushy_plane(medium: MushyPhases, *, wall_c: float, start_c: float) -> MushyPlane:
    """B5: a half-space at ``start_c`` [°C] whose wall is held at ``wall_c`` [°C] from time zero.

    The heat at the solidus gives μ for every λ; the heat at the liquidus then gives λ.

    Raises
    ------
    InputError : if wall and start do not enclose the freezing range, or it is too narrow to be resolved

    Source: key iceball_physics_notes, B5 (of the type of Tien and Geiger 1967, as quoted there).
    """
    if not wall_c < medium.solidus_c < medium.liquidus_c < start_c:
        raise InputError(
            f"a wall at {wall_c:g} °C and a start at {start_c:g} °C do not enclose "
            f"{medium.solidus_c:g} to {medium.liquidus_c:g} °C"
        )
    roots = [math.sqrt(a) for a in (medium.frozen_diffusivity, medium.mushy_diffusivity, medium.diffusivity)]
    ratio, outward = roots[0] / roots[1], roots[1] / roots[2]
    mush = medium.mushy_conductivity_w_per_m_k * (medium.liquidus_c - medium.solidus_c) / roots[1]
    cold = medium.frozen_conductivity_w_per_m_k * (medium.solidus_c - wall_c) / roots[0]
    warm = medium.conductivity_w_per_m_k * (start_c - medium.liquidus_c) / roots[2]

    def left(lam: float) -> float:
        """erfc(μ) over exp(-(λ ratio)²)."""
        return float(erfcx(lam * ratio) - mush / cold * math.exp(lam**2) * math.erf(lam))

    def mu_of(lam: float) -> float:
        return float(erfcinv(left(lam) * math.exp(-((lam * ratio) ** 2))))

    def balance(lam: float) -> float:
        mu, fade = mu_of(lam), math.exp((lam * ratio) ** 2)
        from_mush = cold * math.exp(-mu * mu) * fade / (math.exp(lam**2) * math.erf(lam))
        return from_mush - warm / float(erfcx(mu * outward))

    lam = _root(balance, 1e-6, _reach(left, math.sqrt(LARGEST_EXPONENT) / max(ratio, 1.0)))
    return MushyPlane(medium=medium, roots=(lam, mu_of(lam)), wall_c=wall_c, start_c=start_c)


def mushy_line(medium: MushyPhases, *, heat_w_per_m: float, start_c: float) -> MushyLine:
    """B6, Özışık and Uzzell: a line takes ``heat_w_per_m`` [W/m] from time zero out of a medium at ``start_c`` [°C].

    Raises
    ------
    InputError : if the line takes no heat, the medium starts partly frozen, or its range is too narrow to be resolved

    Source: key iceball_physics_notes, B6 (Ozisik and Uzzell 1979, as quoted there).
    """
    if heat_w_per_m <= 0 or start_c <= medium.liquidus_c:
        raise InputError(f"a line sink of {heat_w_per_m:g} W/m in a medium at {start_c:g} °C does not freeze anything")
    ratio = medium.frozen_diffusivity / medium.mushy_diffusivity
    outward = medium.mushy_diffusivity / medium.diffusivity
    strength = heat_w_per_m / (4 * math.pi)
    mush = medium.mushy_conductivity_w_per_m_k * (medium.liquidus_c - medium.solidus_c)
    warm = medium.conductivity_w_per_m_k * (start_c - medium.liquidus_c)

    def left(lam: float) -> float:
        """E1(μ²) over exp(-λ² ratio)."""
        y = lam**2 * ratio
        return float(math.exp(y) * exp1(y) - mush / strength * math.exp(lam**2))

    def square_of(lam: float) -> float:
        goal = left(lam) * math.exp(-(lam**2) * ratio)
        return math.exp(_root(lambda y: float(exp1(math.exp(y))) - goal, -100.0, math.log(LARGEST_EXPONENT)))

    def balance(lam: float) -> float:
        square = square_of(lam)
        from_mush = strength * math.exp(-square - lam**2 + lam**2 * ratio)
        return from_mush - warm / float(math.exp(square * outward) * exp1(square * outward))

    lam = _root(balance, 1e-6, _reach(left, math.sqrt(LARGEST_EXPONENT / max(ratio, 1.0))))
    roots = (lam, math.sqrt(square_of(lam)))
    return MushyLine(medium=medium, roots=roots, heat_w_per_m=heat_w_per_m, start_c=start_c)


def _frozen(medium: MushyPhases, temperature_c: ArrayLike) -> float:
    return float((medium.liquidus_c - np.asarray(temperature_c)) / (medium.liquidus_c - medium.solidus_c))


def _similar(medium: MushyPhases, distance_mm: ArrayLike, time_s: float) -> tuple[Field, Field, Field]:
    """Similarity variables of the three phases at ``distance_mm`` [mm] and ``time_s`` [s]."""
    x = np.asarray(distance_mm, dtype=float) / 1e3
    frozen, mushy, unfrozen = (
        x / (2 * math.sqrt(a * time_s))
        for a in (medium.frozen_diffusivity, medium.mushy_diffusivity, medium.diffusivity)
    )
    return frozen, mushy, unfrozen


def _reach(left: Callable[[float], float], longest: float) -> float:
    """Largest λ for which there is a μ: where nothing is ``left`` for the mushy zone."""
    if left(longest) > 0:
        raise InputError("this freezing range is too narrow for numbers of 64 bits: take a medium with a sharp front")
    return _root(left, 1e-6, longest) * (1 - 1e-9)


def _root(balance: Callable[[float], float], low: float, high: float) -> float:
    return cast("float", brentq(balance, low, high, xtol=1e-14))
