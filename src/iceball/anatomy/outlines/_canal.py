"""The spinal canal: from its label, or guessed from the bone around it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from iceball.anatomy.outlines._blocks import widened
from iceball.anatomy.outlines._spine import Spine, canal_mask, spine
from iceball.anatomy.outlines._turning import turn_of
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Place
    from iceball.nouns import Case

CANAL = "spinal_canal"
MARGIN_MM = 30.0  # looked at around the part asked for: a vertebra's ring is in it
BY_BONE = "estimated by iceball from the bone around it: nobody drew it"


@array_noun
class Outline:
    """One structure's ``mask`` (I, J, K) on the part of the CT that was asked for.

    ``estimated`` is False where it is a label of the case. ``note`` says how it was found.
    """

    name: str
    mask: NDArray[Any]
    estimated: bool
    note: str


def canal(case: Case, *, within: Place | None = None) -> Outline | None:
    """Spinal canal with the cauda equina, of the part ``within`` of the CT; None where none was found.

    A label ``spinal_canal`` is taken as it is. Else the canal is tracked through the slices as the soft way that bone
    rings, and its section is measured in 48 directions; where the ring is open (foramina, discs, between the arches)
    the section is taken over from above and below. A label of the cord is not used; labelled bone is.

    Parameters
    ----------
    case : Case
        CT and labels
    within : three slices, optional
        the part that is asked for; 30 mm around are looked at too

    Source: this project's own method; judged against labelled cords in the docs.
    """
    if (drawn := named(case, CANAL, within)) is not None:
        return drawn
    if (turn := turn_of(case.ct.grid)) is not None:
        turned = canal(turn.case(case), within=turn.place(within, case.ct.grid.shape))
        return None if turned is None else dataclasses.replace(turned, mask=turn.back(turned.mask))
    wide, inner = widened(within, case.ct.grid, MARGIN_MM)
    found = spine(case, wide)
    return None if found is None else canal_from(found, case, inner)


def canal_from(found: Spine, case: Case, inner: Place) -> Outline | None:
    """Draw the canal of the spine ``found``, its part ``inner``; None where it has no voxel."""
    mask = canal_mask(found.sections, found.hu, case.ct.grid.spacing_mm)[inner]
    return Outline(name=CANAL, mask=mask, estimated=True, note=BY_BONE) if mask.any() else None


def named(case: Case, name: str, within: Place | None) -> Outline | None:
    """Outline of the structure that the case calls ``name``; None where it has none there."""
    if case.labels is None or not any(structure.name == name for structure in case.structures):
        return None
    labels = case.labels.array if within is None else case.labels.array[within]
    mask = labels == case.structure(name).label
    return Outline(name=name, mask=mask, estimated=False, note="a label of the case") if mask.any() else None
