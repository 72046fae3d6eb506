"""Bone on a CT without labels: whole bones, marrow and holes in, the spinal canal out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.outlines._blocks import widened
from iceball.anatomy.outlines._hard import MARGIN_MM, filled, hard_bone
from iceball.anatomy.outlines._spine import canal_mask, canal_sections, labelled_bone
from iceball.anatomy.outlines._turning import turn_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Place
    from iceball.nouns import Case, Volume


def bone(ct: Volume, field_of_view: Volume | None = None, *, within: Place | None = None) -> NDArray[np.bool_]:
    """Whole bones, marrow and holes in: (I, J, K) True, of the part ``within`` of the CT.

    Hard is what is denser than ``bone_above_hu`` near a piece of cortex, and what runs on from it, denser than the soft
    tissue around. Vessels and organs full of contrast are taken out: they are thick, smooth (``smooth_below_hu``) and,
    unlike bone, have no denser shell. What hard bone encloses is bone too: on all sides, or in two of the three planes.
    The spinal canal, where one is found, is not bone.

    Parameters
    ----------
    ct : Volume
        (I, J, K) [HU]
    field_of_view : Volume, optional
        (I, J, K) 0/1; what was not scanned is no bone
    within : three slices, optional
        the part that is asked for; 30 mm around are looked at too

    Source: this project's own method; thresholds from ``library.hu_rules()``.
    """
    if (turn := turn_of(ct.grid)) is not None:
        view = None if field_of_view is None else turn.volume(field_of_view)
        return turn.back(bone(turn.volume(ct), view, within=turn.place(within, ct.grid.shape)))
    wide, inner = widened(within, ct.grid, MARGIN_MM)
    hu = np.asarray(ct.array[wide], dtype=np.float32)
    if field_of_view is not None:
        hu = np.where(field_of_view.array[wide] > 0, hu, np.float32(-1024.0))
    hard = hard_bone(hu, ct.grid.spacing_mm)
    whole = filled(hu, hard, ct.grid.spacing_mm)
    canal = canal_sections(hu, hard, None, ct.grid.spacing_mm)
    if canal is not None:
        whole &= ~canal_mask(canal, hu, ct.grid.spacing_mm)
    return whole[inner]


def cortex(ct: Volume, field_of_view: Volume | None = None, *, within: Place | None = None) -> NDArray[np.bool_]:
    """Dense part of ``bone``: (I, J, K) True in cortex and dense trabeculae, at or above ``bone_above_hu``.

    Parameters
    ----------
    ct : Volume
        (I, J, K) [HU]
    field_of_view : Volume, optional
        (I, J, K) 0/1; what was not scanned is no bone
    within : three slices, optional
        the part that is asked for
    """
    threshold = library.hu_rules()["bone_above_hu"].value
    part = ct.array if within is None else ct.array[within]
    return bone(ct, field_of_view, within=within) & (part >= threshold)


def bone_of(case: Case, *, within: Place | None = None) -> NDArray[np.bool_]:
    """Bone by the case's labels, and by ``bone`` where there is no label: (I, J, K) True, of the part ``within``.

    What a label calls something else is no bone, whatever its density: an aorta full of contrast.

    Parameters
    ----------
    case : Case
        CT and labels
    within : three slices, optional
        the part that is asked for
    """
    found = bone(case.ct, case.field_of_view, within=within)
    if case.labels is None:
        return found
    labels = case.labels.array if within is None else case.labels.array[within]
    named = labelled_bone(case, (slice(None), slice(None), slice(None)) if within is None else within)
    free = found & (labels == 0)
    return free if named is None else free | named
