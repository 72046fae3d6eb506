"""Plans that hold in most of the patients there may be: the search goes on over a few scenarios instead of the one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import ensemble
from iceball.errors import GeometryError, SimulationError
from iceball.nouns import Plan
from iceball.nouns._noun import array_noun
from iceball.planning._protect import lengthened
from iceball.planning._search import exchanges, nudge
from iceball.planning._trial import side_by_side, trial_of
from iceball.planning._worth import Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.ensemble import Scenario
    from iceball.nouns import Protocol
    from iceball.planning._climb import Search
    from iceball.planning._guess import Guess
    from iceball.planning._pool import Pool
    from iceball.planning._scene import Scene
    from iceball.planning._trial import Trial

    Field = NDArray[np.float64]

# Numerical: scenarios that the search looks at, and others that judge; rounds of moving; and what a probe more, or
# longer freezes, must save of the scenarios to be worth it.
SCENARIOS, FRESH, ROUNDS = 16, 32, 2
PROBE_SAVES, TIME_SAVES = 0.1, 0.02
GOOD_ENOUGH = 0.02  # missed: nothing more is tried
SOFT_FRACTION = 0.06  # of the target: over so much coverage a scenario goes from missed to reached
COARSE = 3  # every so many of the marks, since each of the scenarios has its own guess
MISSED_WEIGHT = 2.0  # against the loss of a guess: a stop counts up to 24, all of the target uncovered 6


@array_noun
class Doubted:
    """One plan run in every scenario of ``drawn``; None where a scenario could not be simulated."""

    chosen: Pool
    plan: Plan
    drawn: tuple[Scenario, ...]
    trials: tuple[Trial | None, ...]

    def holds(self, scene: Scene) -> int:
        """In how many of the scenarios the goal is reached without a stop."""
        return sum(trial is not None and trial.reaches(scene) for trial in self.trials)

    def missed(self, scene: Scene) -> float:
        """Share of the scenarios that miss the goal, those close to it counted in part."""
        return float(np.mean([1.0 if t is None or t.stops else _missed(t, scene) for t in self.trials]))


@array_noun
class Guesses:
    """A guess for each scenario; its probes lie ``shifts_mm`` (S, n, 3) from where they were planned."""

    of: tuple[Guess, ...]
    shifts_mm: Field

    def potentials(self, pool: Pool, places: Sequence[int]) -> Field:
        """What the placements of ``pool`` add (K, S * P) at the marks of each scenario, as the probes ``places``."""
        made = [
            guess.potentials(replace(pool, middle_mm=pool.middle_mm + shift[np.asarray(places)]))
            for guess, shift in zip(self.of, self.shifts_mm, strict=True)
        ]
        return np.concatenate(made, axis=1)

    def loss(self, total: Field, way: Field, weights: Weights) -> Field:
        """Mean loss (N,) over the scenarios, and the share of those that miss the goal, counted softly."""
        parts = np.split(total, len(self.of), axis=1)
        lost = [guess.loss(part, way, weights) for guess, part in zip(self.of, parts, strict=True)]
        missed = [_soft(guess.coverage(part), guess.scene) for guess, part in zip(self.of, parts, strict=True)]
        return np.mean(lost, axis=0) + MISSED_WEIGHT * np.mean(missed, axis=0)


def robust_from(search: Search, best: Trial, most: int, seed: int) -> Doubted:
    """Go on from the nominal plan ``best`` over scenarios: moved, longer, with one probe more."""
    found = _climbed(search, best.chosen, best.plan.protocol, seed)
    if found.missed(search.scene) > GOOD_ENOUGH:
        for protocol in lengthened(found.plan.protocol):
            longer = run_drawn(search, found.chosen, protocol, found.drawn)
            if longer.missed(search.scene) < found.missed(search.scene) - TIME_SAVES:
                found = longer
    more = best.chosen.size + 1
    if found.missed(search.scene) > max(GOOD_ENOUGH, PROBE_SAVES) and more <= most:
        first = exchanges(search.rough, search.pool, search.few, more, Weights())[:1]
        for chosen in first:
            other = _climbed(search, chosen, best.plan.protocol, seed)
            found = min((found, other), key=lambda each: _price(search, each, best))
    return found


def _price(search: Search, found: Doubted, best: Trial) -> float:
    return found.missed(search.scene) + PROBE_SAVES * (found.chosen.size - best.chosen.size)


def odds(search: Search, trial: Trial, seed: int) -> tuple[int, int]:
    """In how many scenarios the plan of ``trial`` reaches its goal without a stop, and of how many, all new to it."""
    plan = _plan(search, trial.chosen, trial.plan.protocol)
    fresh = ensemble.scenarios(plan, FRESH, seed, first=SCENARIOS)
    return run_drawn(search, trial.chosen, trial.plan.protocol, fresh).holds(search.scene), FRESH


def run_drawn(search: Search, chosen: Pool, protocol: Protocol, drawn: Sequence[Scenario]) -> Doubted:
    """Run a plan in every scenario of ``drawn`` at preview accuracy, two at a time."""
    plan = _plan(search, chosen, protocol)

    def one(scenario: Scenario) -> Trial | None:
        try:
            history = ensemble.freeze_drawn(search.ready, plan, scenario)
        except (GeometryError, SimulationError):  # shifted into one place, or out of the body: it holds nowhere
            return None
        return trial_of(search.scene, search.marks, chosen, plan, history, "preview")

    made = Doubted(chosen=chosen, plan=plan, drawn=tuple(drawn), trials=tuple(side_by_side(one, drawn)))
    search.tell(
        f"{chosen.size} probes, {protocol}: reach the goal in {made.holds(search.scene)} of {len(drawn)} scenarios"
    )
    return made


def _climbed(search: Search, chosen: Pool, protocol: Protocol, seed: int) -> Doubted:
    """The best of ``chosen`` as it is, and moved by what its runs have taught."""
    drawn = ensemble.scenarios(_plan(search, chosen, protocol), SCENARIOS, seed)
    now = run_drawn(search, chosen, protocol, drawn)
    found = [now]
    for _ in range(ROUNDS):
        if now.missed(search.scene) <= GOOD_ENOUGH:
            break
        now = run_drawn(search, _moved(search, now), protocol, drawn)
        found.append(now)
    return min(found, key=lambda each: each.missed(search.scene))


def _moved(search: Search, now: Doubted) -> Pool:
    """The placements of ``now``, moved by what its runs have taught of each scenario."""
    told = [(s, trial) for s, trial in zip(now.drawn, now.trials, strict=True) if trial is not None]
    planned = np.array([placement.tip_mm for placement in now.plan.placements])
    shifts = np.array([[p.tip_mm for p in ensemble.drawn_plan(now.plan, s).placements] for s, _ in told]) - planned
    guesses = []
    for (_, trial), shift in zip(told, shifts, strict=True):
        shifted = replace(now.chosen, middle_mm=now.chosen.middle_mm + shift)
        taught = search.guess.taught(search.guess.potentials(shifted).sum(axis=0), trial.cold_c)
        guesses.append(taught.coarse(COARSE))
    around = (search.obstacles, search.moved_obstacles)
    return nudge(Guesses(of=tuple(guesses), shifts_mm=shifts), now.chosen, around, search.ready, Weights(), search.rng)


def _plan(search: Search, chosen: Pool, protocol: Protocol) -> Plan:
    return Plan(
        placements=chosen.placements(), protocol=protocol, protections=search.protections, goal=search.scene.goal
    )


def _missed(trial: Trial, scene: Scene) -> float:
    return float(_soft(np.array(trial.coverage_fraction), scene))


def _soft(coverage_fraction: Field, scene: Scene) -> Field:
    """From 1 where the goal is missed by half of ``SOFT_FRACTION`` to 0 where it is exceeded by as much."""
    return np.clip(0.5 + (scene.goal.coverage_fraction - coverage_fraction) / SOFT_FRACTION, 0.0, 1.0)
