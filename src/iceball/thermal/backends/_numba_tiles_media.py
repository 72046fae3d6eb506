"""Rows of sixteen voxels and their materials, for the tile kernel: what an enthalpy is in temperature and potential."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numba
import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import as_lanes, bits, choose, full, whole
from iceball.thermal.backends._numba_tiles_memory import (
    Struct,
    f32,
    gather,
    gather_pairs,
    i64,
    kept_apart,
    load,
    load_bytes,
    pick,
    store,
    u8,
)
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.bricks import VOXELS
from iceball.thermal.media import FIRST, MEDIUM, TOTAL

kernel: Any = numba.njit(nogil=True, error_model="numpy", forceinline=False)  # or it would inherit what calls it has
inlined: Any = numba.njit(nogil=True, error_model="numpy", forceinline=True)
box_at, pass_at, wells_at, settle_at = (Struct(made).at() for made in (Box, Pass, Wells, Settle))
TX, TY, TZ = 16, 4, 4
ROWS, TILE_BYTES = VOXELS // TX, 4 * VOXELS
NUMBERS = MEDIUM.itemsize // 4
FIRST1, FIRST2 = np.int32(FIRST[1]), np.int32(FIRST[2])
LAST0, LAST1, LAST2 = (float(TOTAL - 1 - first) for first in FIRST)
EVERY = np.uint32(0xFFFF)
TEMPERATURE, POTENTIAL, CONDUCTIVITY, UNFROZEN = range(4)  # of ``curves``
# What sixteen voxels are made of: numbers where it is one material, Lanes where several meet. See media.MEDIUM;
# ``piece`` is where the curves of a material begin.
Material = namedtuple(
    "Material",
    "low0 low1 low2 inverse0 inverse1 inverse2 straight t0 t1 p0 p1 k perfusion metabolic piece",
)


@inlined
def material(box: Any, label: int) -> Any:
    """One material, for rows made of it alone."""
    at, n = box.media, NUMBERS * label
    return Material(
        f32(at, n), f32(at, n + 1), f32(at, n + 2), f32(at, n + 3), f32(at, n + 4), f32(at, n + 5), f32(at, n + 6),
        f32(at, n + 7), f32(at, n + 8), f32(at, n + 9), f32(at, n + 10), f32(at, n + 11), f32(at, n + 12),
        f32(at, n + 13), np.int32(label * TOTAL),
    )  # fmt: skip


@inlined
def _of(box: Any, label: Any, number: int) -> Any:
    """One number of each of sixteen materials."""
    if box.few != 0:
        return pick(box.few + 4 * TX * number, label)
    return gather(box.media + 4 * number, label * np.int32(NUMBERS))


@inlined
def blend(box: Any, label: Any) -> Any:
    """Sixteen materials, for rows where several meet."""
    return Material(
        _of(box, label, 0), _of(box, label, 1), _of(box, label, 2), _of(box, label, 3), _of(box, label, 4),
        _of(box, label, 5), _of(box, label, 6), _of(box, label, 7), _of(box, label, 8), _of(box, label, 9),
        _of(box, label, 10), _of(box, label, 11), _of(box, label, 12), _of(box, label, 13), label * np.int32(TOTAL),
    )  # fmt: skip


@inlined
def place(m: Any, h: Any) -> Any:
    """Piece (Nodes) and position in it (Lanes) of sixteen enthalpies."""
    mushy, thawed = h >= m.low1, h >= m.low2
    low = choose(thawed, m.low2, choose(mushy, m.low1, full(m.low0)))
    inverse = choose(thawed, m.inverse2, choose(mushy, m.inverse1, full(m.inverse0)))
    first = choose(thawed, FIRST2, choose(mushy, FIRST1, full(np.int32(0))))
    last = choose(thawed, LAST2, choose(mushy, LAST1, full(LAST0)))
    at = (h - low) * inverse
    inside = choose(at > 0.0, at, 0.0)  # NaN becomes the first piece, and stays NaN in the position
    node = whole(choose(inside < last, inside, last))
    return node + first + m.piece, at - as_lanes(node)


@inlined
def read(box: Any, where: Any, curve: int) -> Any:
    """One of ``curves`` at a place."""
    value, step = gather_pairs(box.curves + 8 * TOTAL * box.materials * curve, where[0])
    return value + where[1] * step


@inlined
def anywhere(where: Any) -> bool:
    """Whether a mask is set somewhere."""
    return bits(where) != 0


@inlined
def everywhere(where: Any) -> bool:
    """Whether a mask is set in all sixteen."""
    return bits(where) == EVERY


@inlined
def smaller(a: Any, b: Any) -> Any:
    """The smaller of two, lane by lane; ``b`` where ``a`` is not a number."""
    return choose(a < b, a, b)


@inlined
def larger(a: Any, b: Any) -> Any:
    """The larger of two, lane by lane; ``b`` where ``a`` is not a number."""
    return choose(a > b, a, b)


@inlined
def temperature(box: Any, m: Any, h: Any) -> Any:
    """Temperature of sixteen voxels."""
    if anywhere(h < m.straight):
        return read(box, place(m, h), TEMPERATURE)
    return m.t0 + m.t1 * h


@inlined
def potential(box: Any, m: Any, h: Any) -> Any:
    """Potential of sixteen voxels."""
    if anywhere(h < m.straight):
        return read(box, place(m, h), POTENTIAL)
    return m.p0 + m.p1 * h


@inlined
def living(box: Any, m: Any, h: Any, t: Any) -> Any:
    """Blood and cells of sixteen voxels at temperatures ``t``: dH/dt of each."""
    if not anywhere(h > m.low1):
        return full(0.0), full(0.0)
    unfrozen = choose(h >= m.straight, 1.0, full(0.0))
    if bits(h < m.straight) & bits(h > m.low1) != 0:
        unfrozen = read(box, place(m, h), UNFROZEN)
    return m.perfusion * unfrozen * (box.arterial_c - t), m.metabolic * unfrozen


@inlined
def show(box: Any, m: Any, at: int, h: Any, buffer: int, unlike: bool) -> None:
    """Leave what neighbours need to see of a row; ``unlike`` where one of them is of another material."""
    theta, t, k = i64(box.potential, buffer), i64(box.temperature, buffer), i64(box.conductivity, buffer)
    if not anywhere(h < m.straight):
        store(theta, at, m.p0 + m.p1 * h)
        if unlike:
            store(t, at, m.t0 + m.t1 * h)
            store(k, at, full(m.k))
        return
    where = place(m, h)
    store(theta, at, read(box, where, POTENTIAL))
    if unlike:
        store(t, at, read(box, where, TEMPERATURE))
        store(k, at, read(box, where, CONDUCTIVITY))


@inlined
def own_of(box: Any, tile: int) -> int:
    """Address of a tile's own numbers, see Box.own."""
    return box.own + 4 * TILE_BYTES * tile


# -- what is rare: kept apart, so that what thawed rows need fits the processor's cache --------------------------------


@kernel
def living_ice(box: Any, label: int, h: Any) -> Any:
    """Blood and cells of a row of one material that has begun to freeze."""
    kept_apart()
    m = material(box, label)
    if not anywhere(h > m.low1):
        return full(0.0), full(0.0)
    return living(box, m, h, temperature(box, m, h))


@kernel
def potential_ice(box: Any, label: int, h: Any) -> Any:
    """Potential of a row of one material that has begun to freeze."""
    kept_apart()
    return read(box, place(material(box, label), h), POTENTIAL)


@kernel
def temperature_of(box: Any, at: int, h: Any) -> Any:
    """Temperature of a row of whatever kind."""
    kept_apart()
    if u8(box.row_kind, at // TX) & 1:
        return temperature(box, material(box, u8(box.label, at)), h)
    return temperature(box, blend(box, load_bytes(box.label, at)), h)


@kernel
def show_row(box: Any, at: int, h: Any) -> None:
    """Show a row of whatever kind where every pass leaves its result."""
    kept_apart()
    show(box, blend(box, load_bytes(box.label, at)), at, h, 0, u8(box.row_kind, at // TX) & 2 == 0)


@kernel
def show_tile(box: Any, tile: int, first: int) -> None:
    """Show a tile whose enthalpies are those from number ``first`` of its own on."""
    own = own_of(box, tile)
    for r in range(ROWS):
        h = load(own, first + TX * r)
        store(own, TX * r, h)
        show_row(box, VOXELS * tile + TX * r, h)
