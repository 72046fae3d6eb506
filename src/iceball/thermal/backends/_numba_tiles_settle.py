"""Before and after a super-step: keep what was, find the coldest, and take note of what was reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import bits, choose, full, least, most, opposite, total
from iceball.thermal.backends._numba_tiles_media import (
    ONE,
    ROWS,
    ZERO,
    inlined,
    kernel,
    label_of,
    material,
    materials,
    row_of,
    temperature,
    write,
)
from iceball.thermal.backends._numba_tiles_memory import f32, i64, load, put_f32, put_u8, store, u8
from iceball.thermal.backends._numba_tiles_stage import buffers
from iceball.thermal.layout import MIXED, STASIS

HOT = np.float32(1e9)
NOT_NOUGHT = np.float32(1e-6)


@inlined
def _uniform(box: Any, at: int) -> bool:
    return u8(box.row_kind, at >> 4) & 1 != 0


@inlined
def _temperature(box: Any, at: int, uniform: bool, h: Any) -> Any:
    """Temperature of sixteen voxels."""
    if uniform:
        return temperature(box, material(box, label_of(box, at)), h)
    return temperature(box, materials(box, at), h)


@kernel
def bring_back(box: Any, tile: int, tiles: int) -> None:
    """Bring the enthalpy of tiles back to what it was before the step: the first stage has kept it."""
    first = buffers(box, 0)
    for i in range(tiles):
        for r in range(ROWS):
            at = row_of(box, i64(tile, i), r)
            h = load(box.before, at)
            store(box.enthalpy, at, h)
            if _uniform(box, at):
                write(box, material(box, label_of(box, at)), at, h, first, True)
            else:
                write(box, materials(box, at), at, h, first, True)


@kernel
def keep(box: Any, tile: int, tiles: int) -> None:
    """Copy the enthalpy of tiles to safety."""
    for i in range(tiles):
        for r in range(ROWS):
            at = row_of(box, i64(tile, i), r)
            store(box.before, at, load(box.enthalpy, at))


@kernel
def lowest(box: Any, offset: int) -> Any:
    """Coldest temperature of a tile; NaN where there is one."""
    low, sound = full(HOT), full(ZERO)
    for r in range(ROWS):
        at = row_of(box, offset, r)
        h = load(box.enthalpy, at)
        now = _temperature(box, at, _uniform(box, at), h)
        low = choose(now < low, now, low)
        sound = sound + (h - h)  # zero, or NaN
    return least(low) + total(sound)


@inlined
def _count_time(s: Any, at: int, was: Any, now: Any) -> None:
    """Add the time spent below each threshold, the temperature having gone straight from ``was`` to ``now``."""
    low, high = choose(was < now, was, now), choose(was > now, was, now)
    for c in range(s.clocks):
        limit = f32(s.threshold_c, c)
        if bits(low < limit) != 0:
            span = high - low
            share = (limit - low) / choose(span > NOT_NOUGHT, span, NOT_NOUGHT)
            share = choose(share > ZERO, share, ZERO)
            clock = i64(s.clock, c)
            store(clock, at, load(clock, at) + choose(share < ONE, share, ONE) * s.step_s)


@inlined
def _kill(box: Any, at: int, cold: int) -> None:
    """Blood stops for good where a bit of ``cold`` is set."""
    for lane in range(16):
        if (cold >> np.uint32(lane)) & np.uint32(1):
            put_u8(box.alive, at + lane, np.uint8(0))


@kernel
def settle_tile(box: Any, s: Any, i: int) -> None:
    """Take note of what one tile has reached."""
    flags = u8(s.flags, i)
    pure = flags & MIXED == 0
    coldest, moved, sound = full(HOT), full(ZERO), full(ZERO)
    for r in range(ROWS):
        at = row_of(box, i64(s.tile, i), r)
        was = load(box.now_c, at)
        now = _temperature(box, at, pure or _uniform(box, at), load(box.enthalpy, at))
        store(box.now_c, at, now)
        change = now - was
        coldest, sound = choose(now < coldest, now, coldest), sound + (change - change)
        change = choose(change < ZERO, ZERO - change, change)
        moved = choose(change > moved, change, moved)
        before = load(box.coldest_c, at)
        deepest = choose(before < now, before, now)
        store(box.coldest_c, at, deepest)
        cold = bits(deepest < s.stasis_c)
        if cold != 0:
            flags |= np.uint8(STASIS)
            _kill(box, at, cold)
        _count_time(s, at, was, now)
    lost = bits(opposite(sound == ZERO)) != 0
    put_f32(s.low_c, i, np.float32(np.nan) if lost else least(coldest))
    put_f32(s.moved_k, i, np.float32(np.nan) if lost else most(moved))
    put_u8(s.new_flags, i, np.uint8(flags))
