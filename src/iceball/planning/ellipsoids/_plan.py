"""Plan by the union of fixed ellipsoids: random restarts, greedy exchange, then smaller and smaller moves."""

from __future__ import annotations

import time
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns import Goal, Placement, Plan
from iceball.nouns._noun import noun, require_positive
from iceball.planning.ellipsoids._exchange import Chooser, Chosen
from iceball.planning.ellipsoids._pool import Maker, Pool
from iceball.planning.ellipsoids._sizes import ellipsoid_of
from iceball.planning.ellipsoids._target import target_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Probe, Protocol
    from iceball.planning.ways import Obstacles

# Numerical: how the time is spent.
TRIED, LEAST_WAYS, MOST_TRIES = 20_000, 1500, 6
OFF_MM = 6.0  # so far beyond the target a middle may come
POOL_SHARE = 0.4  # of the time goes into finding ways; a share of what is left into each restart
MOVES, SHARES = 300, (0.4, 0.2, 0.1, 0.05)


@noun
class Effort:
    """What a plan may cost: how many probes, how many seconds of search, and the seed that draws.

    ``restarts`` bounds the search where it shall be the same on every machine, whatever the clock says.
    """

    probes: int
    seconds_s: float
    seed: int = 0
    restarts: int | None = None

    def __post_init__(self) -> None:
        """Refuse no probes, more than letters, and no time."""
        if not 1 <= self.probes <= len(ascii_uppercase):
            raise InputError(f"a plan has 1 to {len(ascii_uppercase)} probes, not {self.probes}")
        require_positive("the time of a search", self.seconds_s, "s")


def ellipsoid_plan(
    case: Case, probe: Probe, protocol: Protocol, *, obstacles: Obstacles, goal: Goal, effort: Effort
) -> Plan:
    """Plan equal probes so that the union of their fixed ellipsoids covers the target with the least beside it.

    Each probe brings the ellipsoid that its isotherm has in gel, alone (``ellipsoid_of``): nobody tells it what two
    probes do together, what tissue it lies in, or what a nerve stands. Probes go by ways in, keep 1 to 2 cm apart and
    do not cross. The idea is that of CryoMC (1 to 4 fixed ellipsoids moved by Nelder-Mead); none of its code is used.

    Parameters
    ----------
    case : Case
        with a lesion
    probe, protocol : Probe, Protocol
    obstacles : Obstacles
        of the case: the ways in that the planner has too
    goal : Goal
        isotherm, margin and coverage that are aimed at
    effort : Effort
        number of probes (fewer where no more keep their distance), time, seed; the time to compute the ellipsoid once
        is not counted

    Raises
    ------
    InputError : if the case has no lesion, or the probe never reaches the isotherm
    GeometryError : if no way leads in

    Source: this project's own method, a yardstick; spacing from ``library.planning_rules()``.
    """
    ellipsoid = ellipsoid_of(probe, protocol, goal.isotherm_c)
    begun, rng = time.perf_counter(), np.random.default_rng(effort.seed)
    target = target_of(case, goal.margin_mm, ellipsoid.length_mm / 2 + OFF_MM)
    maker = Maker(probe=probe, ellipsoid=ellipsoid, target=target, obstacles=obstacles)
    search = _Search(maker, goal, effort, begun)
    found = search.best(rng)
    if not np.isfinite(found.cost):
        raise GeometryError(
            f"no way for {probe.name} leads to the lesion of case {case.id}: ask `iceball ways` what forbids it"
        )
    return _plan(case, protocol, goal, search.pool.picked(list(found.numbers)), probe)


class _Search:
    """One search: the pool grows as it goes on."""

    def __init__(self, maker: Maker, goal: Goal, effort: Effort, begun: float) -> None:
        self.maker, self.goal, self.effort = maker, goal, effort
        self.begun = begun
        self.pool = maker.pool(np.zeros((0, 3)), np.zeros((0, 3)))

    def best(self, rng: np.random.Generator) -> Chosen:
        """Restart until the time is over, then move the best."""
        tries = 0
        while len(self.pool) < LEAST_WAYS and tries < MOST_TRIES and (tries == 0 or self._in_time()):
            more = self.maker.beside(self.pool, TRIED // 4, 1.0, rng) if len(self.pool) else None
            self.pool = self.pool.and_also(more or self.maker.anywhere(TRIED, rng))
            tries += 1
        found, restarts = Chosen(numbers=(), cost=np.inf), 0
        if not len(self.pool):
            return found
        while restarts == 0 or (restarts != self.effort.restarts and not self._over()):
            found = min(found, self._moved(self._restarted(rng), rng), key=lambda each: each.cost)
            restarts += 1
        return found

    def _in_time(self) -> bool:
        return self.effort.restarts is not None or self._spent() < POOL_SHARE

    def _spent(self) -> float:
        return (time.perf_counter() - self.begun) / self.effort.seconds_s

    def _chooser(self, pool: Pool) -> Chooser:
        target, enough = self.maker.target, self.goal.coverage_fraction
        return Chooser(pool, self.effort.probes, target=target, enough=enough, over=self._over)

    def _over(self) -> bool:
        return self._spent() >= 1.0 and self.effort.restarts is None

    def _restarted(self, rng: np.random.Generator) -> Chosen:
        chooser = self._chooser(self.pool)
        grown = chooser.grown(int(rng.integers(len(self.pool))))
        return chooser.exchanged(grown) if np.isfinite(grown.cost) else grown

    def _moved(self, chosen: Chosen, rng: np.random.Generator) -> Chosen:
        """Move every probe a little, less and less; what is better joins the pool."""
        for share in SHARES:
            if not np.isfinite(chosen.cost) or self._over():
                break
            own = self.pool.picked(list(chosen.numbers))
            near = own
            for probe in range(len(own)):
                near = near.and_also(self.maker.beside(own.picked([probe]), MOVES, share, rng))
            chooser = self._chooser(near)
            better = chooser.exchanged(Chosen(numbers=tuple(range(len(own))), cost=chosen.cost))
            if better.cost < chosen.cost:
                start = len(self.pool)
                self.pool = self.pool.and_also(near.picked(list(better.numbers)))
                chosen = Chosen(numbers=tuple(range(start, start + len(own))), cost=better.cost)
        return chosen


def _plan(case: Case, protocol: Protocol, goal: Goal, ways: Pool, probe: Probe) -> Plan:
    placements = tuple(
        Placement(label=label, probe=probe, entry_mm=_point(entry), tip_mm=_point(tip))
        for label, entry, tip in zip(ascii_uppercase, ways.entry_mm, ways.tip_mm, strict=False)
    )
    notes = (f"Placed by the union of fixed ellipsoids, for comparison: no physics, {case.id}. Not a plan to follow.",)
    return Plan(placements=placements, protocol=protocol, name="union of ellipsoids", notes=notes, goal=goal)


def _point(position_mm: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in position_mm)
    return x, y, z
