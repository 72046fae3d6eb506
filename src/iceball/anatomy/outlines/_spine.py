"""The canal as sections, and what they are found from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.outlines._blocks import pooled, steps_of
from iceball.anatomy.outlines._hard import hard_bone
from iceball.anatomy.outlines._sections import Sections, drawn, is_canal, sections
from iceball.anatomy.outlines._tracking import canal_line
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Place
    from iceball.nouns import Case

BLOCK_ALONG_MM = 2.5  # of the search, along the canal
BONE_SHARE = 1.0 / 3.0  # of a block that is bone


@array_noun
class Spine:
    """The canal's ``sections``, the ``hu`` (I, J, K) they were found on, and the ``wall`` (I, J, K): True in bone."""

    sections: Sections
    hu: NDArray[Any]
    wall: NDArray[Any]


def spine(case: Case, place: Place) -> Spine | None:
    """Find the sections of the spinal canal on the part ``place`` of the CT; None where there is no canal."""
    hu = scanned_hu(case, place)
    return spine_from(hu, hard_bone(hu, case.ct.grid.spacing_mm), case, place)


def spine_from(hu: NDArray[np.float32], hard: NDArray[np.bool_], case: Case, place: Place) -> Spine | None:
    """Do as ``spine``, on ``hu`` (I, J, K) whose ``hard`` bone is known already."""
    bone = labelled_bone(case, place)
    found = canal_sections(hu, hard, bone, case.ct.grid.spacing_mm)
    if found is None:
        return None
    wall = _firm(hu, hard)
    return Spine(sections=found, hu=hu, wall=wall if bone is None else wall | bone)


def _firm(hu: NDArray[np.float32], hard: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(I, J, K) ``hard`` without the soft voxels at its border, which belong to it in blocks of 2 mm only."""
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    calm = ndimage.uniform_filter1d(ndimage.uniform_filter1d(hu, 3, axis=0), 3, axis=1)
    muscle = float(np.median(hu[(hu > rules["fat_below_hu"].value) & (hu < rules["bone_above_hu"].value)]))
    return (hu >= rules["bone_above_hu"].value) | (hard & (calm >= muscle + rules["bone_over_muscle_hu"].value))


def canal_sections(
    hu: NDArray[np.float32],
    hard: NDArray[np.bool_],
    bone: NDArray[np.bool_] | None,
    spacing_mm: tuple[float, float, float],
) -> Sections | None:
    """Track the canal among ``hard`` (I, J, K) and measure its sections; None where there is none."""
    a, b, _ = steps_of(spacing_mm)
    steps = (a, b, max(1, int(BLOCK_ALONG_MM / spacing_mm[2] + 0.25)))
    size = tuple(n * s for n, s in zip(steps, spacing_mm, strict=True))
    wall = hard if bone is None else hard | bone
    blocks = pooled(wall, steps, np.mean) >= BONE_SHARE
    line = canal_line(pooled(np.clip(hu, -1000.0, 3000.0), steps, np.mean), blocks, size)
    if line is None:
        return None
    line_mm = (line + 0.5) * np.asarray(size) - 0.5 * np.asarray(spacing_mm)
    ends = np.array([[0.0, 0.0, -size[2] / 2], [0.0, 0.0, size[2] / 2]])
    line_mm = np.vstack([line_mm[0] + ends[0], line_mm, line_mm[-1] + ends[1]])
    found = sections(hu, bone, line_mm, spacing_mm)
    return found if is_canal(found) else None


def canal_mask(found: Sections, hu: NDArray[np.float32], spacing_mm: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I, J, K) True in the canal; what is as dense as bone in it is bone."""
    return drawn(found, hu.shape, spacing_mm) & (hu < library.hu_rules()["bone_above_hu"].value)


def scanned_hu(case: Case, place: Place) -> NDArray[np.float32]:
    """(I, J, K) HU of the part ``place``, air where nothing was scanned."""
    hu = np.asarray(case.ct.array[place], dtype=np.float32)
    if case.field_of_view is None:
        return hu
    return np.where(case.field_of_view.array[place] > 0, hu, np.float32(-1024.0))


def labelled_bone(case: Case, place: Place) -> NDArray[np.bool_] | None:
    """(I, J, K) True in what the case's labels call bone; None where they call nothing so."""
    if case.labels is None:
        return None
    bones = [s.label for s in case.structures if library.structure_rule(s.name).bone]
    mask = np.isin(case.labels.array[place], bones)
    return mask if mask.any() else None
