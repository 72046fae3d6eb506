"""What the CT does to whatever it shows: its noise, and how far that hangs together, measured beside the lesion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns._noun import Point, noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid

# Soft tissue counts where a cube of 5 voxels around holds nothing else: borders of organs are no noise. Numerical.
EVEN_VOXELS, FEWEST_PAIRS = 2, 300
FAR_VOXELS = 4  # by then the noise has forgotten itself; farther apart, organs differ
MAD_TO_SD = 1.4826
LEAST_VOXELS, MOST_VOXELS = 0.35, 1.5  # of blur: a voxel averages over itself; a wider one was not seen


@noun
class ScanLook:
    """Noise and blur of a CT at one place. ``measured`` is False where the library's number stands in.

    ``blur_mm`` is the standard deviation of the Gaussian that smooths white noise into the scan's, along the axes. The
    kernel that smooths the noise smooths the anatomy, so borders are blurred by the same.
    """

    noise_hu: float
    blur_mm: Point
    measured: bool


def scan_look(hu: NDArray[np.floating], grid: Grid) -> ScanLook:
    """Measure noise and blur of the CT ``hu`` (I, J, K) [HU] in its soft tissue.

    From differences between neighbours and between voxels four apart: with a Gaussian kernel of standard deviation s
    the noise at a distance h is correlated by exp(-h² / 4 s²).

    Raises
    ------
    LibraryError : if a row of the library breaks a rule
    """
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    soft = (hu > rules["fat_below_hu"].value) & (hu < rules["bone_above_hu"].value)
    even = np.asarray(ndimage.minimum_filter(soft.view(np.uint8), 2 * EVEN_VOXELS + 1, mode="constant")) > 0
    spreads, blurs = [], []
    for axis in range(3):
        far = _difference(hu, even, axis, FAR_VOXELS)
        near = _difference(hu, even, axis, 1)
        if far is None or near is None:
            continue
        spreads.append(far / np.sqrt(2))
        alike = np.clip(1 - (near / max(far, 1e-6)) ** 2, 1e-3, 0.999)
        blurs.append((axis, np.clip(np.sqrt(-1 / (4 * np.log(alike))), LEAST_VOXELS, MOST_VOXELS)))
    if not spreads:
        flat = tuple(LEAST_VOXELS * s for s in grid.spacing_mm)
        x, y, z = flat
        return ScanLook(noise_hu=library.implant_rows("scan")["noise_hu"].value, blur_mm=(x, y, z), measured=False)
    voxels = np.full(3, LEAST_VOXELS)
    for axis, blur in blurs:
        voxels[axis] = blur
    x, y, z = (float(v * s) for v, s in zip(voxels, grid.spacing_mm, strict=True))
    return ScanLook(noise_hu=float(np.median(spreads)), blur_mm=(x, y, z), measured=True)


def _difference(hu: NDArray[np.floating], even: NDArray[np.bool_], axis: int, apart: int) -> float | None:
    """Robust spread of the differences [HU] between even voxels ``apart`` along ``axis``; None if there are too few."""
    if hu.shape[axis] <= apart:
        return None
    first = tuple(slice(None, -apart) if a == axis else slice(None) for a in range(3))
    second = tuple(slice(apart, None) if a == axis else slice(None) for a in range(3))
    both = even[first] & even[second]
    if np.count_nonzero(both) < FEWEST_PAIRS:
        return None
    apart_hu = hu[second][both].astype(float) - hu[first][both]
    return MAD_TO_SD * float(np.median(np.abs(apart_hu - np.median(apart_hu))))
