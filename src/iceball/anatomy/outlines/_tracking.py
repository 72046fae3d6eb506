"""Find the line along which the spinal canal runs: the cheapest way through the slices, where there is one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.outlines._blocks import shifted

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical: how a canal looks, seen from inside, and what it costs to be somewhere else. Shares of a slice's cost.
VIEW_MM = 18.0  # bone must be met this near: from the middle of a wide lumbar canal to its wall
WAYS = ((1, 0), (2, 1), (1, 1), (1, 2), (0, 1), (-1, 2), (-1, 1), (-2, 1))  # and back: 16 directions in the slice
LEAST_WAYS = 7  # that do not leave the scan
LEAST_RADIUS_MM = 3.5  # free of bone around the middle of a canal
HARD_COST = 3.0
NARROW_COST = 1.0
CONTENT_COST = 0.7  # where fat, gas or something dense fills it
FRONT_COST = 0.6  # where no vertebral body stands in front
FRONT_MM = (-28.0, -8.0)  # along the slice, to the back of the patient
FRONT_HALF_MM = (10.0, 18.0)  # across, and along the canal
FRONT_FRACTION = 0.35  # of that box is hard bone
ABSENT_COST = 0.5  # of a slice without a canal
TURN_COST = 0.1  # per block aside from one slice to the next
SLOPE = 1.6  # steepest way, across over along: the sacral canal
TRIM_MM = 10.0  # both ends are cut back until so much of them is cheap
BORDER_MM = 20.0  # the border of the scan is near: less than a vertebra
TRUSTED_COST = 0.35  # a line that costs more on average is none
CONTENT_SPREAD_HU = 80.0  # between the tenth and ninetieth percentile along the line: marrow varies more


def canal_line(
    coarse: NDArray[np.float32], hard: NDArray[np.bool_], size_mm: tuple[float, ...]
) -> NDArray[np.intp] | None:
    """(N, 3) blocks, one a slice, along which a spinal canal runs; None where there is none.

    A canal is soft, wide enough, ringed by bone in most directions of the slice, and has a vertebral body in front.
    Marrow looks alike, but its content varies more, and endplates bar the way.

    Parameters
    ----------
    coarse : (I, J, K) [HU]
    hard : (I, J, K) True in bone
    size_mm : of a block [mm]
    """
    from scipy import ndimage  # only here: slow to import

    calm = np.asarray(ndimage.uniform_filter1d(ndimage.uniform_filter1d(coarse, 3, axis=0), 3, axis=1), np.float32)
    cost = _cost(calm, hard, size_mm)
    line = _cheapest_line(cost, size_mm)
    along = np.flatnonzero(line[:, 0] >= 0)
    if not along.size:
        return None
    found = np.column_stack([line[along], along])
    found = found[_trimmed(cost[tuple(found.T)], size_mm[2])]
    if not len(found):
        return None
    low, middle, high = np.percentile(calm[tuple(found.T)], (10, 50, 90))
    rules = library.hu_rules()
    even = high - low < CONTENT_SPREAD_HU and middle > rules["fat_below_hu"].value
    trusted = even and cost[tuple(found.T)].mean() < TRUSTED_COST
    return _to_border(found, hard.shape[2], size_mm[2]) if trusted else None


def _to_border(found: NDArray[np.intp], slices: int, step_mm: float) -> NDArray[np.intp]:
    """Go on to the border of the scan where it is near: a canal does not end between two vertebrae."""
    first, last = found[0], found[-1]
    before = np.arange(first[2]) if first[2] * step_mm <= BORDER_MM else np.arange(0)
    after = np.arange(last[2] + 1, slices) if (slices - 1 - last[2]) * step_mm <= BORDER_MM else np.arange(0)
    ends = [
        np.column_stack([np.repeat(end[None, :2], len(ks), axis=0), ks]) for end, ks in ((first, before), (last, after))
    ]
    return np.vstack([ends[0], found, ends[1]]).astype(np.intp)


def _cost(calm: NDArray[np.float32], hard: NDArray[np.bool_], size: tuple[float, ...]) -> NDArray[np.float32]:
    from scipy import ndimage

    free = np.zeros(hard.shape, dtype=np.float32)
    for k in range(hard.shape[2]):
        free[:, :, k] = ndimage.distance_transform_edt(~hard[:, :, k], sampling=size[:2])
    cost = 1.0 - _ring_share(hard, size)
    cost += NARROW_COST * np.clip(1.0 - free / LEAST_RADIUS_MM, 0.0, 1.0)
    rules = library.hu_rules()
    odd = (calm < 3.0 * rules["fat_below_hu"].value) | (calm > rules["bone_above_hu"].value - 50.0)
    cost += np.where(odd, np.float32(CONTENT_COST), np.float32(0.0))
    cost += FRONT_COST * (1.0 - np.minimum(1.0, _front_share(hard, size) / FRONT_FRACTION))
    return np.where(hard, np.float32(HARD_COST), cost).astype(np.float32)


def _ring_share(hard: NDArray[np.bool_], size: tuple[float, ...]) -> NDArray[np.float32]:
    """(I, J, K) share of 16 directions in the slice in which bone is near; 0 where most leave the scan."""
    met = np.zeros(hard.shape, dtype=np.uint8)
    known = np.zeros(hard.shape, dtype=np.uint8)
    for way in WAYS:
        count = max(1, int(VIEW_MM / math.hypot(way[0] * size[0], way[1] * size[1])))
        for sign in (1, -1):
            step = (sign * way[0], sign * way[1], 0)
            found = _meets(hard, step, count)
            met += found
            known += found | _stays(hard.shape, step, count)
    return np.where(known >= LEAST_WAYS, met / np.maximum(known, 1), 0.0).astype(np.float32)


def _meets(hard: NDArray[np.bool_], way: tuple[int, int, int], count: int) -> NDArray[np.bool_]:
    """(I, J, K) True where one of the next ``count`` voxels along ``way`` is hard; windows are doubled."""
    found = shifted(hard, way)
    width = 1
    while width < count:
        step = min(width, count - width)
        found |= shifted(found, (way[0] * step, way[1] * step, 0))
        width += step
    return found


def _stays(shape: tuple[int, ...], way: tuple[int, int, int], count: int) -> NDArray[np.bool_]:
    """Tell where ``count`` steps along ``way`` stay in the slice; broadcasts to ``shape``."""
    i, j = (np.arange(n) + d * count for n, d in zip(shape[:2], way[:2], strict=True))
    inside = ((i >= 0) & (i < shape[0]))[:, None] & ((j >= 0) & (j < shape[1]))[None, :]
    return inside[:, :, None]


def _front_share(hard: NDArray[np.bool_], size: tuple[float, ...]) -> NDArray[np.float32]:
    """(I, J, K) share of bone in the box in front of each voxel, where a vertebral body would be."""
    from scipy import ndimage

    reach = int(-FRONT_MM[0] / size[1]) + 1
    padded = np.pad(hard.astype(np.float32), ((0, 0), (reach, 0), (0, 0)), mode="edge")
    deep = max(1, round((FRONT_MM[1] - FRONT_MM[0]) / size[1]))
    box = (2 * int(FRONT_HALF_MM[0] / size[0]) + 1, deep, 2 * int(FRONT_HALF_MM[1] / size[2]) + 1)
    mean = padded
    for axis, width in enumerate(box):
        mean = ndimage.uniform_filter1d(mean, width, axis=axis, mode="nearest")
    start = reach + round((FRONT_MM[0] + FRONT_MM[1]) / 2 / size[1])
    return np.asarray(mean[:, start : start + hard.shape[1]], dtype=np.float32)


def _trimmed(costs: NDArray[np.float32], step_mm: float) -> slice:
    """Cut both ends back to where TRIM_MM of the line are cheap."""
    width = max(1, int(TRIM_MM / step_mm))
    if len(costs) <= width:
        return slice(0, len(costs))
    mean = np.convolve(costs, np.ones(width) / width, mode="valid")
    good = np.flatnonzero(mean < ABSENT_COST)
    return slice(int(good[0]), int(good[-1]) + width) if good.size else slice(0, 0)


def _cheapest_line(cost: NDArray[np.float32], size_mm: tuple[float, ...]) -> NDArray[np.intp]:
    """(K, 2) voxel of the cheapest line through the slices of ``cost`` (I, J, K); -1 in the slices it leaves out.

    A line costs what its voxels cost, and TURN_COST for each voxel aside from slice to slice. It is one piece; slices
    before it begins and after it has ended cost ABSENT_COST.
    """
    wide, high, slices = cost.shape
    reach = [max(1, int(SLOPE * size_mm[2] / s)) for s in size_mm[:2]]
    moves = [(a, b) for a in range(-reach[0], reach[0] + 1) for b in range(-reach[1], reach[1] + 1)]
    moves.sort(key=lambda m: m[0] ** 2 + m[1] ** 2)
    came = np.full((slices, wide, high), -1, dtype=np.int16)  # which move led here; -1: the line begins
    total = cost[:, :, 0]
    ends = [(float(total.min()), int(total.argmin()))]
    for k in range(1, slices):
        best = np.full((wide, high), ABSENT_COST * k, dtype=np.float32)
        for number, (a, b) in enumerate(moves):
            there = _moved(total, a, b) + np.float32(TURN_COST * math.hypot(a, b))
            better = there < best
            best[better] = there[better]
            came[k][better] = number
        total = best + cost[:, :, k]
        ends.append((float(total.min()), int(total.argmin())))
    finals = [value + ABSENT_COST * (slices - 1 - k) for k, (value, _) in enumerate(ends)]
    line = np.full((slices, 2), -1, dtype=np.intp)
    last = int(np.argmin(finals))
    if finals[last] >= ABSENT_COST * slices:
        return line
    at = divmod(ends[last][1], high)
    for k in range(last, -1, -1):
        line[k] = at
        move = int(came[k][at])
        if move < 0:
            break
        at = (at[0] + moves[move][0], at[1] + moves[move][1])
    return line


def _moved(total: NDArray[np.float32], a: int, b: int) -> NDArray[np.float32]:
    out = np.full_like(total, np.inf)
    wide, high = total.shape
    to_i, at_i = slice(max(0, -a), wide - max(0, a)), slice(max(0, a), wide - max(0, -a))
    to_j, at_j = slice(max(0, -b), high - max(0, b)), slice(max(0, b), high - max(0, -b))
    out[to_i, to_j] = total[at_i, at_j]
    return out
