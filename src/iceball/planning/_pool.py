"""Where a probe could go: placements of each kind, on bundles of parallel ways through the target."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns import Placement
from iceball.nouns._noun import array_noun
from iceball.planning import ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Probe
    from iceball.planning._scene import Scene
    from iceball.planning.ways import Obstacles, Traced
    from iceball.thermal import Ready

    Points = NDArray[np.float64]

# How finely ways are looked for: numerical.
DIRECTIONS, KEPT_DIRECTIONS, APART_DEG = 800, 20, 10.0
FIRST_POINTS, LATTICE_MM, MOST = 12, 4.0, 1600
SHIFTS = (-0.25, 0.0, 0.25)  # of the active length, from the middle of the target along the way
DEEP_ENDS_MM = (-1.0, 4.0)  # of the active zone, from the far side of the target toward the skin
SPARE_MM = 3.0  # so that a placement found at 2 mm still fits where the same case is made ready at 1 mm
CLEAR_MM, LONG_MM, STEEP_DEG = 5.0, 150.0, 60.0  # what counts as wide, long and steep where ways are compared


@array_noun
class Pool:
    """Placements that are ways in (K,): which ``probe``, the ``middle_mm`` of the active zone, ``outward``, the ends.

    ``bundle`` (K,) is the number of the parallel ways that a placement was found among. ``cost`` (K,) compares ways:
    0 short, wide and upright, 1 long, narrow and slanting.
    """

    probes: tuple[Probe, ...]
    probe: NDArray[np.intp]
    middle_mm: Points
    outward: Points
    entry_mm: Points
    tip_mm: Points
    clearance_mm: Points
    cost: Points
    bundle: NDArray[np.intp]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.probe)

    @property
    def active_ends_mm(self) -> tuple[Points, Points]:
        """Both ends (K, 3) of the active zones, the deep ones first, LPS [mm]."""
        half = np.array([probe.active_length_mm / 2 for probe in self.probes])[self.probe][:, None]
        return self.middle_mm - half * self.outward, self.middle_mm + half * self.outward

    def part(self, which: NDArray) -> Pool:
        """Return those that ``which`` (n,) picks, by number or by True."""
        fields = ("probe", "middle_mm", "outward", "entry_mm", "tip_mm", "clearance_mm", "cost", "bundle")
        return Pool(probes=self.probes, **{field: getattr(self, field)[which] for field in fields})

    def placements(self) -> tuple[Placement, ...]:
        """All of them as placements A, B, ..."""
        return tuple(
            Placement(
                label=chr(ord("A") + n),
                probe=self.probes[self.probe[n]],
                entry_mm=_point(self.entry_mm[n]),
                tip_mm=_point(self.tip_mm[n]),
            )
            for n in range(self.size)
        )


def make_pool(scene: Scene, obstacles: Sequence[Obstacles], ready: Ready, probes: Sequence[Probe], seed: int) -> Pool:
    """Lay bundles of parallel ways through the target and keep those that are ways in; empty where there are none.

    Parameters
    ----------
    obstacles : of the case, one for each of ``probes``: how wide and how long an instrument is belongs to it
    ready : the case made ready: active zones lie in it
    seed : draws where the bundles lie
    """
    rng = np.random.default_rng(seed)
    parts: list[Pool] = []
    for number, (probe, around) in enumerate(zip(probes, obstacles, strict=True)):
        for bundle, outward in enumerate(_directions(scene, around, probe, rng)):
            middles = _lattice(scene, probe, outward, rng)
            toward = np.repeat(-outward[None], len(middles), axis=0)
            kind = np.full(len(middles), number)
            made = traced(around, tuple(probes), kind, middles, toward)
            parts.append(dataclasses.replace(made, bundle=np.full(made.size, KEPT_DIRECTIONS * number + bundle)))
    whole = held(joined(parts, tuple(probes)), ready)
    if whole.size > MOST:
        whole = whole.part(np.sort(rng.choice(whole.size, MOST, replace=False)))
    return whole


def traced(around: Obstacles, probes: tuple[Probe, ...], number: NDArray, middle_mm: Points, inward: Points) -> Pool:
    """Those placements of probe ``number`` (N,), all of one kind, that are ways in."""
    if not len(number):
        return joined([], probes)
    probe = probes[int(number[0])]
    beyond = np.full(len(number), probe.active_length_mm / 2 + probe.tip_to_active_mm)
    found = ways.trace(around, middle_mm, inward, beyond)
    ok = found.ok & (found.length_mm > probe.active_length_mm + probe.tip_to_active_mm + 1.0)
    made = Pool(
        probes=probes,
        probe=np.asarray(number, dtype=np.intp),
        middle_mm=middle_mm,
        outward=-inward,
        entry_mm=found.entry_mm,
        tip_mm=found.tip_mm,
        clearance_mm=found.clearance_mm,
        cost=_cost(found),
        bundle=np.zeros(len(number), dtype=np.intp),
    )
    return made.part(ok)


def still_open(pool: Pool, obstacles: Sequence[Obstacles]) -> Pool:
    """Those of ``pool`` that are ways in past ``obstacles`` too, one for each kind of probe; none may be empty."""
    if not obstacles:
        return pool
    ok = np.zeros(pool.size, dtype=bool)
    for number, around in enumerate(obstacles):
        mine = np.flatnonzero(pool.probe == number)
        if mine.size:
            ok[mine] = ways.trace(around, pool.tip_mm[mine], -pool.outward[mine], np.zeros(mine.size)).ok
    return pool.part(ok)


def held(pool: Pool, ready: Ready) -> Pool:
    """Those of ``pool`` whose active zones lie in what was made ready."""
    return pool.part(ready.holds(np.stack(pool.active_ends_mm, axis=1), spare_mm=SPARE_MM))


def joined(parts: Sequence[Pool], probes: tuple[Probe, ...]) -> Pool:
    """One pool of many."""
    whole: dict[str, NDArray] = {
        "probe": np.zeros(0, dtype=np.intp),
        "bundle": np.zeros(0, dtype=np.intp),
        **{field: np.zeros((0, 3)) for field in ("middle_mm", "outward", "entry_mm", "tip_mm")},
        **{field: np.zeros(0) for field in ("clearance_mm", "cost")},
    }
    return Pool(
        probes=probes,
        **{field: np.concatenate([empty, *(getattr(p, field) for p in parts)]) for field, empty in whole.items()},
    )


def _cost(found: Traced) -> Points:
    narrow = np.clip(1.0 - found.clearance_mm / CLEAR_MM, 0.0, 1.0)
    long = np.clip(np.where(np.isfinite(found.length_mm), found.length_mm, LONG_MM) / LONG_MM, 0.0, 1.0)
    slanting = np.clip(np.nan_to_num(found.bone_angle_deg) / STEEP_DEG, 0.0, 1.0)
    return (narrow + long + slanting) / 3.0


def _directions(scene: Scene, around: Obstacles, probe: Probe, rng: np.random.Generator) -> Points:
    """Directions (D, 3) out of the patient along which ways to the target are open, the best first, well apart."""
    sphere = fibonacci(DIRECTIONS)
    targets = scene.target_mm[rng.choice(len(scene.target_mm), min(FIRST_POINTS, len(scene.target_mm)), replace=False)]
    targets = np.concatenate([scene.centre_mm[None], targets])
    through = np.tile(targets, (DIRECTIONS, 1))
    score = np.zeros(DIRECTIONS)
    for beyond in (_to_far_side(scene, targets, sphere).reshape(-1) + probe.tip_to_active_mm, np.zeros(len(through))):
        found = ways.trace(around, through, np.repeat(-sphere, len(targets), axis=0), beyond)
        score += np.where(found.ok, 2.0 - _cost(found), 0.0).reshape(DIRECTIONS, -1).mean(axis=1)
    kept: list[int] = []
    for number in np.argsort(-score, kind="stable"):
        if score[number] <= 0.0 or len(kept) >= KEPT_DIRECTIONS:
            break
        if all(sphere[number] @ sphere[other] < math.cos(math.radians(APART_DEG)) for other in kept):
            kept.append(int(number))
    return sphere[kept]


def _to_far_side(scene: Scene, points_mm: Points, outward: Points) -> Points:
    """How far (D, N) the target goes on beyond each of N points, along D ways in: within a column around each."""
    relative = scene.target_mm[None] - points_mm[:, None]
    inward = -np.einsum("npk,dk->dnp", relative, outward)
    aside = np.sqrt(np.maximum((relative**2).sum(axis=2)[None] - inward**2, 0.0))
    return np.where(aside <= LATTICE_MM, inward, 0.0).max(axis=2)


def _lattice(scene: Scene, probe: Probe, outward: Points, rng: np.random.Generator) -> Points:
    """Middles (N, 3) of active zones on parallel lines through the target, at some depths each."""
    side = np.cross(outward, [0.0, 0.0, 1.0] if abs(outward[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(outward, side), outward])
    local = (scene.target_mm - scene.centre_mm) @ frame.T
    cell = np.floor((local[:, :2] + rng.uniform(0, LATTICE_MM, 2)) / LATTICE_MM).astype(int)
    cells, inverse = np.unique(cell, axis=0, return_inverse=True)
    middles = []
    for number in range(len(cells)):
        column = local[inverse.reshape(-1) == number]
        low, high = column[:, 2].min(), column[:, 2].max()
        across = column[:, :2].mean(axis=0)
        length = probe.active_length_mm
        if high - low > length:
            depths = np.linspace(low + length / 2, high - length / 2, math.ceil((high - low) / (0.6 * length)))
        else:
            ends = low + np.asarray(DEEP_ENDS_MM) + length / 2  # the tip just beyond the far side, or short of it
            depths = np.concatenate([(low + high) / 2 + np.asarray(SHIFTS) * length, ends])
        middles += [[*across, depth] for depth in depths]
    return np.asarray(middles) @ frame + scene.centre_mm


def fibonacci(count: int) -> Points:
    """Directions (N, 3) that are spread evenly over the sphere."""
    n = np.arange(count) + 0.5
    height, turn = 1.0 - 2.0 * n / count, math.pi * (1.0 + math.sqrt(5.0)) * n
    flat = np.sqrt(1.0 - height**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), height], axis=1)


def _point(position_mm: NDArray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 2) for value in position_mm)
    return x, y, z
