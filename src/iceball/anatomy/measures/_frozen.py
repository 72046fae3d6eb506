"""How much of a bone a frozen zone holds: its volume, and for a long bone its cortex along and around the shaft."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._host import find_host
from iceball.anatomy.measures._involvement import SHORTEST_ARC_MM, _arc_mm, _inner_mm, _largest_share, _length
from iceball.anatomy.measures._part import part_of
from iceball.anatomy.measures._unroll import unroll
from iceball.errors import InputError
from iceball.nouns import Volume
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._unroll import Unrolled
    from iceball.nouns import Case


@noun
class FrozenBone:
    """What a zone takes of the lesion's bone.

    ``bone_ml`` is bone in the zone outside the lesion, ``bone_fraction`` its share of the bone that the scan holds.
    ``axial_mm`` and ``circumference_fraction`` are None where the bone is no long bone, or its cortex was not found.
    """

    name: str | None
    bone_ml: float
    bone_fraction: float
    axial_mm: float | None = None
    circumference_fraction: float | None = None


def frozen_bone(case: Case, zone: Volume) -> FrozenBone:
    """Measure how much of the bone of the lesion of ``case`` lies in ``zone``.

    A long bone's cortex is unrolled about its axis; where the zone holds any of its thickness, it counts.

    Parameters
    ----------
    case : with a lesion
    zone : (I, J, K) 0/1 on the grid of the CT

    Raises
    ------
    InputError : if the case has no lesion, or the zone lies on another grid or is empty

    Source: DESIGN; the cortex is found with thresholds of ``library.measure_rules()`` and ``library.hu_rules()``.
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark the lesion before its bone is looked at")
    if not zone.grid.same_place_as(case.ct.grid) or not np.any(zone.array):
        raise InputError("a frozen zone must be a mask on the grid of the CT that marks something")
    host = find_host(part_of(case))
    lesion = np.asarray(case.lesion.mask.array) > 0
    both = Volume(grid=zone.grid, array=((np.asarray(zone.array) > 0) | lesion).view(np.uint8), quantity="label")
    part = part_of(dataclasses.replace(case, lesion=dataclasses.replace(case.lesion, mask=both)))
    bone = part.labelled(host.structure.label) if host.structure is not None else find_host(part).mask
    taken = bone & (np.asarray(zone.array)[part.slices] > 0) & ~lesion[part.slices]
    whole = np.count_nonzero(_whole(case, host.structure.label) if host.structure is not None else bone)
    count = np.count_nonzero(taken)
    frozen = FrozenBone(
        name=host.name, bone_ml=float(count) * case.ct.grid.voxel_ml, bone_fraction=float(count / max(int(whole), 1))
    )
    if host.rule is None or not host.rule.shaft:
        return frozen
    rules = library.measure_rules()
    unrolled = unroll(
        part, bone, from_mm=rules["reference_from_mm"].value, length_mm=rules["reference_length_mm"].value
    )
    found = None if unrolled is None else _cortex(unrolled)
    if found is None:
        return frozen
    return dataclasses.replace(frozen, axial_mm=found[0], circumference_fraction=found[1])


def _whole(case: Case, number: int) -> NDArray[np.bool_]:
    assert case.labels is not None  # its structures have labels
    return np.asarray(case.labels.array) == number


def _cortex(bone: Unrolled) -> tuple[float, float] | None:
    """Length along the bone [mm] and largest share of a section's cortex that the zone holds; None without a cortex."""
    rules = library.measure_rules()
    before, after = bone.clean(rules["reference_from_mm"].value, rules["reference_length_mm"].value)
    inner = _inner_mm(bone, before | after, library.hu_rules()["mineral_above_hu"].value)
    if inner is None:
        return None
    frozen = bone.lesion[:, :, (bone.depth_mm >= inner) & (bone.depth_mm <= 0.0)].any(axis=2)
    arc = _arc_mm(bone.outer_mm)
    around = (frozen * arc).sum(axis=1)
    there = around >= SHORTEST_ARC_MM
    return _length(bone.along_mm, there), _largest_share(around * there, arc.sum(axis=1))
