"""Where the body is around the lesion, and which way the nearer skin lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.errors import InputError
from iceball.nouns import Grid, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case
    from iceball.planning.ways._rules import Position
    from iceball.planning.ways._thinned import Thinned

# Numerical: the skin is found on voxels up to this size, in the slice and across. On coarser ones the wall between a
# windpipe and a lung that the scan cuts gets lost, and the lung is taken for the room.
BODY_MM = (1.6, 1.6, 2.6)
MOST_BODIES = 3  # legs and arms may be pieces of their own: so many are looked through for the one with the lesion


def body_near(case: Case, thin: Thinned) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(i, j, k) on the thinned grid: True in the body, and True deep enough below the skin for gas to be inside it.

    Only the slices of the thinned grid are looked at, in their whole width.

    Raises
    ------
    InputError : if nothing on the CT is denser than gas
    """
    grid = case.ct.grid
    steps = [max(1, int(most / spacing)) for most, spacing in zip(BODY_MM, grid.spacing_mm, strict=True)]
    whole = (
        slice(None, None, steps[0]),
        slice(None, None, steps[1]),
        slice(thin.slices[2].start, thin.slices[2].stop, steps[2]),
    )
    ct = case.ct.part(whole)
    view = None if case.field_of_view is None else case.field_of_view.part(whole)
    assert case.lesion is not None
    inside = _body_with(ct, view, case.lesion.mask.array[whole] > 0)
    deep = _thinner(inside, ct.grid, library.way_rules()["gas_depth_mm"].value)
    index = [np.floor(ct.grid.index_of(points) + 0.5).astype(int) for points in _axes(thin.grid)]
    at = np.ix_(*(np.clip(each[:, a], 0, ct.grid.shape[a] - 1) for a, each in enumerate(index)))
    return inside[at], deep[at]


def _axes(grid: Grid) -> list[NDArray[np.float64]]:
    """Positions [mm] of the first row of voxels along each axis, (n, 3) each."""
    rows = []
    for axis, n in enumerate(grid.shape):
        index = np.zeros((n, 3))
        index[:, axis] = np.arange(n)
        rows.append(grid.position_mm(index))
    return rows


def _body_with(ct: Volume, view: Volume | None, lesion: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The body, and further pieces of the patient until one holds the lesion: a leg beside the other."""
    found = anatomy.body(ct, view)
    rest = ct
    for _ in range(MOST_BODIES - 1):
        if not lesion.any() or found[lesion].any():
            break
        air = np.where(found, np.asarray(-1024, dtype=rest.array.dtype), rest.array)
        rest = Volume(grid=ct.grid, array=air, quantity="hu")
        try:
            found = found | anatomy.body(rest, view)
        except InputError:  # nothing is left
            break
    return found


def _thinner(mask: NDArray[np.bool_], grid: Grid, by_mm: float) -> NDArray[np.bool_]:
    from scipy import ndimage  # only here: slow to import

    result = mask.view(np.uint8)
    for axis in (0, 1):
        reach = int(np.ceil(by_mm / grid.spacing_mm[axis]))
        if reach < mask.shape[axis]:
            result = ndimage.minimum_filter1d(result, size=2 * reach + 1, axis=axis, mode="nearest")
    return result.astype(bool)


def usual_position(site: str, body: NDArray[np.bool_], grid: Grid, centre_mm: NDArray[np.float64]) -> Position:
    """Return how a patient usually lies for ``site``; where that is the nearer skin's side, prone or supine by it."""
    sites = library.way_sites()
    usual = sites[site if site in sites else "other"].position
    if usual != "nearest":
        return usual
    backward, forward = (_depth_mm(body, grid, centre_mm, way) for way in (1.0, -1.0))
    return "prone" if backward <= forward else "supine"


def _depth_mm(body: NDArray[np.bool_], grid: Grid, centre_mm: NDArray[np.float64], way: float) -> float:
    """How far the skin is from ``centre_mm`` along y [mm]; infinite where the scan ends before."""
    along = np.arange(0.0, 600.0, min(BODY_MM))
    points = centre_mm + along[:, None] * np.array([0.0, way, 0.0])
    index = np.floor(grid.index_of(points) + 0.5).astype(int)
    there = np.all((index >= 0) & (index < grid.shape), axis=1)
    inside = np.zeros(len(along), dtype=bool)
    inside[there] = body[tuple(index[there].T)]
    leaves = int(np.argmin(inside))
    return float(along[leaves]) if there[leaves] and not inside[leaves] else float("inf")
