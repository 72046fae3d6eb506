"""Where each label lies in the whole scan, found in one pass, so that nothing else has to look at all of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from iceball.nouns import Case, Structure

Slices = tuple[slice, slice, slice]


class Boxes:
    """The box of each structure of a case, and which borders of the scan it reaches."""

    def __init__(self, case: Case) -> None:
        self._case = case

    @functools.cached_property
    def _found(self) -> list[Any]:
        from scipy import ndimage  # only here: slow to import

        if self._case.labels is None:
            return []
        labels = self._case.labels.array
        if labels.dtype.kind == "u" and labels.dtype.itemsize == 1:
            labels = labels.view(np.uint8)
        return ndimage.find_objects(labels)

    def of(self, structure: Structure | None) -> Slices | None:
        """Return the box of ``structure``; None where it has no voxel."""
        if structure is None or structure.label > len(self._found):
            return None
        return self._found[structure.label - 1]

    def reaches(self, box: Slices, axis: int, far_end: bool) -> bool:
        """Whether ``box`` reaches the border of the scan at that end of ``axis``."""
        if far_end:
            return box[axis].stop >= self._case.ct.grid.shape[axis]
        return box[axis].start <= 0

    def whole(self, box: Slices) -> bool:
        """Whether ``box`` keeps off every border of the scan."""
        return not any(self.reaches(box, axis, end) for axis in range(3) for end in (False, True))

    def around(self, boxes: list[Slices], more_mm: float) -> Slices:
        """Return the box around ``boxes`` with ``more_mm`` [mm] on every side, as far as the scan goes."""
        grid = self._case.ct.grid
        result: list[slice] = []
        for axis in range(3):
            more = int(np.ceil(more_mm / grid.spacing_mm[axis]))
            low, high = min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes)
            result.append(slice(max(0, low - more), min(grid.shape[axis], high + more)))
        return result[0], result[1], result[2]
