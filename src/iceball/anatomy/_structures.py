"""Which voxels of a simulation's grid belong to the structures that must not freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy._sampling import sampling

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.nouns import Case, Grid

# A structure that keeps less than this share of its volume on the grid is thinner than the grid's voxels: numerical.
KEPT_FRACTION = 0.5


def structure_voxels(case: Case, grid: Grid) -> Mapping[str, NDArray[np.intp]]:
    """Give the flat indices (N,) of the voxels of each structure at risk or barrier that lies on ``grid``.

    A voxel belongs to the structure of the nearest CT voxel. Where a thin structure would lose more than half of its
    volume that way, it gets every voxel that contains the centre of one of its CT voxels, so that nothing at risk
    vanishes on a coarse grid. Structures without a voxel on the grid are left out.

    Parameters
    ----------
    case : Case
        with labels
    grid : Grid
        (I, J, K), axes as the CT's

    Raises
    ------
    GeometryError : if the grid's axes are not those of the CT

    Source: DESIGN.
    """
    if case.labels is None:
        return {}
    place = sampling(case.ct.grid, grid)
    near = np.where(place.inside(), place.nearest(case.labels.array), 0)
    found = _voxels_by_label(near)
    crop, lows = _crop(case.labels.array, place.centres)
    within = _voxels_by_label(crop)
    voxels: dict[str, NDArray[np.intp]] = {}
    for structure in case.structures:
        if structure.role not in ("at_risk", "barrier"):
            continue
        kept = found.get(structure.label, np.empty(0, dtype=np.intp))
        there = _on_grid(within.get(structure.label), crop.shape, lows, case.ct.grid, grid)
        if kept.size * grid.voxel_ml < KEPT_FRACTION * there[0] * case.ct.grid.voxel_ml:
            kept = np.union1d(kept, there[1])
        if kept.size:
            voxels[structure.name] = kept
    return voxels


def _voxels_by_label(labels: NDArray[Any]) -> dict[int, NDArray[np.intp]]:
    flat = labels.ravel()
    marked = np.flatnonzero(flat)
    order = np.argsort(flat[marked], kind="stable")
    marked = marked[order]
    values, starts = np.unique(flat[marked], return_index=True)
    return {int(v): part for v, part in zip(values, np.split(marked, starts[1:]), strict=True)} if marked.size else {}


def _crop(labels: NDArray[Any], centres: tuple[NDArray[np.float64], ...]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Part of the CT around the grid, one voxel of the grid to spare, and where it starts."""
    slices = []
    for centre, n in zip(centres, labels.shape, strict=True):
        step = float(centre[1] - centre[0]) if len(centre) > 1 else 1.0
        low = int(np.clip(np.floor(centre[0] - step), 0, n))
        high = int(np.clip(np.ceil(centre[-1] + step) + 1, low, n))
        slices.append(slice(low, high))
    return labels[tuple(slices)], np.array([s.start for s in slices], dtype=np.intp)


def _on_grid(
    flat: NDArray[np.intp] | None, shape: tuple[int, ...], lows: NDArray[np.intp], ct: Grid, grid: Grid
) -> tuple[int, NDArray[np.intp]]:
    """Count the CT voxels whose centres lie on ``grid``, and the flat grid voxels that contain them."""
    if flat is None:
        return 0, np.empty(0, dtype=np.intp)
    index = np.stack(np.unravel_index(flat, shape), axis=-1) + lows
    target = np.floor(grid.index_of(ct.position_mm(index)) + 0.5).astype(np.intp)
    target = target[np.all((target >= 0) & (target < np.asarray(grid.shape)), axis=-1)]
    return len(target), np.unique(np.ravel_multi_index(tuple(target.T), grid.shape))
