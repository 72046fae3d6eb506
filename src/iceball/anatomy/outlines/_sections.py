"""The spinal canal slice by slice: how far from its middle its wall lies, in each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical.
DIRECTIONS = 48
ANGLES = np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
STEP_MM = 0.5
FARTHEST_MM = 18.0  # no wall of a canal lies so far from its middle
PEAK_MM = 4.0  # behind the wall's edge, where its brightest bone is looked for
WALL_HU = (55.0, 250.0)  # least step from content to wall; a wall counts as reached at the second at the latest
WINDOW_MM = 20.0  # along the canal: a vertebra has a closed ring somewhere in it
SPIKE_MM = 0.8  # a vein's hole in the wall is deeper than its surroundings by more
CALM_MM = 3.0  # the middle line is smoothed along the canal
# What tells a canal from a gutter beside the spine (never ringed) and from marrow (ragged), on the scans tried: canals
# had 0.78 to 0.97, 0.24 to 0.89 and 0.44 to 0.90 mm; gutters up to 0.73 and 0.11; marrow 0.93 mm and more.
LEAST_MET_FRACTION = 0.65  # of all directions meet a wall
LEAST_RINGED_FRACTION = 0.15  # of the slices meet it in nine of ten
LARGEST_STEP_MM = 0.92  # from one direction to the next, on average
AGAIN = 3  # times the middle is put into the middle of what was found


@array_noun
class Sections:
    """A canal as (N,) slices, their (N, 2) middles [mm along the two axes of the slice] and (N, 48) radii [mm].

    ``wall_mm`` is where bone was met, infinite where nothing was: there the radius is taken over from the slices above
    and below.
    """

    slices: NDArray[np.intp]
    middle_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    wall_mm: NDArray[np.float64]


def sections(
    hu: NDArray[np.float32], bone: NDArray[np.bool_] | None, line_mm: NDArray[np.float64], spacing_mm: tuple[float, ...]
) -> Sections:
    """Outline the canal in every slice that the line (N, 3) [mm from voxel 0, along the axes] passes.

    Parameters
    ----------
    hu : (I, J, K) [HU]
    bone : (I, J, K) True in labelled bone, or None
    line_mm : (N, 3) middle of the canal, rising along K [mm]
    spacing_mm : of the voxels [mm]
    """
    from scipy import ndimage  # only here: slow to import

    first = max(0, round((line_mm[0, 2]) / spacing_mm[2]))
    last = min(hu.shape[2] - 1, round(line_mm[-1, 2] / spacing_mm[2]))
    slices = np.arange(first, last + 1)
    at = slices * spacing_mm[2]
    middle = np.column_stack([np.interp(at, line_mm[:, 2], line_mm[:, axis]) for axis in (0, 1)])
    seen = hu if bone is None else np.where(bone, np.maximum(hu, WALL_HU[1]), hu)
    radius = wall = np.empty((0, DIRECTIONS))
    for turn in range(AGAIN):
        middle = ndimage.gaussian_filter1d(middle, CALM_MM / spacing_mm[2], axis=0, mode="nearest")
        wall = _wall(seen, slices, middle, spacing_mm)
        radius = _completed(wall, spacing_mm[2])
        if turn < AGAIN - 1:
            middle = middle + _centroid(radius)
    largest = library.outline_rules()["canal_section_largest_mm2"].value
    radius = radius * np.sqrt(np.minimum(1.0, largest / _area(radius)))[:, None]
    return Sections(slices=slices, middle_mm=middle, radius_mm=radius, wall_mm=wall)


def is_canal(found: Sections) -> bool:
    """Whether the sections look like a canal's: mostly walled, here and there ringed, and smooth."""
    met = np.isfinite(found.wall_mm)
    ringed = met.mean(axis=1) >= 0.9
    step_mm = np.abs(np.diff(np.where(met, found.wall_mm, np.nan), axis=1))
    walled = met.mean() >= LEAST_MET_FRACTION and ringed.mean() >= LEAST_RINGED_FRACTION
    return bool(walled and np.nanmean(step_mm) <= LARGEST_STEP_MM)


def drawn(found: Sections, shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I, J, K) True inside of the sections."""
    mask = np.zeros(shape, dtype=bool)
    for k, middle, radius in zip(found.slices, found.middle_mm, found.radius_mm, strict=True):
        low = [max(0, int((m - FARTHEST_MM) / s)) for m, s in zip(middle, spacing_mm[:2], strict=True)]
        high = [
            min(n, int((m + FARTHEST_MM) / s) + 2) for m, s, n in zip(middle, spacing_mm[:2], shape[:2], strict=True)
        ]
        x = np.arange(low[0], high[0])[:, None] * spacing_mm[0] - middle[0]
        y = np.arange(low[1], high[1])[None, :] * spacing_mm[1] - middle[1]
        reach = np.interp(np.arctan2(y, x), ANGLES, radius, period=2 * np.pi)
        mask[low[0] : high[0], low[1] : high[1], k] = np.hypot(x, y) <= reach
    return mask


def rays(
    hu: NDArray[np.float32],
    slices: NDArray[np.intp],
    middle_mm: NDArray[np.float64],
    spacing_mm: tuple[float, ...],
    reach_mm: float,
) -> NDArray[np.float32]:
    """(N, 48, R) HU along the rays from each middle, every STEP_MM from 0 to ``reach_mm`` [mm]."""
    from scipy import ndimage

    away = np.arange(0.0, reach_mm + STEP_MM / 2, STEP_MM)
    x = middle_mm[:, 0, None, None] + np.cos(ANGLES)[None, :, None] * away
    y = middle_mm[:, 1, None, None] + np.sin(ANGLES)[None, :, None] * away
    k = np.broadcast_to(slices[:, None, None].astype(float), x.shape)
    at = [x / spacing_mm[0], y / spacing_mm[1], k]
    return np.asarray(ndimage.map_coordinates(hu, at, order=1, mode="nearest"), dtype=np.float32)


def _wall(
    hu: NDArray[np.float32], slices: NDArray[np.intp], middle: NDArray[np.float64], spacing: tuple[float, ...]
) -> NDArray[np.float64]:
    """(N, 48) how far the wall is [mm]: half way up from the content to the brightest bone behind it."""
    from scipy import ndimage

    seen = rays(hu, slices, middle, spacing, FARTHEST_MM + PEAK_MM)
    seen = ndimage.uniform_filter1d(seen, 3, axis=2, mode="nearest")  # against noise; the half height stays in place
    content = np.median(seen[:, :, : int(3.0 / STEP_MM)], axis=(1, 2))
    content = ndimage.median_filter(content, max(1, int(WINDOW_MM / spacing[2])), mode="nearest")[:, None]
    behind = int(PEAK_MM / STEP_MM)
    peak = ndimage.maximum_filter1d(seen, behind + 1, axis=2, origin=-(behind // 2), mode="nearest")
    level = np.clip((content[:, :, None] + peak) / 2, content[:, :, None] + WALL_HU[0], WALL_HU[1])
    over = (seen >= level) & (peak >= content[:, :, None] + 2 * WALL_HU[0])
    over = over[:, :, : int(FARTHEST_MM / STEP_MM) + 1]
    first = over.argmax(axis=2)
    return np.where(over.any(axis=2), np.maximum(first - 0.5, 0.5) * STEP_MM, np.inf)


def _completed(wall: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """Take the radius over from above and below where the ring is open, or has a hole."""
    from scipy import ndimage

    finite = np.where(np.isfinite(wall), wall, 99.0)
    window = 2 * int(WINDOW_MM / step_mm) + 1
    usual = ndimage.percentile_filter(finite, 35, size=(window, 1), mode="nearest")
    ring = np.pad(finite, ((0, 0), (3, 3)), mode="wrap")
    around = ndimage.median_filter(ring, size=(2 * int(3.0 / step_mm) + 1, 7), mode="nearest")[:, 3:-3]
    known = np.isfinite(wall) & (wall <= 1.25 * usual + 1.0) & (np.abs(finite - around) <= SPIKE_MM)
    at = np.arange(len(wall))
    radius = np.full(wall.shape, np.nan)
    for a in np.flatnonzero(known.any(axis=0)):
        radius[:, a] = np.interp(at, at[known[:, a]], wall[known[:, a], a])
    lost = np.isnan(radius[0])
    if lost.all():
        return np.full(wall.shape, STEP_MM)
    for row in radius[:, :]:
        row[lost] = np.interp(ANGLES[lost], ANGLES[~lost], row[~lost], period=2 * np.pi)
    smooth = ndimage.gaussian_filter1d(radius, 2.0 / step_mm, axis=0, mode="nearest")
    smooth = ndimage.gaussian_filter1d(smooth, 1.0, axis=1, mode="wrap")
    return np.where(known, wall, smooth)


def _area(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) area of each section [mm²]."""
    return 0.5 * np.sin(2 * np.pi / DIRECTIONS) * (radius * np.roll(radius, -1, axis=1)).sum(axis=1)


def _centroid(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) centre of area of each section, from its middle [mm]."""
    x, y = radius * np.cos(ANGLES), radius * np.sin(ANGLES)
    cross = x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y
    area = np.maximum(cross.sum(axis=1) / 2, 1e-6)
    both = [((c + np.roll(c, -1, axis=1)) * cross).sum(axis=1) / 6 / area for c in (x, y)]
    return np.column_stack(both)
