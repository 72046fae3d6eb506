"""The distance to the skin where nobody drew it: to the body's surface, on coarser voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.anatomy._body import body
from iceball.anatomy.measures._distances import Found, begins, write
from iceball.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._distances import Distances
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns import Case

KEY = "distance_skin_mm"
# Numerical: so many voxels are looked at in well under a second; a scan of 512 x 512 x 133 is thinned to 2 mm.
MOST_VOXELS = 4_000_000
COARSEST_MM = 4.0


def skin_distance(there: Distances, book: Notebook) -> None:
    """Write down the distance to the body's surface, where the case has no skin of its own.

    The surface lies between a voxel of the body and one of the room; both are the scan's own voxels, thinned.
    """
    if any(begins("skin")(structure.name) for structure in there.part.case.structures):
        return
    case = there.part.case
    steps = _steps(case)
    thin = slice(None, None, steps[0]), slice(None, None, steps[1]), slice(None, None, steps[2])
    ct, view = case.ct.part(thin), case.field_of_view
    scanned = None if view is None else view.part(thin)
    try:
        inside = body(ct, scanned)
    except InputError:
        book.leave("no body on the scan", KEY)
        return
    known = np.ones_like(inside) if scanned is None else scanned.array > 0
    spacing = np.asarray(ct.grid.spacing_mm)
    points = _between(inside, ~inside & known) * spacing
    if not len(points):
        book.leave("the skin is not in the scan", KEY)
        return
    away = there.to_points(points)
    unseen = min(_border_mm(there, inside), there.padding_mm() if not known.all() else float("inf"))
    write(book, KEY, Found(away, f"the skin, to {max(spacing):.1f} mm", unseen, True), "the body")


def _steps(case: Case) -> tuple[int, int, int]:
    spacing, steps = np.asarray(case.ct.grid.spacing_mm), np.ones(3, dtype=int)
    while np.prod(np.ceil(np.asarray(case.ct.grid.shape) / steps)) > MOST_VOXELS:
        finest = int(np.argmin(spacing * steps))
        if spacing[finest] * (steps[finest] + 1) > COARSEST_MM:
            break
        steps[finest] += 1
    return int(steps[0]), int(steps[1]), int(steps[2])


def _between(inside: NDArray[np.bool_], room: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 3) indices half way between voxels of the body and neighbours in the room."""
    found = []
    for axis in range(3):
        here, there = [slice(None)] * 3, [slice(None)] * 3
        here[axis], there[axis] = slice(None, -1), slice(1, None)
        a, z = tuple(here), tuple(there)
        index = np.argwhere((inside[a] & room[z]) | (room[a] & inside[z])).astype(float)
        index[:, axis] += 0.5
        found.append(index)
    return np.concatenate(found)


def _border_mm(there: Distances, inside: NDArray[np.bool_]) -> float:
    """How far from the lesion [mm] the nearest border of the scan is that cuts the body."""
    ends = [
        there.border_mm(axis, far)
        for axis in range(3)
        for far, end in ((False, 0), (True, -1))
        if inside.take(end, axis=axis).any()
    ]
    return min(ends, default=float("inf"))
