"""How stiff a tile is: a bound on the eigenvalues of the operator there, from the coldest that may occur in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError
from iceball.thermal.layout import DIRECTIONS, EXTRA, MIXED, WELL, by_tile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

    from iceball.thermal.layout import Layout
    from iceball.thermal.materials import Table
    from iceball.thermal.problem import Problem

FLOORS_C = np.arange(-230.0, 121.0, 1.0)
NEVER_C = -300.0
MARGIN, MOST_ITERATIONS, HALVINGS = 1.005, 1000, 60


class Stiffness:
    """Bounds by tile; ``melts_c`` (tiles,) is where the last of a tile's matter has thawed."""

    def __init__(self, problem: Problem, layout: Layout, per_potential: NDArray[np.floating]) -> None:
        kinds, self.kind_of = problem.once("kinds", lambda: _kinds(problem, layout))
        self.table, self._columns = problem.once("stiffness", lambda: _rows(problem, kinds)), len(kinds)
        self._base, self._own, self._slope = (self.table[..., n].reshape(-1) for n in range(3))
        wells = np.where((layout.flags & WELL) > 0, _well_stiffness(problem), 0.0)
        self.extra = wells + _largest(layout, per_potential, np.float32)
        opened = problem.open_conductance
        self.open = problem.once("opened", lambda: _largest(layout, opened, np.float64))
        self._wells_or_walls = bool(self.extra.any() or self.open.any())
        self.melts_c = np.where(kinds[:, :-1], _melting_c(problem.table), NEVER_C).max(1)[self.kind_of]

    def most(self, tiles: NDArray[np.integer], floor_c: NDArray[np.floating]) -> float:
        """Bound of the operator's eigenvalues [1/s] in ``tiles`` (T,) while they stay above ``floor_c`` (T,) [°C]."""
        return float(self.of(tiles, floor_c).max(initial=0.0))

    def of(self, tiles: NDArray[np.integer], floor_c: NDArray[np.floating]) -> NDArray[np.float64]:
        """Bound (T,) for each of ``tiles``."""
        floor = np.minimum(np.maximum(floor_c - FLOORS_C[0], 0), FLOORS_C.size - 1).astype(np.int64)
        place = floor * self._columns + self.kind_of[tiles]
        rows = self._base[place]
        if self._wells_or_walls:
            rows += self.extra[tiles] * self._own[place] + self.open[tiles] * self._slope[place]
        return rows


def _kinds(problem: Problem, layout: Layout) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which materials meet in a tile (kinds, M), whether it is mixed (last column), and the kind of each tile."""
    tiles, materials = layout.offset.size, problem.conducts.size
    label = by_tile(layout, layout.label).reshape(tiles, -1)
    lowest, highest = label.min(1), label.max(1)
    holds = lowest[:, None] == np.arange(materials)
    several = np.flatnonzero(lowest != highest)
    for m in range(materials):
        holds[several, m] = (label[several] == m).any(1)
    near = holds.copy()
    for d in range(len(DIRECTIONS)):
        beside = layout.beside[:, d]
        near |= np.where((beside >= 0)[:, None], holds[beside], False)
    mixed = (layout.flags[:, None] & MIXED) > 0
    every = np.concatenate([np.where(mixed, near, holds), mixed], 1)
    first = np.flatnonzero(np.append(True, (every[1:] != every[:-1]).any(1)))  # tiles are mostly as the one before
    kinds, kind_of = np.unique(every[first], axis=0, return_inverse=True)
    return kinds, np.repeat(kind_of.reshape(-1), np.diff(first, append=tiles))


def _rows(problem: Problem, kinds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(floors, kinds, 3) row sum of conduction and blood [1/s], largest dΘ/dH [m²/s], largest dT/dH [K·m³/J]."""
    own, k, slope = _steepest(problem.table)
    found = np.zeros((FLOORS_C.size, len(kinds), 3))
    meet = 2 * k[:, :, None] * k[:, None, :] / (k[:, :, None] + k[:, None, :]) * slope[:, :, None]
    for n, kind in enumerate(kinds):
        inside = np.flatnonzero(kind[:-1])
        if not inside.size:
            continue
        face = own[:, inside]
        if kind[-1]:
            face = np.maximum(face, meet[:, inside][:, :, inside].max(2))
        rows = 12 * face / problem.spacing_m**2 + problem.perfusion[inside] * slope[:, inside]
        found[:, n] = np.stack([rows.max(1), own[:, inside].max(1), slope[:, inside].max(1)], -1)
    return found


def _melting_c(table: Table) -> NDArray[np.float64]:
    """Temperature (M,) [°C] above which nothing of a material is frozen."""
    last = [np.flatnonzero(u < 1)[-1] if (u < 1).any() else 0 for u in table.unfrozen]
    return table.temperature_c[np.arange(len(last)), last]


def _largest(layout: Layout, array: NDArray[np.floating], dtype: DTypeLike) -> NDArray:
    """The largest value of ``array`` (I, J, K) in each tile (T,); it is zero but in tiles that are EXTRA."""
    tiles = layout.offset.size
    if not (layout.flags & EXTRA).any():
        return np.zeros(tiles, dtype)
    return by_tile(layout, layout.padded_of(array, 0, dtype)).reshape(tiles, -1).max(1)


def _well_stiffness(problem: Problem) -> float:
    """How much [1/m²] the wells add to the largest eigenvalue of conduction, 12/h², where one tissue conducts.

    The eigenvalues of ∇·(k∇T(H)) do not exceed its largest dΘ/dH times those of the same operator on Θ itself, which
    are found here around the probes. A sum of rows would overrate the wells: theirs is a smooth mode.
    """
    wells, inverse_h2 = problem.wells, 1.0 / problem.spacing_m**2
    if not wells.voxel.size:
        return 0.0
    voxel, beside = _near_wells(wells.voxel, problem.index.shape)
    count, begins = beside.shape[1], wells.start[:-1]
    strength = wells.conductance * wells.length_m / problem.voxel_m3
    room = np.zeros(count + 1)  # the last one for all that is farther away

    def spread(per_segment: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = wells.weight * np.repeat(per_segment, np.diff(wells.start))
        return np.bincount(voxel, weights, minlength=count).astype(float)

    def operator(x: NDArray[np.float64]) -> NDArray[np.float64]:
        room[:-1] = x
        heat = strength * np.add.reduceat(wells.weight * x[voxel], begins)
        return inverse_h2 * (6.0 * x - room[beside].sum(0)) + spread(heat)

    # a mode in which no probe takes part stays below 12/h²: begin with one in which all do, each segment differently
    first = spread(1.0 + np.random.default_rng(0).random(begins.size))
    most = 12.0 * inverse_h2
    return max(MARGIN * largest_eigenvalue(operator, first, most / MARGIN) - most, 0.0)


def _near_wells(voxel: NDArray[np.integer], shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Number the voxels no farther than two from any of ``voxel``: numbers of these, and of the neighbours (6, n).

    A neighbour that is farther away has the number n.
    """
    place = np.stack(np.unravel_index(voxel, shape))
    lowest = place.min(1) - 3
    place, wide = place - lowest[:, None], tuple(place.max(1) - lowest + 4)
    near = np.zeros(wide, bool)
    near[tuple(place)] = True
    for _ in range(2):
        near = near | np.logical_or.reduce([np.roll(near, side, axis) for axis, side in DIRECTIONS])
    count = int(np.count_nonzero(near))
    number = np.full(wide, count)
    number[near] = np.arange(count)
    beside = np.stack([np.roll(number, side, axis)[near] for axis, side in DIRECTIONS])
    return number[tuple(place)], beside


def largest_eigenvalue(
    operator: Callable[[NDArray[np.float64]], NDArray[np.float64]], first: NDArray[np.float64], little: float
) -> float:
    """Largest eigenvalue of a symmetric positive ``operator``, to 0.1 % where it is not below ``little``.

    Lanczos from ``first`` (n,), which must have a part in its mode.

    Raises
    ------
    SimulationError : if it is not found
    """
    x, before = first / math.sqrt((first * first).sum()), np.zeros(first.size)
    diagonal, beside, largest = [], [0.0], 0.0
    for n in range(1, MOST_ITERATIONS + 1):
        y = operator(x) - beside[-1] * before
        diagonal.append(float((x * y).sum()))
        y -= diagonal[-1] * x
        beside.append(math.sqrt((y * y).sum()))
        ends = beside[-1] < 1e-9 * diagonal[-1]  # nothing is left that ``first`` has a part in
        if ends or (n >= 20 and n % 10 == 0):
            known, (largest, last) = largest, _largest_of_band(diagonal, beside)
            near = min(beside[-1] * last, 100.0 * (largest - known))
            if ends or near < 1e-3 * largest or largest + near < little:
                return largest
        before, x = x, y / beside[-1]
    raise SimulationError("the stiffness of the probes was not found: report this case, it is a fault of iceball")


def _largest_of_band(diagonal: list[float], beside: list[float]) -> tuple[float, float]:
    """Largest eigenvalue of a tridiagonal matrix, and the last component of its mode: by halving.

    Not by BLAS, here and above: its threads go on spinning for a tenth of a second, on the cores that ours need.
    """

    def mode(at: float) -> float:
        """How long the mode is if its last component is one; zero if ``at`` is not above all eigenvalues."""
        length, pivot = 1.0, at - diagonal[0]
        for here, off in zip(diagonal[1:], beside[1:], strict=False):
            if pivot <= 0.0:
                return 0.0
            length, pivot = 1.0 + length * (off / pivot) ** 2, at - here - off * off / pivot
        return math.sqrt(length) if pivot > 0.0 else 0.0

    low, high = max(diagonal), max(diagonal) + 2.0 * max(beside)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if mode(middle) else (middle, high)
    return high, 1.0 / (mode(high) or 1.0)


def _steepest(table: Table) -> tuple[NDArray[np.float64], ...]:
    """Largest diffusivity, conductivity and dT/dH (floors, M) of each material at or above each of FLOORS_C."""
    found = []
    slopes = (np.diff(f, axis=1) * table.inverse_step[:, None] for f in (table.potential, table.temperature_c))
    own, slope = slopes
    for values, warmer in ((own, 1), (table.conductivity, 0), (slope, 1)):
        most = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
        rows = []
        for m, t in enumerate(table.temperature_c):
            first = np.searchsorted(t[warmer:], FLOORS_C)  # a piece counts where its warm end is seen
            rows.append(most[m, np.minimum(first, most.shape[1] - 1)])
        found.append(np.stack(rows, axis=1))
    return tuple(found)
