"""Which bone a lesion goes into: the labelled structure at the place, or the bone that the CT shows there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.errors import GeometryError, UnknownName
from iceball.implanting._crop import distance_mm, voxel_at
from iceball.implanting._piece import own_piece
from iceball.implanting._words import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.implanting._crop import Slices
    from iceball.implanting._piece import Index
    from iceball.implanting._wish import Wish
    from iceball.nouns import Case, Grid, Volume
    from iceball.nouns._noun import Point

RIM_MM = 2.0  # numerical: dense bone this near to its label belongs to it


def own_bone(
    case: Case, wish: Wish, slices: Slices, part: Grid, *, outlined: Volume | None = None
) -> tuple[NDArray[np.bool_], str]:
    """Find the bone for ``wish``, (I, J, K) of the part at ``slices``, which lies on ``part``; and its name.

    ``outlined`` is all bone of the CT, where it was outlined before.

    Raises
    ------
    UnknownName : if the case has no structure of that name
    GeometryError : if there is no bone at the place
    """
    name = wish.bone or structure_at(case, wish.at_mm)
    if not name:
        seen = _outlined(case, slices) if outlined is None else outlined.array[slices] > 0
        seen = seen & ~_no_bone(case, slices)
        index = _require_bone_at(seen, wish.at_mm, part, "any bone")
        return own_piece(case.ct.array[slices], seen, index, part), ""
    rule = library.structure_rule(name)
    if rule.known and not rule.bone:
        raise GeometryError(f"{text(wish.at_mm)} mm lies in {name}, which is no bone: choose a place in bone")
    bone = labelled(case, name)[slices]
    _require_bone_at(bone, wish.at_mm, part, name)
    return _with_its_rim(bone, case, slices, part), name


def _outlined(case: Case, slices: Slices) -> NDArray[np.bool_]:
    """(I, J, K) bone that the CT shows in the part at ``slices``, without the spinal canal."""
    from iceball.anatomy import outlines  # slow to import, and not needed where there is a label

    bone = outlines.bone(case.ct, case.field_of_view, within=slices)
    canal = outlines.canal(case, within=slices)
    return bone if canal is None else bone & ~canal.mask


def structure_at(case: Case, at_mm: Point) -> str:
    """Name of the structure whose label lies at ``at_mm`` [mm], LPS; "" where there is none."""
    if case.labels is None:
        return ""
    number = int(case.labels.array[voxel_at(case.ct.grid, at_mm)])
    return next((s.name for s in case.structures if s.label == number), "")


def labelled(case: Case, name: str) -> NDArray[np.bool_]:
    """(I, J, K) True in the structure called ``name``.

    Raises
    ------
    UnknownName : if the case has no such structure; the message lists what it has
    """
    number = case.structure(name).label
    if case.labels is None:
        raise UnknownName(f"case {case.id} has no labels, so no structure {name!r}: give a point instead")
    return case.labels.array == number


def _no_bone(case: Case, slices: Slices) -> NDArray[np.bool_]:
    """(I, J, K) True in labelled structures that are known not to be bone: discs, vessels, organs."""
    if case.labels is None:
        return np.zeros([s.stop - s.start for s in slices], dtype=bool)
    rules = {structure.label: library.structure_rule(structure.name) for structure in case.structures}
    return np.isin(case.labels.array[slices], [label for label, rule in rules.items() if rule.known and not rule.bone])


def _with_its_rim(bone: NDArray[np.bool_], case: Case, slices: Slices, part: Grid) -> NDArray[np.bool_]:
    """Add the unlabelled cortex beside a label that was drawn a little too small."""
    dense = case.ct.array[slices] > library.hu_rules()["bone_above_hu"].value
    free = np.ones(bone.shape, dtype=bool) if case.labels is None else case.labels.array[slices] == 0
    near = distance_mm(bone, part) <= max(RIM_MM, *part.spacing_mm)
    return bone | (dense & free & near)


def _require_bone_at(bone: NDArray[np.bool_], at_mm: Point, part: Grid, what: str) -> Index:
    """Return the index of the place in ``bone``, or raise GeometryError, which says how far off it is."""
    index = voxel_at(part, at_mm)
    if not bone[index]:
        away = distance_mm(bone, part)[index]
        far = f"{away:.1f} mm from {what}" if np.isfinite(away) else f"nowhere near {what}"
        raise GeometryError(f"{text(at_mm)} mm lies {far}: choose a place in bone")
    return index
