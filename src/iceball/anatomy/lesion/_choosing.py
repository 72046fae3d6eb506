"""Of the lesions grown at several sizes, which one is it?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from iceball.anatomy.lesion._looks import Looks, told_apart
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Window

# Radii that are tried [mm], each on voxels of its own size [mm]: numerical choices of the method.
RADII_MM = ((5.0, 1.0), (6.5, 1.0), (8.5, 1.0), (11.0, 1.0), (14.0, 1.0), (18.0, 1.0), (23.0, 1.0))
COMPARED_MM, STEADY = 32.0, 0.5  # numerical: how far around the gain is reckoned; what a size that stays is worth


@array_noun
class Candidate:
    """One grown ``mask`` (N, N, N) on voxels of ``spacing_mm``; ``gain`` [nats per voxel face] is what telling it apart
    teaches, over its surface; ``size_mm`` is the radius of the ball that holds as much.
    """

    mask: NDArray[Any]
    spacing_mm: float
    radius_mm: float
    size_mm: float
    gain: float


def candidate(mask: NDArray[np.bool_], seen: Window, looks: Looks, radius_mm: float) -> Candidate:
    """Weigh the ``mask`` that was grown at ``radius_mm``: its gain for its surface, on voxels of 1 mm."""
    from scipy import ndimage

    step = seen.spacing_mm
    away = np.sqrt((seen.away_mm**2).sum(axis=-1))
    rest = seen.solid & (seen.off_bone_mm <= 2.0) & (away < COMPARED_MM) & ~mask
    inside = np.count_nonzero(mask)
    surface = max(inside - np.count_nonzero(ndimage.binary_erosion(mask)), 1)
    gain = told_apart(looks, mask, rest) * step**3 / (surface * step**2)
    size = (0.75 * inside * step**3 / math.pi) ** (1 / 3)
    return Candidate(mask=mask, spacing_mm=step, radius_mm=radius_mm, size_mm=size, gain=gain)


def ranked(candidates: Sequence[Candidate]) -> list[tuple[float, Candidate]]:
    """Candidates, given from small to large, with their worth, the best first.

    Worth is the logarithm of the gain, and more where the mask hardly changed its size although a larger one was looked
    for.
    """
    steady = [0.0] if candidates else []
    for before, each in itertools.pairwise(candidates):
        growth = math.log(each.size_mm / before.size_mm) / math.log(each.radius_mm / before.radius_mm)
        steady.append(max(0.0, 1.0 - abs(growth)))
    worth = [math.log(each.gain + 1e-3) + STEADY * calm for each, calm in zip(candidates, steady, strict=True)]
    order = sorted(range(len(worth)), key=lambda i: -worth[i])
    return [(worth[i], candidates[i]) for i in order]
