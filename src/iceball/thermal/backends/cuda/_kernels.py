"""The kernels. A whole step is one launch: its blocks stay and wait for each other after every stage.

Nothing here decides physics: the equation is that of _numpy.py, which every backend is tested against.
"""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64

from iceball.thermal.backends.cuda._compile import cuda, device, kernel
from iceball.thermal.backends.cuda._media import ZERO, stages_needed, temperature
from iceball.thermal.backends.cuda._places import (
    ACTIVE,
    AGAIN,
    ALIVE,
    BACK,
    BEFORE,
    BESIDE,
    CARRY,
    CHANGE,
    CLOCK_COUNT,
    CLOCKS,
    COLDEST_C,
    COUNT,
    DONE,
    ENERGY,
    FIRST_HEAT,
    FIRST_SURFACE,
    FLAGS,
    FLOORS_FROM_C,
    HALO,
    KIND,
    LABEL,
    LAST_STEP_S,
    LOST,
    LOW,
    MOST_STAGES,
    MOVED,
    NEW_LOW,
    NEXT_H,
    NOW_C,
    NOW_H,
    OPEN_ROW,
    OUT_COLUMNS,
    PER_PROBE,
    PERFUSED,
    PROBE,
    PROBES,
    RATE,
    REST,
    ROWS,
    ROWS_AFTER,
    SECOND_ORDER,
    SEGMENTS,
    SHARE,
    SHUT,
    SOLID,
    STASIS_C,
    STATUS,
    STEP_S,
    T1,
    THREADS,
    THRESHOLDS,
    TILE_VOXELS,
    TIME,
    TOO_MANY,
    TRIES,
    WAKE_K,
    WEIGHT,
    WELL_ROW,
    WELL_TILES,
    WELLS_ON,
    WORKED,
    Room,
    Stage,
)  # fmt: skip
from iceball.thermal.backends.cuda._stages import block_most, block_sum, drive_segment, step_tile, voxel_at
from iceball.thermal.layout import STASIS
from iceball.thermal.superstep import SAFETY

f32 = np.float32
MUCH, NOWHERE, WIDE = f32(1e30), f32(-1000), f32(1e-6)


@device
def row_sum(box, tile, floor_c):
    """Bound of the operator's rows [1/s] in a tile while nothing there is colder than ``floor_c``."""
    floor = min(max(np.int64(math.floor(max(floor_c, NOWHERE) - f32(FLOORS_FROM_C))), 0), box.stiff.shape[0] - 1)
    kind = box.tiles[tile, KIND]
    own, slope = box.stiff[floor, kind, 1], box.stiff[floor, kind, 2]
    return box.stiff[floor, kind, 0] + box.values[tile, WELL_ROW] * own + box.values[tile, OPEN_ROW] * slope


@device
def plan(box, lines, awake, attempt):
    """Find the largest row sum of all tiles awake, and which neighbours of theirs are at rest."""
    head_k = ZERO + f32(1)
    for _ in range(attempt):
        head_k = f32(4) * head_k + f32(10)
    ahead = f32(2.0 * box.control[STEP_S] / box.control[LAST_STEP_S])
    for n in range(cuda.grid(1), awake, cuda.gridsize(1)):
        tile = box.order[0, n]
        row = np.float64(row_sum(box, tile, box.values[tile, LOW] - (ahead * box.values[tile, MOVED] + head_k)))
        if row > box.control[ROWS + attempt]:  # most do not: the others need not queue
            cuda.atomic.max(box.control, ROWS + attempt, row)
        box.tiles[tile, SHUT] = shut_of(box, tile)
    for s in range(cuda.grid(1), box.whole[SEGMENTS], cuda.gridsize(1)):
        still(lines, s)
    if cuda.grid(1) == 0:
        box.counters[1] = 0


@device
def shut_of(box, tile):
    """Bits of the directions in which a tile's neighbour is at rest."""
    shut = 0
    for direction in range(6):
        beside = box.tiles[tile, BESIDE + direction]
        if beside >= 0 and box.tiles[beside, SOLID] and not box.tiles[beside, ACTIVE]:
            shut |= 1 << direction
    return shut


@device
def still(lines, s):
    """A segment of a probe that is off."""
    lines.segments[s, RATE], lines.segments[s, ENERGY] = 0.0, 0.0
    lines.segments[s, FIRST_HEAT], lines.segments[s, FIRST_SURFACE] = 0.0, math.nan


@device
def stage_of(box, count, j):
    """Coefficients of stage ``j`` of ``count``, and its time in the step."""
    n = (count // 2) * (count // 2 - 1) + j
    c, step_s = box.coefficients, box.control[STEP_S]
    made = Stage(
        f32(c[n, CARRY]), f32(c[n, WEIGHT] * step_s), f32(c[n, BACK]), f32(c[n, AGAIN] * step_s), c[n, SHARE] * step_s,
        j == 0, j % 2,
    )  # fmt: skip
    return made, c[n, TIME]


@device
def run(box, lines, room, awake, count):
    """Take all tiles awake through ``count`` stages; returns this thread's heats [J/m³].

    While probes are at work, the tiles that they reach wait until the others and the probes themselves are done.
    """
    grid = cuda.cg.this_grid()
    probed = box.control[WELLS_ON] > 0
    segments, late = (box.whole[SEGMENTS], box.whole[WELL_TILES]) if probed else (0, 0)
    early = segments + awake - late
    perfused, made, bounded = 0.0, 0.0, 0.0
    for j in range(count):
        stage, time = stage_of(box, count, j)
        for turn in range(2 if probed else 1):
            for n in range(cuda.blockIdx.x + turn * early, early + turn * late, cuda.gridDim.x):
                if n < segments:
                    drive_segment(box, lines, room, n, stage, time)
                else:
                    place = n - segments + late
                    a, b, c = step_tile(box, lines, room, box.order[0, place - turn * awake], stage)
                    perfused, made, bounded = perfused + a, made + b, bounded + c
            grid.sync()
    return perfused, made, bounded


@device
def look(box, room, awake, attempt):
    """Find the temperatures reached, the coldest of every tile, and what row sum they would have asked for."""
    for n in range(cuda.blockIdx.x, awake, cuda.gridDim.x):
        tile = box.order[0, n]
        drop = -MUCH
        for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
            at = voxel_at(box, tile, v)
            now_c = temperature(box, np.int64(box.bytes[LABEL, at]), box.fields[NOW_H, at])
            box.fields[CHANGE, at] = now_c
            drop = max(drop, -now_c if now_c > NOWHERE else MUCH)
        drop = block_most(room.most, drop)
        if cuda.threadIdx.x == 0:
            box.values[tile, NEW_LOW] = -drop
            row = np.float64(MUCH if drop == MUCH else row_sum(box, tile, -drop))
            if row > box.control[ROWS_AFTER + attempt]:
                cuda.atomic.max(box.control, ROWS_AFTER + attempt, row)


@device
def put_back(box, awake):
    """Undo a step."""
    for n in range(cuda.blockIdx.x, awake, cuda.gridDim.x):
        for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
            at = voxel_at(box, box.order[0, n], v)
            box.fields[NOW_H, at] = box.fields[BEFORE, at]


@device
def settle_voxel(box, at):
    """Take note of the temperature of one voxel; returns how far it moved, is from rest, and whether blood stopped."""
    was, now_c = box.fields[NOW_C, at], box.fields[CHANGE, at]
    box.fields[NOW_C, at] = now_c
    coldest = min(box.fields[COLDEST_C, at], now_c)
    box.fields[COLDEST_C, at] = coldest
    low, high = min(was, now_c), max(was, now_c)
    for c in range(box.whole[CLOCK_COUNT]):
        limit = f32(box.real[THRESHOLDS + c])
        if low < limit:
            share = min((limit - low) / max(high - low, WIDE), f32(1))
            box.fields[CLOCKS + c, at] += share * f32(box.control[STEP_S])
    stopped = ZERO
    if coldest < f32(box.real[STASIS_C]):
        box.bytes[ALIVE, at] = 0
        stopped = f32(1)
    gone = abs(box.fields[NOW_H, at] - box.fields[REST, at]) * box.medium[np.int64(box.bytes[LABEL, at]), T1]
    return high - low, gone, stopped


@device
def settle(box, room, awake):
    """Take note of what was reached, and wake the neighbours of what has left its rest."""
    for n in range(cuda.blockIdx.x, awake, cuda.gridDim.x):
        tile = box.order[0, n]
        moved, gone, stopped = ZERO, ZERO, ZERO
        for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
            by, far, dead = settle_voxel(box, voxel_at(box, tile, v))
            moved, gone, stopped = max(moved, by), max(gone, far), max(stopped, dead)
        moved, gone = block_most(room.most, moved), block_most(room.most, gone)
        stopped = block_most(room.most, stopped)
        if cuda.threadIdx.x == 0:
            box.values[tile, LOW], box.values[tile, MOVED] = box.values[tile, NEW_LOW], moved
            if stopped > ZERO:
                box.tiles[tile, FLAGS] |= STASIS
            if gone > f32(box.real[WAKE_K]):
                wake_beside(box, tile)


@device
def wake_beside(box, tile):
    """Let the tiles beside one take part from the next step on."""
    for direction in range(6):
        beside = box.tiles[tile, BESIDE + direction]
        if beside >= 0 and box.tiles[beside, SOLID] and cuda.atomic.exch(box.tiles, (beside, ACTIVE), 1) == 0:
            box.order[1, cuda.atomic.add(box.counters, 1, 1)] = beside


@device
def line_up(box, awake):
    """Add what woke to the tiles awake, in the order of their numbers: for sums to be the same in every run."""
    woken = box.counters[1]
    for n in range(cuda.grid(1), woken, cuda.gridsize(1)):
        before = 0
        for other in range(woken):
            before += box.order[1, other] < box.order[1, n]
        box.order[0, awake + before] = box.order[1, n]
    if cuda.grid(1) == 0:
        box.counters[0] = awake + woken


@device
def report(box, lines, room, parts, out):
    """Add the blocks' heats up, each probe's segments too."""
    if cuda.blockIdx.x == 0:
        for term in range(3):
            mine = 0.0
            for b in range(cuda.threadIdx.x, cuda.gridDim.x, cuda.blockDim.x):
                mine += parts[b, term]
            total = block_sum(room.sums, mine)
            if cuda.threadIdx.x == 0:
                out[PERFUSED + term] = total
        for p in range(cuda.threadIdx.x, box.whole[PROBES], cuda.blockDim.x):
            energy, heat, surface = 0.0, 0.0, 0.0
            for s in range(box.whole[SEGMENTS]):
                if int(lines.segments[s, PROBE]) == p:
                    energy += lines.segments[s, ENERGY]
                    heat += lines.segments[s, FIRST_HEAT]
                    surface += lines.segments[s, FIRST_SURFACE]
            o = PER_PROBE + p * OUT_COLUMNS
            out[o], out[o + 1], out[o + 2] = energy, heat, surface


@device
def finish(out, status, count, awake):
    """Say how it went."""
    if cuda.grid(1) == 0:
        out[STATUS], out[COUNT], out[WORKED] = status, count, awake


@kernel
def super_step(box, lines, parts, out):
    """One step of all tiles awake: plan, stages, a look at the outcome, and once more with more stages if need be."""
    sums = cuda.shared.array(THREADS, float64)
    most = cuda.shared.array(THREADS, float32)
    potential = cuda.shared.array(HALO, float32)
    warmth = cuda.shared.array(HALO, float32)
    conductivity = cuda.shared.array(HALO, float32)
    room = Room(sums, most, potential, warmth, conductivity)
    grid = cuda.cg.this_grid()
    awake = box.counters[0]
    for attempt in range(TRIES):
        plan(box, lines, awake, attempt)
        grid.sync()
        step_s, order = box.control[STEP_S], box.whole[SECOND_ORDER]
        count = stages_needed(step_s * box.control[ROWS + attempt] / SAFETY, order)
        if count > box.control[MOST_STAGES]:
            finish(out, TOO_MANY, count, awake)
            return
        perfused, made, bounded = run(box, lines, room, awake, count)
        look(box, room, awake, attempt)
        grid.sync()
        if stages_needed(step_s * box.control[ROWS_AFTER + attempt] / SAFETY, order) <= count:
            settle(box, room, awake)
            keep_parts(room, parts, perfused, made, bounded)
            grid.sync()
            line_up(box, awake)
            report(box, lines, room, parts, out)
            finish(out, DONE, count, awake)
            return
        put_back(box, awake)
        grid.sync()
    finish(out, LOST, 0, awake)


@device
def keep_parts(room, parts, perfused, made, bounded):
    """Leave a block's heats for the first block to add up."""
    perfused, made = block_sum(room.sums, perfused), block_sum(room.sums, made)
    bounded = block_sum(room.sums, bounded)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x, 0], parts[cuda.blockIdx.x, 1], parts[cuda.blockIdx.x, 2] = perfused, made, bounded


@kernel
def first_rates(box, lines):
    """Leave dH/dt of every tile in ``order`` in CHANGE: what is restless before any probe is on."""
    sums = cuda.shared.array(THREADS, float64)
    most = cuda.shared.array(THREADS, float32)
    potential = cuda.shared.array(HALO, float32)
    warmth = cuda.shared.array(HALO, float32)
    conductivity = cuda.shared.array(HALO, float32)
    room = Room(sums, most, potential, warmth, conductivity)
    stage = Stage(ZERO, f32(1), ZERO, ZERO, 0.0, True, 0)
    for n in range(cuda.blockIdx.x, box.counters[0], cuda.gridDim.x):
        step_tile(box, lines, room, box.order[0, n], stage)


@kernel
def restlessness(box):
    """Note how fast each tile changes on its own [K/s] and its coldest temperature; forget what it changed to."""
    most = cuda.shared.array(THREADS, float32)
    for n in range(cuda.blockIdx.x, box.counters[0], cuda.gridDim.x):
        tile = box.order[0, n]
        fast, drop = ZERO, -MUCH
        for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
            at = voxel_at(box, tile, v)
            box.fields[NEXT_H, at] = box.fields[NOW_H, at]
            fast = max(fast, abs(box.fields[CHANGE, at]) * box.medium[np.int64(box.bytes[LABEL, at]), T1])
            drop = max(drop, -box.fields[NOW_C, at])
        fast, drop = block_most(most, fast), block_most(most, drop)
        if cuda.threadIdx.x == 0:
            box.values[tile, MOVED], box.values[tile, LOW] = fast, -drop


@kernel
def probes_at_once(box, lines):
    """What the probes do at this moment, a block per segment."""
    sums = cuda.shared.array(THREADS, float64)
    room = Room(sums, sums, sums, sums, sums)
    stage = Stage(ZERO, ZERO, ZERO, ZERO, 0.0, True, 0)
    for s in range(cuda.blockIdx.x, box.whole[SEGMENTS], cuda.gridDim.x):
        drive_segment(box, lines, room, s, stage, 0.0)


@kernel
def gained(box, parts):
    """Sum of the enthalpy above the start, by block [J/m³ times voxels]."""
    sums = cuda.shared.array(THREADS, float64)
    mine = 0.0
    for n in range(cuda.blockIdx.x, box.counters[0], cuda.gridDim.x):
        for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
            at = voxel_at(box, box.order[0, n], v)
            mine += np.float64(box.fields[NOW_H, at]) - np.float64(box.fields[REST, at])
    total = block_sum(sums, mine)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x, 0] = total
