"""Device functions of a whole block: one tile through one stage, one segment of a probe, and sums."""

from __future__ import annotations

import math

import numpy as np

from iceball.thermal.backends.cuda._compile import cuda, device
from iceball.thermal.backends.cuda._media import (
    ZERO,
    conduct_alike,
    conduct_mixed,
    conductivity,
    extra,
    from_rest,
    halo_place,
    living,
    per_volume,
    potential,
    temperature,
)  # fmt: skip
from iceball.thermal.backends.cuda._places import (
    ACROSS,
    ALONG,
    BEFORE,
    CHANGE,
    CONDUCTANCE,
    DRIVE_COLUMNS,
    DRIVES,
    ENERGY,
    FACES,
    FIRST_HEAT,
    FIRST_RATE,
    FIRST_SURFACE,
    FLAGS,
    FROM,
    HALO,
    HALO_PLANE,
    HEAT,
    LABEL,
    LENGTH,
    LIMIT,
    MODE,
    MOST,
    OFFSET,
    OFFSET_K,
    PLANE,
    POWER,
    PROBE,
    RATE,
    RESISTANCE,
    ROW,
    SECOND_ORDER,
    SHUT,
    SURFACE_FROM_C,
    SURFACE_STEP_C,
    TILE_LABEL,
    TILE_VOXELS,
    TILT_FROM,
    TILT_TO,
    TO,
    VOXEL_M3,
    WELL_NUMBER,
)  # fmt: skip
from iceball.thermal.layout import MIXED, MOVES, WELL
from iceball.thermal.problem import OFF, POWER_LIMITED

f32 = np.float32
CLOSE, GUESSES = 1e-9, 40


@device
def block_sum(parts, value):
    """Sum of a value over the block, to every thread; ``parts`` is room.sums."""
    me, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    cuda.syncthreads()
    parts[me] = value
    cuda.syncthreads()
    while half > 0:
        if me < half:
            parts[me] += parts[me + half]
        cuda.syncthreads()
        half //= 2
    return parts[0]


@device
def block_most(parts, value):
    """Largest of a value over the block, to every thread; ``parts`` is room.most."""
    me, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    cuda.syncthreads()
    parts[me] = value
    cuda.syncthreads()
    while half > 0:
        if me < half:
            parts[me] = max(parts[me], parts[me + half])
        cuda.syncthreads()
        half //= 2
    return parts[0]


@device
def seen_from(box, tile, i, j, k):
    """Voxel whose values stand at (i, j, k) of the halo: a neighbour at rest is hidden, for heat to stop there."""
    shut, flat = box.tiles[tile, SHUT], box.whole[PLANE]
    if shut:
        if (k == 0 and shut & 1) or (k == 17 and shut & 2):
            k = 1 if k == 0 else 16
        if (j == 0 and shut & 4) or (j == 5 and shut & 8):
            j = 1 if j == 0 else 4
        if (i == 0 and shut & 16) or (i == 5 and shut & 32):
            i = 1 if i == 0 else 4
    return np.uint32(box.tiles[tile, OFFSET] + (i - 1) * flat + (j - 1) * box.whole[ROW] + (k - 1))


@device
def fill_halo(box, tile, now, room):
    """Read the tile and one voxel around it: potentials, and where materials meet temperature and conductivity."""
    mixed, label = box.tiles[tile, FLAGS] & MIXED, np.int64(box.tiles[tile, TILE_LABEL])
    for n in range(cuda.threadIdx.x, HALO, cuda.blockDim.x):
        i, j, k = n // HALO_PLANE, n // ALONG % ACROSS, n % ALONG
        outside = (i == 0 or i == 5) + (j == 0 or j == 5) + (k == 0 or k == 17)
        if outside < 2:
            at = seen_from(box, tile, i, j, k)
            h = box.fields[now, at]
            if mixed:
                label = np.int64(box.bytes[LABEL, at])
                room.temperature[n] = temperature(box, label, h)
                room.conductivity[n] = conductivity(box, label, h)
            room.potential[n] = potential(box, label, h)


@device
def well_rate(box, lines, tile, v):
    """What the probes take out of a voxel [W/m³]."""
    slot = box.tiles[tile, WELL_NUMBER] * TILE_VOXELS + v
    rate = ZERO
    for x in range(lines.here_start[slot], lines.here_start[slot + 1]):
        rate += f32(lines.segments[lines.here_segment[x], RATE]) * lines.here_weight[x]
    return rate


@device
def rates(box, lines, tile, v, room, h):  # h: enthalpy of the voxel
    """DH/dt [W/m³] of one voxel, and its parts from blood, metabolism and boundary."""
    flags, label = box.tiles[tile, FLAGS], np.int64(box.tiles[tile, TILE_LABEL])
    at = voxel_at(box, tile, v)
    faces, boundary, n = MOVES, ZERO, halo_place(v)
    if flags & MIXED:
        faces, label = np.int64(box.bytes[FACES, at]), np.int64(box.bytes[LABEL, at])
        rate = per_volume(box, conduct_mixed(room, n, faces))
    else:
        rate = per_volume(box, conduct_alike(room, n))
    shut = box.tiles[tile, SHUT]
    if shut:
        met = np.int64(box.bytes[FACES, at])
        boundary = per_volume(box, from_rest(box, at, v, met, shut))
        rate += boundary
    if flags & WELL:
        rate += well_rate(box, lines, tile, v)
    if not faces & MOVES:  # what flows into a held voxel leaves the tissue
        return ZERO, ZERO, ZERO, boundary - rate
    blood, cells = living(box, at, label, h, flags)
    more = extra(box, at, label, h, flags)
    return rate + blood + cells + more, blood, cells, boundary + more


@device
def voxel_at(box, tile, v):
    """Padded index of voxel ``v`` of a tile; without sign, for numba not to look for places counted from the end."""
    return np.uint32(box.tiles[tile, OFFSET] + v // 64 * box.whole[PLANE] + v // 16 % 4 * box.whole[ROW] + v % 16)


@device
def move(box, stage, at, rate, h):
    """Carry one voxel through a stage, in difference form."""
    change = stage.weight * rate
    if stage.first:
        box.fields[BEFORE, at] = h
        if box.whole[SECOND_ORDER]:
            box.fields[FIRST_RATE, at] = rate
    else:
        change += stage.carry * box.fields[CHANGE, at]
        if box.whole[SECOND_ORDER]:
            change += stage.back * (h - box.fields[BEFORE, at]) + stage.again * box.fields[FIRST_RATE, at]
    box.fields[CHANGE, at] = change
    box.fields[1 - stage.now, at] = h + change


@device
def step_tile(box, lines, room, tile, stage):
    """Take a tile through one stage; returns this thread's heat of blood, metabolism and boundary [J/m³]."""
    cuda.syncthreads()  # the tile before may still be read
    fill_halo(box, tile, stage.now, room)
    cuda.syncthreads()
    perfused, made, bounded = 0.0, 0.0, 0.0
    for v in range(cuda.threadIdx.x, TILE_VOXELS, cuda.blockDim.x):
        at = voxel_at(box, tile, v)
        h = box.fields[stage.now, at]
        rate, blood, cells, boundary = rates(box, lines, tile, v, room, h)
        move(box, stage, at, rate, h)
        perfused += stage.share * blood
        made += stage.share * cells
        bounded += stage.share * boundary
    return perfused, made, bounded


@device
def surface_potential(box, lines, s, at_c):
    """Potential of the tissue of a segment at the shaft's temperature [W/m], and its slope [W/m/K]."""
    where = (at_c - box.real[SURFACE_FROM_C]) / box.real[SURFACE_STEP_C]
    node = min(max(int(where), 0), lines.surface.shape[1] - 2)
    value, slope = 0.0, 0.0
    for x in range(lines.mix_start[s], lines.mix_start[s + 1]):
        low, high = lines.surface[lines.material[x], node], lines.surface[lines.material[x], node + 1]
        value += lines.share[x] * (low + (where - node) * (high - low))
        slope += lines.share[x] * (high - low) / box.real[SURFACE_STEP_C]
    return value, slope


@device
def segment_heat(box, lines, s, around, gas_c, resistance):
    """Heat per length q [W/m] of q = A (around - Θ(gas + R q)): Newton within a bracket that holds the root."""
    a, q = lines.segments[s, CONDUCTANCE], lines.segments[s, HEAT]
    there, slope = surface_potential(box, lines, s, gas_c)
    edge = a * (around - there)
    if resistance == 0.0:
        return edge
    low, high = min(edge, 0.0), max(edge, 0.0)
    if q < low or q > high:
        q = edge / (1.0 + a * slope * resistance)
    for _ in range(GUESSES):
        there, slope = surface_potential(box, lines, s, gas_c + resistance * q)
        surplus = q - a * (around - there)
        if surplus < 0:
            low = q
        else:
            high = q
        better = q - surplus / (1.0 + a * slope * resistance)
        if better < low or better > high:
            better = 0.5 * (low + high)
        step, q = abs(better - q), better
        if step <= CLOSE * (1.0 + abs(better)):
            break
    return q


@device
def around_segment(box, lines, room, s, now):
    """Potential of the tissue that a segment samples [W/m], to every thread."""
    part = 0.0
    for x in range(lines.start[s] + cuda.threadIdx.x, lines.start[s + 1], cuda.blockDim.x):
        at = lines.voxel[x]
        part += lines.weight[x] * potential(box, np.int64(box.bytes[LABEL, at]), box.fields[now, at])
    return block_sum(room.sums, part)


@device
def drive_segment(box, lines, room, s, stage, time):
    """Work out the heat of one segment at a ``time`` (0 to 1) of the step."""
    d = DRIVES + int(lines.segments[s, PROBE]) * DRIVE_COLUMNS
    mode, c = int(box.control[d + MODE]), box.control
    around = around_segment(box, lines, room, s, stage.now) if mode == POWER_LIMITED else 0.0
    if cuda.threadIdx.x == 0:
        value = c[d + FROM] + (c[d + TO] - c[d + FROM]) * time
        heat, surface_c = value, math.nan
        if mode == POWER_LIMITED:
            tilt = c[d + TILT_FROM] + (c[d + TILT_TO] - c[d + TILT_FROM]) * time
            gas_c = value + tilt * lines.segments[s, OFFSET_K]
            resistance = lines.segments[s, RESISTANCE] * c[d + LIMIT]
            heat = segment_heat(box, lines, s, around, gas_c, resistance)
            surface_c = gas_c + resistance * heat
            heat = max(heat, -c[d + MOST])
        note_segment(box, lines, s, stage, 0.0 if mode == OFF else heat, surface_c)


@device
def note_segment(box, lines, s, stage, heat, surface_c):
    """Write down what a segment takes."""
    segment, c = lines.segments, box.control
    d = DRIVES + int(segment[s, PROBE]) * DRIVE_COLUMNS
    segment[s, HEAT] = heat
    power = heat * c[d + POWER] * segment[s, LENGTH]
    segment[s, RATE] = -power / box.real[VOXEL_M3]
    if stage.first:
        segment[s, ENERGY], segment[s, FIRST_HEAT] = 0.0, power
        segment[s, FIRST_SURFACE] = surface_c * segment[s, LENGTH]
    segment[s, ENERGY] += stage.share * power
