"""What matter looks like: density, density of its surroundings, texture; and how unlike two lots of it are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Window

# Numerical choices of the method, no clinical numbers: widths of filters [mm], bins, weights of the three looks.
FINE_MM, COARSE_MM, TEXTURE_MM = 0.8, 3.0, 2.0
BINS, BLUR_BINS, LEAST_SHARE, LARGEST_RATIO = 28, 1.2, 0.004, 2.5
WEIGHTS = (1.0, 0.6, 0.6)
RANGES = ((-1.6, 3.6), (-1.6, 3.6), (2.0, 6.5))


@array_noun
class Looks:
    """Bin (3, N, N, N) of each voxel in each look, and ``fine`` (N, N, N), the density on an even scale."""

    bins: NDArray[Any]
    fine: NDArray[Any]

    def cut(self, part: tuple[slice, slice, slice]) -> Looks:
        """Return the looks of ``part``."""
        return Looks(bins=self.bins[(slice(None), *part)], fine=self.fine[part])


def even(hu: NDArray[Any]) -> NDArray[Any]:
    """HU on a scale on which fat, muscle, marrow, blastic bone and cortex lie about as far apart: asinh about 50 HU."""
    return np.arcsinh((np.clip(hu, -250.0, 2000.0) - 50.0) / 120.0)


def looks(seen: Window) -> Looks:
    """Look at ``seen``: HU smoothed a little, smoothed much, and their unrest."""
    from scipy import ndimage

    step, solid = seen.spacing_mm, seen.solid
    weight = solid.astype(np.float32)

    def smooth(values: NDArray[Any], width_mm: float) -> NDArray[Any]:
        below = np.maximum(ndimage.gaussian_filter(weight, width_mm / step), 1e-3)
        return ndimage.gaussian_filter(np.where(solid, values, 0.0), width_mm / step) / below

    fine, coarse = even(smooth(seen.hu, FINE_MM)), even(smooth(seen.hu, COARSE_MM))
    mean = smooth(seen.hu, 0.8 * TEXTURE_MM)
    unrest = np.log(np.sqrt(np.maximum(smooth((seen.hu - mean) ** 2, TEXTURE_MM), 1.0)))
    bins = np.stack([_binned(each, *span) for each, span in zip((fine, coarse, unrest), RANGES, strict=True)])
    return Looks(bins=bins, fine=fine)


def ratio(seen: Looks, lesion: NDArray[np.bool_], rest: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, N, N) how much more each voxel looks like ``lesion`` than like ``rest``: log likelihood ratios, weighed."""
    total = np.zeros(lesion.shape, dtype=np.float32)
    for bins, weight in zip(seen.bins, WEIGHTS, strict=True):
        shares = [_shares(bins[part]) + LEAST_SHARE for part in (lesion, rest)]
        table = weight * np.clip(np.log(shares[0] / shares[1]), -LARGEST_RATIO, LARGEST_RATIO)
        total += table.astype(np.float32)[bins]
    return total


def told_apart(seen: Looks, lesion: NDArray[np.bool_], rest: NDArray[np.bool_]) -> float:
    """How much is learnt of all voxels' looks by telling ``lesion`` from ``rest`` [nats]."""
    inside, outside = np.count_nonzero(lesion), np.count_nonzero(rest)
    total = 0.0
    for bins, weight in zip(seen.bins, WEIGHTS, strict=True):
        one, other = _shares(bins[lesion]) + 1e-6, _shares(bins[rest]) + 1e-6
        both = (inside * one + outside * other) / max(inside + outside, 1)
        total += weight * (inside * (one * np.log(one / both)).sum() + outside * (other * np.log(other / both)).sum())
    return float(total)


def _binned(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    return np.clip((values - low) / (high - low) * BINS, 0, BINS - 1).astype(np.uint8)


def _shares(bins: NDArray[Any]) -> NDArray[np.float64]:
    from scipy import ndimage

    counts = np.bincount(bins, minlength=BINS).astype(float)
    counts = ndimage.gaussian_filter1d(counts, BLUR_BINS, mode="nearest")
    return counts / max(counts.sum(), 1e-9)
