"""Superposed shapes: what a set of probes does, guessed from what one of them does in this patient.

One run of one probe in the lesion gives its field by distance from the shaft and along it. Fields of several probes are
added as conduction adds them: not temperatures but potentials, in which ice counts for as much more than thawed tissue
as it conducts better. The guess ranks thousands of placements in the time of one run; what it gets wrong is learnt from
the runs (see ``_search``), never trusted in a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Placement, Probe, ThermalHistory

    Field = NDArray[np.float64]

BLOOD_C = 37.0
FROZEN_RATIO = 2.0  # how much more ice counts than thawed tissue: of 1 to 3.5, what guesses two to six probes best
EDGE_C = -1.0
STEP_MM, FAR_MM, LONG_MM = 1.0, 40.0, 60.0  # of the table: by distance from the shaft, by place along it


def potential(temperature_c: NDArray[np.floating]) -> Field:
    """How far below the blood (...) [°C] something is, each degree below the edge of ice counted as conduction does."""
    t = np.asarray(temperature_c, dtype=np.float64)
    return np.where(t >= EDGE_C, BLOOD_C - t, (BLOOD_C - EDGE_C) + FROZEN_RATIO * (EDGE_C - t))


def temperature_c(of_potential: NDArray[np.floating]) -> Field:
    """Temperature (...) [°C] of a potential: the inverse of ``potential``."""
    u, edge = np.asarray(of_potential, dtype=np.float64), BLOOD_C - EDGE_C
    return np.where(u <= edge, BLOOD_C - u, EDGE_C - (u - edge) / FROZEN_RATIO)


@array_noun
class Shape:
    """What one probe does: its potential (R, Z) by distance from the axis and by place along it, from the middle.

    Places along the axis count from the middle of the active zone, toward the handle positive.
    """

    probe: Probe
    table: Field

    def at(self, points_mm: Field, middle_mm: Field, outward: Field) -> Field:
        """Potential (N, P) at ``points_mm`` (P, 3) of N probes with ``middle_mm`` and ``outward`` (N, 3) each."""
        relative = points_mm[None, :, :] - middle_mm[:, None, :]
        along = np.einsum("npk,nk->np", relative, outward)
        apart = np.sqrt(np.maximum(np.einsum("npk,npk->np", relative, relative) - along**2, 0.0))
        return self._read(apart / STEP_MM, (along + LONG_MM) / STEP_MM)

    def _read(self, row: Field, column: Field) -> Field:
        rows, columns = self.table.shape
        inside = (row < rows - 1) & (column >= 0) & (column < columns - 1)
        i = np.clip(row.astype(np.intp), 0, rows - 2)
        j = np.clip(column.astype(np.intp), 0, columns - 2)
        a, b = np.clip(row - i, 0, 1), np.clip(column - j, 0, 1)
        flat = self.table.reshape(-1)
        at = i * columns + j
        low = flat[at] * (1 - b) + flat[at + 1] * b
        high = flat[at + columns] * (1 - b) + flat[at + columns + 1] * b
        return np.where(inside, low * (1 - a) + high * a, 0.0)


def shape_of(placement: Placement, history: ThermalHistory) -> Shape:
    """Read the shape of a probe off the run of it alone: the mean by distance from the shaft and place along it."""
    grid, field = history.coldest.grid, history.coldest.array
    centres = grid.position_mm(np.indices(grid.shape).reshape(3, -1).T)
    cooled = np.maximum(potential(field.reshape(-1)) - potential(history.start.array.reshape(-1)), 0.0)
    middle, outward = axis_of(placement)
    relative = centres - middle
    along = relative @ outward
    apart = np.sqrt(np.maximum((relative**2).sum(axis=1) - along**2, 0.0))
    shape = (int(FAR_MM / STEP_MM) + 1, int(2 * LONG_MM / STEP_MM) + 1)
    row, column = np.rint(apart / STEP_MM).astype(int), np.rint((along + LONG_MM) / STEP_MM).astype(int)
    inside = (row < shape[0]) & (column >= 0) & (column < shape[1])
    flat = row[inside] * shape[1] + column[inside]
    weight = np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(float)
    total = np.bincount(flat, weights=cooled[inside], minlength=shape[0] * shape[1]).reshape(shape)
    return Shape(probe=placement.probe, table=_smooth(np.asarray(total, dtype=float), weight))


def axis_of(placement: Placement) -> tuple[Field, Field]:
    """Middle (3,) of the active zone, LPS [mm], and the direction (3,) from it to the handle."""
    deep, shallow = (np.asarray(end) for end in placement.active_ends_mm)
    outward = shallow - deep
    return (deep + shallow) / 2, outward / np.linalg.norm(outward)


def _smooth(total: Field, weight: Field) -> Field:
    """Mean of what fell into each cell and its neighbours; never rising away from the axis."""
    from scipy.ndimage import gaussian_filter  # only here: slow to import

    mean = gaussian_filter(total, 0.7, mode="nearest") / np.maximum(gaussian_filter(weight, 0.7, mode="nearest"), 1e-9)
    return np.minimum.accumulate(mean, axis=0)
