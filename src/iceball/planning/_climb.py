"""The search: guess, run, learn from the run, move, run again; with one probe more as long as it helps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, thermal
from iceball.assessment import sampled
from iceball.errors import SimulationError
from iceball.nouns import Plan, Volume
from iceball.planning import ways
from iceball.planning._guess import Guess
from iceball.planning._pool import still_open
from iceball.planning._protect import shortened
from iceball.planning._scene import make_scene
from iceball.planning._search import covers, exchange, exchanges, nudge
from iceball.planning._shapes import potential, shape_of
from iceball.planning._trial import try_all
from iceball.planning._worth import Weights, loss, marks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Protection, Protocol
    from iceball.planning._pool import Pool
    from iceball.planning._scene import Scene
    from iceball.planning._shapes import Shape
    from iceball.planning._trial import Trial
    from iceball.planning._worth import Marks
    from iceball.planning.ways import Obstacles
    from iceball.thermal import Ready

    Tell = Callable[[str], None]

ROUNDS = 3
LEAN_STARTS, MANY_STARTS, MANY = (3, 2), (2,), 3  # for as many probes as reached the goal, and one more if they are few
# In probes: as much healthy tissue as the target is large costs one. A choice of the search, and said in the docs.
CAUTION_PRICE, LITTLE_PRICE = 0.5, 0.5
SPARE = 0.01  # of the target: what a preview may be off by, so that the finished plan still reaches its goal
FAR = 0.25
PRESSED_K = 3.0
LITTLE = 0.01  # what more probes must add to be worth trying more
OPTIMISM = 0.04  # runs mostly cover more than the first guess
USUAL = Weights()
COARSE = 3  # every so many of the marks, where thousands of placements are compared
EAGER = Weights(caution=0.25, healthy=0.2)  # the target first, short of a stop
LEAN = Weights(healthy=6.0)  # what lies around counts a quarter of what stays warm in the target, litre for litre
GENTLE = Weights(stop=1.5, caution=4.0)
FREE = Weights(stop=0.0, caution=0.0, healthy=0.2)  # as if nothing around had to stay warm: shows what hinders


@dataclass
class Search:
    """A search under way, alive only inside ``optimise``: what is known, and every run so far."""

    scene: Scene
    marks: Marks
    obstacles: Sequence[Obstacles]
    pool: Pool
    ready: Ready
    protocol: Protocol
    tell: Tell
    rng: np.random.Generator
    protections: tuple[Protection, ...] = ()
    moved_obstacles: Sequence[Obstacles] = ()
    shapes: tuple[Shape, ...] = ()
    guess: Guess = None  # pyright: ignore[reportAssignmentType]  (filled in when it begins)
    rough: Guess = None  # pyright: ignore[reportAssignmentType]
    few: NDArray = None  # pyright: ignore[reportAssignmentType]
    trials: list[Trial] = field(default_factory=list)

    def begin(self) -> None:
        """Learn what one probe of each kind does in this patient."""
        shapes = []
        for number in range(len(self.pool.probes)):
            mine = np.flatnonzero(self.pool.probe == number)
            if not mine.size:
                continue
            away = np.linalg.norm(self.pool.middle_mm[mine] - self.scene.centre_mm, axis=1)
            placements = self.pool.part(mine[[int(np.argmin(away))]]).placements()
            plan = Plan(placements=placements, protocol=self.protocol, protections=self.protections)
            history = thermal.freeze(self.ready, plan, curves=False)
            shapes.append((number, shape_of(placements[0], history)))
        known = dict(shapes)
        first = shapes[0][1]
        self.shapes = tuple(known.get(number, first) for number in range(len(self.pool.probes)))
        self.ask_again()

    def under(self, ready: Ready, protections: tuple[Protection, ...]) -> Search:
        """The same search on a patient who is protected: structures may have been moved, and runs are its own."""
        scene = make_scene(anatomy.displaced(self.scene.case, protections), self.scene.goal)
        scene = replace(scene, target=self.scene.target, target_mm=self.scene.target_mm)
        fresh = replace(self, scene=scene, marks=marks_of(scene), ready=ready, protections=protections, trials=[])
        if scene.case is not self.scene.case:  # what was moved must not come to lie in a shaft
            rules = [each.rules for each in self.obstacles]
            known = {each: ways.obstacles(scene.case, each) for each in dict.fromkeys(rules)}
            fresh.moved_obstacles = [known[each] for each in rules]
            fresh.pool = still_open(self.pool, fresh.moved_obstacles)
            if not fresh.pool.size:
                return fresh
        fresh.ask_again()
        return fresh

    def ask_again(self) -> None:
        """Make the guess anew for the scene as it is."""
        start = potential(sampled(_start(self.ready), self.marks.points_mm, outside=37.0))
        self.guess = Guess(scene=self.scene, marks=self.marks, shapes=self.shapes, start=start)
        self.rough = self.guess.coarse(COARSE)
        self.few = self.rough.potentials(self.pool).astype(np.float32)

    def run(self, chosen: Sequence[Pool], protocol: Protocol | None = None) -> list[Trial]:
        """Run placements, and remember the runs."""
        wishes = [(each, protocol or self.protocol) for each in chosen]
        done = try_all(self.scene, self.marks, self.ready, wishes, protections=self.protections)
        self.trials += done
        best = min(self.trials, key=lambda trial: trial.loss)
        self.tell(
            f"{len(self.trials)} plans run; best: {best.chosen.size} probes cover {100 * best.coverage_fraction:.0f} %"
        )
        return done

    def climb(self, first: Sequence[Pool], weights: Sequence[Weights], rounds: int = ROUNDS) -> list[Trial]:
        """From each of ``first``, by ``weights`` of its own: run, learn, move; the runs."""
        now, done = list(first), []
        for turn in range(rounds):
            fresh = self.run(now)
            done += fresh
            far = all(trial.coverage_fraction < self.scene.goal.coverage_fraction - FAR for trial in fresh)
            if turn == rounds - 1 or (far and turn == 1):  # moving them will not make up for probes that are missing
                break
            now = [self.moved(trial, weight) for trial, weight in zip(fresh, weights, strict=True)]
        return done

    def moved(self, trial: Trial, weights: Weights = USUAL) -> Pool:
        """The placements of ``trial``, moved by what it has taught."""
        around = (self.obstacles, self.moved_obstacles)
        return nudge(self.taught_by(trial), trial.chosen, around, self.ready, weights, self.rng)

    def taught_by(self, trial: Trial) -> Guess:
        """The guess as corrected by ``trial``."""
        return self.guess.taught(self.guess.potentials(trial.chosen).sum(axis=0), trial.cold_c)

    def with_probes(self, count: int, weights: Weights = USUAL, rounds: int = ROUNDS) -> list[Trial]:
        """The best that ``count`` probes can do by ``weights``, found in a few runs."""
        first = exchanges(self.rough, self.pool, self.few, count, weights)[:2]
        if not first:
            return []
        kinds = [weights, GENTLE if weights == USUAL else weights]
        done = self.climb(first, kinds[: len(first)], rounds)
        best = min(done, key=lambda trial: trial.loss)
        self.rescale(self.taught_by(best).scale)  # the next number of probes begins where this one ended
        return done

    def of_each_kind(self, count: int, weights: Weights) -> list[Pool]:
        """The best ``count`` placements of probes of one kind, for each kind of which so many go together."""
        kinds = [np.flatnonzero(self.pool.probe == number) for number in range(len(self.pool.probes))]
        found = [(mine, exchange(self.rough, self.pool.part(mine), self.few[mine], count, weights)) for mine in kinds]
        return [self.pool.part(mine[numbers]) for mine, numbers in found if numbers is not None]

    def lost(self, trial: Trial, weights: Weights) -> float:
        """What a run has lost by other weights than the usual."""
        way = np.array([trial.chosen.cost.mean()])
        return float(loss(self.scene, self.marks, trial.cold_c[None], way, weights)[0])

    def goes(self, count: int) -> bool:
        """Whether so many probes go together here at all."""
        return exchange(self.rough, self.pool, self.few, count, USUAL) is not None

    def rescale(self, scale: float) -> None:
        """Take over what a run has taught of how several probes add up."""
        self.guess, self.rough = replace(self.guess, scale=scale), replace(self.rough, scale=scale)

    def unhindered(self, best: Trial, most: int) -> list[Trial]:
        """Runs as if nothing had to stay warm: from ``best``, and from what is then the best guess."""
        count = max(best.chosen.size, self.fewest(most))
        first = [best.chosen, *exchanges(self.rough, self.pool, self.few, count, FREE)[:1]]
        return self.climb(first, [FREE] * len(first), rounds=2)

    def fewest(self, most: int) -> int:
        """The number of probes to begin with: the fewest that are guessed to do."""
        shares = covers(self.rough, self.pool, self.few, most, FREE)
        enough = self.scene.goal.coverage_fraction - OPTIMISM
        return next((n + 1 for n, share in enumerate(shares) if share >= enough), max(1, len(shares)))


def _start(ready: Ready) -> Volume:
    return Volume(grid=ready.ground.box.grid, array=ready.ground.start_c, quantity="temperature_c")


def pressed(search: Search, trial: Trial) -> bool:
    """Whether structures near their limits, and not want of probes, keep ``trial`` from its goal."""
    cold = dict(trial.coldest_c)
    limited = [risk for risk in search.scene.risks if risk.name in cold and risk.stop_c is not None]
    return any(cold[risk.name] < risk.warmest_c + PRESSED_K for risk in limited)


def numbers(search: Search, most: int, *, protect: bool) -> None:
    """Try numbers of probes: from the fewest that may do, up while more help, and down while fewer still do.

    Where structures at their limits are what hinders, and may be protected, more probes are not tried here.
    """
    first = search.fewest(most)
    while first > 1 and not search.goes(first):
        first -= 1
    reached = None
    best_so_far = 0.0
    for count in range(first, most + 1):
        done = search.with_probes(count)
        if not done:
            break
        if any(trial.reaches(search.scene, spare=SPARE) for trial in done):
            reached = count
            break
        if protect and pressed(search, min(done, key=lambda trial: trial.loss)):
            break
        gain = min((trial.loss for trial in done), default=np.inf)
        if count > first + 1 and gain > best_so_far - LITTLE:
            break
        best_so_far = gain if count == first else min(best_so_far, gain)
    while reached is not None and 1 < reached <= first:
        fewer = reached - 1
        done = search.with_probes(fewer)
        if not any(trial.reaches(search.scene, spare=SPARE) for trial in done):
            break
        reached, first = fewer, fewer


def lean(search: Search, most: int, asked: Protocol) -> None:
    """Where the goal is reached, freeze less of what lies around: smaller probes, elsewhere, one more, shorter."""
    best = best_of(search)
    if not best.reaches(search.scene):
        return
    count, search.protocol = best.chosen.size, best.plan.protocol
    for number, many in zip(range(count, most + 1), MANY_STARTS if count > MANY else LEAN_STARTS, strict=False):
        mixed = exchanges(search.rough, search.pool, search.few, number, LEAN)[:2]
        search.run([*mixed, *search.of_each_kind(number, LEAN)])
        starts = leanest(search, number)[:many]
        search.climb(starts, [LEAN] * len(starts))
    best = best_of(search)
    for protocol in shortened(asked) if best.plan.protocol == asked else ():
        search.run([best.chosen], protocol)
    best = best_of(search)
    if best.plan.protocol != search.protocol:
        search.protocol = best.plan.protocol
        search.climb([search.moved(best, LEAN)], [LEAN], rounds=2)


def leanest(search: Search, count: int) -> list[Pool]:
    """Of the runs of ``count`` probes by the protocol of ``search`` the best few that freeze little beside the target.

    The best of each set of kinds only, so that small probes get their chance.
    """
    alike = [trial for trial in search.trials if trial.chosen.size == count and trial.plan.protocol == search.protocol]
    found: dict[tuple[int, ...], Pool] = {}
    for trial in sorted(alike, key=lambda trial: search.lost(trial, LEAN)):
        found.setdefault(tuple(sorted(trial.chosen.probe)), trial.chosen)
    return list(found.values())


def price(trial: Trial, scene: Scene) -> float:
    """What a plan that reaches its goal costs, in probes: itself, healthy tissue, cautions, and little to spare."""
    little = np.clip((scene.goal.coverage_fraction + SPARE - trial.coverage_fraction) / SPARE, 0.0, 1.0)
    beside = trial.healthy_ml / max(scene.target_ml, 0.5)
    return float(trial.chosen.size + beside + CAUTION_PRICE * trial.cautions + LITTLE_PRICE * little)


def best_of(search: Search) -> Trial:
    """The run to go on with: of those that reach the goal the one of the least price, else the best without a stop.

    Raises
    ------
    SimulationError : if there was no run
    """
    if not search.trials:
        raise SimulationError("no plan was run: report this case, it is a fault of iceball")
    reaching = [trial for trial in search.trials if trial.reaches(search.scene)]
    if reaching:
        return min(reaching, key=lambda trial: price(trial, search.scene))
    return min(search.trials, key=lambda trial: (trial.stops > 0, trial.loss))
