"""The lines that are tried: from points spread over the lesion, in all directions, with the tip here or there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.planning.ways._obstacles import LESION, Obstacles
from iceball.planning.ways._trace import STEP_MM, Traced, _indices, _looked_up, directed, trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Probe

# Numerical: how finely directions and points of the lesion are spread, and how much of the lesion is looked at.
APART_DEG = 5.0
STEEPEST_DEG = 65.0  # steeper ones are not even counted
POINTS, FEW_LINES, MORE_POINTS = 8, 200, 16  # where few lines hold, more points are tried, nearer to the border
INNER_FRACTION, OUTER_FRACTION = 0.5, 0.9
MOST_VOXELS = 4000
BEYOND_MM = 1.5  # of the lesion's far border: where the active zone ends if it can


@array_noun
class Candidates:
    """N lines, and what became of them.

    ``lost_mm`` (N,) is the length in the lesion that the active zone misses, ``aside_mm`` (N,) how far the line passes
    the lesion's centre by, ``chord_mm`` (N,) its length in the lesion, ``far_mm`` (N,) how far beyond ``through_mm``
    the lesion ends.
    """

    through_mm: NDArray[np.float64]
    inward: NDArray[np.float64]
    far_mm: NDArray[np.float64]
    chord_mm: NDArray[np.float64]
    lost_mm: NDArray[np.float64]
    aside_mm: NDArray[np.float64]
    short: NDArray[np.bool_]
    traced: Traced

    @property
    def ok(self) -> NDArray[np.bool_]:
        """(N,) True where the line is a way in for the probe."""
        return self.traced.ok & ~self.short


def candidates(obstacles: Obstacles, probe: Probe) -> Candidates:
    """Try lines through the lesion of ``obstacles`` in every direction that is open.

    The active zone of ``probe`` ends a little beyond the lesion or at its far border, or the tip ends there or within.
    Where few of the lines hold, more are tried, through points nearer to the border too.
    """
    directions = _directions()
    open_ones = directions[directed(obstacles, -directions)[1] == 0]
    first = _tried(obstacles, probe, _spread(obstacles.lesion_mm, POINTS, INNER_FRACTION), open_ones)
    if int(first.ok.sum()) >= FEW_LINES:
        return first
    return _tried(obstacles, probe, _spread(obstacles.lesion_mm, MORE_POINTS, OUTER_FRACTION), open_ones)


def shut_candidates(obstacles: Obstacles, probe: Probe) -> Candidates:
    """Try the lines in the directions that are closed: to find out what would open a way."""
    directions = _directions()
    shut = directions[directed(obstacles, -directions)[1] != 0]
    return _tried(obstacles, probe, _spread(obstacles.lesion_mm, POINTS, INNER_FRACTION), shut)


def _tried(
    obstacles: Obstacles, probe: Probe, points: NDArray[np.float64], directions: NDArray[np.float64]
) -> Candidates:
    through = np.repeat(points, len(directions), axis=0)
    inward = np.tile(directions, (len(points), 1))
    near, far = _chords(obstacles, through, inward)
    dead_mm = probe.tip_to_active_mm
    tips = np.stack([far + dead_mm + BEYOND_MM, far + dead_mm / 2, far, far - (far - near) / 4], axis=1)
    count = tips.shape[1]
    through, inward, near, far = (np.repeat(each, count, axis=0) for each in (through, inward, near, far))
    beyond = tips.ravel()
    traced = trace(obstacles, through, inward, beyond)
    deep, shallow = beyond - dead_mm, beyond - dead_mm - probe.active_length_mm
    held = np.maximum(np.minimum(far, deep) - np.maximum(near, shallow), 0.0)
    return Candidates(
        through_mm=through,
        inward=inward,
        far_mm=far,
        chord_mm=far - near,
        lost_mm=np.maximum(far - near - held, 0.0),
        aside_mm=_aside(obstacles, through, inward),
        short=traced.length_mm < probe.active_length_mm + dead_mm,
        traced=traced,
    )


def _directions() -> NDArray[np.float64]:
    """(n, 3) unit vectors spread evenly over all directions that are not too steep."""
    n = int(4 * np.pi / np.radians(APART_DEG) ** 2)
    height = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(n)  # the golden angle
    width = np.sqrt(1 - height**2)
    every = np.stack([width * np.cos(turn), width * np.sin(turn), height], axis=1)
    return every[np.abs(height) <= np.sin(np.radians(STEEPEST_DEG))]


def _spread(voxels_mm: NDArray[np.float64], most: int, share: float) -> NDArray[np.float64]:
    """(m, 3) points of the lesion: the one nearest to its centre, then each as far as can be from those before.

    The lesion is shrunk to ``share`` about its centre before.
    """
    some = voxels_mm[:: max(1, len(voxels_mm) // MOST_VOXELS)]
    centre = voxels_mm.mean(axis=0)
    nearest = some[np.argmin(np.linalg.norm(some - centre, axis=1))]
    inner = nearest + (some - nearest) * share
    found = [nearest]
    away = np.linalg.norm(inner - nearest, axis=1)
    while len(found) < most and away.max() > STEP_MM:
        found.append(inner[int(np.argmax(away))])
        away = np.minimum(away, np.linalg.norm(inner - found[-1], axis=1))
    return np.array(found)


def _chords(
    obstacles: Obstacles, through: NDArray[np.float64], inward: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) where the lines enter and leave the lesion, counted from the points toward the tip [mm]."""
    voxels = obstacles.lesion_mm
    half_mm = float(np.linalg.norm(voxels.max(axis=0) - voxels.min(axis=0))) + 2 * STEP_MM
    along = np.arange(-half_mm, half_mm, STEP_MM)
    ends = []
    for start in range(0, len(through), 4000):
        part = slice(start, start + 4000)
        index = _indices(obstacles, through[part], -inward[part], along)
        inside = (_looked_up(obstacles.what, index) & LESION) > 0
        last = len(along) - 1 - np.argmax(inside[:, ::-1], axis=1)
        there = inside.any(axis=1)
        near = np.where(there, along[np.argmax(inside, axis=1)] - STEP_MM / 2, 0.0)
        ends.append(np.stack([near, np.where(there, along[last] + STEP_MM / 2, 0.0)]))
    near, far = np.concatenate(ends, axis=1)
    return near, far


def _aside(obstacles: Obstacles, through: NDArray[np.float64], inward: NDArray[np.float64]) -> NDArray[np.float64]:
    off = np.asarray(obstacles.centre_mm) - through
    return np.linalg.norm(off - (off * inward).sum(axis=1)[:, None] * inward, axis=1)
