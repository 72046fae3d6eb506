"""Where tiles meet others of another level, or at rest: what goes through their faces, and that it is counted once."""

from __future__ import annotations

from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import bits, choose, full, opposite
from iceball.thermal.backends._numba_tiles_media import (
    ROWS,
    TINY,
    TWO,
    ZERO,
    inlined,
    kernel,
    label_of,
    look,
    medium_of,
    put_look,
    row_of,
)
from iceball.thermal.backends._numba_tiles_memory import (
    f32,
    i32,
    i64,
    load,
    load_bytes,
    put_f32,
    put_i32,
    put_i64,
    put_u8,
    store,
    u8,
)
from iceball.thermal.backends._numba_tiles_stage import bit_of, buffers
from iceball.thermal.layout import MOVES
from iceball.thermal.levels import FASTER, REST, SLOWER, STILL

PAIRS = 64  # places kept for one face of a tile
PLUS, MINUS = np.float32(1), np.float32(-1)


@inlined
def _side(direction: int) -> Any:
    return PLUS if direction & 1 else MINUS


@inlined
def _face(box: Any, direction: int) -> Any:
    """How a face runs: its first row, the step to the next, their number; its lanes; the step to the voxels beyond."""
    upper = direction & 1
    if direction < 2:
        return 0, 1, ROWS, 15 * upper, 15 * upper + 1, 2 * upper - 1
    if direction < 4:
        return 3 * upper, 4, 4, 0, 16, (2 * upper - 1) * box.row
    return 12 * upper, 1, 4, 0, 16, (2 * upper - 1) * box.plane


@inlined
def _row_flow(box: Any, now: Any, a: int, b: int, direction: int) -> Any:
    """What goes from sixteen voxels at ``b`` to those at ``a`` [W/m]."""
    flow = load(now[0], b) - load(now[0], a)
    alike = bit_of(load_bytes(box.faces, a), np.int32(1) << np.int32(direction))
    if bits(opposite(alike)) != 0:
        ka, kb = load(now[2], a), load(now[2], b)
        flow = choose(alike, flow, TWO * ka * kb / (ka + kb + TINY) * (load(now[1], b) - load(now[1], a)))
    return flow


@inlined
def _voxel_flow(box: Any, now: Any, a: int, b: int, direction: int) -> Any:
    """The same for one voxel."""
    if (u8(box.faces, a) >> direction) & 1:
        return f32(now[0], b) - f32(now[0], a)
    ka, kb = f32(now[2], a), f32(now[2], b)
    return TWO * ka * kb / (ka + kb + TINY) * (f32(now[1], b) - f32(now[1], a))


@kernel
def _impose(box: Any, p: Any, now: Any, offset: int, i: int, through: int) -> None:
    """What a slower level let through face ``i`` comes through, instead of what the stage would work out."""
    direction = np.int64(u8(p.direction, i))
    first, stride, count, lane, _, beyond = _face(box, direction)
    sign, slot = _side(direction), PAIRS * i64(p.slot, i)
    for q in range(count):
        row = first + stride * q
        a = row_of(box, offset, row)
        if direction >= 2:
            flow = _row_flow(box, now, a, a + beyond, direction)
            imposed = sign * load(p.slots, slot + 16 * q) - flow * box.inverse_h2
            store(through, 16 * row, load(through, 16 * row) + imposed)
        else:
            flow = _voxel_flow(box, now, a + lane, a + lane + beyond, direction)
            at = 16 * row + lane
            put_f32(through, at, f32(through, at) + (sign * f32(p.slots, slot + q) - flow * box.inverse_h2))


@kernel
def _count(box: Any, p: Any, now: Any, offset: int, i: int, share: float) -> None:
    """Count what comes through face ``i`` from a level that stands still for this pass."""
    direction = np.int64(u8(p.direction, i))
    first, stride, count, lane, _, beyond = _face(box, direction)
    weight, flux = np.float32(share * np.float64(box.inverse_h2)), PAIRS * i
    for q in range(count):
        a = row_of(box, offset, first + stride * q)
        if direction >= 2:
            flow = _row_flow(box, now, a, a + beyond, direction)
            store(p.flux, flux + 16 * q, load(p.flux, flux + 16 * q) + weight * flow)
        else:
            one = _voxel_flow(box, now, a + lane, a + lane + beyond, direction)
            put_f32(p.flux, flux + q, f32(p.flux, flux + q) + weight * one)


@inlined
def run_faces(box: Any, p: Any, tile: int, share: float, now: Any, through: int) -> bool:
    """Faces of one tile that lead to another level; whether any imposes what it wrote to ``through`` (256,).

    A slower level has been stepped already: what it let through is imposed. A faster one, or one at rest, stands still
    for this pass: what comes through is counted.
    """
    imposed = False
    for i in range(np.int64(i32(p.face_start, tile)), np.int64(i32(p.face_start, tile + 1))):
        kind, offset = u8(p.kind, i), i64(p.tile, tile)
        if kind == STILL:
            continue
        if kind != SLOWER:
            _count(box, p, now, offset, i, share)
            continue
        if not imposed:
            for r in range(ROWS):
                store(through, 16 * r, full(ZERO))
            imposed = True
        _impose(box, p, now, offset, i, through)
    return imposed


@kernel
def prepare(box: Any, p: Any) -> None:
    """Before a pass: a level that stands still must look the same in both buffers."""
    before, second = buffers(box, 0), buffers(box, 1)
    for n in range(4 * np.int64(p.foreign)):
        store(p.flux, 16 * n, full(ZERO))
    for tile in range(p.tiles):
        for i in range(np.int64(i32(p.face_start, tile)), np.int64(i32(p.face_start, tile + 1))):
            kind = u8(p.kind, i)
            if kind != FASTER and kind != STILL:
                continue
            first, stride, count, lane, last, beyond = _face(box, np.int64(u8(p.direction, i)))
            for q in range(count):
                a = row_of(box, i64(p.tile, tile), first + stride * q)
                for b in range(a + lane + beyond, a + last + beyond):
                    put_look(second, b, (f32(before[0], b), f32(before[1], b), f32(before[2], b)), True)


@kernel
def hand_over(p: Any, step_s: float) -> None:
    """After a pass: leave what the faster level is to receive."""
    for i in range(np.int64(p.foreign)):
        if u8(p.kind, i) == FASTER:
            scale = np.float32(_side(np.int64(u8(p.direction, i))) / np.float32(step_s))
            for n in range(0, PAIRS, 16):
                store(p.slots, PAIRS * i64(p.slot, i) + n, scale * load(p.flux, PAIRS * i + n))


@kernel
def _note_face(box: Any, p: Any, offset: int, i: int) -> None:
    """What goes through one face while nothing has been cooled."""
    direction = np.int64(u8(p.direction, i))
    first, stride, count, lane, last, beyond = _face(box, direction)
    for q in range(count):
        row = row_of(box, offset, first + stride * q)
        for along in range(lane, last):
            a, b = row + along, row + along + beyond
            theta_a, t_a, k_a = look(box, label_of(box, a), f32(box.rest, a))
            theta_b, t_b, k_b = look(box, label_of(box, b), f32(box.rest, b))
            flow = theta_b - theta_a
            if (u8(box.faces, a) >> direction) & 1 == 0:
                flow = TWO * k_a * k_b / (k_a + k_b + TINY) * (t_b - t_a)
            put_f32(p.rest_flow, PAIRS * i + (16 * q + along if direction >= 2 else q), flow)


@kernel
def note_rest(box: Any, p: Any) -> None:
    """While nothing has been cooled, heat goes through a face as well: it goes on beyond a tile at rest."""
    for tile in range(p.tiles):
        for i in range(np.int64(i32(p.face_start, tile)), np.int64(i32(p.face_start, tile + 1))):
            if u8(p.kind, i) == REST:
                _note_face(box, p, i64(p.tile, tile), i)


@inlined
def _cool(box: Any, b: int, by: float, unlike: bool, wake_k: float) -> bool:
    """Take ``by`` from the enthalpy of a voxel at rest; whether it has moved by more than ``wake_k``."""
    label, h = label_of(box, b), f32(box.enthalpy, b) - by
    put_f32(box.enthalpy, b, h)
    now = look(box, label, h)
    put_look(buffers(box, 0), b, now, unlike)
    put_look(buffers(box, 1), b, now, unlike)
    put_f32(box.now_c, b, now[1])
    if now[1] < f32(box.coldest_c, b):
        put_f32(box.coldest_c, b, now[1])
    return not (abs(h - f32(box.rest, b)) * medium_of(box, label).t1 <= wake_k)  # NaN wakes as well


@kernel
def _exchange_face(box: Any, p: Any, offset: int, i: int, step_s: float, wake_k: float) -> Any:
    """Exchange through one face; what came from beyond, and whether the tile there has been reached."""
    direction = np.int64(u8(p.direction, i))
    first, stride, count, lane, last, beyond = _face(box, direction)
    outside, woken, always = 0.0, False, box.inverse_h2 * np.float32(step_s)
    for q in range(count):
        row = row_of(box, offset, first + stride * q)
        for along in range(lane, last):
            a, b, at = row + along, row + along + beyond, PAIRS * i + (16 * q + along if direction >= 2 else q)
            came = f32(p.flux, at)
            if u8(box.faces, b) & MOVES == 0:
                outside += np.float64(came)
                continue
            usual = f32(p.rest_flow, at) * always
            outside += np.float64(usual)
            unlike = (u8(box.faces, a) >> direction) & 1 == 0
            if came != usual and _cool(box, b, came - usual, unlike, wake_k):
                woken = True
    return outside, woken


@kernel
def exchange(box: Any, p: Any, step_s: float, wake_k: float, wake: int) -> float:
    """Take what came through faces from the voxels at rest, but for what always goes through: the balance closes.

    Marks the tiles reached in ``wake``; returns what came from beyond [J/m³, summed over voxels].
    """
    total = 0.0
    for tile in range(p.tiles):
        for i in range(np.int64(i32(p.face_start, tile)), np.int64(i32(p.face_start, tile + 1))):
            if u8(p.kind, i) != REST:
                continue
            outside, woken = _exchange_face(box, p, i64(p.tile, tile), i, step_s, wake_k)
            total += outside
            if woken:
                put_u8(wake, i64(p.their_tile, i), np.uint8(1))
    return total


@kernel
def _reaches(box: Any, p: Any, offset: int, i: int, always: float, far_k: float) -> bool:
    """Whether what came through one face would change a voxel at rest by more than ``far_k``."""
    direction = np.int64(u8(p.direction, i))
    first, stride, count, lane, last, beyond = _face(box, direction)
    for q in range(count):
        row = row_of(box, offset, first + stride * q)
        for along in range(lane, last):
            at = PAIRS * i + (16 * q + along if direction >= 2 else q)
            change = f32(p.flux, at) - f32(p.rest_flow, at) * always
            warmer = medium_of(box, label_of(box, row + along + beyond)).t1
            if not (abs(change) * warmer <= far_k):  # NaN is far as well
                return True
    return False


@kernel
def reach(box: Any, p: Any, step_s: float, far_k: float, wake: int) -> None:
    """Mark the tiles at rest that a step would change by more than ``far_k``, were it accepted."""
    always = box.inverse_h2 * np.float32(step_s)
    for tile in range(p.tiles):
        for i in range(np.int64(i32(p.face_start, tile)), np.int64(i32(p.face_start, tile + 1))):
            if u8(p.kind, i) != REST or u8(wake, i64(p.their_tile, i)) != 0:
                continue
            if _reaches(box, p, i64(p.tile, tile), i, always, far_k):
                put_u8(wake, i64(p.their_tile, i), np.uint8(1))


@inlined
def _kind_of(level: int, number: int) -> int:
    """What a tile of ``level`` is to those of level ``number``."""
    return REST if level < 0 else SLOWER if level < number else FASTER


@kernel
def list_faces(asked: Any, counts: Any, lists: Any) -> int:
    """List the faces of tiles that lead out of this pass; how many there are.

    ``asked`` are addresses of neighbours, level and solidity of every tile of the box, whether it runs, and of the
    tiles; ``counts`` how many of these, how many of them are the level's own, its number, and all tiles of the box;
    ``lists`` addresses of what is filled in, in the order of Pass.
    """
    beside, where, solid, runs, tiles = asked
    count, own, number, all_tiles = counts
    start, their_tile, slot, directions, kinds = lists
    n = 0
    for t in range(count):
        put_i32(start, t, np.int32(n))
        mine = i64(tiles, t)
        for d in range(6):
            other = i64(beside, 6 * mine + d)
            if other < 0 or u8(solid, other) == 0:
                continue
            level = np.int64(np.int8(u8(where, other)))
            if (t < own and level == number) or (t >= own and u8(runs, other) != 0):
                continue
            axis = 2 if d < 2 else 1 if d < 4 else 0
            put_i64(their_tile, n, other)
            put_i64(slot, n, axis * all_tiles + (mine if d & 1 else other))
            put_u8(directions, n, np.uint8(d))
            put_u8(kinds, n, np.uint8(_kind_of(level, number) if t < own else STILL))
            n += 1
    put_i32(start, count, np.int32(n))
    return n
