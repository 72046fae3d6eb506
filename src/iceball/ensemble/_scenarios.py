"""Possible patients, probes and hands: a low-discrepancy design over all that is uncertain."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.ensemble._inputs import PROBE_ROWS, inputs, placement_keys, probe_key, probe_row, ways
from iceball.errors import InputError
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Placement, Plan, Probe

# A normal law is cut at so many standard deviations: beyond lies less than 1 in 10,000. Numerical.
FURTHEST_SD = 4.0
EVEN, BLOCK = 11, 64  # dimensions of the Sobol sequence (measured: they are not tied); points of a block. Numerical
MOST = 10_000  # more members than anybody waits for: a slip of the keyboard


@noun
class Scenario:
    """One possible patient with probes as they may work and lie; small, so that it travels to whoever computes it.

    ``scores`` pairs each input of tissue and probes with how far it goes, -1 to 1; ``shifts`` each input of placement
    with its way [mm]. ``number`` is its place in the design of ``seed``.
    """

    number: int
    seed: int
    scores: tuple[tuple[str, float], ...]
    shifts: tuple[tuple[str, float], ...]

    def values(self) -> dict[str, float]:
        """Give every input by its key: scores from -1 to 1, shifts in millimetres."""
        return dict((*self.scores, *self.shifts))


def scenarios(
    plan: Plan, n: int, seed: int = 0, *, first: int = 0, placement_sd_mm: float | None = None
) -> tuple[Scenario, ...]:
    """Draw ``n`` scenarios of ``plan``: the points ``first`` to ``first + n`` of a low-discrepancy design.

    Each input has a dimension of its own. What goes by a row of the library is triangular between the ends of the row's
    spread with its peak at the value; where the two ends are unlike, each side is stretched, so that the value stays
    the median. A probe is shifted whole, in three directions at right angles, each normal about 0 and cut at four
    standard deviations. The point n is the same however many are drawn.

    Parameters
    ----------
    plan : probes of the library, in place
    n : how many; the sequence fills space evenly at powers of two
    seed : of the scrambling: the same seed, the same scenarios
    first : number of the first one
    placement_sd_mm : standard deviation of a shift in each direction [mm]; that of the library if None

    Raises
    ------
    InputError : if ``n``, ``seed`` or the standard deviation makes no sense
    UnknownName : if a probe is not the library's

    Source: Sobol' points scrambled by scipy.stats.qmc, Latin hypercubes beyond. Laws: ``iceball_judgement``.
    """
    sd_mm = library.ensemble_rules()["placement_sd_mm"].value if placement_sd_mm is None else placement_sd_mm
    _check(n, seed, sd_mm)
    drawn = inputs(plan)
    points = sobol(len(drawn), first + n, seed)[first:]
    placed = np.array([each.kind == "placement" for each in drawn])
    values = np.where(placed, sd_mm * _normal(points), _triangular(points))
    keys = [each.key for each in drawn]
    return tuple(
        Scenario(
            number=first + i,
            seed=seed,
            scores=tuple((key, float(v)) for key, v, is_shift in zip(keys, row, placed, strict=True) if not is_shift),
            shifts=tuple((key, float(v)) for key, v, is_shift in zip(keys, row, placed, strict=True) if is_shift),
        )
        for i, row in enumerate(values)
    )


def drawn_plan(plan: Plan, scenario: Scenario) -> Plan:
    """Return ``plan`` with the probes as they work and lie in ``scenario``."""
    values = scenario.values()
    return replace(plan, placements=tuple(_moved(placement, values) for placement in plan.placements))


def drawn_tissue(scenario: Scenario) -> anatomy.Draw:
    """Return the draw of tissue of ``scenario``."""
    known = set(anatomy.factors())
    scores = {key: score for key, score in scenario.scores if key in known}
    return anatomy.Draw(scores=scores, seed=scenario.seed, number=scenario.number)


def sobol(dimensions: int, n: int, seed: int) -> NDArray[np.float64]:
    """(n, dimensions) points in (0, 1): a Sobol sequence in the first ``EVEN``, blocks of Latin squares in the others.

    In its later dimensions a Sobol sequence of a few hundred points is tied together: two of them correlated by 0.75
    over the first 64 points, and what one of them did was laid to the other.
    """
    from scipy.stats import qmc  # only here: slow to import

    sampler = qmc.Sobol(min(dimensions, EVEN), scramble=True, rng=np.random.default_rng(seed))
    points = sampler.random_base2(max(math.ceil(math.log2(n)), 0))[:n]
    rest = [_stratified(n, np.random.default_rng([seed, column])) for column in range(EVEN, dimensions)]
    edge = 2.0**-33  # half of the sequence's own step: no point lies on the border, where a normal law has no end
    return np.clip(np.column_stack([points, *rest]), edge, 1.0 - edge)


def _stratified(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n,) points in (0, 1): each block of ``BLOCK`` has one in every stratum, in an order of its own."""
    blocks = [(rng.permutation(BLOCK) + rng.random(BLOCK)) / BLOCK for _ in range(math.ceil(n / BLOCK))]
    return np.concatenate(blocks)[:n]


def design_words(n: int) -> str:
    """Say how evenly ``n`` points of the sequence fill space."""
    below = 2 ** math.floor(math.log2(n))
    if below == n:
        return f"{n} points of a scrambled Sobol sequence, a power of two: as even as it gets"
    return (
        f"{n} points of a scrambled Sobol sequence; the sequence is balanced at powers of two: "
        f"here its first {below} are, {2 * below} would be"
    )


def _check(n: int, seed: int, sd_mm: float) -> None:
    if not 1 <= n <= MOST:
        raise InputError(f"an ensemble of {n} members makes no sense: ask for 1 to {MOST}")
    if seed < 0:
        raise InputError(f"seed {seed} is below zero: write 0 or more")
    if not (math.isfinite(sd_mm) and 0.0 <= sd_mm <= 10.0):
        raise InputError(f"a placement error of {sd_mm!r} mm (standard deviation) makes no sense: write 0 to 10 mm")


def _triangular(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of the triangular law over -1 to 1 with its peak at 0."""
    low = np.sqrt(2.0 * points) - 1.0
    return np.where(points < 0.5, low, 1.0 - np.sqrt(2.0 * (1.0 - points)))


def _normal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles of the normal law with standard deviation 1, cut at ``FURTHEST_SD``."""
    from scipy.special import ndtr, ndtri  # only here: slow to import

    low = ndtr(-FURTHEST_SD)
    return ndtri(low + points * (1.0 - 2.0 * low))


def _moved(placement: Placement, values: Mapping[str, float]) -> Placement:
    way_mm = np.array([values.get(key, 0.0) for key in placement_keys(placement.label)]) @ ways(placement)
    return replace(
        placement,
        tip_mm=_plus(placement.tip_mm, way_mm),
        entry_mm=_plus(placement.entry_mm, way_mm),
        probe=_worked(placement, values),
    )


def _worked(placement: Placement, values: Mapping[str, float]) -> Probe:
    """Return the probe with each row as far from its value as the score says; both ends of its gas move alike."""
    probe, changes = placement.probe, {}
    for row in PROBE_ROWS:
        cited, score = probe_row(probe.name, row), values.get(probe_key(placement, row), 0.0)
        if cited is None or score == 0.0:
            continue
        end = cited.high if score > 0 else cited.low
        changes[row] = getattr(probe, row) + abs(score) * (end - cited.value)
    if probe.gas_temperature_at_handle_c is not None and "gas_temperature_c" in changes:
        by_k = changes["gas_temperature_c"] - probe.gas_temperature_c
        changes["gas_temperature_at_handle_c"] = probe.gas_temperature_at_handle_c + by_k
    return replace(probe, **changes)


def _plus(point: Sequence[float], way_mm: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(a + b) for a, b in zip(point, way_mm, strict=True))
    return x, y, z
