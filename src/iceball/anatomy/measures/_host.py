"""Which bone the lesion is in: from the labels under it, from what the case says, or only its outline from HU."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy import outlines
from iceball.anatomy._pieces import numbered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._part import Part
    from iceball.library import BoneRule
    from iceball.nouns import Structure


@dataclasses.dataclass(frozen=True, eq=False)
class Host:
    """The bone of the lesion. ``name`` and ``rule`` are None where nothing says which it is.

    ``mask`` (i, j, k) is the bone in the part, filled: its label, or where there is none, the piece of the outline
    from HU that meets the lesion. ``structure`` is the labelled structure, None without a label. ``note`` says how
    the bone was found.
    """

    mask: NDArray[np.bool_]
    name: str | None
    rule: BoneRule | None
    structure: Structure | None
    note: str

    @property
    def labelled(self) -> bool:
        """Whether the outline of the bone comes from a label."""
        return self.structure is not None and not self.structure.estimated


def bones_of(part: Part) -> tuple[Structure, ...]:
    """Return the structures of the case that are bones by their names."""
    return tuple(s for s in part.case.structures if library.bone_rule(s.name) is not None)


def find_host(part: Part) -> Host:
    """Find the bone under the lesion, or within ``bone_near_mm`` of it where the labels leave the lesion out.

    Source: ``library.measure_rules()``, ``judgement``.
    """
    under = _under(part)
    if under:
        structure = max(under, key=lambda s: under[s])
        others = [s.name for s in under if s is not structure and under[s] > under[structure] / 4]
        also = f"; it also meets {', '.join(others)}" if others else ""
        return Host(
            mask=part.labelled(structure.label),
            name=structure.name,
            rule=library.bone_rule(structure.name),
            structure=structure,
            note=f"the lesion lies in the label {structure.name}{also}",
        )
    stated = part.case.lesion.bone if part.case.lesion else ""
    rule = library.bone_rule(stated) if stated else None
    note = f"the case says that the lesion lies in {stated}" if rule else "no label and no name says which bone it is"
    return Host(mask=_outline(part), name=stated if rule else None, rule=rule, structure=None, note=note)


def _under(part: Part) -> dict[Structure, int]:
    """Voxels of each bone's label in the lesion; where there are none, near it."""
    bones = {s.label: s for s in bones_of(part)}
    if not bones or part.case.labels is None:
        return {}
    labels = part.case.labels.array[part.slices]
    within = labels[part.lesion]
    if not np.isin(within, list(bones)).any():
        within = labels[_near(part, library.measure_rules()["bone_near_mm"].value)]
    numbers, counts = np.unique(within, return_counts=True)
    return {bones[n]: int(c) for n, c in zip(numbers.tolist(), counts, strict=True) if n in bones}


def _near(part: Part, reach_mm: float) -> NDArray[np.bool_]:
    from scipy import ndimage  # only here: slow to import

    place = ndimage.find_objects(part.lesion.view(np.uint8))[0]
    more = np.ceil(reach_mm / part.spacing_mm).astype(int) + 1
    box = tuple(slice(max(0, s.start - m), s.stop + m) for s, m in zip(place, more, strict=True))
    near = np.zeros_like(part.lesion)
    away = np.asarray(ndimage.distance_transform_edt(~part.lesion[box], sampling=part.spacing_mm))
    near[box] = away <= reach_mm
    return near


def _outline(part: Part) -> NDArray[np.bool_]:
    """(i, j, k) the pieces of bone, outlined from HU, that come within a few voxels of the lesion."""
    bone = outlines.bone(part.case.ct, part.case.field_of_view, within=part.slices)
    pieces, _ = numbered(bone)
    near = _near(part, float(part.spacing_mm.max()))
    found = np.unique(pieces[near & bone])
    return np.isin(pieces, found[found > 0])
