"""What the checks of a plan's geometry look at, made once per case: the body, the lesion's surface, the bone."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import anatomy
from iceball.anatomy._prepared import GAS, TISSUE
from iceball.nouns import Volume
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Case, Grid
    from iceball.nouns._noun import Point

# Numerical: the body is found on voxels of about this size, which is fine for where the skin is, and quick.
BODY_MM = 2.0
STEP_MM = 0.25  # how finely a line is walked to the skin
ROOM, BODY, UNSEEN = 0, 1, 2


@array_noun
class Scene:
    """``body`` holds ROOM, BODY or UNSEEN on a grid that is thinner than the CT's; ``rim_mm`` (N, 3) are the centres
    of the lesion's outermost voxels, LPS [mm], none without a lesion.
    """

    body: Volume
    rim_mm: NDArray[np.float64]


_latest: list[tuple[Any, Scene]] = []  # of one case: a plan is checked many times while it is made


def scene(case: Case, prepared: Prepared | None = None) -> Scene:
    """Return what is looked at in ``case``; the latest case is remembered. ``prepared`` knows the body already.

    Raises
    ------
    InputError : if there is no body on the CT
    """
    for seen, kept in _latest:
        if seen() is case.ct.array:
            return kept
    made = Scene(body=_body(case, prepared), rim_mm=_rim_mm(case))
    _latest[:] = [(weakref.ref(case.ct.array), made)]
    return made


def _body(case: Case, prepared: Prepared | None) -> Volume:
    steps = [max(1, round(BODY_MM / spacing)) for spacing in case.ct.grid.spacing_mm]
    place = slice(None, None, steps[0]), slice(None, None, steps[1]), slice(None, None, steps[2])
    view = None if case.field_of_view is None else case.field_of_view.part(place)
    thin = case.ct.part(place)
    inside = anatomy.body(thin, view) if prepared is None else np.isin(prepared.region[place], (GAS, TISSUE))
    array = np.where(inside, np.uint8(BODY), np.uint8(ROOM))
    if view is not None:
        array[view.array == 0] = UNSEEN
    return Volume(grid=thin.grid, array=array, quantity="label")


def _rim_mm(case: Case) -> NDArray[np.float64]:
    from iceball.assessment import _numerics

    if case.lesion is None:
        return np.zeros((0, 3))
    mask = np.asarray(case.lesion.mask.array) > 0
    along = np.flatnonzero(mask.any(axis=(0, 1)))
    part = mask[:, :, along[0] : along[-1] + 1]
    across = [np.flatnonzero(part.any(axis=other)) for other in ((1, 2), (0, 2))]
    part = part[across[0][0] : across[0][-1] + 1, across[1][0] : across[1][-1] + 1]
    low = np.array([across[0][0], across[1][0], along[0]])
    return case.ct.grid.position_mm(np.argwhere(_numerics.rim(part)) + low)


def value_at(volume: Volume, points_mm: NDArray[np.float64], beyond: int) -> NDArray[np.intp]:
    """(N,) value of the voxel that holds each of (N, 3) points [mm], LPS; ``beyond`` outside the grid."""
    grid: Grid = volume.grid
    index = np.floor(grid.index_of(points_mm) + 0.5).astype(np.intp)
    inside = grid.contains(points_mm)
    index = np.clip(index, 0, np.asarray(grid.shape) - 1)
    return np.where(inside, volume.array[tuple(index.T)], beyond).astype(np.intp)


def to_skin_mm(there: Scene, tip_mm: Point, entry_mm: Point) -> float | None:
    """Way [mm] from the tip through the entry to where the body ends; None where the scan ends before it.

    0 where the tip itself lies outside the body.
    """
    tip, entry = np.asarray(tip_mm), np.asarray(entry_mm)
    outward = (entry - tip) / np.linalg.norm(entry - tip)
    farthest = float(np.linalg.norm(np.asarray(there.body.grid.shape) * np.asarray(there.body.grid.spacing_mm)))
    way = np.arange(0.0, farthest, STEP_MM)
    inside = value_at(there.body, tip + way[:, None] * outward, beyond=UNSEEN)
    leaves = np.flatnonzero(inside != BODY)
    if not leaves.size or inside[leaves[0]] == UNSEEN:
        return None
    return float(way[leaves[0]])
