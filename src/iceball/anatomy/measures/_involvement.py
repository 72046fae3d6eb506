"""Cortical involvement of a long bone: how far along it and how far around it the cortex is breached or thinned."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.measures._unroll import ANGLES, BEYOND_MM, DEEPEST_MM, STEP_ALONG_MM, STEP_OUT_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._unroll import Unrolled

# Numerical: fewer sections than these hold no median; a cortex whose peak lies so little above the bone threshold is
# none; involvement on a section shorter than this is noise; angles over which a reference is smoothed.
FEWEST_SECTIONS = 4
LEAST_PEAK_HU = 100.0
SHORTEST_ARC_MM = 2.0
SMOOTH_ANGLES = 5
DIRECTIONS = 36
_ROUND: Any = ("nearest", "wrap")  # sections end, angles go round; scipy's stubs know one word only


@dataclasses.dataclass(frozen=True, eq=False)
class Involvement:
    """The cortex beside a lesion.

    ``left_fraction`` (T, A) is what is left of the cortex, as the mineral per area against its reference;
    ``involved`` (T, A) is where the lesion lies beside it and less than the library's share is left.
    ``open_ended`` says that the involvement runs into the end of the scanned bone: more of it lies beyond.
    ``uneven_fraction`` is by how much the bone's circumference changes over these sections: a shaft's hardly does.
    """

    left_fraction: NDArray[np.float64]
    involved: NDArray[np.bool_]
    axial_mm: float
    circumference_fraction: float
    breach_mm2: float
    width_fraction: float
    cortex_mm: float
    reference: str
    open_ended: bool
    uneven_fraction: float


def involvement(bone: Unrolled) -> Involvement | None:
    """Compare the cortex beside the lesion with its reference; None where no reference is left or it has no cortex.

    The reference is the same side of the bone before and behind the lesion, in a straight line between the two; where
    only one is in the scan, that one; where neither is, the side opposite the lesion.

    Source: thresholds from ``library.measure_rules()``, all ``judgement``.
    """
    rules = library.measure_rules()
    base = library.hu_rules()["mineral_above_hu"].value
    sides = bone.clean(rules["reference_from_mm"].value, rules["reference_length_mm"].value)
    inner = _inner_mm(bone, sides[0] | sides[1], base)
    if inner is None:
        return None
    mineral = _mineral(bone, inner, base)
    beside = _beside(bone, inner, rules["cortex_reach_mm"].value)
    found = _reference(bone, mineral, sides, beside)
    if found is None:
        return None
    reference, says = found
    left = mineral / np.maximum(reference, 1e-6)
    involved = _involved(bone, left, beside, rules["thinned_cortex_fraction"].value)
    breached = beside & (left < rules["breached_cortex_fraction"].value)
    arc = _arc_mm(bone.outer_mm)
    around = (involved * arc).sum(axis=1)
    there = around >= SHORTEST_ARC_MM
    involved &= there[:, None]
    unknown = ~np.isfinite(mineral) & beside
    ends = involved[: 1 + int(2 / STEP_ALONG_MM)].any() or involved[-1 - int(2 / STEP_ALONG_MM) :].any()
    return Involvement(
        left_fraction=left,
        involved=involved,
        axial_mm=_length(bone.along_mm, there),
        circumference_fraction=_largest_share(around * there, arc.sum(axis=1)),
        breach_mm2=float((breached * arc).sum() * STEP_ALONG_MM),
        width_fraction=_width_fraction(bone),
        cortex_mm=-inner,
        reference=says,
        open_ended=bool(unknown.any() or ends),
        uneven_fraction=_uneven(arc.sum(axis=1)[sides[0] | sides[1] | bone.lesion_sections]),
    )


def _inner_mm(bone: Unrolled, clean: NDArray[np.bool_], base: float) -> float | None:
    """Depth at which the reference cortex ends inward [mm, negative]; None where it has none."""
    sections = clean if np.count_nonzero(clean) >= FEWEST_SECTIONS else np.ones_like(clean)
    profiles = np.nanmedian(bone.hu[sections], axis=0)
    if not np.isfinite(profiles).any():
        return None
    profile = np.nanmedian(profiles, axis=0)
    peak = int(np.nanargmax(profile))
    if not profile[peak] > base + LEAST_PEAK_HU:
        return None
    below = np.flatnonzero(profile[:peak] < (profile[peak] + base) / 2)
    return float(bone.depth_mm[below[-1] + 1]) if below.size else -DEEPEST_MM


def _mineral(bone: Unrolled, inner_mm: float, base: float) -> NDArray[np.float64]:
    """(T, A) HU above ``base`` summed over the cortex and a little beyond [HU·mm]."""
    # The window is half a millimetre deeper than the cortex and as far out as the bone's surface is uncertain.
    window = (bone.depth_mm >= inner_mm - 1.5) & (bone.depth_mm <= BEYOND_MM)
    return np.clip(bone.hu[:, :, window] - base, 0.0, None).sum(axis=2, dtype=np.float64) * STEP_OUT_MM


def _beside(bone: Unrolled, inner_mm: float, reach_mm: float) -> NDArray[np.bool_]:
    """(T, A) True where the lesion lies within ``reach_mm`` of the cortex [mm]."""
    from scipy import ndimage  # only here: slow to import

    there = bone.lesion[:, :, bone.depth_mm >= inner_mm - reach_mm].any(axis=2)
    grown = ndimage.maximum_filter(there.view(np.uint8), size=_cells(bone, reach_mm), mode=_ROUND)
    return np.asarray(grown, dtype=bool)


def _involved(
    bone: Unrolled, left: NDArray[np.float64], beside: NDArray[np.bool_], thinned_fraction: float
) -> NDArray[np.bool_]:
    """(T, A) True where the cortex beside the lesion is thinned, up to where half of the loss nearby is reached.

    A fixed share would put the border of a hole outside the hole, as far as the scan blurs it.
    """
    from scipy import ndimage  # only here: slow to import

    core = np.where(beside & (left < thinned_fraction), left, 1.0)
    least = ndimage.minimum_filter(core, size=_cells(bone, bone.blur_mm), mode=_ROUND)
    return beside & (left < (1.0 + least) / 2) & (least < 1.0)


def _cells(bone: Unrolled, reach_mm: float) -> tuple[int, int]:
    """Size of a window that reaches ``reach_mm`` [mm] to either side, in sections and angles."""
    step = max(float(np.median(bone.outer_mm)) * 2 * np.pi / ANGLES, 0.1)
    return 2 * round(reach_mm / STEP_ALONG_MM) + 1, 2 * round(reach_mm / step) + 1


def _reference(
    bone: Unrolled,
    mineral: NDArray[np.float64],
    sides: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    beside: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], str] | None:
    """(T, A) mineral that the cortex would have without the lesion, and where that was taken from."""
    enough = [side for side in sides if np.count_nonzero(side) >= FEWEST_SECTIONS]
    if enough:
        places = [float(bone.along_mm[side].mean()) for side in enough]
        levels = [_smooth(np.nanmedian(mineral[side], axis=0)) for side in enough]
        if len(enough) == 1:
            return np.broadcast_to(levels[0], mineral.shape), "the bone on one side of the lesion"
        share = np.clip((bone.along_mm - places[0]) / (places[1] - places[0]), 0.0, 1.0)[:, None]
        return (1 - share) * levels[0] + share * levels[1], "the bone on both sides of the lesion"
    clean = np.where(beside, np.nan, mineral)
    if np.isfinite(clean).mean(axis=0).min() == 0 and np.isfinite(clean).mean() < 0.25:
        return None
    opposite = np.roll(clean, ANGLES // 2, axis=1)
    level = np.nanmedian(opposite)
    return np.where(np.isfinite(opposite), opposite, level), "the opposite side of the bone"


def _smooth(level: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import ndimage  # only here: slow to import

    return np.asarray(ndimage.median_filter(level, size=SMOOTH_ANGLES, mode="wrap"))


def _arc_mm(outer_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, A) length of the bone's outline that belongs to each angle [mm]."""
    turn = 2 * np.pi / ANGLES
    slope = (np.roll(outer_mm, -1, axis=1) - np.roll(outer_mm, 1, axis=1)) / (2 * turn)
    return np.hypot(outer_mm, slope) * turn


def _uneven(around_mm: NDArray[np.float64]) -> float:
    low, high = np.percentile(around_mm, [5.0, 95.0])  # numerical: single sections do not decide
    return float(high / max(low, 1e-6) - 1.0)


def _length(along_mm: NDArray[np.float64], there: NDArray[np.bool_]) -> float:
    if not there.any():
        return 0.0
    return float(np.ptp(along_mm[there])) + STEP_ALONG_MM


def _largest_share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    """Largest share of a section; as a median over three, so that no single section decides."""
    from scipy import ndimage  # only here: slow to import

    share = ndimage.median_filter(part / np.maximum(whole, 1e-6), size=3, mode="nearest")
    return float(np.clip(share.max(initial=0.0), 0.0, 1.0))


def _width_fraction(bone: Unrolled) -> float:
    """Largest share of the bone's width that the lesion takes, over all sections and directions across the bone."""
    sections = bone.lesion_sections
    turn = np.arange(DIRECTIONS) * (np.pi / DIRECTIONS)
    cosine = np.cos(turn[:, None] - bone.angle_rad)  # (directions, A)
    ends = bone.rays_mm[sections][:, None] * cosine[None, :, :, None]
    lesion = np.nanmax(ends, axis=(2, 3)) - np.nanmin(ends, axis=(2, 3))
    outline = bone.outer_mm[sections][:, None] * cosine
    width = outline.max(axis=2) - outline.min(axis=2)
    return float(np.clip((lesion / np.maximum(width, 1e-6)).max(), 0.0, 1.0))
