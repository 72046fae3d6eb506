"""Marching in time: super-time-stepping (RKL2) on enthalpy, plain Euler as its cross-check.

RKL2 (Meyer, Balsara and Aslam 2014) covers τ <= dt (s² + s - 2)/4 with s stages, where dt = 2/λ is Euler's limit. The
energy that crosses each boundary is carried through the same recursion as the enthalpy, so that the balance of a run
closes to rounding, each term integrated on its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError, UnknownName
from iceball.nouns._noun import array_noun, noun, require_positive

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.problem import Drive, Operator, Problem, Rate

    Field = NDArray[np.float64]
    Driver = Callable[[float], Drive]

EARLY_S = 60.0
SAFETY = 0.95


@noun
class Stepping:
    """How to march: ``method`` "rkl2" or "euler" (stable steps only); the longest steps.

    ``freeze_step_s`` and ``thaw_step_s`` hold for a freeze and for a thaw, ``early_step_s`` for the first minute of a
    freeze; from there on steps may grow in proportion to the time since the switch. Isotherms go by the root of time:
    they move fast while they are young. A step that leaves isotherms off by more than ``off_mm`` is followed by shorter
    ones (control.py); without it, the steps are as long as they may be.
    """

    method: str = "rkl2"
    freeze_step_s: float = 5.0
    thaw_step_s: float = 2.5
    early_step_s: float = 2.0
    off_mm: float = math.inf

    def __post_init__(self) -> None:
        """Refuse unknown methods and steps that are not positive."""
        if self.method not in ("rkl1", "rkl2", "euler"):
            raise SimulationError(f"no time-stepping method {self.method!r}; write 'rkl1', 'rkl2' or 'euler'")
        require_positive("the step in a freeze", self.freeze_step_s, "s")
        require_positive("the step in a thaw", self.thaw_step_s, "s")
        require_positive("the step early in a freeze", self.early_step_s, "s")
        if not self.off_mm > 0:
            raise SimulationError(f"a step may be off by more than 0 mm, not by {self.off_mm:g} mm: write inf for any")

    def longest(self, since_s: float, *, freezing: bool) -> float:
        """Longest step [s] that may be taken ``since_s`` [s] after a switch, however good the last one was."""
        if not freezing:
            return self.thaw_step_s
        return min(self.freeze_step_s, self.early_step_s * max(1.0, since_s / EARLY_S))


# What each accuracy steps by; its error targets and what was measured stand in docs/concepts/solver.md.
_ACCURACIES = {
    "preview": Stepping(freeze_step_s=60.0, thaw_step_s=30.0, early_step_s=10.0, off_mm=1.0),
    "standard": Stepping(freeze_step_s=30.0, thaw_step_s=12.0, early_step_s=4.0, off_mm=0.2),
    "reference": Stepping(freeze_step_s=2.0, thaw_step_s=1.0, early_step_s=0.5, off_mm=0.05),
}


def accuracy_names() -> tuple[str, ...]:
    """Return the accuracies that can be asked for, the quickest first."""
    return tuple(_ACCURACIES)


def accuracy_named(name: str) -> Stepping:
    """Return how to march for the accuracy called ``name``.

    Raises
    ------
    UnknownName : if there is none of that name
    """
    if name not in _ACCURACIES:
        raise UnknownName(f"no accuracy {name!r}; write one of: {', '.join(_ACCURACIES)}")
    return _ACCURACIES[name]


@array_noun
class Advance:
    """What one step did: the new enthalpy [J/m³], the energies (4,) [J] and the rate at the start of the step."""

    enthalpy: Field
    energy_j: Field
    rate: Rate


def euler_limit(problem: Problem, coldest_c: float) -> float:
    """Largest stable Euler step [s] while nothing is colder than ``coldest_c``: 2 over a row-sum bound of the operator.

    Parameters
    ----------
    problem : the box
    coldest_c : coldest temperature that may occur [°C]
    """
    diffusivity, k, slope = problem.table.stiffness(coldest_c)
    index, conducting = problem.index, problem.conducts[problem.index]
    own, k_here, slope_here = diffusivity[index], k[index], slope[index]
    total = np.zeros(index.shape)
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        both = conducting[low] & conducting[high]
        same = index[low] == index[high]
        face = 2 * k_here[low] * k_here[high] / (k_here[low] + k_here[high])
        total[low] += np.where(same, own[low], face * slope_here[low]) * both
        total[high] += np.where(same, own[high], face * slope_here[high]) * both
    for wall in problem.walls:
        edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
        total[edge] += 2 * own[edge]
    rows = 2 * total / problem.spacing_m**2
    rows += (problem.perfusion[index] * conducting + problem.open_conductance) * slope_here
    rows.reshape(-1)[:] += _well_rows(problem, own)
    return 2.0 / float(rows.max())


def _well_rows(problem: Problem, own: Field) -> Field:
    wells = problem.wells
    strength = np.repeat(wells.conductance * wells.length_m, np.diff(wells.start))
    sums = np.bincount(wells.voxel, weights=strength * wells.weight, minlength=own.size)
    return sums * own.reshape(-1) / problem.voxel_m3


def advance(  # noqa: PLR0913  (an operator, a state, a span and what drives it: no noun would be used twice)
    operator: Operator,
    enthalpy: Field,
    span: tuple[float, float],
    limit_s: float,
    driver: Driver,
    alive: NDArray[np.uint8],
    *,
    method: str = "rkl2",
    source: Callable[[float], Field] | None = None,
) -> Advance:
    """Advance ``enthalpy`` (I, J, K) [J/m³] over ``span`` (start, stop) [s].

    Parameters
    ----------
    limit_s : Euler's stable step [s]
    driver : what the probes do at a time [s]
    alive : (I, J, K) 1 where perfusion and metabolism go on
    source : a further heat source (I, J, K) [W/m³] at a time [s]
    """
    start, tau = span[0], span[1] - span[0]

    def slope(at: Field, now: float) -> Rate:
        rate = operator.rate(at, driver(now), alive, np.empty_like(at))
        if source is not None:
            rate.enthalpy[...] += source(now)
        return rate

    if method == "rkl1":
        raise SimulationError("RKL1 is for the fast backends; the readable ones step by 'rkl2' or 'euler'")
    if method == "euler":
        return _euler(operator, enthalpy, start, tau, max(1, math.ceil(tau / (SAFETY * limit_s))), slope)
    return _rkl2(operator, enthalpy, start, tau, _stages(tau, SAFETY * limit_s), slope)


def _stages(tau: float, limit_s: float) -> int:
    count = max(3, math.ceil(0.5 * (math.sqrt(9 + 16 * tau / limit_s) - 1)))
    return count if count % 2 else count + 1


def _euler(
    operator: Operator, enthalpy: Field, start: float, tau: float, steps: int, slope: Callable[[Field, float], Rate]
) -> Advance:
    now, energy, first = enthalpy.copy(), np.zeros(4), None
    for step in range(steps):
        rate = slope(now, start + tau * step / steps)
        first = first or rate
        operator.blend((now, rate.enthalpy), (1.0, tau / steps), now)
        energy += rate.powers * tau / steps
    assert first is not None
    return Advance(enthalpy=now, energy_j=energy, rate=first)


def _rkl2(
    operator: Operator, enthalpy: Field, start: float, tau: float, stages: int, slope: Callable[[Field, float], Rate]
) -> Advance:
    """Meyer, Balsara and Aslam 2014, eqs 16-19; energies and the stage times ride through the same recursion."""
    w1 = 4.0 / (stages**2 + stages - 2)
    b = [1 / 3, 1 / 3, *((j * j + j - 2) / (2 * j * (j + 1)) for j in range(2, stages + 1))]
    first = slope(enthalpy, start)
    mu1 = b[1] * w1
    older, newer = enthalpy.copy(), np.empty_like(enthalpy)
    operator.blend((enthalpy, first.enthalpy), (1.0, mu1 * tau), newer)
    energy_older, energy = np.zeros(4), mu1 * tau * first.powers
    time_older, time = 0.0, mu1
    for j in range(2, stages + 1):
        mu, nu = (2 * j - 1) / j * b[j] / b[j - 1], -(j - 1) / j * b[j] / b[j - 2]
        mu_t = mu * w1
        gamma = -(1 - b[j - 1]) * mu_t
        rate = slope(newer, start + time * tau)
        terms = (newer, older, enthalpy, rate.enthalpy, first.enthalpy)
        operator.blend(terms, (mu, nu, 1 - mu - nu, mu_t * tau, gamma * tau), older)
        older, newer = newer, older
        stepped = mu * energy + nu * energy_older + tau * (mu_t * rate.powers + gamma * first.powers)
        energy_older, energy = energy, stepped
        time_older, time = time, mu * time + nu * time_older + mu_t + gamma
    return Advance(enthalpy=newer, energy_j=energy, rate=first)
