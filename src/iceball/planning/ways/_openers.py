"""What forbids the lines that were tried, and what alone would open one."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.planning.ways._candidates import shut_candidates
from iceball.planning.ways._keeping import keeping
from iceball.planning.ways._rules import ON_TABLE, SECTORS
from iceball.planning.ways._trace import Why, trace
from iceball.planning.ways._way import Opener
from iceball.planning.ways._words import SHORT, WHY, called

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Probe
    from iceball.planning.ways._candidates import Candidates
    from iceball.planning.ways._obstacles import Obstacles

TRIED_AGAIN = 3  # numerical: so many structures are left out in turn
MOSTLY = 0.3  # a word: where at least this share of the lines leaves the scan inside the body, that is the reason
_TOUCH = (1 << Why.BARRIER) | (1 << Why.STRUCTURE) | (1 << Why.OTHER_BONE) | (1 << Why.JOINT)


def tally(around: Obstacles, tried: Candidates) -> tuple[tuple[str, int], ...]:
    """Return what forbids lines, with how many it is the first to forbid, the most first; structures by name."""
    traced = tried.traced
    counts: Counter[str] = Counter()
    for why, number in zip(traced.why.tolist(), traced.nearest.tolist(), strict=True):
        if why in (Why.BARRIER, Why.STRUCTURE, Why.OTHER_BONE, Why.JOINT):
            counts[f"too near to {called(around.all[number - 1].name)}"] += 1
        elif why != Why.OK:
            counts[WHY[Why(why)]] += 1
    if alone := int((traced.ok & tried.short).sum()):
        counts[SHORT] = alone
    return tuple(counts.most_common())


def openers(around: Obstacles, probe: Probe, tried: Candidates) -> tuple[Opener, ...]:
    """Return the single changes that would open a way: a sector, an angle, a longer probe, a structure.

    A structure is left out and its lines are followed again, for the three that stand in the way of most of them.
    """
    shut = shut_candidates(around, probe)
    found = [*_sectors(around, shut), *_tilts(shut), *_limits(tried), *_structures(around, tried)]
    return tuple(sorted(found, key=lambda opener: -opener.lines))


def unseen(tried: Candidates) -> bool:
    """Whether the scan shows no skin where ways could begin: no line meets any, and most would have to leave it."""
    bits = tried.traced.hindrances[tried.traced.hindrances & (1 << Why.OUT_OF_SCAN) == 0]
    cut = bits & (1 << Why.NO_SKIN) > 0
    return bool(len(bits)) and not np.isfinite(tried.traced.length_mm).any() and bool(cut.mean() >= MOSTLY)


def _alone(tried: Candidates) -> NDArray[np.int32]:
    """(N,) bits of what forbids each line; 0 where the probe is too short for it, which nothing else mends."""
    return np.where(tried.short, 0, tried.traced.hindrances)


def _sectors(around: Obstacles, shut: Candidates) -> list[Opener]:
    only = _alone(shut) == 1 << Why.SECTOR
    found = []
    for number, sector in enumerate(SECTORS):
        lines = int((only & (shut.traced.sector == number)).sum())
        if not lines or sector not in around.closed:
            continue
        turn = " (on the table now: turn the patient)" if sector == ON_TABLE[around.position] else ""
        found.append(Opener(says=f"If the sector {sector} were open{turn}, there would be a way.", lines=lines))
    return found


def _tilts(shut: Candidates) -> list[Opener]:
    steep = _alone(shut) == 1 << Why.TILT
    if not steep.any():
        return []
    least = np.degrees(np.arcsin(np.abs(shut.inward[steep, 2]).min()))
    says = f"If ways might be {least:.0f}° steep against the slices, there would be one."
    return [Opener(says=says, lines=int(steep.sum()))]


def _limits(tried: Candidates) -> list[Opener]:
    found, bits = [], _alone(tried)
    flat = bits == 1 << Why.BONE_ANGLE
    if flat.any():
        least = float(np.nanmin(tried.traced.bone_angle_deg[flat]))
        says = f"If bone might be met at {least:.0f}°, there would be a way."
        found.append(Opener(says=says, lines=int(flat.sum())))
    long = bits == 1 << Why.TOO_LONG
    if long.any():
        found.append(Opener(says="If the probe reached farther, there might be a way.", lines=int(long.sum())))
    return found


def _structures(around: Obstacles, tried: Candidates) -> list[Opener]:
    bits = _alone(tried)
    alone = np.flatnonzero((bits != 0) & (bits & ~_TOUCH == 0))
    numbers = Counter(tried.traced.nearest[alone].tolist())
    found = []
    for number, _ in numbers.most_common(TRIED_AGAIN):
        left = _left_out(around, number)
        again = trace(left, tried.traced.tip_mm[alone], tried.inward[alone], np.zeros(len(alone)))
        if lines := int((again.ok & ~tried.short[alone]).sum()):
            name = around.all[number - 1].name
            found.append(Opener(says=_without(around, name), lines=lines, structure=name))
    return found


def _left_out(around: Obstacles, number: int) -> Obstacles:
    """The same surroundings without one obstacle."""
    ranks = np.where(around.ranks == number, np.uint8(0), around.ranks)
    asked = np.array([0.0, *(each.asked_mm for each in around.all)])
    field, nearest = keeping(ranks, asked, around.grid.spacing_mm)
    return dataclasses.replace(around, ranks=ranks, keeping_mm2=field, nearest=nearest)


def _without(around: Obstacles, name: str) -> str:
    kind = next(each.kind for each in around.all if each.name == name)
    rules = library.keep_rules()
    may = kind == "joint" or rules[kind].allow
    how = f" (it may be: `--allow {name}`)" if may else " (it may never be)"
    return f"If {called(name)} could be entered{how}, there would be a way."
