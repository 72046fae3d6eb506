"""The probes of a stage: what each segment takes from the tissue around it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from iceball.thermal.backends._numba_tiles_lanes import full, total
from iceball.thermal.backends._numba_tiles_media import TX, inlined, kernel
from iceball.thermal.backends._numba_tiles_memory import add_f64, f64, i32, i64, kept_apart, load, store

TRIES, CLOSE = 40, 1e-9


@inlined
def _surface(w: Any, segment: int, temperature_c: float) -> Any:
    """Potential at the shaft's temperature in the tissue along a segment, and its slope."""
    at = (temperature_c - w.coldest_c) / w.surface_step_c
    node = np.int64(min(at, float(w.surface_nodes - 2))) if at > 0.0 else np.int64(0)
    value = slope = 0.0
    for x in range(i64(w.mix_start, segment), i64(w.mix_start, segment + 1)):
        row = i64(w.material, x) * w.surface_nodes + node
        low, share = f64(w.surface, row), f64(w.share, x)
        rise = f64(w.surface, row + 1) - low
        value += share * (low + (at - node) * rise)
        slope += share * rise / w.surface_step_c
    return value, slope


@kernel
def _heat(w: Any, s: int, around: float, gas: float, resistance: float) -> float:
    """Heat per length q that solves q = A (around - Θ(gas + R q)): Newton, in a bracket that always holds the root."""
    a = f64(w.conductance, s)
    value, slope = _surface(w, s, gas)
    edge = a * (around - value)
    if resistance == 0.0:
        return edge
    low, high, q = min(edge, 0.0), max(edge, 0.0), f64(w.heat, s)
    if q < low or q > high:
        q = edge / (1.0 + a * slope * resistance)
    for _ in range(TRIES):
        value, slope = _surface(w, s, gas + resistance * q)
        f = q - a * (around - value)
        if f < 0.0:
            low = q
        else:
            high = q
        following = q - f / (1.0 + a * slope * resistance)
        if following < low or following > high:
            following = 0.5 * (low + high)
        if abs(following - q) <= CLOSE * (1.0 + abs(following)):
            return following
        q = following
    return q


@inlined
def _between(first: int, second: int, probe: int, time: float) -> float:
    """A setting of a probe, straight between its two ends."""
    return f64(first, probe) + (f64(second, probe) - f64(first, probe)) * time


@inlined
def _around(w: Any, theta: int, s: int) -> float:
    """Mean potential of the tissue that a segment sees."""
    parts = full(0.0)
    for r in range(i64(w.start, s), i64(w.start, s + 1)):
        parts = parts + load(w.weight, TX * r) * load(theta, i64(w.run, r))
    return np.float64(total(parts))


@inlined
def _line_heat(w: Any, theta: int, s: int, probe: int, time: float) -> Any:
    """Heat per length into a segment [W/m], and the temperature of its surface [°C]."""
    value = _between(w.from_, w.to, probe, time)
    if i32(w.mode, probe) != 1:
        return value, math.nan
    resistance = f64(w.resistance, s) * f64(w.limit, probe)
    gas = value + _between(w.tilt_from, w.tilt_to, probe, time) * f64(w.offset_k, s)
    q = _heat(w, s, _around(w, theta, s), gas, resistance)
    return max(q, -f64(w.most, probe)), gas + resistance * q


@kernel
def run_wells(box: Any, w: Any, now: int, time: float, share: float, first: bool) -> None:
    """Work out what every segment takes and spread it over ``well_heat``; count it with the weight ``share``."""
    kept_apart()
    for r in range(i64(w.start, w.segments)):
        store(box.well_heat, i64(w.run, r), full(0.0))
    for s in range(w.segments):
        probe = i32(w.probe, s)
        if i32(w.mode, probe) == 0:
            continue
        q, surface = _line_heat(w, i64(box.potential, now), s, probe, time)
        length = f64(w.length_m, s)
        store(w.heat, s, q)
        heat = q * f64(w.power, probe) * length
        add_f64(w.energy, probe, share * heat)
        if first:
            add_f64(w.first_heat, probe, heat)
            add_f64(w.first_surface, probe, surface * length)
        rate = -heat / w.voxel_m3
        for r in range(i64(w.start, s), i64(w.start, s + 1)):
            at = i64(w.run, r)
            store(box.well_heat, at, load(box.well_heat, at) + rate * load(w.weight, TX * r))
