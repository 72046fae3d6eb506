"""Grow a lesion of about a given size: what looks like its middle, unlike what lies around, near, and in bone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy.lesion._looks import Looks, ratio
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Window

# Numerical choices of the method, no clinical numbers; shares are of the size that is tried.
MIDDLE_SHARE, RIM_SHARE, RIM_MM, REACH_SHARE = 0.55, 1.25, 9.0, 2.0
NEAR_BONE_MM, OUT_PER_MM, OUT_FREE_MM, OUT_MOST_MM = 2.0, 1.5, 0.5, 4.0
PULL, SMOOTH_MM, TURNS, FEWEST = 2.0, 1.2, 3, 50


@array_noun
class Tools:
    """What growing works on: a window, its looks, and ``size`` (N, N, N), each voxel's distance over the size tried."""

    seen: Window
    looks: Looks
    size: NDArray[Any]
    radius_mm: float


def grow(tools: Tools) -> NDArray[np.bool_] | None:
    """Mask (N, N, N) of the lesion about the centre, or None where nothing of about that size stands out.

    The middle is learnt first, against the rim around; then, three times, what looks more like the lesion than like the
    rest is kept, where nearness and bone speak for it, and both are learnt anew from what was kept.
    """
    seen, size = tools.seen, tools.size
    near = seen.solid & (seen.off_bone_mm <= NEAR_BONE_MM)
    wide = RIM_SHARE + RIM_MM / tools.radius_mm
    lesion = seen.solid & (size <= MIDDLE_SHARE)
    rest = near & (size > RIM_SHARE) & (size < wide)
    for_it = PULL * np.clip(1.0 - size**2, -2.5, 1.0)
    against = OUT_PER_MM * np.clip(seen.off_bone_mm - OUT_FREE_MM, 0.0, OUT_MOST_MM)
    mask: NDArray[np.bool_] | None = None
    for _ in range(TURNS):
        if min(np.count_nonzero(rest), 10 * np.count_nonzero(lesion)) < FEWEST:
            return None
        mask = _kept(np.clip(ratio(tools.looks, lesion, rest), -4.0, 4.0) + for_it - against, tools)
        if mask is None:
            return None
        lesion, rest = _learnt_from(mask, near, seen.spacing_mm)
    return mask


def _kept(speaks: NDArray[Any], tools: Tools) -> NDArray[np.bool_] | None:
    """The piece at the centre of what speaks for the lesion, smoothed and filled."""
    from scipy import ndimage

    step, solid, size = tools.seen.spacing_mm, tools.seen.solid, tools.size
    smooth = ndimage.gaussian_filter(np.where(solid, speaks, -6.0), SMOOTH_MM / step)
    pieces, _ = _label((smooth > 0) & solid & (size < REACH_SHARE))
    at_centre = pieces[size * tools.radius_mm <= 2.0 * max(step, 1.0)]
    at_centre = at_centre[at_centre > 0]
    if at_centre.size == 0:
        return None
    mask = pieces == np.bincount(at_centre).argmax()
    opened = np.asarray(ndimage.binary_opening(mask)) | (mask & (size * tools.radius_mm < 3.0))
    filled = np.asarray(ndimage.binary_fill_holes(opened), dtype=np.bool_)
    pieces, count = _label(filled)
    if count == 0:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()


def _learnt_from(
    mask: NDArray[np.bool_], near: NDArray[np.bool_], step_mm: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where to learn the lesion from (off its border), and the rest (a shell around it)."""
    from scipy import ndimage

    core = np.asarray(ndimage.binary_erosion(mask), dtype=np.bool_)
    away_mm = np.asarray(ndimage.distance_transform_edt(~mask)) * step_mm
    return core if np.count_nonzero(core) > FEWEST else mask, near & (away_mm > 1.5) & (away_mm < RIM_MM)


def _label(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    from scipy import ndimage

    found: Any = ndimage.label(mask)  # its stubs leave the pair open
    return found
