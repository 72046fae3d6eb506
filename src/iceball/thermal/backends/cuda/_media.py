"""Device functions: materials, and what heat does in one voxel."""

from __future__ import annotations

import math

import numpy as np

from iceball.thermal.backends.cuda._compile import device
from iceball.thermal.backends.cuda._places import (
    ALIVE,
    ALONG,
    ARTERIAL_C,
    CONDUCTIVITY,
    FIRST_MUSHY,
    FIRST_UNFROZEN,
    GIVEN,
    HALO_PLANE,
    INVERSE,
    INVERSE_H2,
    LABEL,
    LOW_H,
    METABOLIC,
    P0,
    P1,
    PER_K,
    PER_POTENTIAL,
    PERFUSION,
    PIECES,
    PLANE,
    REST,
    ROW,
    STRAIGHT,
    T0,
    T1,
    F,
    K,
    P,
    T,
)  # fmt: skip
from iceball.thermal.layout import DRY, EXTRA, STASIS

f32 = np.float32
ZERO, ONE, TWO, SIX, TINY = f32(0), f32(1), f32(2), f32(6), f32(1e-30)


@device
def place(box, label, h):
    """Node of the table and position behind it of enthalpy ``h`` of material ``label``."""
    first, part = 0, 0
    if h >= box.medium[label, LOW_H + 2]:
        first, part = FIRST_UNFROZEN, 2
    elif h >= box.medium[label, LOW_H + 1]:
        first, part = FIRST_MUSHY, 1
    at = (h - box.medium[label, LOW_H + part]) * box.medium[label, INVERSE + part]
    last = PIECES - 1 - first
    node = 0
    if at >= f32(last):
        node = last
    elif at > ZERO:  # what is not a number stays at node 0 and goes on through ``at``
        node = int(at)
    return label * PIECES + first + node, at - f32(node)


@device
def temperature(box, label, h):
    """Temperature [°C] of enthalpy ``h``."""
    if h >= box.medium[label, STRAIGHT]:
        return box.medium[label, T0] + box.medium[label, T1] * h
    node, part = place(box, label, h)
    return box.table[node, T] + part * box.table[node, T + 1]


@device
def potential(box, label, h):
    """Kirchhoff potential [W/m] of enthalpy ``h``."""
    if h >= box.medium[label, STRAIGHT]:
        return box.medium[label, P0] + box.medium[label, P1] * h
    node, part = place(box, label, h)
    return box.table[node, P] + part * box.table[node, P + 1]


@device
def conductivity(box, label, h):
    """Conductivity [W/m/K] of enthalpy ``h``."""
    if h >= box.medium[label, STRAIGHT]:
        return box.medium[label, CONDUCTIVITY]
    node, part = place(box, label, h)
    return box.table[node, K] + part * box.table[node, K + 1]


@device
def perfused(box, label, h):
    """Share of perfusion and metabolism that is left at enthalpy ``h``."""
    if h >= box.medium[label, STRAIGHT]:
        return ONE
    node, part = place(box, label, h)
    return box.table[node, F] + part * box.table[node, F + 1]


@device
def harmonic(ka, kb, difference):
    """Flux between two materials, per voxel edge [W/m]."""
    return TWO * ka * kb / (ka + kb + TINY) * difference


@device
def through(room, here, there, alike):
    """Flux [W/m] into the voxel ``here`` of the halo from its neighbour ``there``."""
    if alike:
        return room.potential[there] - room.potential[here]
    warmer = room.temperature[there] - room.temperature[here]
    return harmonic(room.conductivity[here], room.conductivity[there], warmer)


@device
def conduct_alike(room, n):
    """Flux [W/m] into a voxel among its own kind."""
    p = room.potential
    around = (p[n - 1] + p[n + 1]) + (p[n - ALONG] + p[n + ALONG]) + (p[n - HALO_PLANE] + p[n + HALO_PLANE])
    return around - SIX * p[n]


@device
def conduct_mixed(room, n, faces):
    """Flux [W/m] into a voxel: Kirchhoff between alike, harmonic between unlike."""
    flow = through(room, n, n - 1, faces & 1) + through(room, n, n + 1, faces & 2)
    flow += through(room, n, n - ALONG, faces & 4) + through(room, n, n + ALONG, faces & 8)
    return flow + (through(room, n, n - HALO_PLANE, faces & 16) + through(room, n, n + HALO_PLANE, faces & 32))


@device
def on_edge(v, direction):
    """Whether voxel ``v`` of a tile lies on its face in a direction (order of layout.DIRECTIONS)."""
    place_along, last = v % 16, 15
    if direction >= 4:
        place_along, last = v // 64, 3
    elif direction >= 2:
        place_along, last = v // 16 % 4, 3
    return place_along == (last if direction % 2 else 0)


@device
def stride(box, direction):
    """Step to the neighbour in a direction, in padded voxels."""
    step = 1
    if direction >= 4:
        step = box.whole[PLANE]
    elif direction >= 2:
        step = box.whole[ROW]
    return step if direction % 2 else -step


@device
def rest_through(box, a, b, alike):
    """Flux [W/m] from ``b`` into ``a`` while all is at rest."""
    la, lb = np.int64(box.bytes[LABEL, a]), np.int64(box.bytes[LABEL, b])
    ha, hb = box.fields[REST, a], box.fields[REST, b]
    if alike:
        return potential(box, lb, hb) - potential(box, la, ha)
    warmer = temperature(box, lb, hb) - temperature(box, la, ha)
    return harmonic(conductivity(box, la, ha), conductivity(box, lb, hb), warmer)


@device
def from_rest(box, at, v, faces, shut):
    """Flux [W/m] into a voxel from tiles at rest: what it was before freezing, until they wake."""
    total = ZERO
    for direction in range(6):
        if (shut >> direction) & 1 and on_edge(v, direction):
            total += rest_through(box, at, np.int64(at) + stride(box, direction), (faces >> direction) & 1)
    return total


@device
def living(box, at, label, h, flags):
    """Heat of blood and of metabolism [W/m³]."""
    if flags & DRY:
        return ZERO, ZERO
    part = perfused(box, label, h)
    if flags & STASIS and box.bytes[ALIVE, at] == 0:
        part = ZERO
    cooler = f32(box.real[ARTERIAL_C]) - temperature(box, label, h)
    return box.medium[label, PERFUSION] * part * cooler, box.medium[label, METABOLIC] * part


@device
def extra(box, at, label, h, flags):
    """Heat through skin, held walls and from what is given [W/m³]."""
    if not flags & EXTRA:
        return ZERO
    lost = box.fields[PER_K, at] * temperature(box, label, h)
    return box.fields[GIVEN, at] - lost - box.fields[PER_POTENTIAL, at] * potential(box, label, h)


@device
def per_volume(box, flux):
    """Flux [W/m] as a rate of enthalpy [W/m³]."""
    return flux * f32(box.real[INVERSE_H2])


@device
def stages_needed(reach, second_order):
    """Even number of stages for a step of ``reach`` times 1/λ: superstep.stages_needed."""
    wanted = 0.5 * (math.sqrt(9.0 + 8.0 * reach) - 1.0) if second_order else 0.5 * (math.sqrt(1.0 + 4.0 * reach) - 1.0)
    count = np.int64(math.ceil(max(wanted, 3.0 if second_order else 2.0)))  # a float on the device
    return count + count % 2


@device
def halo_place(v):
    """Place in the halo of voxel ``v`` of the tile."""
    return (v // 64 + 1) * HALO_PLANE + (v // 16 % 4 + 1) * ALONG + v % 16 + 1
