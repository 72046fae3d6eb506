"""One stage of super-time-stepping on one tile: conduction, blood, probes and skin, and the recursion of RKL."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import as_lanes, choose, full, shift_down, shift_up
from iceball.thermal.backends._numba_tiles_media import (
    ROWS,
    TILE_BYTES,
    TX,
    TY,
    TZ,
    VOXELS,
    anywhere,
    blend,
    everywhere,
    inlined,
    kernel,
    living,
    living_ice,
    material,
    potential_ice,
    show,
    temperature,
)
from iceball.thermal.backends._numba_tiles_memory import f32, i32, i64, kept_apart, load, load_bytes, store, u8
from iceball.thermal.layout import DRY, EXTRA, MOVES, STASIS, WELL

STEP, BEFORE, RATE = VOXELS, 2 * VOXELS, 3 * VOXELS  # in a tile's own numbers: Y_j - Y_{j-1}, Y_0, L(Y_0)
# One stage: what it weighs, and the buffer that it reads.
Stage = namedtuple("Stage", "carry weight back again first second_order now")
# One tile in this pass: address of its own numbers, which neighbours are stepped as well, whether it only guesses, and
# the address of what slower levels send through its faces instead of what flows now (0 where there are none).
Tile = namedtuple("Tile", "number own flags live guess through")
# One of the fields that neighbours see: a tile's own rows, and those around it. Rows next to a face in J or I are found
# at the same index from here as from the tile's own: the addresses are moved by a tile's length.
Around = namedtuple("Around", "own left right front back below above")


@inlined
def stage_of(p: Any, number: int) -> Any:
    """Stage ``number`` of a pass."""
    return Stage(
        f32(p.carry, number), f32(p.weight, number), f32(p.back, number), f32(p.again, number), number == 0,
        p.second_order != 0, number & 1,
    )  # fmt: skip


@inlined
def _near(box: Any, fields: int, tile: Any, now: int, d: int) -> int:
    """Address of a neighbour. One that is not stepped in this pass stands still: it is read in buffer 0."""
    buffer = now if (tile.live >> d) & 1 else 0
    return i64(fields, buffer) + TILE_BYTES * i32(box.beside, 6 * tile.number + d)


@inlined
def _around(box: Any, fields: int, tile: Any, now: int) -> Any:
    across, over = 4 * TX * TY, TILE_BYTES
    return Around(
        i64(fields, now) + TILE_BYTES * tile.number, _near(box, fields, tile, now, 0), _near(box, fields, tile, now, 1),
        _near(box, fields, tile, now, 2) + across, _near(box, fields, tile, now, 3) - across,
        _near(box, fields, tile, now, 4) + over, _near(box, fields, tile, now, 5) - over,
    )  # fmt: skip


@inlined
def _beside(a: Any, z: int, y: int, d: int) -> Any:
    """What lies in direction ``d`` of sixteen voxels."""
    at = TX * (TY * z + y)
    if d == 0:
        return shift_up(load(a.left, at), load(a.own, at))
    if d == 1:
        return shift_down(load(a.own, at), load(a.right, at))
    if d == 2:
        return load(a.own if y > 0 else a.front, at - TX)
    if d == 3:
        return load(a.own if y < TY - 1 else a.back, at + TX)
    if d == 4:
        return load(a.own if z > 0 else a.below, at - TX * TY)
    return load(a.own if z < TZ - 1 else a.above, at + TX * TY)


@inlined
def _laplacian(a: Any, z: int, y: int) -> Any:
    along = _beside(a, z, y, 0) + _beside(a, z, y, 1)
    across = _beside(a, z, y, 2) + _beside(a, z, y, 3)
    over = _beside(a, z, y, 4) + _beside(a, z, y, 5)
    return ((along + across) + over) - 6.0 * load(a.own, TX * (TY * z + y))


@inlined
def _change(s: Any, tile: Any, m: Any, at: int, rate: Any, h: Any) -> Any:
    """The recursion in difference form: what this stage adds to a row."""
    d, before = s.weight * rate, h
    if s.first:
        store(tile.own, BEFORE + at, h)
        store(tile.own, RATE + at, rate)
    else:
        d = d + s.carry * load(tile.own, STEP + at)
        if s.second_order or tile.guess:
            before = load(tile.own, BEFORE + at)
        if s.second_order:
            d = d + s.back * (h - before) + s.again * load(tile.own, RATE + at)
    if tile.guess:  # along a faster level: what has begun to freeze stands still, the rest runs ahead as a guess
        d = choose(before < m.straight, 0.0, d)
    return d


@inlined
def _pure_rows(box: Any, s: Any, tile: Any, plain: bool) -> Any:
    """A tile of one tissue, all of which may change; ``plain`` where nothing but conduction and blood does anything."""
    label, base = u8(box.tile_label, tile.number), VOXELS * tile.number
    p, m, after = _around(box, box.potential, tile, s.now), material(box, label), i64(box.potential, 1 - s.now)
    warmth, thinning = m.perfusion * (box.arterial_c - m.t0), m.perfusion * m.t1
    all_blood, all_cells = full(0.0), full(0.0)
    for z in range(TZ):
        for y in range(TY):
            at = TX * (TY * z + y)
            h = load(tile.own, at)
            rate = _laplacian(p, z, y) * box.inverse_h2
            blood, cells = warmth - thinning * h, full(m.metabolic)
            if anywhere(h < m.straight):
                blood, cells = living_ice(box, label, h)
            if not plain and tile.flags & STASIS:
                alive = as_lanes(load_bytes(box.alive, base + at))
                blood, cells = blood * alive, cells * alive
            all_blood, all_cells = all_blood + blood, all_cells + cells
            rate = rate + (blood + cells)
            if not plain and tile.through != 0:
                rate = rate + load(tile.through, at)
            if not plain and tile.flags & WELL:
                rate = rate + load(box.well_heat, base + at)
            d = _change(s, tile, m, at, rate, h)
            h = h + d
            store(tile.own, STEP + at, d)
            store(tile.own, at, h)
            if anywhere(h < m.straight):
                store(after, base + at, potential_ice(box, label, h))
            else:
                store(after, base + at, m.p0 + m.p1 * h)
    return all_blood, all_cells


@kernel
def pure_tile(box: Any, s: Any, tile: Any) -> Any:
    """One stage of a tile of one material; returns what blood and cells brought, summed by lane."""
    kept_apart()
    if tile.flags & (STASIS | WELL) == 0 and not tile.guess and tile.through == 0 and s.second_order:
        plain = Tile(tile.number, tile.own, 0, tile.live, False, 0)
        if s.first:
            return _pure_rows(box, Stage(s.carry, s.weight, s.back, s.again, True, True, 0), plain, True)
        return _pure_rows(box, Stage(s.carry, s.weight, s.back, s.again, False, True, s.now), plain, True)
    return _pure_rows(box, s, tile, False)


@inlined
def bit_of(faces: Any, bit: int) -> Any:
    """Where a bit of sixteen bytes is set."""
    return (faces & np.int32(bit)) > np.int32(0)


@inlined
def harmonic(ka: Any, kb: Any) -> Any:
    """Conductivity between voxels of two materials."""
    return 2.0 * ka * kb / (ka + kb + 1e-30)


@inlined
def _flow(view: Any, faces: Any, z: int, y: int, d: int) -> Any:
    """What goes through one face of each of sixteen voxels; ``view`` is potential, temperature and conductivity."""
    p, t, k = view
    at = TX * (TY * z + y)
    flow, alike = _beside(p, z, y, d) - load(p.own, at), bit_of(faces, 1 << d)
    if not everywhere(alike):
        steep = harmonic(load(k.own, at), _beside(k, z, y, d)) * (_beside(t, z, y, d) - load(t.own, at))
        flow = choose(alike, flow, steep)
    return flow


@inlined
def _conduct(view: Any, faces: Any, z: int, y: int) -> Any:
    """Conduction into sixteen voxels, harmonic through faces between materials."""
    flow = _flow(view, faces, z, y, 0) + _flow(view, faces, z, y, 1)
    flow = flow + _flow(view, faces, z, y, 2) + _flow(view, faces, z, y, 3)
    return flow + _flow(view, faces, z, y, 4) + _flow(view, faces, z, y, 5)


@inlined
def _mixed_row(box: Any, s: Any, tile: Any, m: Any, r: int, conducted: Any) -> Any:
    """One stage of sixteen voxels made of ``m``; returns blood, cells and what came from outside."""
    at, h = VOXELS * tile.number + TX * r, load(tile.own, TX * r)
    alike, moves = u8(box.row_kind, at // TX) & 2 != 0, bit_of(load_bytes(box.faces, at), MOVES)
    blood, cells = full(0.0), full(0.0)
    if tile.through != 0:
        conducted = conducted + load(tile.through, TX * r)
    rate = choose(moves, conducted, 0.0)
    outside = rate - conducted
    if tile.flags & DRY == 0:
        t = temperature(box, m, h) if alike else load(i64(box.temperature, s.now), at)
        blood, cells = living(box, m, h, t)
        alive = choose(moves, as_lanes(load_bytes(box.alive, at)), 0.0)
        blood, cells = blood * alive, cells * alive
        rate = rate + (blood + cells)
    if tile.flags & EXTRA:
        extra = load(box.given, at) - load(box.per_k, at) * temperature(box, m, h)
        extra = choose(moves, extra - load(box.per_potential, at) * load(i64(box.potential, s.now), at), 0.0)
        rate, outside = rate + extra, outside + extra
    if tile.flags & WELL:
        rate = rate + choose(moves, load(box.well_heat, at), 0.0)
    d = choose(moves, _change(s, tile, m, TX * r, rate, h), 0.0)
    h = h + d
    store(tile.own, STEP + TX * r, d)
    store(tile.own, TX * r, h)
    show(box, m, at, h, 1 - s.now, not alike)
    return blood, cells, outside


@kernel
def mixed_tile(box: Any, s: Any, tile: Any) -> Any:
    """One stage of a tile where materials meet; returns blood, cells and what came from outside, summed by lane."""
    kept_apart()
    p = _around(box, box.potential, tile, s.now)
    view = p, _around(box, box.temperature, tile, s.now), _around(box, box.conductivity, tile, s.now)
    blood, cells, outside = full(0.0), full(0.0), full(0.0)
    for r in range(ROWS):
        z, y, at = r >> 2, r & 3, VOXELS * tile.number + TX * r
        kind = u8(box.row_kind, ROWS * tile.number + r)
        if kind & 2:
            conducted = _laplacian(p, z, y) * box.inverse_h2
        else:
            conducted = _conduct(view, load_bytes(box.faces, at), z, y) * box.inverse_h2
        if kind & 1:
            found = _mixed_row(box, s, tile, material(box, u8(box.label, at)), r, conducted)
        else:
            found = _mixed_row(box, s, tile, blend(box, load_bytes(box.label, at)), r, conducted)
        blood, cells, outside = blood + found[0], cells + found[1], outside + found[2]
    return blood, cells, outside
