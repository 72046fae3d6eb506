"""Rows of sixteen voxels and their materials, for the tile kernel: what an enthalpy is in temperature and potential."""

from __future__ import annotations

import ctypes
from collections import namedtuple
from typing import Any

import numba
import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import as_lanes, bits, choose, first_of, full, opposite, whole
from iceball.thermal.backends._numba_tiles_memory import Struct, f32, gather, load_bytes, put_f32, store, u8
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.media import FIRST, MEDIUM, TOTAL

kernel: Any = numba.njit(nogil=True, error_model="numpy")
inlined: Any = numba.njit(nogil=True, error_model="numpy", forceinline=True)


class Medium(ctypes.Structure):
    """One material over its enthalpy: media.MEDIUM."""

    _fields_ = [(name, ctypes.c_float * MEDIUM[name].shape[0] if MEDIUM[name].shape else ctypes.c_float)
                for name in MEDIUM.names or ()]  # fmt: skip


MEDIUM_BYTES = ctypes.sizeof(Medium)
box_at, pass_at, wells_at, settle_at = (Struct(made).at() for made in (Box, Pass, Wells, Settle))
_medium_at = Struct(Medium).at()
FIRST1, FIRST2 = np.int32(FIRST[1]), np.int32(FIRST[2])
LAST0, LAST1, LAST2 = (np.float32(TOTAL - 1 - first) for first in FIRST)
ZERO, ONE, TWO, SIX, TINY = (np.float32(x) for x in (0, 1, 2, 6, 1e-30))
TEMPERATURE, POTENTIAL, CONDUCTIVITY, PERFUSED = 0, 2, 4, 6  # rows of the tables; each is followed by its steps
PIECES, ROWS = TOTAL, 16
EVERY = np.uint32(0xFFFF)
# What sixteen voxels are made of: numbers where it is one material, Lanes where several meet. See media.MEDIUM;
# ``piece`` is where the tables of a material begin.
Material = namedtuple(
    "Material",
    "low0 low1 low2 inverse0 inverse1 inverse2 straight t0 t1 p0 p1 k perfusion metabolic piece",
)


@inlined
def medium_of(box: Any, label: int) -> Any:
    """The material called ``label``."""
    return _medium_at(box.media + label * MEDIUM_BYTES)


@inlined
def labels_of(box: Any, at: int) -> Any:
    """Materials of sixteen voxels."""
    return load_bytes(box.label, at)


@inlined
def row_of(box: Any, offset: int, r: int) -> int:
    """Where row ``r`` of the tile at ``offset`` begins."""
    return offset + (r >> 2) * box.plane + (r & 3) * box.row


@inlined
def material(box: Any, label: int) -> Any:
    """One material, for rows made of it alone."""
    m = medium_of(box, label)
    low, inverse = m.low, m.inverse
    return Material(
        f32(low, 0), f32(low, 1), f32(low, 2), f32(inverse, 0), f32(inverse, 1), f32(inverse, 2),
        m.straight, m.t0, m.t1, m.p0, m.p1, m.k, m.perfusion, m.metabolic, np.int32(label * PIECES),
    )  # fmt: skip


@inlined
def _spread(m: Any) -> Any:
    return Material(
        full(m.low0), full(m.low1), full(m.low2), full(m.inverse0), full(m.inverse1), full(m.inverse2),
        full(m.straight), full(m.t0), full(m.t1), full(m.p0), full(m.p1), full(m.k), full(m.perfusion),
        full(m.metabolic), full(m.piece),
    )  # fmt: skip


@inlined
def _where(here: Any, a: Any, b: Any) -> Any:
    return Material(
        choose(here, a.low0, b.low0), choose(here, a.low1, b.low1), choose(here, a.low2, b.low2),
        choose(here, a.inverse0, b.inverse0), choose(here, a.inverse1, b.inverse1),
        choose(here, a.inverse2, b.inverse2), choose(here, a.straight, b.straight), choose(here, a.t0, b.t0),
        choose(here, a.t1, b.t1), choose(here, a.p0, b.p0), choose(here, a.p1, b.p1), choose(here, a.k, b.k),
        choose(here, a.perfusion, b.perfusion), choose(here, a.metabolic, b.metabolic), choose(here, a.piece, b.piece),
    )  # fmt: skip


@inlined
def materials(box: Any, at: int) -> Any:
    """The materials of sixteen voxels, lane by lane: then one look-up serves them all."""
    labels = labels_of(box, at)
    label = first_of(EVERY, labels)
    made, left = _spread(material(box, label)), bits(opposite(labels == label))
    while left != 0:
        label = first_of(left, labels)
        here = labels == label
        made = _where(here, material(box, label), made)
        left &= bits(opposite(here))
    return made


@inlined
def place(m: Any, h: Any) -> Any:
    """Piece (Nodes) and position in it (Lanes) of sixteen enthalpies."""
    mushy, thawed = h >= m.low1, h >= m.low2
    low = choose(thawed, m.low2, choose(mushy, m.low1, full(m.low0)))
    inverse = choose(thawed, m.inverse2, choose(mushy, m.inverse1, full(m.inverse0)))
    first = choose(thawed, FIRST2, choose(mushy, FIRST1, full(np.int32(0))))
    last = choose(thawed, LAST2, choose(mushy, LAST1, full(LAST0)))
    at = (h - low) * inverse
    inside = choose(at > ZERO, at, ZERO)  # NaN becomes the first piece, and stays NaN in the position
    node = whole(choose(inside < last, inside, last))
    return node + first + m.piece, at - as_lanes(node)


@inlined
def read(box: Any, where: Any, row: int) -> Any:
    """Row ``row`` of the tables at a place."""
    base = box.rows + 4 * row * box.row_count
    return gather(base, where[0]) + where[1] * gather(base + 4 * box.row_count, where[0])


@inlined
def frozen_somewhere(m: Any, h: Any) -> bool:
    """Whether any of sixteen enthalpies lies below the straight line."""
    return bits(h < m.straight) != 0


@inlined
def living(box: Any, m: Any, at: int, h: Any, stasis: bool) -> Any:
    """Blood and cells of sixteen voxels: dH/dt of each."""
    if not frozen_somewhere(m, h):
        blood = full(m.perfusion * (box.arterial_c - m.t0)) - m.perfusion * m.t1 * h
        cells = full(m.metabolic)
    elif bits(h > m.low1) == 0:
        return full(ZERO), full(ZERO)
    else:
        where = place(m, h)
        perfused = read(box, where, PERFUSED)
        blood = m.perfusion * perfused * (box.arterial_c - read(box, where, TEMPERATURE))
        cells = m.metabolic * perfused
    if stasis:
        alive = as_lanes(load_bytes(box.alive, at))
        return blood * alive, cells * alive
    return blood, cells


@inlined
def write(box: Any, m: Any, at: int, h: Any, buffers: Any, unlike: bool) -> None:
    """Write the potential of sixteen voxels; temperature and conductivity where ``unlike``."""
    if not frozen_somewhere(m, h):
        store(buffers[0], at, m.p0 + m.p1 * h)
        if unlike:
            store(buffers[1], at, m.t0 + m.t1 * h)
            store(buffers[2], at, full(m.k))
        return
    where = place(m, h)
    store(buffers[0], at, read(box, where, POTENTIAL))
    if unlike:
        store(buffers[1], at, read(box, where, TEMPERATURE))
        store(buffers[2], at, read(box, where, CONDUCTIVITY))


@inlined
def temperature(box: Any, m: Any, h: Any) -> Any:
    """Temperature of sixteen voxels."""
    if not frozen_somewhere(m, h):
        return m.t0 + m.t1 * h
    return read(box, place(m, h), TEMPERATURE)


@kernel
def look(box: Any, label: int, h: Any) -> Any:
    """Potential, temperature and conductivity of one voxel."""
    m = medium_of(box, label)
    if h >= m.straight:
        return m.p0 + m.p1 * h, m.t0 + m.t1 * h, m.k
    part = np.int64(h >= f32(m.low, 1)) + np.int64(h >= f32(m.low, 2))
    first = np.int64(FIRST2) if part == 2 else np.int64(FIRST1) if part == 1 else np.int64(0)
    at = (h - f32(m.low, part)) * f32(m.inverse, part)
    node = min(np.int64(at), PIECES - 1 - first) if at > ZERO else np.int64(0)
    within, row = at - np.float32(node), label * PIECES + first + node
    n, rows = box.row_count, box.rows
    theta = f32(rows, POTENTIAL * n + row) + within * f32(rows, (POTENTIAL + 1) * n + row)
    t = f32(rows, TEMPERATURE * n + row) + within * f32(rows, (TEMPERATURE + 1) * n + row)
    k = f32(rows, CONDUCTIVITY * n + row) + within * f32(rows, (CONDUCTIVITY + 1) * n + row)
    return theta, t, k


@inlined
def label_of(box: Any, at: int) -> Any:
    """Material of one voxel."""
    return np.int64(u8(box.label, at))


@inlined
def put_look(buffers: Any, at: int, seen: Any, unlike: bool) -> None:
    """Write what ``look`` found into one of the two buffers."""
    put_f32(buffers[0], at, seen[0])
    if unlike:
        put_f32(buffers[1], at, seen[1])
        put_f32(buffers[2], at, seen[2])
