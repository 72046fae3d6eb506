"""Structures that a pocket of fluid or gas moves away: dissection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._regions import in_region
from iceball.anatomy._sampling import sampling
from iceball.nouns import Pocket, Volume

PARTS = (1.0, 0.75, 0.5, 0.25)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Protection


def displaced(case: Case, protections: Sequence[Protection]) -> Case:
    """The case with the structures moved that the pockets among ``protections`` push; the same case where none does.

    What of a structure lies in the pocket's region moves by whole voxels to where soft tissue or gas is that nobody has
    drawn, or into the structure itself, which gives way. What would meet bone, metal, the lesion or another structure
    is moved three quarters, half or a quarter of the way, or stays. The CT is not changed: where a structure was, what
    fills the pocket comes by ``tissue_map``.

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
    there = here.copy()
    waiting = np.ones(len(here), dtype=bool)
    for part in PARTS:
        goal = here[waiting] + np.rint(part * shift).astype(int)
        free = _free(labels, case, number, goal)
        places = np.flatnonzero(waiting)[free]
        there[places] = goal[free]
        waiting[places] = False
    labels[tuple(here.T)] = 0
    labels[tuple(there.T)] = number


def _free(labels: NDArray, case: Case, number: int, goal: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether a voxel of structure ``number`` can go to ``goal`` (N, 3)."""
    inside = np.all((goal >= 0) & (goal < labels.shape), axis=1)
    at = tuple(np.where(inside[:, None], goal, 0).T)
    drawn = labels[at]
    soft = [s.label for s in case.structures if s.role == "way_in" and not library.structure_rule(s.name).bone]
    free = inside & ((drawn == 0) | (drawn == number) | np.isin(drawn, soft))
    free &= case.ct.array[at] < library.hu_rules()["bone_above_hu"].value
    if case.lesion is not None:
        free &= case.lesion.mask.array[at] == 0
    if case.field_of_view is not None:
        free &= case.field_of_view.array[at] > 0
    return free
