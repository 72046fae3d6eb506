"""What a goal wants frozen: the lesion and a margin around it, or no more than its border with bone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.assessment import _numerics
from iceball.errors import InputError
from iceball.nouns import Case, Goal, Grid, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

WATCHED = ("at_risk", "barrier")
INTERFACE_MM = 5.0  # how deep into the lesion its border with bone is taken to go: as in planning


def goal_target(case: Case, goal: Goal) -> Volume:
    """Mark what ``goal`` wants frozen in ``case``: a 0/1 label volume on the grid of the CT.

    That is the lesion, with the margin of the goal around it but for gas and for what must stay warm; or, where the
    goal aims at the interface, the part of the lesion that lies within 5 mm of bone.

    Raises
    ------
    InputError : if the case has no lesion, or nothing of it meets bone where the interface is aimed at
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark the lesion (iceball read --lesion FILE) first")
    place = _around(np.asarray(case.lesion.mask.array) > 0, case.ct.grid, max(goal.margin_mm, INTERFACE_MM))
    lesion = np.asarray(case.lesion.mask.array)[place] > 0
    hu, grid = np.asarray(case.ct.array)[place], case.ct.grid
    if goal.aim == "interface":
        bone = ~lesion & (hu >= library.hu_rules()["bone_above_hu"].value)
        wanted = lesion & (_numerics.away_mm(bone, grid.spacing_mm) <= INTERFACE_MM)
        if not wanted.any():
            raise InputError(f"nothing of the lesion of case {case.id} meets bone: aim at the whole lesion")
    elif goal.margin_mm > 0.0:
        tissue = hu > library.hu_rules()["gas_below_hu"].value
        wanted = lesion | (
            (_numerics.away_mm(lesion, grid.spacing_mm) <= goal.margin_mm) & tissue & ~_kept(case, place)
        )
    else:
        wanted = lesion
    whole = np.zeros(grid.shape, dtype=np.uint8)
    whole[place] = wanted
    return Volume(grid=grid, array=whole, quantity="label")


def _kept(case: Case, place: tuple[slice, ...]) -> Any:
    """What must stay warm in ``place``: structures at risk and barriers."""
    if case.labels is None:
        return False
    numbers = [structure.label for structure in case.structures if structure.role in WATCHED]
    return np.isin(np.asarray(case.labels.array)[place], numbers)


def _around(mask: Mask, grid: Grid, reach_mm: float) -> tuple[slice, ...]:
    voxels = np.argwhere(mask)
    more = np.ceil(reach_mm / np.asarray(grid.spacing_mm)).astype(int) + 1
    low, high = np.maximum(voxels.min(axis=0) - more, 0), np.minimum(voxels.max(axis=0) + more + 1, mask.shape)
    return tuple(slice(int(a), int(z)) for a, z in zip(low, high, strict=True))
