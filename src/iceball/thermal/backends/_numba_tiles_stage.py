"""One stage of super-time-stepping on one tile: conduction, blood, probes and skin, and the recursion of RKL."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import bits, choose, full, opposite
from iceball.thermal.backends._numba_tiles_media import (
    ROWS,
    SIX,
    TINY,
    TWO,
    ZERO,
    inlined,
    kernel,
    label_of,
    living,
    material,
    materials,
    row_of,
    temperature,
    write,
)
from iceball.thermal.backends._numba_tiles_memory import ask_for, f32, i64, load, load_bytes, store, u8
from iceball.thermal.layout import DRY, EXTRA, MOVES, STASIS, WELL
from iceball.thermal.levels import GUESS

# One stage: what it weighs, and the buffers of potential, temperature and conductivity that it reads and writes.
Stage = namedtuple("Stage", "carry weight back again first second_order now after")


@inlined
def stage_of(box: Any, p: Any, number: int) -> Any:
    """Stage ``number`` of a pass."""
    now = number & 1
    return Stage(
        f32(p.carry, number), f32(p.weight, number), f32(p.back, number), f32(p.again, number), number == 0,
        p.second_order != 0, buffers(box, now), buffers(box, 1 - now),
    )  # fmt: skip


@inlined
def buffers(box: Any, which: int) -> Any:
    """Addresses of potential, temperature and conductivity, the first or the second of each."""
    return i64(box.potential, which), i64(box.temperature, which), i64(box.conductivity, which)


@inlined
def _step_of(box: Any, s: Any, at: int, rate: Any, h: Any) -> Any:
    """What a stage adds to sixteen enthalpies."""
    d = s.weight * rate
    if s.first:
        store(box.before, at, h)
    else:
        d = d + s.carry * load(box.step, at)
    if s.second_order:
        if s.first:
            store(box.first, at, rate)
        else:
            d = d + s.back * (h - load(box.before, at)) + s.again * load(box.first, at)
    return d


@inlined
def _kirchhoff(box: Any, theta: int, at: int) -> Any:
    """Conduction into sixteen voxels with neighbours all of their own material."""
    along = load(theta, at - 1) + load(theta, at + 1)
    across = load(theta, at - box.row) + load(theta, at + box.row)
    over = load(theta, at - box.plane) + load(theta, at + box.plane)
    return ((along + across + over) - SIX * load(theta, at)) * box.inverse_h2


@inlined
def _through(now: Any, alike: Any, at: int, beyond: int, here: Any) -> Any:
    """What goes through one face of each of sixteen voxels."""
    flow = load(now[0], beyond) - here[0]
    if bits(opposite(alike)) != 0:
        k = load(now[2], beyond)
        harmonic = TWO * k * here[2] / (k + here[2] + TINY) * (load(now[1], beyond) - here[1])
        flow = choose(alike, flow, harmonic)
    return flow


@inlined
def bit_of(faces: Any, bit: int) -> Any:
    """Where a bit of sixteen bytes is set."""
    return (faces & np.int32(bit)) > np.int32(0)


@inlined
def _conduct_mixed(box: Any, now: Any, at: int) -> Any:
    """Conduction into sixteen voxels, harmonic through faces between materials."""
    faces = load_bytes(box.faces, at)
    here = load(now[0], at), load(now[1], at), load(now[2], at)
    flow = _through(now, bit_of(faces, 1), at, at - 1, here) + _through(now, bit_of(faces, 2), at, at + 1, here)
    flow = flow + _through(now, bit_of(faces, 4), at, at - box.row, here)
    flow = flow + _through(now, bit_of(faces, 8), at, at + box.row, here)
    flow = flow + _through(now, bit_of(faces, 16), at, at - box.plane, here)
    flow = flow + _through(now, bit_of(faces, 32), at, at + box.plane, here)
    return flow * box.inverse_h2


@kernel
def pure_tile(box: Any, s: Any, offset: int, label: int, flags: int, through: int) -> Any:
    """One stage of a tile of one material; returns what blood and cells brought, summed by lane."""
    blood, cells = full(ZERO), full(ZERO)
    m = material(box, label)
    for r in range(ROWS):
        at = row_of(box, offset, r)
        h, rate = load(box.enthalpy, at), _kirchhoff(box, s.now[0], at)
        if through != 0:
            rate = rate + load(through, 16 * r)
        if flags & DRY == 0:
            own = living(box, m, at, h, flags & STASIS != 0)
            blood, cells = blood + own[0], cells + own[1]
            rate = rate + (own[0] + own[1])
        if flags & WELL:
            rate = rate + load(box.well_heat, at)
        d = _step_of(box, s, at, rate, h)
        if flags & GUESS:
            d = choose(load(box.before, at) < m.straight, ZERO, d)
        h = h + d
        store(box.step, at, d)
        store(box.enthalpy, at, h)
        write(box, m, at, h, s.after, False)
    return blood, cells


@inlined
def _rates(box: Any, s: Any, m: Any, at: int, flags: int, h: Any) -> Any:
    """Rate of a mixed row but for conduction; blood, cells, and what skin, walls and sources bring."""
    blood, cells, extra, rate = full(ZERO), full(ZERO), full(ZERO), full(ZERO)
    if flags & DRY == 0:
        blood, cells = living(box, m, at, h, flags & STASIS != 0)
        rate = rate + (blood + cells)
    if flags & EXTRA:
        given = load(box.given, at) - load(box.per_k, at) * temperature(box, m, h)
        extra = given - load(box.per_potential, at) * load(s.now[0], at)
        rate = rate + extra
    if flags & WELL:
        rate = rate + load(box.well_heat, at)
    return rate, blood, cells, extra


@inlined
def _row(box: Any, s: Any, m: Any, at: int, flags: int, conducted: Any) -> Any:
    """One stage of sixteen voxels made of ``m``; returns blood, cells and what came from outside."""
    kind = u8(box.row_kind, at >> 4)
    alike, free = kind & 2 != 0, kind & 4 != 0
    h = load(box.enthalpy, at)
    rest, blood, cells, outside = _rates(box, s, m, at, flags, h)
    rate = conducted + rest
    if not free:
        moves = bit_of(load_bytes(box.faces, at), MOVES)
        blood, cells, rate = choose(moves, blood, ZERO), choose(moves, cells, ZERO), choose(moves, rate, ZERO)
        outside = choose(moves, outside, ZERO - conducted)
    d = _step_of(box, s, at, rate, h)
    if not free:
        d = choose(bit_of(load_bytes(box.faces, at), MOVES), d, ZERO)
    if flags & GUESS:  # along a faster level: what has begun to freeze stands still, the rest runs ahead as a guess
        d = choose(load(box.before, at) < m.straight, ZERO, d)
    h = h + d
    store(box.step, at, d)
    store(box.enthalpy, at, h)
    write(box, m, at, h, s.after, not alike)
    return blood, cells, outside


@inlined
def _mixed_row(box: Any, s: Any, at: int, flags: int, through: int) -> Any:
    """One stage of sixteen voxels where anything may meet; returns blood, cells and what came from outside."""
    kind = u8(box.row_kind, at >> 4)
    alike = kind & 2 != 0
    conducted = _kirchhoff(box, s.now[0], at) if alike else _conduct_mixed(box, s.now, at)
    if through != 0:
        conducted = conducted + load(through, 0)
    if kind & 1:
        return _row(box, s, material(box, label_of(box, at)), at, flags, conducted)
    return _row(box, s, materials(box, at), at, flags, conducted)


@kernel
def mixed_tile(box: Any, s: Any, offset: int, flags: int, through: int) -> Any:
    """One stage of a tile where materials meet; returns blood, cells and what came from outside, summed by lane."""
    blood, cells, outside = full(ZERO), full(ZERO), full(ZERO)
    for r in range(ROWS):
        own = _mixed_row(box, s, row_of(box, offset, r), flags, through + 64 * r if through != 0 else through)
        blood, cells, outside = blood + own[0], cells + own[1], outside + own[2]
    return blood, cells, outside


@inlined
def ask_for_tile(box: Any, s: Any, offset: int) -> None:
    """Ask for the rows of the next tile: they lie too far apart for the processor to guess."""
    for r in range(ROWS):
        at = row_of(box, offset, r)
        ask_for(s.now[0], at)
        ask_for(box.enthalpy, at)
        ask_for(box.step, at)
        ask_for(s.after[0], at)
        if s.second_order:
            ask_for(box.before, at)
            ask_for(box.first, at)
