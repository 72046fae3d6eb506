"""The verb of this folder: find the probes for a case."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from iceball import thermal
from iceball.errors import InputError
from iceball.nouns import Goal
from iceball.planning import ways
from iceball.planning._climb import GENTLE, Search, best_of, lean, numbers
from iceball.planning._finish import Options, finished, hasty
from iceball.planning._pool import make_pool
from iceball.planning._protect import guarded, guards, protocols
from iceball.planning._result import Hindrance, Planning, Toll
from iceball.planning._robust import robust_from
from iceball.planning._scene import make_scene
from iceball.planning._trial import WORKERS
from iceball.planning._worth import Weights, marks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from iceball.nouns import Case, Probe, Protocol
    from iceball.planning._trial import Trial

    Progress = Callable[[float, str], None]

MOST_PROBES = 8
EXPECTED_RUNS = 36  # what the bar of progress counts against: a search takes as many as it needs


def optimise(  # noqa: PLR0913  (a case, what there is to freeze it with, and what a person chooses)
    case: Case,
    *,
    probes: Sequence[Probe],
    protocol: Protocol,
    goal: Goal | None = None,
    max_probes: int = MOST_PROBES,
    rules: ways.Rules | None = None,
    protect: bool = True,
    robust: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Planning:
    """Find probes, their places, and what protects, so that the goal's isotherm covers its target.

    Ways in are traced; placements are guessed by superposed shapes, run by the solver at preview accuracy, moved by
    what the run has taught, and run again; where a limit cannot be kept by placement, what could protect the structure
    is put into the physics and the search goes on; the last steps are at standard accuracy. Ctrl-C ends the search: the
    best so far is finished and returned. The same seed gives the same plans.

    Parameters
    ----------
    case : with a lesion; what is at risk is labelled
    probes : kinds of probes that may be used
    protocol : freezes and thaws; their duration and the power of single probes may be changed, and the plan says so
    goal : -20 °C over 95 % of the lesion by default
    max_probes : at most so many, 1 to 26
    rules : what a person chooses of ways in; by site where None
    protect : whether protections may be proposed
    robust : whether to go on for a plan that reaches the goal in the most of a few possible patients
    seed : draws where ways are looked for and how probes are moved
    progress : called with the done fraction and a line of text

    Returns
    -------
    Planning : the plans that trade one thing for another, the recommended one first; or why there is none

    Raises
    ------
    InputError : if the case has no lesion, or no probe is named
    UnknownName : if a rule names a structure that the case does not have
    """
    if not probes:
        raise InputError("no probe is named: write at least one, for example --probe argon-17g-30mm")
    if not 1 <= max_probes <= MOST_LABELS:
        raise InputError(f"a plan of {max_probes} probes is none: write 1 to {MOST_LABELS}")
    toll = Toll(progress, EXPECTED_RUNS)
    goal = goal or Goal(intent=case.lesion.intent if case.lesion else "palliation")
    search = _begun(case, tuple(probes), protocol, goal, rules or ways.Rules(), seed, toll)
    if not search.pool.size:
        return _no_way(case, probes, rules or ways.Rules(), seed)
    options = Options(allowed=(rules or ways.Rules()).allowed)
    try:
        _search(search, options, max_probes, protect)
        if robust:
            _robustly(options, max_probes, seed)
        toll.say("standard accuracy")
        return finished(options, seed, toll)
    except KeyboardInterrupt:
        options.interrupted = True
        if not options.trials:
            raise
        toll.say("stopped: judging the best so far")
        return hasty(options, seed)


MOST_LABELS = 26


def _begun(  # noqa: PLR0913  (what a person chose, piece by piece)
    case: Case,
    probes: tuple[Probe, ...],
    protocol: Protocol,
    goal: Goal,
    rules: ways.Rules,
    seed: int,
    toll: Toll,
) -> Search:
    """Look for ways in while the tissue is made ready; both take seconds."""
    scene = make_scene(case, goal)
    toll.say("ways in, tissue, and the temperature before freezing")
    with ThreadPoolExecutor(WORKERS) as workers:
        waiting = workers.submit(thermal.make_ready, case)
        wanted = [ways.for_probe(probe, rules) for probe in probes]  # probes of one gauge share theirs
        looking = {each: workers.submit(ways.obstacles, case, each) for each in dict.fromkeys(wanted)}
        ready, around = waiting.result(), [looking[each].result() for each in wanted]
    return Search(
        scene=scene,
        marks=marks_of(scene),
        obstacles=around,
        pool=make_pool(scene, around, ready, probes, seed),
        ready=ready,
        protocol=protocol,
        tell=toll.run,
        rng=np.random.default_rng(seed),
    )


def _search(search: Search, options: Options, most: int, protect: bool) -> None:
    """Search unprotected; then, if something has to be protected for the goal, protected."""
    asked = search.protocol
    search.begin()
    options.keep(search, ())
    numbers(search, most, protect=protect)
    best = best_of(search)
    if best.reaches(search.scene) and not best.cautions:
        lean(search, most, asked)
        return
    free = max(search.unhindered(best, most), key=lambda trial: trial.coverage_fraction)
    options.hindering(search, free)
    if protect:
        got = guarded(search.ready, guards(search.scene, free))
        if got is not None:
            ready, fits = got
            whole = tuple(protection for guard in fits for protection in guard.protections)
            guarded_search = search.under(ready, whole)
            if guarded_search.pool.size:  # else what was pushed away bars every way
                search = guarded_search
                options.keep(search, fits)
                _protected(search, free, best, most)
                best = best_of(search)
        else:  # nothing can be let in anywhere: what more probes can do is all that is left
            numbers(search, most, protect=False)
            best = best_of(search)
    if not best.reaches(search.scene) or best.cautions:
        _other_protocols(search, best)
    lean(search, most, asked)


def _protected(search: Search, free: Trial, best: Trial, most: int) -> None:
    """From where nothing hindered, and from where everything did; then with more probes as long as that helps."""
    search.climb([free.chosen, best.chosen], [Weights(), GENTLE])
    now = best_of(search)
    for count in range(now.chosen.size + 1, min(most, now.chosen.size + 2) + 1):
        if now.reaches(search.scene):
            return
        search.rescale(search.taught_by(now).scale)
        if not search.with_probes(count):
            return
        now = best_of(search)


def _other_protocols(search: Search, best: Trial) -> None:
    """The best placement by other protocols; and moved a little by what the best of these has taught."""
    tried = [search.run([best.chosen], protocol)[0] for protocol, _ in protocols(search.scene, best)]
    if not tried:
        return
    good = min(tried, key=lambda trial: trial.loss)
    if good.loss < best.loss:
        search.protocol = good.plan.protocol
        search.climb([search.moved(good)], [Weights()], rounds=2)


def _robustly(options: Options, most: int, seed: int) -> None:
    """Go on from the nominal plan for one that holds in more of a few scenarios."""
    of, best = nominal = options.best()
    found = robust_from(of.search, best, most, seed)
    same = found.chosen is best.chosen and found.plan.protocol == best.plan.protocol
    options.robust = best if same else of.search.run([found.chosen], found.plan.protocol)[0]
    options.nominal = nominal


def _no_way(case: Case, probes: Sequence[Probe], rules: ways.Rules, seed: int) -> Planning:
    """A planning without a plan: what forbids every way, and what alone would open one."""
    found = [ways.ways_in(case, probe, rules) for probe in probes]
    said = dict.fromkeys(finding for each in found for finding in each.findings)
    openers = {opener.structure: opener for each in found for opener in each.openers if opener.structure}
    hindrances = [Hindrance(kind="structure", name=name, says=opener.says) for name, opener in openers.items()]
    return Planning(options=(), hindrances=tuple(hindrances[:1]), findings=tuple(said), runs=0, seed=seed)
