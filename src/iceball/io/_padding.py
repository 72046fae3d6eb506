"""Tell what was scanned from what was filled in: padding must not be read as tissue.

Rules, all of the reader and none of medicine:

* HU of -1500 or less is padding: air is -1000 and no noise of a CT reaches that far (scanners write -2000 or -3024).
* A region of one constant number, 0 HU in a NIfTI patch or the DICOM Pixel Padding Value, is padding if its voxels
  hang together by their faces, it touches the border of the volume and it counts at least 1000 voxels. The noise of a
  CT is a few HU at the least, so that no more than about a fifth of the voxels of water hold any one whole number;
  face-connected clusters stay small below a share of 31 % (site percolation of the cubic lattice). Real constant
  regions of that size are therefore never tissue.
* NaN is padding in the same sense; a NaN elsewhere is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from iceball.errors import InputError

PADDING_HU = -1500.0
AIR_HU = -1024
LEAST_CONSTANT_VOXELS = 1000
_SIDES = 3


def constant_border(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of ``marked`` (I, J, K) keep the regions of ``border_regions``, less the noise that clings to them.

    A voxel of tissue that happens to hold the constant and touches padding has it on one side; a voxel of padding, be
    it in a corner or on a slanted edge, has it on three of its six or more. The border of the volume counts as padding.
    """
    kept = border_regions(marked)
    while kept.any():
        around = np.pad(kept, 1, constant_values=True)
        beside = sum(
            np.roll(around, step, axis)[1:-1, 1:-1, 1:-1].astype(np.uint8) for axis in range(3) for step in (-1, 1)
        )
        less = kept & (beside >= _SIDES)
        if np.array_equal(less, kept):
            break
        kept = less
    return kept


def border_regions(marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of ``marked`` (I, J, K) keep the face-connected regions that touch the border and are too large for noise."""
    if np.count_nonzero(marked) < LEAST_CONSTANT_VOXELS:
        return np.zeros_like(marked)
    found: Any = ndimage.label(marked)  # scipy's stubs leave the types of the pair open
    regions, count = found
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    at_border = np.zeros(count + 1, dtype=bool)
    for axis in range(3):
        for end in (0, -1):
            at_border[np.unique(regions.take(end, axis=axis))] = True
    keep = at_border & (sizes >= LEAST_CONSTANT_VOXELS)
    keep[0] = False
    return keep[regions]


def find_padding(array: NDArray[Any], what: str) -> NDArray[np.bool_]:
    """Where the NIfTI CT ``array`` (I, J, K) [HU] is padding, by the rules at the top of this module.

    Raises
    ------
    InputError : if numbers that are not finite lie inside the scan
    """
    padding = constant_border(array == 0)
    if array.dtype.kind == "f":
        odd = ~np.isfinite(array)
        inside = np.count_nonzero(odd & ~border_regions(odd))
        if inside:
            raise InputError(
                f"{what} holds voxels without a number (NaN or infinite) inside the scan ({inside}): export it again"
            )
        padding |= odd
    return padding | (array <= PADDING_HU)


def field_of_view(array: NDArray[Any], padding: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any] | None, str]:
    """Set padding to air; return the CT (I, J, K) [HU], the 0/1 field of view (None if all was scanned) and a note."""
    count = int(np.count_nonzero(padding))
    if count == 0:
        return array, None, ""
    share = 100.0 * count / padding.size
    filled = np.where(padding, np.asarray(AIR_HU, dtype=array.dtype), array)
    return (
        filled,
        (~padding).astype(np.uint8),
        f"{share:.2g} % of the voxels are padding, not tissue: set to {AIR_HU} HU",
    )
