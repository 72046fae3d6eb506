"""Threads that work through a step together: none waits for one that has not come, only for what one has begun.

A step is a row of stages; each has a list of tiles that are taken some at a time. Every thread has a part of the list
that it begins with, always the same one, so that its tiles stay in its cache; then it helps the others. A stage opens
when all of the last one is done, whoever did it: on a busy machine a thread that has no core is not missed.
"""

from __future__ import annotations

import ctypes
from collections import namedtuple
from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_faces import exchange, renew, run_faces
from iceball.thermal.backends._numba_tiles_lanes import bits, choose, full, least, most, slope_along, total
from iceball.thermal.backends._numba_tiles_media import (
    ROWS,
    TX,
    TY,
    TZ,
    VOXELS,
    anywhere,
    inlined,
    kernel,
    larger,
    own_of,
    pass_at,
    show_tile,
    smaller,
    temperature_of,
    wells_at,
)
from iceball.thermal.backends._numba_tiles_memory import (
    add_f64,
    add_to,
    call,
    f32,
    f64,
    i32,
    i64,
    kept_apart,
    load,
    look_at,
    store,
    swap_if,
    u8,
)
from iceball.thermal.backends._numba_tiles_stage import BEFORE, Tile, mixed_tile, pure_tile, stage_of
from iceball.thermal.backends._numba_tiles_wells import run_wells
from iceball.thermal.backends.native._structs import Pass
from iceball.thermal.layout import DRY, MIXED, STASIS, WELL

CHUNK = 4  # tiles taken at a time: microseconds of work
PATIENCE = 4000  # looks at the others before a thread leaves the core to whoever needs it
# What threads share, each in a cache line of its own: chunks done since the step began, the last stage whose wells
# somebody has begun with and that whose wells are known, and for each thread's part the stage and the next chunk of it.
DONE, WELLS_BEGUN, WELLS_DONE, PARTS, LINE = 0, 8, 16, 24, 8
PASS_BYTES = ctypes.sizeof(Pass)
# What a thread works on: address of the wells (0 where there are none) and length of the step; its number, how many
# there are; addresses of what they share, of room for one tile, and of the function that leaves the core to others (0
# where there is none).
Work = namedtuple("Work", "wells step_s number threads clock room rest")


@kernel
def _claim(work: Any, stage: int, chunks: int) -> int:
    """The next chunk of a stage, which is counted from the first stage of the step on; -1 where all are taken."""
    for k in range(work.threads):
        part = (work.number + k) % work.threads
        begin, end = chunks * part // work.threads, chunks * (part + 1) // work.threads
        while True:
            head = look_at(work.clock, PARTS + LINE * part)
            taken = head & 0xFFFFFFFF if head >> 32 == stage else 0
            if head >> 32 > stage or begin + taken >= end:
                break
            if swap_if(work.clock, PARTS + LINE * part, head, (stage << 32) + taken + 1):
                return begin + taken
    return -1


@inlined
def _wait_for(work: Any, which: int, value: int) -> None:
    """Wait for what others have begun; the core is left to those who need it after a while."""
    looks = 0
    while look_at(work.clock, which) < value:
        looks += 1
        if looks > PATIENCE and work.rest != 0:
            call(work.rest)


@kernel
def _finish(box: Any, tile: int) -> Any:
    """Temperatures of a tile at the end of a pass; returns the coldest, NaN where one is lost."""
    kept_apart()
    low, bad, own = full(1e9), full(0.0), own_of(box, tile)
    for r in range(ROWS):
        at, h = VOXELS * tile + TX * r, load(own, TX * r)
        now = temperature_of(box, at, h)
        store(box.fresh_c, at, now)
        low = smaller(now, low)
        bad = bad + (h - h)  # zero, or NaN
    return least(low) + total(bad)


@kernel
def _look(box: Any, p: Any, i: int, work: Any) -> None:
    """How far tile ``i`` of a pass is from what the last step foresaw, and how steep it is; see control.py."""
    kept_apart()
    bends, slopes, counts = full(0.0), full(0.0), full(0.0)
    low, high, base = f32(p.band_c, 0), f32(p.band_c, 1), VOXELS * i32(p.tile, i)
    for r in range(ROWS):
        z, y, at = r >> 2, r & 3, base + TX * r
        t = load(box.fresh_c, at)
        inside = (t > low) & (t < high)
        if anywhere(inside):
            bend = t - load(box.now_c, at) - load(box.trend, at) * work.step_s
            along = slope_along(t)
            across = load(box.fresh_c, at + TX if y < TY - 1 else at - TX) - t
            over = load(box.fresh_c, at + TX * TY if z < TZ - 1 else at - TX * TY) - t
            bends = bends + choose(inside, bend * bend, 0.0)
            slopes = slopes + choose(inside, along * along + across * across + over * over, 0.0)
            counts = counts + choose(inside, full(1.0), 0.0)
    store(p.off, 3 * i, total(bends))
    store(p.off, 3 * i + 1, total(slopes))
    store(p.off, 3 * i + 2, total(counts))


@inlined
def _count_time(s: Any, at: int, was: Any, now: Any) -> None:
    """Add the time spent below each threshold, the temperature having gone straight from ``was`` to ``now``."""
    low, high = smaller(was, now), larger(was, now)
    for c in range(s.clocks):
        limit = f32(s.threshold_c, c)
        if anywhere(low < limit):
            share = larger((limit - low) / larger(high - low, full(1e-6)), full(0.0))
            clock = i64(s.clock, c)
            store(clock, at, load(clock, at) + smaller(share, full(1.0)) * s.step_s)


@kernel
def _settle_tile(box: Any, s: Any, tile: int) -> None:
    """Take note of the temperatures that a tile has reached. Blood stops for good where it has been too cold."""
    moved, stasis = full(0.0), False
    for r in range(ROWS):
        at = VOXELS * tile + TX * r
        was, now, before = load(box.now_c, at), load(box.fresh_c, at), load(box.coldest_c, at)
        moved = larger(larger(now - was, was - now), moved)
        store(box.trend, at, (now - was) * (1.0 / s.step_s))
        deepest = smaller(before, now)
        store(box.coldest_c, at, deepest)
        cold = bits(deepest < s.stasis_c)
        stasis = stasis or cold != 0
        for n in range(TX if cold != 0 else 0):
            if (cold >> np.uint32(n)) & np.uint32(1):
                store(box.alive, at + n, np.uint8(0))
        _count_time(s, at, was, now)
    store(s.moved_k, tile, most(moved))
    if stasis:
        store(box.flags, tile, np.uint8(u8(box.flags, tile) | STASIS))


@kernel
def _run_tile(box: Any, p: Any, j: int, i: int, work: Any) -> None:
    """Stage ``j`` of tile ``i`` of a pass."""
    number, guess, share, last = i32(p.tile, i), i >= p.own, f64(p.share, j), j + 1 == p.stages
    if guess and last:  # nobody looks at it any more
        show_tile(box, number, BEFORE)
        return
    flags = u8(box.flags, number) & (~WELL if guess else 255)
    tile = Tile(number, own_of(box, number), flags, u8(p.live, i), guess, run_faces(box, p, i, j, work))
    outside = 0.0
    if flags & MIXED:
        blood, cells, outward = mixed_tile(box, stage_of(p, j), tile)
        outside = total(outward)
    else:
        blood, cells = pure_tile(box, stage_of(p, j), tile)
    for n in range(0 if j else 3):
        store(p.energy, 3 * i + n, 0.0)
    if flags & DRY == 0:
        add_f64(p.energy, 3 * i, share * total(blood))
        add_f64(p.energy, 3 * i + 1, share * total(cells))
    add_f64(p.energy, 3 * i + 2, share * outside)
    if last:
        store(p.low_c, i, _finish(box, number))
        for n in range(3):
            store(p.off, 3 * i + n, np.float32(0.0))
        if f32(p.low_c, i) < f32(p.band_c, 1):
            _look(box, p, i, work)


@kernel
def _run_stage(box: Any, p: Any, j: int, stage: int, work: Any) -> None:
    """Stage ``j`` of a pass, which is number ``stage`` of the step: take chunks until there are none."""
    with_wells = work.wells != 0 and p.with_wells != 0
    if with_wells:
        begun = look_at(work.clock, WELLS_BEGUN)
        if begun < stage and swap_if(work.clock, WELLS_BEGUN, begun, stage):
            run_wells(box, wells_at(work.wells), j & 1, f64(p.time, j), f64(p.share, j), j == 0)
            add_to(work.clock, WELLS_DONE, stage - look_at(work.clock, WELLS_DONE))
    chunks = (p.tiles + CHUNK - 1) // CHUNK
    chunk = _claim(work, stage, chunks)
    while chunk >= 0:
        for i in range(CHUNK * chunk, min(CHUNK * (chunk + 1), p.tiles)):
            if with_wells and u8(box.flags, i32(p.tile, i)) & WELL:
                _wait_for(work, WELLS_DONE, stage)
            _run_tile(box, p, j, i, work)
        add_to(work.clock, DONE, 1)
        chunk = _claim(work, stage, chunks)


@kernel
def run_step(box: Any, passes: int, count: int, work: Any) -> None:
    """All levels through one super-step, the slowest first; return when all is done."""
    stage = done = 0
    for n in range(count):
        p = pass_at(passes + PASS_BYTES * n)
        for j in range(p.stages):
            stage, done = stage + 1, done + (p.tiles + CHUNK - 1) // CHUNK
            if look_at(work.clock, DONE) < done:
                _run_stage(box, p, j, stage, work)
                _wait_for(work, DONE, done)


@kernel
def _settle_rest(box: Any, passes: int, count: int, s: Any) -> None:
    """Make both sides of every face agree, and renew the tiles at rest that have got warmer or colder."""
    for n in range(count):
        exchange(box, pass_at(passes + PASS_BYTES * n), s)
    for tile in range(box.tiles):
        if u8(s.wake, tile):
            store(s.wake, tile, np.uint8(renew(box, tile, s.wake_k)))


@kernel
def run_accept(box: Any, passes: int, count: int, s: Any, work: Any) -> None:
    """The step is taken: one thread sees to the tiles at rest, all take note of what the others have reached."""
    done = 0
    for n in range(count):
        p = pass_at(passes + PASS_BYTES * n)
        chunks = (p.own + CHUNK - 1) // CHUNK + 1
        chunk, done = _claim(work, n + 1, chunks), done + chunks
        while chunk >= 0:
            if n == chunk == 0:
                _settle_rest(box, passes, count, s)
            for i in range(max(CHUNK * (chunk - 1), 0), min(CHUNK * chunk, p.own)):
                tile = i32(p.tile, i)
                store(s.low_c, tile, f32(p.low_c, i))
                _settle_tile(box, s, tile)
            add_to(work.clock, DONE, 1)
            chunk = _claim(work, n + 1, chunks)
    _wait_for(work, DONE, done)
