"""Draw the border that a surface about a lesion meant: half way between the lesion and what lies around, by a walk."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._pieces import largest_piece, numbered
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Window

# Numerical choices of the method, the same for every lesion; none is a clinical number.
BLUR_MM, CORE_MM, GAP_MM, RIM_MM, RIM_SHARE, FEW = 0.6, 0.7, 2.0, 5.0, 0.4, 50
APART, OFTEN, UNEVEN = 1.5, 0.1, 0.4  # in spreads of the core; share of the rim; spread of the core over the contrast
LEAST_SPREAD_HU = 12.0  # the noise of a smoothed body CT
STRAY_MM, STRAY_SHARE, NEAR_PER_MM, NEAR_MM = 5.0, 0.4, 0.3, 8.0
OUT, OUT_PER_MM, OUT_MM = 1.0, 0.1, 10.0
SURE, STEEP, TURNS = 0.6, 10.0, 2
SAME = 0.75  # Dice: what differs more from the surface than this is no finer border of it, but another lesion


@array_noun
class Levels:
    """HU of a lesion's core and the levels half way to what is brighter and darker around; None where nothing is."""

    middle_hu: float
    below_hu: float | None
    above_hu: float | None


def refined(mask: NDArray[np.bool_], seen: Window) -> NDArray[np.bool_]:
    """Move the border of ``mask`` (N, N, N), by 5 mm at the most, to half the contrast; a mottled lesion stays.

    What is clearly lesion, and what is clearly not, are the two seeds of a random walk (scikit-image), which draws the
    border between them. Where the walk runs off or dries up, ``mask`` stays as it is.
    """
    walked = _refined(mask, seen)
    both = np.count_nonzero(mask & walked)
    return walked if 2 * both >= SAME * (np.count_nonzero(mask) + np.count_nonzero(walked)) else mask


def _refined(mask: NDArray[np.bool_], seen: Window) -> NDArray[np.bool_]:
    from scipy import ndimage

    part = _part(mask, seen)
    hu = np.asarray(ndimage.gaussian_filter(seen.hu[part], BLUR_MM / seen.spacing_mm))
    solid, off, first = seen.solid[part], seen.off_bone_mm[part], mask[part]
    start_mm = signed_mm(first, seen.spacing_mm)
    now = first
    stray = min(STRAY_MM, STRAY_SHARE * (0.75 * np.count_nonzero(first) / np.pi) ** (1 / 3))
    for _ in range(TURNS):
        levels = _levels(hu, signed_mm(now, seen.spacing_mm), solid, off)
        if levels is None:
            break
        speaks = _speaks(hu, levels) + NEAR_PER_MM * np.clip(start_mm, -NEAR_MM, NEAR_MM)
        speaks -= np.where(off > 0.5, OUT + OUT_PER_MM * np.minimum(off, OUT_MM), 0.0)
        speaks = np.where(solid & (start_mm > -stray), speaks, -2.0)
        speaks = np.where(seen.scanned[part], speaks, 0.0)  # what was not scanned says nothing
        walked = _walked(speaks, start_mm)
        if walked is None:
            break
        now = walked
    result = np.zeros_like(mask)
    result[part] = now & solid
    return result


def signed_mm(mask: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.float64]:
    """(I, J, K) depth below the surface of ``mask`` [mm], negative outside."""
    from scipy import ndimage

    inner = np.asarray(ndimage.distance_transform_edt(mask))
    outer = np.asarray(ndimage.distance_transform_edt(~mask))
    return spacing_mm * np.where(mask, inner - 0.5, 0.5 - outer)


def _part(mask: NDArray[np.bool_], seen: Window) -> tuple[slice, slice, slice]:
    room = round((STRAY_MM + GAP_MM + RIM_MM + 6.0) / seen.spacing_mm)
    index = np.argwhere(mask)
    low, high = np.maximum(index.min(axis=0) - room, 0), index.max(axis=0) + room + 1
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _levels(
    hu: NDArray[Any], depth_mm: NDArray[np.float64], solid: NDArray[np.bool_], off_mm: NDArray[Any]
) -> Levels | None:
    """Levels by the medians of the core and of the bone around; None where the lesion is too mottled to have one."""
    core = solid & (depth_mm > CORE_MM)
    if np.count_nonzero(core) < FEW:
        return None
    inside = hu[core]
    middle = float(np.median(inside))
    spread = max(1.48 * float(np.median(np.abs(inside - middle))), LEAST_SPREAD_HU)
    radius = (0.75 * np.count_nonzero(depth_mm > 0) / np.pi) ** (1 / 3)
    rim = max(RIM_MM, RIM_SHARE * radius)
    around = hu[solid & (off_mm <= 0.5) & (depth_mm < -GAP_MM) & (depth_mm > -GAP_MM - rim)]
    if around.size < FEW or spread > UNEVEN * abs(float(np.median(around)) - middle):
        return None
    sides = []
    for there in (around[around < middle - APART * spread], around[around > middle + APART * spread]):
        sides.append((middle + float(np.median(there))) / 2 if there.size > OFTEN * around.size else None)
    below, above = sides
    if middle > library.hu_rules()["bone_above_hu"].value:
        above = None  # the cortex that a dense lesion reaches is part of it
    return None if below is None and above is None else Levels(middle_hu=middle, below_hu=below, above_hu=above)


def _speaks(hu: NDArray[Any], levels: Levels) -> NDArray[np.float64]:
    """From 1 at the lesion's own density through 0 half way to its neighbours' to -1."""
    result = np.ones(hu.shape)
    for edge in (levels.below_hu, levels.above_hu):
        if edge is not None:
            result = np.minimum(result, (hu - edge) / (levels.middle_hu - edge))
    return np.clip(result, -1.0, 1.0)


def _walked(speaks: NDArray[np.float64], start_mm: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Let a random walk decide between what speaks clearly for and clearly against; None where there are not both."""
    from scipy import ndimage
    from skimage.segmentation import random_walker

    pieces, count = numbered(speaks > SURE)
    at_core = pieces[(start_mm > min(2.0, float(start_mm.max()) - 1.0)) & (pieces > 0)]
    if count == 0 or at_core.size == 0 or not (speaks < -SURE).any():
        return None
    seeds = np.zeros(speaks.shape, dtype=np.int32)
    seeds[speaks < -SURE] = 2
    seeds[pieces == np.bincount(at_core).argmax()] = 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The probability range is outside", category=UserWarning)
        walked = np.asarray(random_walker(np.clip(speaks, -1.0, 1.0), seeds, beta=STEEP, mode="cg_j", tol=1e-3)) == 1
    kept = largest_piece(walked)
    return None if kept is None else np.asarray(ndimage.binary_fill_holes(kept), dtype=np.bool_)
