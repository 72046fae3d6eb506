"""Structures that a pocket of fluid or gas moves away: dissection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._regions import in_region
from iceball.anatomy._sampling import sampling
from iceball.nouns import Pocket, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Protection


def displaced(case: Case, protections: Sequence[Protection]) -> Case:
    """The case with the structures moved that the pockets among ``protections`` push; the same case where none does.

    What of a structure lies in the pocket's region moves voxel by voxel through soft tissue that nobody has drawn, or
    into the structure itself, which gives way; it goes no farther than to bone, metal, gas, the lesion, the skin or
    another structure. The CT is not changed: where a structure was, what fills the pocket comes by ``tissue_map``.

    Raises
    ------
    UnknownName : if a pocket pushes a structure that the case does not have
    """
    labels = None if case.labels is None else np.array(case.labels.array)
    for pocket in protections:
        if not isinstance(pocket, Pocket) or not pocket.pushes:
            continue
        numbers = [case.structure(name).label for name in pocket.pushes]
        assert labels is not None  # a case with structures has labels
        region = in_region(pocket.region, case, sampling(case.ct.grid, case.ct.grid), case.ct.grid)
        for number in numbers:
            _move(labels, case, number, region, pocket)
    if labels is None or case.labels is None or np.array_equal(labels, case.labels.array):
        return case
    return replace(case, labels=Volume(grid=case.labels.grid, array=labels, quantity="label"))


def _move(labels: NDArray, case: Case, number: int, region: NDArray[np.bool_], pocket: Pocket) -> None:
    """Move what ``labels`` call ``number`` within ``region``, each voxel as far along the push as there is room."""
    grid = case.ct.grid
    shift = grid.index_of(np.asarray(grid.origin_mm) + pocket.push_mm)
    here = np.argwhere(region & (labels == number))
    going, far = np.ones(len(here), dtype=bool), np.zeros(len(here), dtype=int)
    steps = max(1, int(np.ceil(np.abs(shift).max())))
    for step in range(1, steps + 1):  # one voxel after the other: nothing is jumped over
        going &= _free(labels, case, number, here + np.rint(step / steps * shift).astype(int))
        far[going] = step
    far = _together(grid.position_mm(here), np.asarray(pocket.push_mm), far, max(grid.spacing_mm))
    there = here + np.rint(far[:, None] / steps * shift).astype(int)
    labels[tuple(here.T)] = 0
    labels[tuple(there.T)] = number


def _together(places_mm: NDArray, push_mm: NDArray, far: NDArray, wide_mm: float) -> NDArray[np.int_]:
    """How far (N,) each voxel goes if what lies behind one another along the push goes as one, so that none is lost."""
    if not len(far):
        return far
    toward = push_mm / np.linalg.norm(push_mm)
    side = np.cross(toward, np.eye(3)[int(np.argmin(np.abs(toward)))])
    side /= np.linalg.norm(side)
    across = places_mm @ np.stack([side, np.cross(toward, side)], axis=1)
    _, column = np.unique(np.rint(across / wide_mm).astype(int), axis=0, return_inverse=True)
    least = np.full(int(column.max()) + 1, far.max())
    np.minimum.at(least, column.reshape(-1), far)
    return least[column.reshape(-1)]


def _free(labels: NDArray, case: Case, number: int, goal: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether a voxel of structure ``number`` can go to ``goal`` (N, 3)."""
    inside = np.all((goal >= 0) & (goal < labels.shape), axis=1)
    at = tuple(np.where(inside[:, None], goal, 0).T)
    drawn = labels[at]
    soft = [s.label for s in case.structures if s.role == "way_in" and not library.structure_rule(s.name).bone]
    free = inside & ((drawn == 0) | (drawn == number) | np.isin(drawn, soft))
    rules, hu = library.hu_rules(), case.ct.array[at]
    free &= (hu < rules["bone_above_hu"].value) & ((hu > rules["gas_below_hu"].value) | (drawn == number))
    if case.lesion is not None:
        free &= case.lesion.mask.array[at] == 0
    if case.field_of_view is not None:
        free &= case.field_of_view.array[at] > 0
    return free
