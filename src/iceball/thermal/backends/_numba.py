"""The backend that numba compiles on the user's machine: single rates here, the fast engine in ``_numba_tiles``.

Nothing here decides physics: the equation is that of ``_numpy``.
"""

# Kernels take bare arrays: their argument lists are long, and unrolled neighbours look complex.
# ruff: noqa: PLR0913, C901

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from iceball.thermal.backends._numba_threads import Threads
from iceball.thermal.backends._numpy import _hold
from iceball.thermal.engine import Engine
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.problem import BOUNDARY, METABOLIC, PERFUSION, PROBE, Rate
from iceball.thermal.tables import look_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.problem import Drive, Problem, Watch
    from iceball.thermal.stepping import Stepping

    Field = NDArray[np.float64]


class NumbaBackend:
    """The fast engine without a C++ compiler: tiles in levels, single precision. See ``_numba_tiles``."""

    name = "numba"
    device = "cpu"
    dtype = "float32"

    def operator(self, problem: Problem) -> NumbaOperator:
        """See Backend.operator: single rates are worked out in double precision."""
        return NumbaOperator(problem)

    def solver(self, problem: Problem, start_c: float | Field, stepping: Stepping, watch: Watch) -> Engine:
        """See Backend.solver: start at ``start_c`` [°C]."""
        from iceball.thermal.backends._numba_tiles import NumbaLibrary
        from iceball.thermal.backends.native import NativeKernel

        library: Any = NumbaLibrary()  # it answers as the compiled one does
        parts = (lambda engine: NativeKernel(engine, library), lambda: self.operator(problem))
        return Engine(problem, start_c, parts, stepping, watch)


class NumbaOperator:
    """dH/dt of one problem in compiled loops."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.conducting = problem.conducts[problem.index]
        shape = problem.index.shape
        self._temperature, self._potential, self._conductivity = (np.zeros(shape) for _ in range(3))
        self._sums = np.zeros((shape[0], 3))
        self._threads = Threads()
        self._plain = _plain(problem.index, self.conducting)
        given = problem.open_conductance * problem.air_c
        self._given = given if problem.wall_heat is None else given + problem.wall_heat
        table = problem.table
        self._rows = np.stack([table.temperature_c, table.potential, table.conductivity, table.perfused], axis=2)
        self._warm = _straight_ends(self._rows)

    def rate(self, enthalpy: Field, drive: Drive, alive: NDArray[np.uint8], out: Field) -> Rate:
        """See Operator.rate."""
        p, w = self.problem, self.problem.wells
        fields = (self._temperature, self._potential, self._conductivity)
        lookup = (p.table.start, p.table.inverse_step, self._rows, self._warm)
        tissue = (p.perfusion, p.metabolic, p.open_conductance, self._given, p.arterial_c)
        self._threads.run(_local_terms, enthalpy, p.index, p.conducts, alive, lookup, tissue, fields, out, self._sums)
        perfusion, metabolic, boundary = self._sums.sum(axis=0)
        boundary += self._walls(out)
        self._threads.run(_conduct, self._plain, p.index, p.conducts, fields, 1.0 / p.spacing_m**2, out)
        boundary += self._hold(alive, out)
        heat, surface = np.zeros(w.probes), np.full(w.probes, np.nan)
        segments = (w.start, w.voxel, w.weight, w.probe, w.length_m, w.conductance, w.resistance, w.offset_k)
        mix = (w.mix_start, w.material, w.share, p.table.surface_potential)
        controls = (drive.mode, drive.value, drive.power, drive.resistance, drive.tilt, drive.most_heat_w_per_m)
        _probes(segments, mix, controls, self._potential.reshape(-1), out.reshape(-1), p.voxel_m3, heat, surface)
        powers = np.zeros(4)
        powers[[PERFUSION, METABOLIC, BOUNDARY]] = perfusion, metabolic, boundary
        powers *= p.voxel_m3
        powers[PROBE] = -heat.sum()
        return Rate(enthalpy=out, powers=powers, probe_heat_w=heat, surface_c=surface)

    def _hold(self, alive: NDArray[np.uint8], out: Field) -> float:
        """Let held voxels stand; what would have flowed into them leaves the tissue. Their own blood is left out."""
        held = self.problem.held
        if held is None:
            return 0.0
        into = float(out[held].sum())
        out[held] = 0.0
        return -into

    def _walls(self, out: Field) -> float:
        """Add what crosses the walls of the box. Held walls are for tests alone, so numpy serves."""
        if not self.problem.walls:
            return 0.0
        through = np.zeros_like(out)
        for wall in self.problem.walls:
            _hold(wall, through, self._potential, self.problem, self.conducting)
        out += through
        return float(through.sum())

    def temperature(self, enthalpy: Field) -> Field:
        """See Operator.temperature."""
        out = np.empty_like(enthalpy)
        table = self.problem.table
        self._threads.run(
            _temperature, enthalpy, self.problem.index, table.start, table.inverse_step, table.temperature_c, out
        )
        return out

    def frozen_fraction(self, enthalpy: Field) -> Field:
        """See Operator.frozen_fraction."""
        unfrozen = look_up(self.problem.table, self.problem.index, enthalpy, self.problem.table.unfrozen)
        return (1.0 - unfrozen) * self.conducting

    def blend(self, terms: tuple[Field, ...], factors: tuple[float, ...], out: Field) -> None:
        """See Operator.blend."""
        flat = [term.reshape(-1) for term in terms]
        flat += [flat[0]] * (5 - len(flat))
        weights = np.zeros(5)
        weights[: len(factors)] = factors
        self._threads.run(_blend, flat[0], flat[1], flat[2], flat[3], flat[4], weights, len(terms), out.reshape(-1))

    def linear_conduction(self, temperature: Field, conductivity: Field, out: Field) -> None:
        """See Operator.linear_conduction."""
        self._threads.run(_linear, self.conducting, temperature, conductivity, 1.0 / self.problem.spacing_m**2, out)


def _straight_ends(rows: Field) -> Field:
    """Where each material's table becomes straight, and its line from there on: most voxels never freeze.

    ``rows`` (M, N, 4) are temperature, potential, conductivity and unfrozen fraction. Returns (M, 6): first node, T and
    its step, potential and its step, conductivity. A table that is never straight starts at its last node.
    """
    made = np.zeros((rows.shape[0], 6))
    for m, row in enumerate(rows):
        bent = np.flatnonzero((row[:, 3] != 1.0) | (row[:, 2] != row[-1, 2]))
        first = min(int(bent[-1]) + 1 if bent.size else 0, row.shape[0] - 2)
        steps = row[-1, :2] - row[first, :2]
        steps /= row.shape[0] - 1 - first
        made[m] = first, row[first, 0], steps[0], row[first, 1], steps[1], row[-1, 2]
    return made


def _plain(index: NDArray[np.uint8], conducting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(I, J, K) True inside the box where all six neighbours are of the voxel's own material: no harmonic faces."""
    plain = np.zeros(index.shape, dtype=bool)
    if min(index.shape) < 3:
        return plain
    core = index[1:-1, 1:-1, 1:-1]
    same = conducting[1:-1, 1:-1, 1:-1].copy()
    for axis in range(3):
        for side in (slice(None, -2), slice(2, None)):
            same &= index[tuple(side if a == axis else slice(1, -1) for a in range(3))] == core
    plain[1:-1, 1:-1, 1:-1] = same
    return plain


@numba.njit(cache=True, inline="always")
def _node(place: float, count: int) -> int:
    node = int(place)
    return min(max(node, 0), count - 2)


@numba.njit(parallel=True, cache=True)
def _local_terms(
    enthalpy: Any, index: Any, conducts: Any, alive: Any, lookup: Any, tissue: Any, fields: Any, out: Any, sums: Any
) -> None:
    start, inverse, rows, warm = lookup
    w, q, opened, given, arterial = tissue
    temperature, potential, conductivity = fields
    ni, nj, nk = enthalpy.shape
    for i in numba.prange(ni):
        blood = metabolic = skin = 0.0
        for j in range(nj):
            for k in range(nk):
                m = index[i, j, k]
                place = (enthalpy[i, j, k] - start[m]) * inverse[m]
                beyond = place - warm[m, 0]
                n, f, unfrozen = 0, 0.0, 1.0
                if beyond >= 0.0:
                    t = warm[m, 1] + beyond * warm[m, 2]
                    potential[i, j, k] = warm[m, 3] + beyond * warm[m, 4]
                    conductivity[i, j, k] = warm[m, 5]
                else:
                    n = _node(place, rows.shape[1])
                    f = place - n
                    t = rows[m, n, 0] + f * (rows[m, n + 1, 0] - rows[m, n, 0])
                    potential[i, j, k] = rows[m, n, 1] + f * (rows[m, n + 1, 1] - rows[m, n, 1])
                    conductivity[i, j, k] = rows[m, n, 2] + f * (rows[m, n + 1, 2] - rows[m, n, 2])
                    unfrozen = rows[m, n, 3] + f * (rows[m, n + 1, 3] - rows[m, n, 3])
                temperature[i, j, k] = t
                total = given[i, j, k] - opened[i, j, k] * t
                skin += total
                if conducts[m] and alive[i, j, k]:
                    from_blood = w[m] * unfrozen * (arterial - t)
                    from_cells = q[m] * unfrozen
                    blood += from_blood
                    metabolic += from_cells
                    total += from_blood + from_cells
                out[i, j, k] = total
        sums[i, 0], sums[i, 1], sums[i, 2] = blood, metabolic, skin


@numba.njit(cache=True, inline="always")
def _face(a: int, b: int, conducts: Any, ta: float, tb: float, pa: float, pb: float, ka: float, kb: float) -> float:
    if a == b:
        return pb - pa
    if not conducts[b]:
        return 0.0
    return 2.0 * ka * kb / (ka + kb) * (tb - ta)


@numba.njit(parallel=True, cache=True)
def _conduct(plain: Any, index: Any, conducts: Any, fields: Any, inverse_h2: float, out: Any) -> None:
    t, p, c = fields
    ni, nj, nk = out.shape
    for i in numba.prange(ni):
        for j in range(nj):
            for k in range(nk):
                if plain[i, j, k]:
                    ph = p[i, j, k]
                    flow = (p[i - 1, j, k] - ph) + (p[i + 1, j, k] - ph) + (p[i, j - 1, k] - ph)
                    flow += (p[i, j + 1, k] - ph) + (p[i, j, k - 1] - ph) + (p[i, j, k + 1] - ph)
                    out[i, j, k] += flow * inverse_h2
                    continue
                m = index[i, j, k]
                if not conducts[m]:
                    continue
                th, ph, kh = t[i, j, k], p[i, j, k], c[i, j, k]
                flow = 0.0
                if i > 0:
                    a, b, d = i - 1, j, k
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                if i < ni - 1:
                    a, b, d = i + 1, j, k
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                if j > 0:
                    a, b, d = i, j - 1, k
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                if j < nj - 1:
                    a, b, d = i, j + 1, k
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                if k > 0:
                    a, b, d = i, j, k - 1
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                if k < nk - 1:
                    a, b, d = i, j, k + 1
                    flow += _face(m, index[a, b, d], conducts, th, t[a, b, d], ph, p[a, b, d], kh, c[a, b, d])
                out[i, j, k] += flow * inverse_h2


@numba.njit(cache=True)
def _surplus(q: float, around: float, a: float, resistance: float, gas: float, begin: int, end: int, mix: Any) -> float:
    _, material, share, rows = mix
    place = (gas + resistance * q - COLDEST_C) / SURFACE_STEP_C
    n = _node(place, rows.shape[1])
    at_surface = 0.0
    for x in range(begin, end):
        m = material[x]
        at_surface += share[x] * (rows[m, n] + (place - n) * (rows[m, n + 1] - rows[m, n]))
    return q - a * (around - at_surface)


@numba.njit(cache=True)
def _well(around: float, a: float, resistance: float, gas: float, begin: int, end: int, mix: Any) -> float:
    edge = -_surplus(0.0, around, a, resistance, gas, begin, end, mix)
    low, high = min(edge, 0.0), max(edge, 0.0)
    f_low = _surplus(low, around, a, resistance, gas, begin, end, mix)
    f_high = _surplus(high, around, a, resistance, gas, begin, end, mix)
    q = 0.5 * (low + high)
    kept = 0
    for _ in range(60):  # regula falsi with the Illinois rule: the surplus rises with q
        if high - low <= 1e-12 * (1.0 + abs(q)) or f_high - f_low <= 0.0:
            break
        q = (low * f_high - high * f_low) / (f_high - f_low)
        f = _surplus(q, around, a, resistance, gas, begin, end, mix)
        if abs(f) <= 1e-10 * (1.0 + abs(q)):
            break
        if f < 0.0:
            low, f_low = q, f
            f_high *= 0.5 if kept == 1 else 1.0
            kept = 1
        else:
            high, f_high = q, f
            f_low *= 0.5 if kept == -1 else 1.0
            kept = -1
    return q


@numba.njit(cache=True)
def _probes(segments: Any, mix: Any, drive: Any, around: Any, out: Any, voxel: float, heat: Any, surface: Any) -> None:
    start, voxels, weights, probe_of, length, conductance, resistance, offset = segments
    mode, value, power, limit, tilt, most = drive
    lengths = np.zeros(heat.size)
    sums = np.zeros(heat.size)
    for s in range(probe_of.size):
        probe = probe_of[s]
        if mode[probe] == 0:
            continue
        if mode[probe] == 2:
            full, at = value[probe], np.nan
        else:
            potential = 0.0
            for x in range(start[s], start[s + 1]):
                potential += weights[x] * around[voxels[x]]
            begin, end = mix[0][s], mix[0][s + 1]
            own = resistance[s] * limit[probe]
            gas = value[probe] + tilt[probe] * offset[s]
            full = _well(potential, conductance[s], own, gas, begin, end, mix)
            at = gas + own * full
            full = max(full, -most[probe])
        line_heat = full * power[probe] * length[s]
        for x in range(start[s], start[s + 1]):
            out[voxels[x]] -= line_heat * weights[x] / voxel
        heat[probe] += line_heat
        sums[probe] += at * length[s]
        lengths[probe] += length[s]
    for probe in range(heat.size):
        if lengths[probe] > 0.0:
            surface[probe] = sums[probe] / lengths[probe]


@numba.njit(parallel=True, cache=True)
def _temperature(enthalpy: Any, index: Any, start: Any, inverse: Any, rows: Any, out: Any) -> None:
    ni, nj, nk = enthalpy.shape
    for i in numba.prange(ni):
        for j in range(nj):
            for k in range(nk):
                m = index[i, j, k]
                place = (enthalpy[i, j, k] - start[m]) * inverse[m]
                n = _node(place, rows.shape[1])
                out[i, j, k] = rows[m, n] + (place - n) * (rows[m, n + 1] - rows[m, n])


@numba.njit(parallel=True, cache=True)
def _blend(a: Any, b: Any, c: Any, d: Any, e: Any, w: Any, terms: int, out: Any) -> None:
    for x in numba.prange(out.size):
        total = w[0] * a[x]
        if terms > 1:
            total += w[1] * b[x]
        if terms > 2:
            total += w[2] * c[x]
        if terms > 3:
            total += w[3] * d[x]
        if terms > 4:
            total += w[4] * e[x]
        out[x] = total


@numba.njit(parallel=True, cache=True)
def _linear(conducting: Any, t: Any, c: Any, inverse_h2: float, out: Any) -> None:
    ni, nj, nk = out.shape
    for i in numba.prange(ni):
        for j in range(nj):
            for k in range(nk):
                flow = 0.0
                if conducting[i, j, k]:
                    kh, th = c[i, j, k], t[i, j, k]
                    for axis in range(3):
                        for side in range(-1, 2, 2):
                            a = i + side * (axis == 0)
                            b = j + side * (axis == 1)
                            d = k + side * (axis == 2)
                            if 0 <= a < ni and 0 <= b < nj and 0 <= d < nk and conducting[a, b, d]:
                                kn = c[a, b, d]
                                flow += 2.0 * kh * kn / (kh + kn) * (t[a, b, d] - th)
                out[i, j, k] = flow * inverse_h2
