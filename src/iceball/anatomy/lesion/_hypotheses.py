"""Lesions of several sizes about a click, each learnt from its own inside and rim; and what they agree on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from iceball.anatomy.lesion._star import STEP_MM, STEPS, along_rays, best_surface, star
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Window

# Numerical choices of the method, the same for every lesion; none is a clinical number.
STARTS_MM = (4.0, 6.0, 9.0, 13.0, 18.0)  # about 1.4 apart, from the smallest lesion worth a probe to the largest
BLUR_MM = 0.7
EVEN_HU, BINS, BLUR_BINS, LEAST, LARGEST = 150.0, 80, 1.0, 0.02, 2.0
INNER_MM, OUTER_MM, RIM_SHARE, RIM_MM = 1.0, 2.0, 0.4, 4.0  # border left out of both; the rim that is learnt from
OUT, OUT_PER_MM, OUT_MOST_MM = 0.3, 0.1, 15.0  # what speaks against a place out of bone
SMALLEST_MM, LARGEST_MM, BY_SIZE = 6.0, 22.5, 0.2  # lesions of 12 to 45 mm, evenly by the logarithm of their size
STIFF, TURNS = 0.9, 6
CLICK_MM = 4.0  # what a click is about: there the lesion must look like itself


@array_noun
class Rays:
    """What lies along every ray: the bin of its HU, ``solid``, ``scanned``, what speaks for it before; each (D, R)."""

    bins: NDArray[Any]
    solid: NDArray[Any]
    scanned: NDArray[Any]
    prior: NDArray[Any]


@array_noun
class Hypothesis:
    """A surface with ``reach`` (D,) [shells], and ``weight``: how well its border stands out; 0: not of the click."""

    reach: NDArray[Any]
    weight: float
    radius_mm: float


def rays_of(seen: Window, *, beyond: NDArray[Any] | None = None) -> Rays:
    """Sample a window along the rays. ``beyond`` (N, N, N) speaks against a place, as the outside of a box does."""
    from scipy import ndimage

    hu = along_rays(np.asarray(ndimage.gaussian_filter(seen.hu, BLUR_MM / seen.spacing_mm)), seen.spacing_mm)
    solid = along_rays(seen.solid.astype(np.float32), seen.spacing_mm) > 0.5
    off = along_rays(seen.off_bone_mm, seen.spacing_mm)
    prior = np.where(off > 0.5, -OUT - OUT_PER_MM * np.minimum(off, OUT_MOST_MM), 0.0)
    if beyond is None:
        prior = prior + BY_SIZE * _log_odds_of_size(star().radii_mm)
    else:
        prior = prior - along_rays(beyond, seen.spacing_mm)
    low, high = _even(np.array([-1000.0, 2500.0]))
    bins = np.clip((_even(hu) - low) / (high - low) * BINS, 0, BINS - 1).astype(int)
    scanned = along_rays(seen.scanned.astype(np.float32), seen.spacing_mm) > 0.5
    return Rays(bins=bins, solid=solid, scanned=scanned, prior=prior)


def _even(hu: NDArray[Any]) -> NDArray[Any]:
    """HU on a scale on which bone, whose texture is coarse, counts about as much as soft tissue."""
    return np.arcsinh((hu - 50.0) / EVEN_HU)


def _log_odds_of_size(radius_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.log(LARGEST_MM / radius_mm) / math.log(LARGEST_MM / SMALLEST_MM)
    share = np.clip(share, 0.01, 0.99)
    return np.log(share / (1.0 - share))


def hypotheses(rays: Rays, starts: Sequence[NDArray[np.float64]]) -> list[Hypothesis]:
    """One hypothesis for each of the ``starts`` (D,) [shells] that keeps hold of something."""
    found = (_grown(rays, start) for start in starts)
    return [each for each in found if each is not None]


def balls() -> list[NDArray[np.float64]]:
    """Starts for a click: balls of every size."""
    return [np.full(len(star().ways), radius / STEP_MM) for radius in STARTS_MM]


def _grown(rays: Rays, start: NDArray[np.float64]) -> Hypothesis | None:
    """Learn inside against rim, take the best surface, and again, until it stays."""
    reach = start
    seen: list[NDArray[np.float64]] = []
    for _ in range(TURNS):
        reach = surface_by(rays, reach)
        if reach.max() < 2:
            return None
        if any(np.array_equal(reach, before) for before in seen):
            break
        seen.append(reach)
    return _weighed(_told_apart(rays, reach), reach)


def surface_by(rays: Rays, reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reach (D,) [shells] of the best surface by what lies inside and around the one at ``reach`` (D,) [shells]."""
    wider = star().radii_mm / 10.0  # a shell's share of the surface, over that of a ray's width
    gain = _told_apart(rays, reach) + rays.prior
    gain = np.where(rays.solid, gain, np.where(rays.scanned, -2.0 * LARGEST, 0.0))
    return best_surface(gain * wider, STIFF * wider)


def _told_apart(rays: Rays, reach: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D, R) log likelihood of each place's HU inside against in the rim; the click counts more than the far end."""
    shell, radii = np.arange(STEPS)[None], star().radii_mm
    inner = np.maximum(reach - INNER_MM / STEP_MM, 2.0)[:, None]
    outer = (reach + OUTER_MM / STEP_MM)[:, None]
    rim = max(RIM_MM, RIM_SHARE * float(reach.mean()) * STEP_MM) / STEP_MM
    inside, around = shell < inner, (shell >= outer) & (shell < outer + rim)
    one = _shares(rays.bins, inside, 1.0 * rays.solid)
    other = _shares(rays.bins, around, (radii**2)[None] * rays.solid)
    table = np.log((one + LEAST / BINS) / (other + LEAST / BINS))
    return np.clip(table, -LARGEST, LARGEST)[rays.bins]


def _shares(bins: NDArray[Any], where: NDArray[np.bool_], weight: NDArray[Any]) -> NDArray[np.float64]:
    from scipy import ndimage

    counts = np.bincount(bins[where], np.broadcast_to(weight, bins.shape)[where], BINS).astype(float)
    counts = np.asarray(ndimage.gaussian_filter1d(counts, BLUR_BINS, mode="nearest"))
    return counts / max(float(counts.sum()), 1e-9)


def _weighed(told: NDArray[np.float64], reach: NDArray[np.float64]) -> Hypothesis:
    """Weigh by the step of the log likelihood over the border, 3 mm to either side."""
    shell, edge = np.arange(STEPS)[None], reach[:, None]
    inside, outside = (shell < edge) & (shell >= edge - 3), (shell >= edge) & (shell < edge + 3)
    step = _mean(told, inside) - _mean(told, outside)
    share = reach**2 / (reach**2).sum()
    at_click = float(told[:, : round(CLICK_MM / STEP_MM)].mean())
    weight = max(float((step * share).sum()), 0.0) if at_click > 0 else 0.0
    return Hypothesis(reach=reach, weight=weight, radius_mm=float(reach.mean()) * STEP_MM)


def _mean(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(where, values, 0.0).sum(axis=1) / np.maximum(where.sum(axis=1), 1)


def agreed(found: Sequence[Hypothesis]) -> NDArray[np.float64]:
    """Reach (D,) [shells] on which half of the weight agrees, ray by ray: one that strays does not move it."""
    reach = np.stack([each.reach for each in found])
    weight = np.array([each.weight for each in found])
    order = np.argsort(reach, axis=0)
    total = np.cumsum(weight[order], axis=0)
    half = (total >= total[-1] / 2).argmax(axis=0)
    return np.take_along_axis(np.take_along_axis(reach, order, axis=0), half[None], axis=0)[0]
