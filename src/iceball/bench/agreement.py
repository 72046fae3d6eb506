"""How far two answers are apart, in mm of isotherm.

The distance is |T - T_ref| / |∇T_ref| on every edge of the lattice that an isotherm of the reference crosses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ISOTHERMS_C = (0.0, -20.0, -40.0)


@noun
class Apart:
    """Distance between two answers at one isotherm: 99th percentile and largest, and the edges that were looked at."""

    isotherm_c: float
    p99_mm: float
    largest_mm: float
    edges: int


def apart(
    answer_c: NDArray[np.float64],
    reference_c: NDArray[np.float64],
    spacing_mm: float,
    isotherms_c: Sequence[float] = ISOTHERMS_C,
) -> tuple[Apart, ...]:
    """Compare two temperature fields (I, J, K) [°C] on one lattice of ``spacing_mm`` [mm] at each of ``isotherms_c``.

    Raises
    ------
    SimulationError : if an answer is not finite, or the reference is nowhere as cold as an isotherm
    """
    if not np.isfinite(answer_c).all():
        raise SimulationError(f"the answer holds {np.count_nonzero(~np.isfinite(answer_c))} values that are no numbers")
    slope = np.sqrt(sum(each**2 for each in np.gradient(reference_c, spacing_mm)))
    return tuple(_at(level, answer_c, reference_c, slope) for level in isotherms_c)


def _at(level: float, answer: NDArray[np.float64], reference: NDArray[np.float64], slope: NDArray[np.float64]) -> Apart:
    found = []
    for axis in range(3):
        a = tuple(slice(None, -1) if n == axis else slice(None) for n in range(3))
        b = tuple(slice(1, None) if n == axis else slice(None) for n in range(3))
        crossed = (reference[a] <= level) != (reference[b] <= level)
        ra, rb = reference[a][crossed], reference[b][crossed]
        share = (level - ra) / (rb - ra)
        there = answer[a][crossed] * (1 - share) + answer[b][crossed] * share
        steep = slope[a][crossed] * (1 - share) + slope[b][crossed] * share
        found.append(np.abs(there - level) / np.maximum(steep, 1e-9))
    distance = np.concatenate(found)
    if not distance.size:
        raise SimulationError(f"the reference is nowhere at {level:g} °C: compare at a later time")
    return Apart(
        isotherm_c=level,
        p99_mm=float(np.percentile(distance, 99)),
        largest_mm=float(distance.max()),
        edges=distance.size,
    )
