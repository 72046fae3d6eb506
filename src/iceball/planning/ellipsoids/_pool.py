"""Ways in with the ellipsoid that each would have: what the search chooses from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.planning.ways import trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Probe
    from iceball.planning.ellipsoids._sizes import Ellipsoid
    from iceball.planning.ellipsoids._target import Target
    from iceball.planning.ways import Obstacles

    Field = NDArray[np.float64]
    Bits = NDArray[np.uint8]

ARRAYS = ("middle_mm", "outward", "entry_mm", "tip_mm", "active_mm", "inside", "around")
AT_ONCE = 64  # ellipsoids whose points are counted together: bounds the memory


@array_noun
class Pool:
    """N ways in. ``middle_mm`` and ``outward`` (N, 3) say where the ellipsoid lies, ``entry_mm`` and ``tip_mm`` (N, 3)
    where the probe does, ``active_mm`` (N, 2, 3) its active zone, the deep end first. ``inside`` (N, A) and ``around``
    (N, B) hold one bit for each point of the target and around it that the ellipsoid covers.
    """

    middle_mm: Field
    outward: Field
    entry_mm: Field
    tip_mm: Field
    active_mm: Field
    inside: Bits
    around: Bits
    shaft_diameter_mm: float

    def __len__(self) -> int:
        """Return how many ways there are."""
        return len(self.middle_mm)

    @property
    def shafts_mm(self) -> Field:
        """(N, 2, 3) whole shafts, from tip to skin."""
        return np.stack([self.tip_mm, self.entry_mm], axis=1)

    def and_also(self, other: Pool) -> Pool:
        """Return the ways of both, these first."""
        joined = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in ARRAYS}
        return replace(self, **joined)

    def picked(self, chosen: list[int]) -> Pool:
        """Return only the ways ``chosen``."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ARRAYS})


@array_noun
class Maker:
    """What a pool is made from: the probe with its ellipsoid, the target, and what stands in the way."""

    probe: Probe
    ellipsoid: Ellipsoid
    target: Target
    obstacles: Obstacles

    def pool(self, middles_mm: Field, inward: Field) -> Pool:
        """Keep of the ellipsoids at ``middles_mm`` (N, 3) along ``inward`` (N, 3) those that a way in leads to."""
        beyond = np.full(len(middles_mm), self.ellipsoid.middle_from_tip_mm)
        traced = trace(self.obstacles, middles_mm, inward, beyond)
        deep_enough = traced.length_mm >= self.probe.active_length_mm + self.probe.tip_to_active_mm
        ok = np.asarray(traced.ok) & deep_enough
        toward = inward[ok] / np.linalg.norm(inward[ok], axis=1, keepdims=True)
        tip = traced.tip_mm[ok]
        deep = tip - toward * self.probe.tip_to_active_mm
        active = np.stack([deep, deep - toward * self.probe.active_length_mm], axis=1)
        return Pool(
            middle_mm=middles_mm[ok],
            outward=-toward,
            entry_mm=traced.entry_mm[ok],
            tip_mm=tip,
            active_mm=active,
            inside=self._covered(self.target.inside_mm, middles_mm[ok], toward),
            around=self._covered(self.target.around_mm, middles_mm[ok], toward),
            shaft_diameter_mm=self.probe.shaft_diameter_mm,
        )

    def anywhere(self, count: int, rng: np.random.Generator) -> Pool:
        """Ways of ``count`` ellipsoids with their middles in the target, along any direction."""
        points = self.target.inside_mm
        middles = points[rng.integers(len(points), size=count)] + rng.normal(0.0, 1.0, (count, 3))
        return self.pool(middles, rng.normal(size=(count, 3)))

    def beside(self, ways: Pool, count: int, share: float, rng: np.random.Generator) -> Pool:
        """Ways near some of ``ways``: off by normal errors, ``share`` of a diameter and of half a radian."""
        near = rng.integers(len(ways), size=count)
        middles = ways.middle_mm[near] + rng.normal(0.0, share * self.ellipsoid.diameter_mm, (count, 3))
        inward = -ways.outward[near] + rng.normal(0.0, 0.5 * share, (count, 3))
        return self.pool(middles, inward)

    def _covered(self, points_mm: Field, middles_mm: Field, axis: Field) -> Bits:
        """(N, bytes) bits of the points (M, 3) that each ellipsoid covers."""
        rows: list[Bits] = [np.zeros((0, (len(points_mm) + 7) // 8), dtype=np.uint8)]
        points = points_mm.astype(np.float32)
        half, radius = self.ellipsoid.length_mm / 2, self.ellipsoid.diameter_mm / 2
        for start in range(0, len(middles_mm), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            middles, along = middles_mm[part].astype(np.float32), axis[part].astype(np.float32)
            lengthwise = along @ points.T - (along * middles).sum(axis=1)[:, None]
            away2 = (points**2).sum(axis=1) - 2.0 * middles @ points.T + (middles**2).sum(axis=1)[:, None]
            covered = (lengthwise / half) ** 2 + (away2 - lengthwise**2) / radius**2 <= 1.0
            rows.append(np.packbits(covered, axis=1))
        return np.concatenate(rows)
