"""Follow straight lines from the tip to the skin, thousands at once: what they keep, cross and meet."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import array_noun
from iceball.planning.ways._obstacles import BODY, HARD, LESION, OWN, SCAN, Obstacles
from iceball.planning.ways._rules import SECTORS, sector_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical: how finely lines are walked, and how many at once (so that the arrays stay in the processor's cache).
STEP_MM = 1.25
AT_ONCE = 1500
GRAZED_MM = 2.5  # numerical: less of the lesion's bone than two voxels before the lesion is a label's edge


class Why(enum.IntEnum):
    """Why a line is no way in: the first of these that holds, in this order."""

    OK = 0
    OUT_OF_SCAN = 1
    SECTOR = 2
    TILT = 3
    NO_SKIN = 4
    TOO_LONG = 5
    TWICE = 6
    BARRIER = 7
    STRUCTURE = 8
    OTHER_BONE = 9
    JOINT = 10
    BONE_ANGLE = 11


@array_noun
class Traced:
    """What became of N lines.

    ``ok`` (N,) says which are ways in; ``why`` (N,) is a ``Why``, and ``hindrances`` (N,) has the bit 1 << why for all
    that forbid a line. ``entry_mm`` (N, 3) is the first point outside the skin, NaN where a line meets none within
    reach, and ``length_mm`` then infinite. ``clearance_mm`` (N,) is the least distance from ``nearest`` (N,), a number
    in ``Obstacles.all`` counted from 1 (0: none is near), less what that structure asks: at most too small, and never
    more than what the field sees. Nearest is what has the least d² - a², d its distance and a what it asks; no other
    has less. ``cortex_mm`` (N,) is the dense bone crossed,
    ``bone_angle_deg`` (N,) the angle to the bone's normal where it is met first, NaN where no bone of the lesion is met
    before the lesion, ``bone_mm`` (N,) how far from the tip that is, and ``bone_crossed_mm`` (N,) the length in it
    before the lesion; ``lesion_mm`` (N,) is the length inside the lesion. ``sector`` (N,) counts in ``SECTORS``.
    """

    ok: NDArray[np.bool_]
    entry_mm: NDArray[np.float64]
    tip_mm: NDArray[np.float64]
    length_mm: NDArray[np.float64]
    clearance_mm: NDArray[np.float64]
    nearest: NDArray[np.intp]
    why: NDArray[np.int8]
    hindrances: NDArray[np.int32]
    cortex_mm: NDArray[np.float64]
    bone_crossed_mm: NDArray[np.float64]
    bone_angle_deg: NDArray[np.float64]
    bone_mm: NDArray[np.float64]
    lesion_mm: NDArray[np.float64]
    sector: NDArray[np.int8]


def trace(
    obstacles: Obstacles, through_mm: NDArray[np.float64], inward: NDArray[np.float64], beyond_mm: NDArray[np.float64]
) -> Traced:
    """Follow the lines that pass ``through_mm`` in direction ``inward``, from their tip out to the skin.

    A line that is ok keeps every distance on the scan's own voxels, taken as boxes: between the centres of the thinned
    grid, and between the steps along the line, the field is lowered by as much as it can sag there (h²/4 at most for
    each spacing or step h; see ``_keeping``).

    Parameters
    ----------
    obstacles : Obstacles
        of the case
    through_mm : (N, 3) points, LPS [mm]
    inward : (N, 3) directions toward the tip; any length but none
    beyond_mm : (N,) how far past the point the tip lies [mm]

    Raises
    ------
    InputError : if the shapes do not fit, or a direction has no length
    """
    points, toward, beyond = _checked(through_mm, inward, beyond_mm)
    tips = points + beyond[:, None] * toward
    parts = [
        _follow(obstacles, tips[start : start + AT_ONCE], toward[start : start + AT_ONCE])
        for start in range(0, max(len(tips), 1), AT_ONCE)
    ]
    joined: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Traced(tip_mm=tips, **joined)


def _checked(through_mm: Any, inward: Any, beyond_mm: Any) -> tuple[NDArray[np.float64], ...]:
    points, toward = (np.asarray(each, dtype=np.float64) for each in (through_mm, inward))
    beyond = np.asarray(beyond_mm, dtype=np.float64)
    if points.ndim != 2 or points.shape[1:] != (3,) or toward.shape != points.shape or beyond.shape != points.shape[:1]:
        raise InputError(
            f"lines need (N, 3) points, (N, 3) directions and (N,) lengths, not {points.shape}, {toward.shape} and "
            f"{beyond.shape}"
        )
    long = np.linalg.norm(toward, axis=1)
    if not (np.isfinite(points).all() and np.isfinite(long).all() and np.isfinite(beyond).all() and (long > 0).all()):
        raise InputError("a line needs a finite point, a finite length and a direction that is not zero")
    return points, toward / long[:, None], beyond


def _follow(obstacles: Obstacles, tips: NDArray[np.float64], toward: NDArray[np.float64]) -> dict[str, Any]:
    """Follow a few lines: fields of Traced by name."""
    along = np.arange(0.0, obstacles.reach_mm + 1e-6, STEP_MM)
    index = _indices(obstacles, tips, toward, along)
    what = _looked_up(obstacles.what, index)
    inside = (what & BODY) > 0
    leaves = np.argmin(inside, axis=1)  # the first step outside; 0 where there is none or the tip is outside
    rows = np.arange(len(tips))
    out, tip_in = ~inside[rows, leaves], inside[:, 0]
    last = np.where(out, leaves, len(along) - 1)
    step = np.arange(len(along))
    on_way = step <= last[:, None]
    clearance, nearest = _clearance(obstacles, index, on_way)
    seen = out & tip_in & ((what[rows, leaves] & SCAN) > 0)
    twice = seen & (inside & (step > last[:, None])).any(axis=1)
    found = _bone(obstacles, index, what, on_way, toward)
    found["sector"], hindrances = directed(obstacles, -toward)
    hindrances |= _touched(obstacles, clearance < 0, nearest) | _bits(
        (Why.OUT_OF_SCAN, ~tip_in),
        (Why.NO_SKIN, tip_in & out & ~seen),
        (Why.TOO_LONG, tip_in & ~out),
        (Why.TWICE, twice),
        (Why.BONE_ANGLE, found.pop("steep")),
    )
    lowest = hindrances & -hindrances
    return found | {
        "ok": hindrances == 0,
        "entry_mm": np.where(seen[:, None], tips - along[last][:, None] * toward, np.nan),
        "length_mm": np.where(seen, along[last], np.inf),
        "clearance_mm": clearance,
        "nearest": nearest,
        "why": np.where(hindrances == 0, 0, np.log2(np.maximum(lowest, 1))).astype(np.int8),
        "hindrances": hindrances,
    }


def _indices(
    obstacles: Obstacles, tips: NDArray[np.float64], toward: NDArray[np.float64], along: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(3, n, M) fractional indices of the steps along the lines."""
    start = obstacles.grid.index_of(tips)
    step = obstacles.grid.index_of(tips - toward) - start
    return np.stack([start[:, a, None] + along * step[:, a, None] for a in range(3)]).astype(np.float32)


def _looked_up(array: NDArray[np.uint8], index: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(n, M) value of the voxel that each step lies in; 0 outside the grid."""
    flat = np.zeros(index.shape[1:], dtype=np.int32)
    there = np.ones(index.shape[1:], dtype=bool)
    for axis, n in enumerate(array.shape):
        at = np.floor(index[axis] + np.float32(0.5)).astype(np.int32)
        there &= (at >= 0) & (at < n)
        flat *= n
        flat += at
    return np.where(there, array.ravel()[np.where(there, flat, 0)], np.uint8(0))


def _clearance(
    obstacles: Obstacles, index: NDArray[np.float32], on_way: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(n,) least distance along the way less what is asked [mm], never too large, and (n,) the obstacle it is of."""
    from scipy import ndimage  # only here: slow to import

    points = index[:, on_way]
    value = ndimage.map_coordinates(
        obstacles.keeping_mm2, points, order=1, prefilter=False, mode="nearest", output=np.float32
    )
    for axis, spacing in enumerate(obstacles.grid.spacing_mm):
        share = points[axis] - np.floor(points[axis])
        value -= np.float32(spacing**2) * share * (1 - share)
    field = np.full(on_way.shape, np.inf, dtype=np.float32)
    field[on_way] = value
    worst = np.argmin(field, axis=1)
    rows = np.arange(len(worst))
    nearest = _looked_up(obstacles.nearest, index[:, rows, worst][:, :, None])[:, 0].astype(np.intp)
    asked = np.array([0.0, *(each.asked_mm for each in obstacles.all)])[nearest]
    least = field[rows, worst].astype(np.float64) - STEP_MM**2 / 4
    return np.sqrt(np.maximum(least + asked**2, 0.0)) - asked, nearest


def _bone(
    obstacles: Obstacles,
    index: NDArray[np.float32],
    what: NDArray[np.uint8],
    on_way: NDArray[np.bool_],
    toward: NDArray[np.float64],
) -> dict[str, Any]:
    """Dense bone crossed, where the lesion's bone is met first, and at what angle; the length in the lesion [mm]."""
    n, steps = what.shape
    lesion = ((what & LESION) > 0) & on_way
    own = ((what & OWN) > 0) & ~lesion & on_way
    hard = ((what & HARD) > 0) & on_way
    outermost = np.where(lesion.any(axis=1), steps - 1 - np.argmax(lesion[:, ::-1], axis=1), -1)
    before = np.arange(steps) > outermost[:, None]
    first = steps - 1 - np.argmax(own[:, ::-1], axis=1)
    met = own.any(axis=1) & (first > outermost)
    at = index[:, np.arange(n), first]
    angle = np.where(met, _angle_deg(obstacles, at, -toward), np.nan)
    crossed = STEP_MM * (own & before).sum(axis=1)
    return {
        "cortex_mm": STEP_MM * hard.sum(axis=1),
        "bone_angle_deg": angle,
        "bone_mm": np.where(met, STEP_MM * first, np.nan),
        "lesion_mm": STEP_MM * lesion.sum(axis=1),
        "bone_crossed_mm": crossed,
        "steep": met & (crossed >= GRAZED_MM) & (angle > obstacles.bone_angle_deg),
    }


def _angle_deg(obstacles: Obstacles, at: NDArray[np.float32], outward: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) angle [°] between the ways and the normal of the bone's surface at (3, n) indices."""
    from scipy import ndimage  # only here: slow to import

    slope = np.empty(at.shape)
    for axis, spacing in enumerate(obstacles.grid.spacing_mm):
        shift = np.zeros((3, 1), dtype=np.float32)
        shift[axis] = 1.0
        ahead, behind = (
            ndimage.map_coordinates(obstacles.bone, at + way * shift, order=1, prefilter=False, mode="nearest")
            for way in (1.0, -1.0)
        )
        slope[axis] = (behind - ahead) / (2 * spacing)  # out of the bone
    normal = np.asarray(obstacles.grid.direction).reshape(3, 3) @ slope
    size = np.linalg.norm(normal, axis=0)
    cosine = (normal * outward.T).sum(axis=0) / np.where(size > 0, size, 1.0)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def directed(obstacles: Obstacles, outward: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """(N,) side that (N, 3) directions out of the patient point to, and (N,) bits of what forbids them."""
    sector = sector_of(outward)
    shut = np.isin(sector, [SECTORS.index(each) for each in obstacles.closed])
    shut |= outward @ np.asarray(obstacles.table) > np.sin(np.radians(obstacles.table_deg))
    steep = np.abs(outward[:, 2]) > np.sin(np.radians(obstacles.tilt_deg))
    return sector, _bits((Why.SECTOR, shut), (Why.TILT, steep))


def _touched(obstacles: Obstacles, too_near: NDArray[np.bool_], nearest: NDArray[np.intp]) -> NDArray[np.int32]:
    kinds = {"other_bone": Why.OTHER_BONE, "joint": Why.JOINT}
    codes = [Why.STRUCTURE] + [
        kinds.get(each.kind, Why.BARRIER if each.barrier else Why.STRUCTURE) for each in obstacles.all
    ]
    bits = np.array([1 << code for code in codes], dtype=np.int32)
    return np.where(too_near, bits[nearest], 0).astype(np.int32)


def _bits(*pairs: tuple[Why, NDArray[np.bool_]]) -> NDArray[np.int32]:
    found = np.zeros(len(pairs[0][1]), dtype=np.int32)
    for why, there in pairs:
        found |= np.where(there, np.int32(1 << why), np.int32(0))
    return found
