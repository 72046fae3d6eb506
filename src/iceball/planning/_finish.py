"""Finish a search: choose the plans worth showing, run them at standard accuracy, and judge them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from iceball import library, thermal
from iceball.anatomy import measures
from iceball.assessment import assess, coverage_of, sampled
from iceball.nouns import Plan
from iceball.planning import check
from iceball.planning._climb import EAGER, GENTLE, SPARE, best_of, price
from iceball.planning._protect import NEAR_LIMIT_K, sensors
from iceball.planning._result import Hindrance, Option, Planning
from iceball.planning._robust import odds
from iceball.planning._trial import WORKERS, side_by_side, trial_of, try_all
from iceball.planning._words import counted, percent, says_of
from iceball.planning._worth import Weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Fact, ThermalHistory
    from iceball.planning._climb import Search
    from iceball.planning._protect import Guard
    from iceball.planning._result import Toll
    from iceball.planning._trial import Trial
    from iceball.thermal import Ready

    Temperatures = tuple[tuple[str, float], ...]

MOST_OPTIONS, MENDED = 3, 2
GIVEN_UP = 0.2  # of the target: a plan that covers so much less than the recommended one is no alternative to it
LARGE_ML = 15.0  # of a target: from there on a run at standard accuracy takes half a minute, and one is tried at a time
MENDABLE = 0.06  # of the target: what is farther from its goal is not brought there by small moves
MORE_FRACTION, WARMER_K, LESS_FRACTION = 0.005, 1.0, 0.1  # what counts as better
SENSOR_NEAR_K = 15.0  # above its limit: a structure that gets no nearer needs no thermometer


@dataclass
class _Run:
    """A run in full, what it left, and the patient it was made on."""

    trial: Trial
    history: ThermalHistory
    ready: Ready


@dataclass
class Round:
    """All runs of one set of protections."""

    search: Search
    guards: tuple[Guard, ...]


@dataclass
class Options:
    """What a search has come to so far; ``allowed`` names structures that a person lets a shaft cross.

    ``free_fraction`` is what could be covered if nothing had to stay warm. ``robust`` is the nominal run of the plan
    that holds in the most scenarios, ``nominal`` what was best before; None where nobody asked.
    """

    rounds: list[Round] = field(default_factory=list)
    hindrances: list[Hindrance] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    free_fraction: float = 1.0
    interrupted: bool = False
    nominal: tuple[Round, Trial] | None = None
    robust: Trial | None = None

    @property
    def trials(self) -> list[Trial]:
        """Every run."""
        return [trial for each in self.rounds for trial in each.search.trials]

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The protections of the last round."""
        return self.rounds[-1].guards

    def keep(self, search: Search, guards: tuple[Guard, ...]) -> None:
        """Keep the runs of ``search``, which were made with ``guards``."""
        if all(each.search is not search for each in self.rounds):
            self.rounds.append(Round(search=search, guards=guards))

    def hindering(self, search: Search, free: Trial) -> None:
        """Note what would be frozen if nothing around the target had to stay warm."""
        cold = dict(free.coldest_c)
        self.free_fraction = free.coverage_fraction
        for risk in search.scene.risks:
            if risk.name in cold and cold[risk.name] < risk.warmest_c:
                words = (
                    f"{risk.name} lies {risk.gap_mm:.1f} mm from the target: unprotected, the placement that "
                    f"covers {100 * free.coverage_fraction:.0f} % of it would bring it to {cold[risk.name]:.0f} °C"
                )
                self.hindrances.append(Hindrance(kind="structure", name=risk.name, says=words))

    def best(self) -> tuple[Round, Trial]:
        """The recommended run: the goal reached, without cautions, and with as little as that takes; or the robust."""
        if self.nominal is not None and self.robust is not None:
            return self.nominal[0], self.robust
        found = [(each, best_of(each.search)) for each in self.rounds if each.search.trials]
        return min(found, key=lambda pair: _rank(*pair))


def _rank(of: Round, trial: Trial) -> tuple[bool, int, int, int, float]:
    if not trial.reaches(of.search.scene):
        return (True, trial.stops, 0, 0, trial.loss)
    return (False, 0, min(trial.cautions, 1), len(of.guards), price(trial, of.search.scene))


def finished(options: Options, seed: int, toll: Toll) -> Planning:
    """Make the plans of a search: the recommended one and a few that trade something for something else."""
    of, best = options.best()
    bare = options.rounds[0].search.scene.case
    ready = thermal.make_ready(bare, spacing_mm=1.0, protections=of.search.protections, like=of.search.ready)
    first = _mended(of.search, ready, _run_all(of.search, ready, [best], "standard")[0], toll)
    trials = [trial for trial in of.search.trials if options.nominal is None or trial is not options.nominal[1]]
    runs = [first, *_run_all(of.search, of.search.ready, _others(trials, best), "preview")]
    toll.say("judging")
    facts = measures.measure(bare, bone_only=True)
    without = _without(options, of, [run.trial for run in runs])
    made = [_option(options, of, run, facts) for run in runs]
    made = [dataclasses.replace(each, unprotected_c=bare_c) for each, bare_c in zip(made, without, strict=True)]
    if options.robust is not None:
        made = [*_with_odds(options, first, made[0], facts, seed), *made[1:]]
    return _planning(options, seed, _named([*made, *_unprotected(options, of, facts)]))


def _with_odds(options: Options, first: _Run, made: Option, facts: Sequence[Fact], seed: int) -> list[Option]:
    """The robust plan as ``made`` and the nominal one, each with what it comes to in scenarios new to both."""
    assert options.nominal is not None
    of, nominal = options.nominal
    search = of.search
    told = dataclasses.replace(made, holds_in=odds(search, first.trial, seed))
    if nominal.chosen is first.trial.chosen and nominal.plan.protocol == first.trial.plan.protocol:
        return [told]
    other = _option(options, of, _run_all(search, search.ready, [nominal], "preview")[0], facts)
    return [told, dataclasses.replace(other, name="nominal", holds_in=odds(search, nominal, seed))]


def hasty(options: Options, seed: int) -> Planning:
    """The best plan so far, judged by its preview: for a person who does not want to wait."""
    of, best = options.best()
    run = _run_all(of.search, of.search.ready, [best], "preview")[0]
    facts = measures.measure(options.rounds[0].search.scene.case, bone_only=True)
    return _planning(options, seed, _named([_option(options, of, run, facts)]))


def _planning(options: Options, seed: int, made: tuple[Option, ...]) -> Planning:
    return Planning(
        options=made,
        hindrances=_lacking(options, options.best()[0], made[0]),
        findings=(),
        runs=len(options.trials),
        seed=seed,
        interrupted=options.interrupted,
    )


def _lacking(options: Options, of: Round, best: Option) -> tuple[Hindrance, ...]:
    """What stands between the recommended plan and its goal."""
    short = best.coverage_fraction < of.search.scene.goal.coverage_fraction
    if not short and not best.stops:
        return ()
    goal = of.search.scene.goal.coverage_fraction
    if options.hindrances and options.free_fraction >= goal:
        return tuple(options.hindrances)
    words = (
        f"{counted(len(best.plan.placements))} cover {percent(best.coverage_fraction)}: more or larger ones are needed"
    )
    return (*options.hindrances, Hindrance(kind="probes", name="max_probes", says=words))


def _others(trials: list[Trial], best: Trial) -> list[Trial]:
    """Runs worth showing beside ``best``: with fewer probes, warmer around, or covering more; none that is worse."""
    enough = [t for t in trials if t.coverage_fraction >= best.coverage_fraction - GIVEN_UP]
    fewer = [t for t in enough if t.chosen.size < best.chosen.size and t.stops <= best.stops]
    warmer = [t for t in enough if _warmth(t) > _warmth(best) + NEAR_LIMIT_K and not t.stops]
    fuller = [t for t in enough if t.coverage_fraction > best.coverage_fraction + 0.01 and t.stops <= best.stops]
    picked = [max(group, key=lambda t: (t.coverage_fraction, -t.loss)) for group in (fewer, warmer, fuller) if group]
    distinct: list[Trial] = []
    for trial in picked:
        if all(trial is not other for other in (best, *distinct)):
            distinct.append(trial)
    return distinct[: MOST_OPTIONS - 1]


def _warmth(trial: Trial) -> float:
    return min((c for _, c in trial.coldest_c), default=37.0)


def _run_all(search: Search, ready: Ready, trials: list[Trial], accuracy: str) -> list[_Run]:
    """Run the placements of ``trials`` with thermometers, and keep what the runs leave; a single one on all cores."""

    def one(trial: Trial) -> _Run:
        plan = _with_sensors(search, trial)
        history = thermal.freeze(ready, plan, accuracy=accuracy, threads=WORKERS if len(trials) == 1 else 1)
        made = trial_of(search.scene, search.marks, trial.chosen, plan, history, accuracy)
        whole = coverage_of(search.scene.target, history, search.scene.goal.isotherm_c)  # not at the marks only
        return _Run(trial=dataclasses.replace(made, coverage_fraction=whole), history=history, ready=ready)

    return side_by_side(one, trials)


def _mended(search: Search, ready: Ready, best: _Run, toll: Toll) -> _Run:
    """Move the probes by what standard accuracy has taught, where it says that the goal is missed."""
    large = search.scene.target_ml > LARGE_ML
    for _ in range(1 if large else MENDED):
        short = search.scene.goal.coverage_fraction - best.trial.coverage_fraction
        if best.trial.reaches(search.scene) or short > MENDABLE:
            break
        toll.say(f"moved at standard accuracy: {100 * best.trial.coverage_fraction:.0f} % so far")
        other = GENTLE if best.trial.stops else EAGER
        tried = (other,) if large else (Weights(), other)
        moved = [dataclasses.replace(best.trial, chosen=search.moved(best.trial, w)) for w in tried]
        fresh = min(_run_all(search, ready, moved, "standard"), key=lambda run: _missed(search, run))
        if _missed(search, fresh) >= _missed(search, best):
            break
        best = fresh
    fuller = [trial for trial in search.trials if trial.reaches(search.scene, spare=SPARE)]
    if fuller and not best.trial.reaches(search.scene):
        toll.say("standard accuracy, of what covers the most")
        most = max(fuller, key=lambda trial: trial.coverage_fraction)
        best = min(best, *_run_all(search, ready, [most], "standard"), key=lambda run: _missed(search, run))
    return best


def _missed(search: Search, run: _Run) -> tuple[bool, float]:
    """How far a run is from its goal: reached or not, and by what it loses."""
    return not run.trial.reaches(search.scene), run.trial.loss


def _option(options: Options, of: Round, run: _Run, facts: Sequence[Fact]) -> Option:
    """Judge a plan in full, by the rules of assessment and of plans."""
    search, plan, history, ready = of.search, run.trial.plan, run.history, run.ready
    case = ready.prepared.case  # what is at risk lies where the protections have moved it
    judged = assess(check.near_part(case, ready.ground.box.grid), history, goal_isotherm_c=search.scene.goal.isotherm_c)
    said = (
        *check.geometry(case, plan, allowed=options.allowed, prepared=ready.prepared),
        *(check.geometry(ready.case, plan, allowed=options.allowed) if of.guards else ()),
        *judged.findings,
        *check.of_run(case, plan, history, assessment=judged, facts=facts),
    )
    coverage = run.trial.coverage_fraction
    coldest = tuple((c.structure, c.coldest_c) for c in judged.clearances if c.limit)
    return Option(
        name="",
        plan=plan,
        accuracy=run.trial.accuracy,
        coverage_fraction=coverage,
        healthy_ml=_outside_ml(search, history),
        coldest_c=coldest,
        unprotected_c=(),
        protected_by=tuple(guard.says for guard in of.guards),
        says=says_of(plan, coverage, coldest),
        findings=tuple(dict.fromkeys(said)),
        assessment=judged,
    )


def _with_sensors(search: Search, trial: Trial) -> Plan:
    """The plan of ``trial`` with thermometers where a structure comes near its limit."""
    plan = dataclasses.replace(trial.plan, placements=trial.chosen.placements())
    wanted = sensors(search.scene, trial, lambda risk, at_c: at_c < risk.warmest_c + SENSOR_NEAR_K)
    notes = ("Placed by iceball. No radiologist chose it.",)
    return dataclasses.replace(plan, protections=(*search.protections, *wanted), notes=notes)


def _outside_ml(search: Search, history: ThermalHistory) -> float:
    """Volume [ml] outside the target that the goal's isotherm takes."""
    cold = history.coldest
    frozen = np.argwhere(np.asarray(cold.array) <= search.scene.goal.isotherm_c)
    inside = sampled(search.scene.target, cold.grid.position_mm(frozen), outside=0.0) >= 0.5
    return float((~inside).sum()) * cold.grid.voxel_ml


def _without(options: Options, of: Round, trials: list[Trial]) -> list[Temperatures]:
    """How cold the structures would get by the same probes without the protections, at preview accuracy."""
    if not of.guards:
        return [() for _ in trials]
    bare = options.rounds[0].search
    runs = try_all(bare.scene, bare.marks, bare.ready, [(trial.chosen, trial.plan.protocol) for trial in trials])
    return [run.coldest_c for run in runs]


def _unprotected(options: Options, of: Round, facts: Sequence[Fact]) -> list[Option]:
    """The best that goes without protection, where the recommended plan has some; judged by its preview."""
    bare = options.rounds[0]
    if of is bare or not bare.search.trials:
        return []
    run = _run_all(bare.search, bare.search.ready, [best_of(bare.search)], "preview")[0]
    return [dataclasses.replace(_option(options, bare, run, facts), name="without protection")]


def _named(made: list[Option]) -> tuple[Option, ...]:
    """Names by what each is best at, against the first, by the finished numbers; what is better at nothing goes."""
    first, *others = sorted(made, key=lambda option: bool(option.stops))  # standard accuracy may have found one
    named = {"recommended": first}
    for other in others:
        if other.stops and not first.stops and not other.name:
            continue
        name = other.name or _better_at(first, other)
        if name:
            named.setdefault(name, other)
    return tuple(
        dataclasses.replace(option, name=name, plan=dataclasses.replace(option.plan, name=name))
        for name, option in named.items()
    )


def _better_at(first: Option, other: Option) -> str:
    """In what ``other`` is better than ``first``, as a name; "" where in nothing that counts."""
    if len(other.plan.placements) < len(first.plan.placements):
        return "fewer probes"
    if other.coverage_fraction > first.coverage_fraction + MORE_FRACTION:
        return "covers more"
    if _room_k(other) > _room_k(first) + WARMER_K:
        return "warmer around"
    return "less healthy tissue" if other.healthy_ml < (1.0 - LESS_FRACTION) * first.healthy_ml else ""


def _room_k(option: Option) -> float:
    """How far above its limit the structure is that is nearest to it, or below."""
    limits = {} if option.assessment is None else {c.structure: c.limit for c in option.assessment.clearances}
    steps = {
        name: max(row.value for row in (found.caution_below, found.stop_below) if row is not None)
        for name, key in limits.items()
        if key and (found := library.limit(key)).stop_below is not None
    }
    return min((at_c - steps[name] for name, at_c in option.coldest_c if name in steps), default=math.inf)
