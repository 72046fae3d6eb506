"""Where the tiles of a pass meet tiles of another level, or at rest: what goes through, and that it is counted once."""

from __future__ import annotations

from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import choose, full, total
from iceball.thermal.backends._numba_tiles_media import (
    ROWS,
    TX,
    TY,
    VOXELS,
    blend,
    everywhere,
    inlined,
    kernel,
    larger,
    own_of,
    potential,
    show_row,
    smaller,
    temperature,
)
from iceball.thermal.backends._numba_tiles_memory import (
    add_f64,
    f64,
    i8,
    i32,
    i64,
    kept_apart,
    load,
    load_bytes,
    load_bytes_column,
    load_column,
    store,
    store_column,
    u8,
)
from iceball.thermal.backends._numba_tiles_stage import bit_of, harmonic
from iceball.thermal.layout import MIXED, MOVES, WELL
from iceball.thermal.levels import FASTER, REST, SLOWER

FACE = VOXELS // TY  # pairs of voxels of a face; places for as many are kept for those along a row, which have sixteen
HERE, THERE = 0, 1
DEPTH = 4  # what comes to a tile at rest goes as deep as heat goes in a step: at the surface, it would overshoot there
PART, PER_TISSUE = 1 / DEPTH, 1 / 0.5  # 0.5 W/m/K


@inlined
def _sixteens(d: int) -> int:
    """How many times sixteen voxels a face in direction ``d`` has: rows, or one voxel of each row."""
    return 1 if d < 2 else TY


@inlined
def _first(d: int, side: int, q: int) -> int:
    """Where number ``q`` of them begins in the tile on this side of the face or on that."""
    far = (d & 1) != side
    if d < 2:
        return TX - 1 if far else 0
    if d < 4:
        return TX * (TY * q + (TY - 1 if far else 0))
    return TX * (q + (ROWS - TY if far else 0))


@inlined
def _get(field: int, at: int, d: int) -> Any:
    return load_column(field, at) if d < 2 else load(field, at)


@inlined
def _get_bytes(field: int, at: int, d: int) -> Any:
    return load_bytes_column(field, at) if d < 2 else load_bytes(field, at)


@inlined
def _put(field: int, at: int, d: int, values: Any) -> None:
    if d < 2:
        store_column(field, at, values)
    else:
        store(field, at, values)


@inlined
def _there(p: Any, n: int, q: int) -> int:
    """Where number ``q`` of face ``n`` of a pass begins in the tile beyond, counted through the whole box."""
    return VOXELS * i32(p.their_tile, n) + _first(u8(p.direction, n), THERE, q)


@inlined
def _side(d: int) -> Any:
    return 1.0 if d & 1 else -1.0


@kernel
def _flow_through(box: Any, d: int, a: int, b: int, now: int, theirs: int) -> Any:
    """Heat that flows to sixteen voxels at ``a`` from those at ``b`` in direction ``d`` [W/m]."""
    flow = _get(i64(box.potential, theirs), b, d) - _get(i64(box.potential, now), a, d)
    if u8(box.flags, a // VOXELS) & MIXED == 0:
        return flow
    alike = bit_of(_get_bytes(box.faces, a, d), 1 << d)
    if everywhere(alike):
        return flow
    k = harmonic(_get(i64(box.conductivity, now), a, d), _get(i64(box.conductivity, theirs), b, d))
    return choose(alike, flow, k * (_get(i64(box.temperature, theirs), b, d) - _get(i64(box.temperature, now), a, d)))


@kernel
def run_faces(box: Any, p: Any, i: int, stage: int, work: Any) -> int:
    """Faces of tile ``i`` of a pass that lead out of it.

    A slower level has been stepped already: what it let through comes through, instead of what flows now. The address
    of that is returned, 0 where there is none. Through the other faces, what flows is counted; after the last stage it
    is left for the faster level.
    """
    kept_apart()
    tile, now, through = i32(p.tile, i), stage & 1, 0
    share = f64(p.share, stage) * box.inverse_h2
    for n in range(i32(p.face_start, i), i32(p.face_start, i + 1)):
        d, kind, slot = u8(p.direction, n), u8(p.kind, n), FACE * i32(p.slot, n)
        theirs = now if (u8(p.live, i) >> d) & 1 else 0
        if kind == SLOWER and through == 0:
            through = work.room
            for r in range(ROWS):
                store(through, TX * r, full(0.0))
        for q in range(_sixteens(d)):
            at, flux = _first(d, HERE, q), FACE * n + TX * q
            flow = _flow_through(box, d, VOXELS * tile + at, _there(p, n, q), now, theirs)
            if kind == SLOWER:
                imposed = _side(d) * load(box.slots, slot + TX * q) - flow * box.inverse_h2
                _put(through, at, d, _get(through, at, d) + imposed)
                continue
            flow = flow * share + load(p.flux, flux) if stage > 0 else flow * share
            store(p.flux, flux, flow)
            if kind == FASTER and stage + 1 == p.stages:
                store(box.slots, slot + TX * q, flow * (_side(d) / work.step_s))
    return through


@kernel
def note_rest(box: Any, rest_flow: int, tile: int) -> None:
    """Note what goes through faces toward higher indices while nothing has been cooled."""
    for d in range(1, 6, 2):
        other, slot = i32(box.beside, 6 * tile + d), FACE * ((d >> 1) * box.tiles + tile)
        for q in range(_sixteens(d)):
            a, b = VOXELS * tile + _first(d, HERE, q), VOXELS * other + _first(d, THERE, q)
            store(rest_flow, slot + TX * q, _flow_through(box, d, a, b, 0, 0))


@inlined
def _little(kelvin: Any, watt_per_m: Any, limit_k: float) -> bool:
    """Whether temperature and potential have changed little: a tile at rest passes nothing on, see native/faces.hpp."""
    through = larger(watt_per_m, 0.0 - watt_per_m) * PER_TISSUE
    return everywhere(larger(kelvin, 0.0 - kelvin) <= limit_k) and everywhere(through <= limit_k)


@kernel
def renew(box: Any, tile: int, wake_k: float) -> bool:
    """A tile at rest has got warmer or colder: show it; says whether it is to be stepped from now on."""
    woken, own = False, own_of(box, tile)
    for r in range(ROWS):
        at, h = VOXELS * tile + TX * r, load(own, TX * r)
        m, rest = blend(box, load_bytes(box.label, at)), load(box.rest, at)
        now = temperature(box, m, h)
        show_row(box, at, h)
        store(box.now_c, at, now)
        store(box.fresh_c, at, now)
        store(box.coldest_c, at, smaller(now, load(box.coldest_c, at)))
        passed_on = load(i64(box.potential, 0), at) - potential(box, m, rest)
        if not _little(now - temperature(box, m, rest), passed_on, wake_k):
            woken = True
    return woken


@inlined
def _came(box: Any, p: Any, step_s: float, n: int, q: int) -> Any:
    """What came to sixteen voxels at rest in this step, and what always goes through [J/m³]."""
    always = box.inverse_h2 * step_s * _side(u8(p.direction, n))
    return load(p.flux, FACE * n + TX * q), always * load(box.rest_flow, FACE * i32(p.slot, n) + TX * q)


@kernel
def reach(box: Any, p: Any, step_s: float, far_k: float, wake: int) -> None:
    """Mark the tiles at rest that a step would change by more than ``far_k``, were it accepted."""
    for n in range(p.foreign):
        d = u8(p.direction, n)
        for q in range(_sixteens(d) if u8(p.kind, n) == REST else 0):
            came, usual = _came(box, p, step_s, n, q)
            change = (came - usual) * PART
            if everywhere(change == 0.0):
                continue
            m = blend(box, _get_bytes(box.label, _there(p, n, q), d))
            if not _little(change * m.t1, change * m.p1, far_k):
                store(wake, i32(p.their_tile, n), np.uint8(1))


@kernel
def _exchange(box: Any, p: Any, s: Any, n: int, d: int) -> None:
    """What came through a face is taken from the voxels at rest behind it, but for what always goes through."""
    other = i32(p.their_tile, n)
    own, inward = own_of(box, other), (1 if d < 2 else TX if d < 4 else TX * TY) * (1 if d & 1 else -1)
    for q in range(_sixteens(d)):
        (came, usual), first = _came(box, p, s.step_s, n, q), _first(d, THERE, q)
        moves = bit_of(_get_bytes(box.faces, VOXELS * other + first, d), MOVES)
        add_f64(s.beyond, d, total(choose(moves, usual, came)))
        part = choose(moves, came - usual, 0.0) * PART
        if everywhere(part == 0.0):
            continue
        store(s.wake, other, np.uint8(1))
        for at in range(first, first + DEPTH * inward, inward):  # where a voxel may not change, the first one takes it
            moves = bit_of(_get_bytes(box.faces, VOXELS * other + at, d), MOVES)
            _put(own, at, d, _get(own, at, d) - choose(moves, part, 0.0))
            _put(own, first, d, _get(own, first, d) - choose(moves, 0.0, part))


@kernel
def exchange(box: Any, p: Any, s: Any) -> None:
    """Make both sides of the faces to tiles at rest agree: the balance closes. Marks what got warmer or colder."""
    for n in range(p.foreign):
        if u8(p.kind, n) == REST:
            _exchange(box, p, s, n, u8(p.direction, n))


@kernel
def _list_tiles(box: Any, p: Any, where: int, number: int, runs: int) -> Any:
    """List the tiles of level ``number``, those with wells last, and then those of faster levels beside them."""
    tiles, n, wells = box.tiles - 1, 0, 0  # without the one that stands for all that lies outside
    for with_wells in range(2):
        for t in range(tiles):
            if i8(where, t) == number and (u8(box.flags, t) & WELL != 0) == (with_wells != 0):
                store(p.tile, n, np.int32(t))
                store(runs, t, np.uint8(1))
                n, wells = n + 1, wells + with_wells
    own = n
    for i in range(own):
        for d in range(6):
            other = i32(box.beside, 6 * i32(p.tile, i) + d)
            if other < tiles and i8(where, other) > number:
                store(runs, other, np.uint8(2))
    for t in range(tiles):
        if u8(runs, t) == 2:
            store(p.tile, n, np.int32(t))
            n += 1
    return n, own, wells


@kernel
def list_level(box: Any, p: Any, given: Any, number: int, counts: int) -> None:
    """List the tiles of level ``number`` and their faces that lead out of the pass, as native/kernel.cpp does.

    ``given`` are addresses of level and solidity of every tile of the box, and of zeros for as many; ``counts`` is that
    of how many tiles there are, are the level's own, have wells, and how many faces.
    """
    where, solid, runs = given
    tiles, own, wells = _list_tiles(box, p, where, number, runs)
    n = 0
    for i in range(tiles):
        store(p.face_start, i, np.int32(n))
        mine, stepped = i32(p.tile, i), 0
        for d in range(6):
            other = i32(box.beside, 6 * mine + d)
            stepped |= (u8(runs, other) != 0) << d
            level = i8(where, other) if u8(solid, other) else number
            if i >= own or level == number:
                continue
            store(p.their_tile, n, np.int32(other))
            store(p.slot, n, np.int32((d >> 1) * box.tiles + (mine if d & 1 else other)))
            store(p.direction, n, np.uint8(d))
            store(p.kind, n, np.uint8(REST if level < 0 else SLOWER if level < number else FASTER))
            n += 1
        store(p.live, i, np.uint8(stepped))
    store(p.face_start, tiles, np.int32(n))
    for k, count in enumerate((tiles, own, wells, n)):
        store(counts, k, np.int32(count))
