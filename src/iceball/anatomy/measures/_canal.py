"""The spinal canal around a lesion: labelled, or as outlines estimates it from the bone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball.anatomy import outlines
from iceball.anatomy.measures._distances import Found, begins, write

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._boxes import Slices
    from iceball.anatomy.measures._distances import Distances
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns import Case

KEY = "distance_canal_mm"


@dataclasses.dataclass(frozen=True, eq=False)
class Canal:
    """The spinal canal in ``slices`` of the scan: ``mask`` (i, j, k); ``estimated`` where nobody drew it."""

    mask: NDArray[np.bool_]
    slices: Slices
    name: str
    estimated: bool


def canal_in(case: Case, slices: Slices) -> Canal | None:
    """Return the labelled canal in ``slices`` of the scan, else the estimated one; None where there is neither."""
    is_canal = begins("spinal_canal")
    for structure in case.structures:
        if case.labels is not None and is_canal(structure.name):
            mask = case.labels.array[slices] == structure.label
            if mask.any():
                return Canal(mask=mask, slices=slices, name=structure.name, estimated=structure.estimated)
    found = outlines.canal(case, within=slices)
    if found is None or not np.any(found.mask):
        return None
    return Canal(mask=np.asarray(found.mask, dtype=bool), slices=slices, name=found.name, estimated=found.estimated)


def canal_distance(there: Distances, canal: Canal | None, book: Notebook) -> None:
    """Write down the distance to an estimated canal, where the case has none of its own."""
    if any(begins("spinal_canal")(s.name) for s in there.part.case.structures):
        return
    found: Found | None = None
    if canal is not None:
        found = there.to_mask(canal.mask, canal.slices, canal.name)
    write(book, KEY, found, "spinal canal")
