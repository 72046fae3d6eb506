"""How stiff a tile is: a bound on the eigenvalues of the operator there, from the coldest that may occur in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.ndimage import binary_dilation
from scipy.sparse.linalg import eigsh

from iceball.thermal.layout import DIRECTIONS, MIXED, WELL, by_tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.layout import Layout
    from iceball.thermal.materials import Table
    from iceball.thermal.problem import Problem

FLOORS_C = np.arange(-230.0, 121.0, 1.0)
NEVER_C = -300.0


class Stiffness:
    """Bounds by tile; ``melts_c`` (tiles,) is where the last of a tile's matter has thawed."""

    def __init__(self, problem: Problem, layout: Layout, per_potential: NDArray[np.floating]) -> None:
        tiles = layout.offset.size
        kinds, self.kind_of = _kinds(problem, layout)
        self.table, self._columns = _rows(problem, kinds), len(kinds)
        self._base, self._own, self._slope = (self.table[..., n].reshape(-1) for n in range(3))
        wells = np.where((layout.flags & WELL) > 0, _well_stiffness(problem), 0.0)
        self.extra = wells + by_tile(layout, layout.padded_of(per_potential, 0, np.float32)).reshape(tiles, -1).max(1)
        opened = layout.padded_of(problem.open_conductance, 0, np.float64)
        self.open = by_tile(layout, opened).reshape(tiles, -1).max(1)
        self._wells_or_walls = bool(self.extra.any() or self.open.any())
        self.melts_c = np.where(kinds[:, :-1], _melting_c(problem.table), NEVER_C).max(1)[self.kind_of]

    def most(self, tiles: NDArray[np.integer], floor_c: NDArray[np.floating]) -> float:
        """Bound of the operator's eigenvalues [1/s] in ``tiles`` (T,) while they stay above ``floor_c`` (T,) [°C]."""
        if not tiles.size:
            return 0.0
        floor = np.clip(floor_c - FLOORS_C[0], 0, FLOORS_C.size - 1).astype(np.int64)
        place = floor * self._columns + self.kind_of[tiles]
        rows = self._base[place]
        if self._wells_or_walls:
            rows = rows + self.extra[tiles] * self._own[place] + self.open[tiles] * self._slope[place]
        return float(rows.max())


def _kinds(problem: Problem, layout: Layout) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which materials meet in a tile (kinds, M), whether it is mixed (last column), and the kind of each tile."""
    tiles, materials = layout.offset.size, problem.conducts.size
    label = by_tile(layout, layout.label).reshape(tiles, -1)
    holds = np.stack([(label == m).any(1) for m in range(materials)], axis=1)
    near = holds.copy()
    for d in range(len(DIRECTIONS)):
        beside = layout.beside[:, d]
        near |= np.where((beside >= 0)[:, None], holds[beside], False)
    mixed = (layout.flags[:, None] & MIXED) > 0
    kinds, kind_of = np.unique(np.concatenate([np.where(mixed, near, holds), mixed], 1), axis=0, return_inverse=True)
    return kinds, kind_of.reshape(-1)


def _rows(problem: Problem, kinds: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(floors, kinds, 3) row sum of conduction and blood [1/s], largest dΘ/dH [m²/s], largest dT/dH [K·m³/J]."""
    own, k, slope = _steepest(problem.table)
    found = np.zeros((FLOORS_C.size, len(kinds), 3))
    for n, kind in enumerate(kinds):
        inside = np.flatnonzero(kind[:-1])
        if not inside.size:
            continue
        face = own[:, inside]
        if kind[-1]:
            pair = k[:, inside, None] * k[:, None, inside] / (k[:, inside, None] + k[:, None, inside])
            face = np.maximum(face, (2 * pair * slope[:, inside, None]).max(2))
        rows = 12 * face / problem.spacing_m**2 + problem.perfusion[inside] * slope[:, inside]
        found[:, n] = np.stack([rows.max(1), own[:, inside].max(1), slope[:, inside].max(1)], -1)
    return found


def _melting_c(table: Table) -> NDArray[np.float64]:
    """Temperature (M,) [°C] above which nothing of a material is frozen."""
    last = [np.flatnonzero(u < 1)[-1] if (u < 1).any() else 0 for u in table.unfrozen]
    return table.temperature_c[np.arange(len(last)), last]


def _well_stiffness(problem: Problem) -> float:
    """How much [1/m²] the wells add to the largest eigenvalue of conduction, 12/h², where one tissue conducts.

    The eigenvalues of ∇·(k∇T(H)) do not exceed its largest dΘ/dH times those of the same operator on Θ itself, which
    are found here around the probes. A sum of rows would overrate the wells: theirs is a smooth mode.
    """
    wells = problem.wells
    if not wells.voxel.size:
        return 0.0
    place = np.stack(np.unravel_index(wells.voxel, problem.index.shape))
    lowest = place.min(1) - 3
    shape = tuple(place.max(1) - lowest + 4)
    voxel = np.ravel_multi_index(tuple(place - lowest[:, None]), shape)
    near = np.zeros(shape, bool)
    near.reshape(-1)[voxel] = True
    near = np.asarray(binary_dilation(near, iterations=2), dtype=bool)
    number = np.full(shape, -1)
    number[near] = np.arange(int(np.count_nonzero(near)))
    n, inverse_h2 = int(np.count_nonzero(near)), 1.0 / problem.spacing_m**2
    segment = np.repeat(np.arange(wells.probe.size), np.diff(wells.start))
    spread = sparse.csr_matrix((wells.weight, (number.reshape(-1)[voxel], segment)), (n, wells.probe.size))
    strength = sparse.diags(wells.conductance * wells.length_m / problem.voxel_m3)
    operator = sparse.diags(np.full(n, 6.0 * inverse_h2)) + spread @ strength @ spread.T
    for axis in range(3):
        a, b = (np.moveaxis(number, axis, 0)[part] for part in (slice(None, -1), slice(1, None)))
        both = (a >= 0) & (b >= 0)
        pairs = sparse.csr_matrix((np.full(both.sum(), -inverse_h2), (a[both], b[both])), (n, n))
        operator = operator + pairs + pairs.T
    largest = float(eigsh(operator, k=1, which="LA", tol=1e-3, return_eigenvectors=False)[0])  # pyright: ignore[reportArgumentType]
    return max(1.005 * largest - 12.0 * inverse_h2, 0.0)


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
