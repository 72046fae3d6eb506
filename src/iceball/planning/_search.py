"""Look for placements by the guess: exchange on the pool, then small moves of each probe in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns.segments import segments_apart_mm
from iceball.planning._pool import held, joined, still_open, traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.planning._guess import Guess
    from iceball.planning._pool import Pool
    from iceball.planning._robust import Guesses
    from iceball.planning._worth import Weights
    from iceball.planning.ways import Obstacles
    from iceball.thermal import Ready

    Field = NDArray[np.float64]

PASSES, TRIES, GAIN, BUNDLES = 2, 110, 1e-4, 6
MOVES_MM, TURNS_DEG = (4.0, 2.0, 1.0), (7.0, 3.5, 1.5)  # one round of small moves for each
SPARE_MM = 0.1  # so that what is rounded to a hundredth still keeps its distance


def exchanges(guess: Guess, pool: Pool, added: Field, count: int, weights: Weights) -> list[Pool]:
    """The best ``count`` placements of each bundle of parallel ways, and of all ways together; the best first."""
    alone = guess.loss(added, pool.cost, weights)
    bundles = [np.flatnonzero(pool.bundle == number) for number in np.unique(pool.bundle)]
    bundles = sorted((group for group in bundles if len(group) >= count), key=lambda group: float(alone[group].min()))
    found, lost = [], []
    for group in (np.arange(pool.size), *bundles[:BUNDLES]):
        numbers = exchange(guess, pool.part(group), added[group], count, weights)
        if numbers is not None:
            chosen = group[numbers]
            found.append(pool.part(chosen))
            lost.append(float(guess.loss(added[chosen].sum(axis=0)[None], pool.cost[chosen].mean()[None], weights)[0]))
    return [found[n] for n in np.argsort(lost, kind="stable")]


def covers(guess: Guess, pool: Pool, added: Field, most: int, weights: Weights) -> list[float]:
    """Shares of the target that 1, 2, ... up to ``most`` placements are guessed to cover, taken one by one."""
    chosen: list[int] = []
    found: list[float] = []
    for _ in range(most):
        best = _best(guess, pool, added, chosen, weights)
        if best is None:
            break
        chosen.append(best)
        found.append(float(guess.coverage(added[chosen].sum(axis=0))))
    return found


def exchange(guess: Guess, pool: Pool, added: Field, count: int, weights: Weights) -> list[int] | None:
    """Numbers of the best ``count`` placements that go together: one by one, then each against all others.

    ``added`` (K, P) is what each placement adds at the marks. None where so many do not go together.
    """
    chosen: list[int] = []
    for _ in range(count):
        best = _best(guess, pool, added, chosen, weights)
        if best is None:
            return None
        chosen.append(best)
    for _ in range(PASSES):
        before = list(chosen)
        for place in range(count):
            others = chosen[:place] + chosen[place + 1 :]
            best = _best(guess, pool, added, others, weights)
            chosen[place] = chosen[place] if best is None else best
        if chosen == before:
            break
    return chosen


def _best(guess: Guess, pool: Pool, added: Field, others: list[int], weights: Weights) -> int | None:
    free = np.ones(pool.size, dtype=bool)
    for other in others:
        free &= goes_with(pool, pool.part(np.array([other])))
    candidates = np.flatnonzero(free)
    if not candidates.size:
        return None
    total = added[others].sum(axis=0) + added[candidates]
    way = (pool.cost[others].sum() + pool.cost[candidates]) / (len(others) + 1)
    return int(candidates[np.argmin(guess.loss(total, way, weights))])


def nudge(
    guess: Guess | Guesses,
    chosen: Pool,
    obstacles: tuple[Sequence[Obstacles], Sequence[Obstacles]],
    ready: Ready,
    weights: Weights,
    rng: np.random.Generator,
) -> Pool:
    """Move each probe of ``chosen`` a little, in turn, as long as the guess gets better; the moves become smaller.

    ``obstacles`` are those of the patient as scanned, and with what protections have moved (none where they move none).
    """
    added = guess.potentials(chosen, range(chosen.size))
    now = float(guess.loss(added.sum(axis=0)[None], chosen.cost.mean()[None], weights)[0])
    for move_mm, turn_deg in zip(MOVES_MM, TURNS_DEG, strict=True):
        for place in range(chosen.size):
            tries = _moved(chosen.part(np.array([place])), obstacles[0], move_mm, turn_deg, rng)
            tries = held(still_open(tries, obstacles[1]), ready)
            rest = np.arange(chosen.size) != place
            others = chosen.part(rest)
            for other in range(others.size):
                tries = tries.part(goes_with(tries, others.part(np.array([other]))))
            if not tries.size:
                continue
            more = guess.potentials(tries, [place])
            way = (others.cost.sum() + tries.cost) / chosen.size
            found = guess.loss(added[rest].sum(axis=0) + more, way, weights)
            best = int(np.argmin(found))
            if found[best] < now - GAIN:
                now, added[place] = float(found[best]), more[best]
                chosen = _with(chosen, place, tries.part(np.array([best])))
    return chosen


def _moved(
    one: Pool, obstacles: Sequence[Obstacles], move_mm: float, turn_deg: float, rng: np.random.Generator
) -> Pool:
    """Ways in near ``one`` (of one placement)."""
    middles = one.middle_mm + rng.normal(scale=move_mm, size=(TRIES, 3))
    outward = one.outward + rng.normal(scale=np.radians(turn_deg), size=(TRIES, 3))
    outward /= np.linalg.norm(outward, axis=1)[:, None]
    number = int(one.probe[0])
    return traced(obstacles[number], one.probes, np.full(TRIES, number), middles, -outward)


def _with(chosen: Pool, place: int, new: Pool) -> Pool:
    parts = [chosen.part(np.arange(place)), new, chosen.part(np.arange(place + 1, chosen.size))]
    return joined(parts, chosen.probes)


def goes_with(pool: Pool, other: Pool) -> NDArray[np.bool_]:
    """(K,) which placements of ``pool`` keep their spacing from ``other`` (one placement), and do not cross it."""
    gap = library.planning_rule("probes_nearly_touch").threshold
    spacing = library.planning_rule("probe_spacing_close").threshold
    radius = np.array([probe.shaft_diameter_mm / 2 for probe in pool.probes])
    touch_mm = gap.value + radius[pool.probe] + radius[other.probe[0]]
    shafts = segments_apart_mm(pool.tip_mm, pool.entry_mm, other.tip_mm[0], other.entry_mm[0])
    active = segments_apart_mm(*pool.active_ends_mm, *(ends[0] for ends in other.active_ends_mm))
    return (shafts >= touch_mm + SPARE_MM) & (active >= spacing.value + SPARE_MM)
