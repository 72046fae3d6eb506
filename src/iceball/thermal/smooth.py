"""Materials whose curves are smooth enough for polynomials: what a kernel then need not look up.

Tissue with a linear mushy range has three pieces over its enthalpy: frozen, mushy and unfrozen. The potential is a
polynomial on each of the first two to a millikelvin; so are, in the mush, what blood and metabolism give. Where a
material does not fit so well (a freezing point depression, blood vessels that narrow), the tables of media.py serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import polynomial
from numpy.polynomial.chebyshev import cheb2poly

from iceball.nouns._noun import noun
from iceball.thermal.materials import HELD_BELOW_C

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.problem import Problem

    Field = NDArray[np.float64]

COLD_TERMS, MUSHY_TERMS = 11, 5
SMOOTH = np.dtype(
    [
        *((name, "f4") for name in ("good", "thaws", "straight", "middle", "scale", "slope")),
        *((name, "f4") for name in ("mushy_middle", "mushy_scale")),
        ("cold", "f4", COLD_TERMS),
        *((name, "f4", MUSHY_TERMS) for name in ("mushy", "blood", "unfrozen")),
    ]
)
OFF_K, OFF_FRACTION = 4e-3, 1e-5  # how far from the table a polynomial may be
FEWEST = 4  # nodes of the table for each term
BETWEEN = 4097  # places looked at between two nodes


@noun
class _Fit:
    """A polynomial in (h - ``middle``) ``scale``, which runs from -1 to 1 over a piece of enthalpy h [J/m³]."""

    middle: float
    scale: float
    terms: tuple[float, ...]

    def __call__(self, h: Field) -> Field:
        """Values at ``h`` (...)."""
        return np.asarray(polynomial.polyval((h - self.middle) * self.scale, np.array(self.terms)), float)

    def off(self, h: Field, values: Field) -> float:
        """How far from ``values`` at ``h`` at the worst."""
        return float(np.abs(self(h) - values).max())


def smooth_of(problem: Problem, m: int, shifts: tuple[float, float], line: np.void) -> NDArray[np.void]:
    """Polynomials of material ``m`` of ``problem``, of dtype SMOOTH; ``good`` is 0 where they do not fit.

    ``shifts`` are what is subtracted from the table's enthalpy [J/m³] and potential [W/m]; ``line`` is the material as
    media.py has cut it, of dtype MEDIUM.
    """
    table, made = problem.table, np.zeros((), SMOOTH)
    h = table.start[m] + np.arange(table.temperature_c.shape[1]) / table.inverse_step[m] - shifts[0]
    potential, t, perfused = table.potential[m] - shifts[1], table.temperature_c[m], table.perfused[m]
    if not np.isfinite(line["straight"]):
        return made
    first, last = (int(np.abs(h - bend).argmin()) for bend in (line["low"][1], line["straight"]))
    held = int(np.searchsorted(t, HELD_BELOW_C))
    frozen, mushy = slice(held, first + 1), slice(first + 1, last)
    if first - held < FEWEST * COLD_TERMS or last - first < FEWEST * MUSHY_TERMS:
        return made
    cold, mush = _fit(h[frozen], potential[frozen], COLD_TERMS), _fit(h[mushy], potential[mushy], MUSHY_TERMS)
    warmth = perfused * (problem.arterial_c - t)
    blood, unfrozen = (_fit(h[mushy], values[mushy], MUSHY_TERMS) for values in (warmth, perfused))
    made["middle"], made["scale"], made["cold"] = cold.middle, cold.scale, cold.terms
    made["mushy_middle"], made["mushy_scale"], made["mushy"] = mush.middle, mush.scale, mush.terms
    made["blood"], made["unfrozen"] = blood.terms, unfrozen.terms
    made["slope"] = (potential[held] - potential[0]) / max(h[held] - h[0], 1e-30) / cold.scale
    # the pieces meet between two nodes of the table, which rounds the corner off
    made["thaws"] = _meeting(cold, mush, h[first : first + 2])
    made["straight"] = _meeting(mush, lambda at: line["p0"] + line["p1"] * at, h[last - 1 : last + 1])
    off_k = (
        max(cold.off(h[frozen], potential[frozen]), mush.off(h[mushy], potential[mushy])) / table.conductivity[m].min()
    )
    off_k = max(off_k, blood.off(h[mushy], warmth[mushy]))
    made["good"] = off_k < OFF_K and unfrozen.off(h[mushy], perfused[mushy]) < OFF_FRACTION
    return made


def _fit(h: Field, values: Field, count: int) -> _Fit:
    """Interpolate ``values`` (N,) at ``h`` (N,) by ``count`` terms, at the nodes of Chebyshev."""
    middle, scale = np.float32(0.5 * (h[0] + h[-1])), np.float32(2.0 / (h[-1] - h[0]))
    nodes = 4 * count
    angle = np.pi * (np.arange(nodes) + 0.5) / nodes
    found = np.interp(middle + np.cos(angle) / scale, h, values)
    # sums, not a product of matrices: threads of a BLAS would go on spinning beside ours
    weighed = [2.0 / nodes * float(np.sum(found * np.cos(j * angle))) for j in range(count)]
    terms = cheb2poly([0.5 * weighed[0], *weighed[1:]])  # without the last ones where they are zero
    padded = np.pad(terms, (0, count - terms.size))
    return _Fit(middle=float(middle), scale=float(scale), terms=tuple(float(t) for t in padded))


def _meeting(one: Callable[[Field], Field], other: Callable[[Field], Field], ends: Field) -> float:
    """Where two curves meet between the two ``ends``."""
    h = np.linspace(ends[0], ends[1], BETWEEN)
    return float(h[np.argmin(np.abs(one(h) - other(h)))])
