"""Voxels at the surface of bone, which hold some bone and some of what lies beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy._sampling import Sampling

Steps = tuple[int, int, int]
# What lies beside a voxel, in the order of ``_recipes.BESIDE``.
NOTHING, MUSCLE, FAT, LUNG = -1, 0, 1, 2


@array_noun
class Surroundings:
    """HU (I, J, K), what is bone or disease in it, what is unknown (the room, beyond the scan), and the step.

    ``step`` says how many voxels away the neighbours of a voxel lie. The outermost ``step`` voxels have none.
    """

    hu: NDArray[Any]
    is_bone: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    step: Steps

    def pairs(self, flat: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Flat indices (N,) of the two neighbours of the voxels ``flat`` (N,), along each axis."""
        _, j, k = self.hu.shape
        strides = [n * stride for n, stride in zip(self.step, (j * k, k, 1), strict=True)]
        return [(flat - stride, flat + stride) for stride in strides]


def reach(place: Sampling) -> Steps:
    """How many voxels of the grid a voxel of the CT is wide, at least one: that far blur goes."""
    i, j, k = (max(1, round(1.0 / width)) for width in place.width)
    return i, j, k


def beside_bone(flat: NDArray[np.intp], here: Surroundings) -> NDArray[np.int8]:
    """Say of voxels of bone what lies beside them: MUSCLE, FAT or LUNG (N,), NOTHING for what is no border.

    A voxel is border if one of its six neighbours is not bone and it is nearer, in HU, to the darkest of those than to
    the densest of all six: half of it or more is then what lies outside. A thin cortex at its full HU is none.

    Parameters
    ----------
    flat : (N,) flat indices of bone
    here : what is where
    """
    hu, within = here.hu.reshape(-1), (here.is_bone | here.unknown).reshape(-1)
    own = hu[flat]
    darkest, densest = np.full(flat.size, np.inf, dtype=np.float32), own.copy()
    for neighbours in here.pairs(flat):
        for beside in neighbours:
            there = hu[beside]
            np.maximum(densest, there, out=densest)
            np.minimum(darkest, np.where(within[beside], np.float32(np.inf), there), out=darkest)
    on_ramp = np.isfinite(darkest) & (2 * own <= darkest + densest)
    return np.where(on_ramp, _kind(darkest), NOTHING).astype(np.int8)


def between(flat: NDArray[np.intp], here: Surroundings) -> NDArray[np.int8]:
    """Say of soft voxels whether they lie between bone and something darker: FAT or LUNG (N,), else NOTHING.

    Bone must lie on one side of the voxel and what is darker on the opposite one: a mean of the two looks like muscle,
    or like fat beside lung, and is neither.

    Parameters
    ----------
    flat : (N,) flat indices of voxels that are soft tissue by their HU
    here : what is where
    """
    hu, bone, within = here.hu.reshape(-1), here.is_bone.reshape(-1), (here.is_bone | here.unknown).reshape(-1)
    darkest = np.full(flat.size, np.inf, dtype=np.float32)
    for pair in here.pairs(flat):
        for one, other in (pair, pair[::-1]):
            across = bone[one] & ~within[other]
            np.minimum(darkest, np.where(across, hu[other], np.float32(np.inf)), out=darkest)
    kind = np.where(np.isfinite(darkest), _kind(darkest), NOTHING)
    return np.where(_kind(hu[flat]) < kind, kind, NOTHING).astype(np.int8)


def touches_bone(here: Surroundings) -> NDArray[np.bool_]:
    """(I, J, K) True where a neighbour, ``step`` away, is bone; False within ``step`` of the ends."""
    found = np.zeros_like(here.is_bone)
    inner = tuple(slice(n, -n) for n in here.step)
    for axis, n in enumerate(here.step):
        for shift in (-n, n):
            moved = tuple(
                slice(s + (shift if a == axis else 0), size - s + (shift if a == axis else 0))
                for a, (s, size) in enumerate(zip(here.step, here.hu.shape, strict=True))
            )
            found[inner] |= here.is_bone[moved]
    return found


def _kind(hu: NDArray[Any]) -> NDArray[np.int8]:
    rules = library.hu_rules()
    soft = np.where(hu < rules["fat_below_hu"].value, np.int8(FAT), np.int8(MUSCLE))
    return np.where(hu < rules["gas_below_hu"].value, np.int8(LUNG), soft)
