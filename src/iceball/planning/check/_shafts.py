"""What a straight shaft meets: every voxel that its thickness touches, exactly, at the resolution of the labels."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid
    from iceball.nouns._noun import Point

# Numerical: the distance along a line to a box is convex, so a search in three parts finds its least; after so many
# rounds what is left of 200 mm is a ten-thousandth of a millimetre.
ROUNDS = 36
STEP_MM = 0.25  # numerical: how finely the way inside a structure is told
PIECE_MM = 8.0  # numerical: a slanting line is looked at in pieces, or the box around it would be most of the scan


@array_noun
class Met:
    """Voxels near a line: ``voxel`` (N, 3) and ``number`` (N,) the label of each, ``gap_mm`` (N,) from the line to the
    voxel's box, ``along_mm`` (N,) where on the line that is, from its start.
    """

    voxel: NDArray[np.intp]
    number: NDArray[np.intp]
    gap_mm: NDArray[np.float64]
    along_mm: NDArray[np.float64]


def met(labels: NDArray[Any], grid: Grid, line: tuple[Point, Point], reach_mm: float, wanted: NDArray[np.bool_]) -> Met:
    """Find the voxels of ``labels`` whose box comes within ``reach_mm`` of the segment ``line``.

    Parameters
    ----------
    labels : (I, J, K) numbers on ``grid``
    line : start and end, LPS [mm]
    reach_mm : how near counts [mm]
    wanted : (M,) True for the numbers that are looked for
    """
    spacing = np.asarray(grid.spacing_mm)
    start, end = (grid.index_of(point) * spacing for point in line)  # the grid's own axes are orthonormal: mm stay mm
    voxels = _near(labels, spacing, (start, end), reach_mm, wanted)
    numbers = labels[tuple(voxels.T)].astype(np.intp)
    gap, share = _least(np.asarray(voxels * spacing, dtype=np.float64), spacing / 2, start, end)
    close = gap <= reach_mm
    along = share[close] * float(np.linalg.norm(end - start))
    return Met(voxel=voxels[close], number=numbers[close], gap_mm=gap[close], along_mm=along)


def stretch(grid: Grid, line: tuple[Point, Point], voxels: NDArray[np.intp], radius_mm: float) -> NDArray[np.float64]:
    """(S,) places along the segment ``line`` [mm from its start] where a shaft of ``radius_mm`` touches ``voxels``.

    They lie ``STEP_MM`` apart where it does; ``voxels`` (N, 3) are some that it touches.
    """
    spacing = np.asarray(grid.spacing_mm)
    start, end = (grid.index_of(point) * spacing for point in line)
    length = float(np.linalg.norm(end - start))
    along = np.arange(0.0, length + STEP_MM, STEP_MM)
    points = start + (along / length)[:, None] * (end - start)
    touched = np.zeros(len(along), dtype=bool)
    for part in np.array_split(voxels, 1 + len(voxels) // 500):  # in parts: all at once would be large
        away = np.maximum(np.abs(points[:, None] - part * spacing) - spacing / 2, 0.0)
        touched |= (np.linalg.norm(away, axis=-1) <= radius_mm).any(axis=1)
    return along[touched]


def _near(
    labels: NDArray[Any],
    spacing: NDArray[np.float64],
    line: tuple[NDArray[np.float64], NDArray[np.float64]],
    reach_mm: float,
    wanted: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """(N, 3) ``wanted`` voxels that may come within ``reach_mm`` of the segment: no such voxel is left out.

    The segment is cut into pieces, and the box around each piece is looked at: all that its thickness can touch.
    """
    start, end = line
    count = 1 + int(np.linalg.norm(end - start) / PIECE_MM)
    ends = start + np.linspace(0.0, 1.0, count + 1)[:, None] * (end - start)
    shape = np.asarray(labels.shape)
    found: list[NDArray[np.intp]] = []
    for one, other in pairwise(ends):
        low = np.floor((np.minimum(one, other) - reach_mm) / spacing - 0.5).astype(int)
        high = np.ceil((np.maximum(one, other) + reach_mm) / spacing + 0.5).astype(int) + 1
        low, high = np.clip(low, 0, shape), np.clip(high, 0, shape)
        part = labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        there = np.argwhere(wanted[np.minimum(part, len(wanted) - 1)] & (part < len(wanted))) + low
        found.append(np.asarray(np.ravel_multi_index(tuple(there.T), labels.shape), dtype=np.intp))
    return np.stack(np.unravel_index(np.unique(np.concatenate(found)), labels.shape), axis=1)


def _least(
    centre: NDArray[np.float64], half: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) least distance of the segment to each box [mm], and (N,) the share of the segment where it is."""

    def away(share: NDArray[np.float64]) -> NDArray[np.float64]:
        point = start + share[:, None] * (end - start)
        return np.linalg.norm(np.maximum(np.abs(point - centre) - half, 0.0), axis=1)

    low, high = np.zeros(len(centre)), np.ones(len(centre))
    for _ in range(ROUNDS):
        third = (high - low) / 3
        nearer = away(low + third) <= away(high - third)
        low, high = np.where(nearer, low, low + third), np.where(nearer, high - third, high)
    share = (low + high) / 2
    ends = np.stack([np.zeros(len(centre)), share, np.ones(len(centre))])
    gaps = np.stack([away(part) for part in ends])
    best = gaps.argmin(axis=0)
    return np.take_along_axis(gaps, best[None], 0)[0], np.take_along_axis(ends, best[None], 0)[0]
