"""The part of a case around its lesion: measuring never looks at the whole scan where a part will do."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Volume

Slices = tuple[slice, slice, slice]

# How far the part reaches beyond the lesion: room for the reference along a long bone, and for a vertebra's neighbours.
MARGIN_MM = 45.0


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A box of a case around its lesion.

    Positions are in mm along the grid's own axes, from the centre of the scan's first voxel (``mm``): lengths and
    angles are those of the patient, and ``axes`` turns a direction of the patient (LPS) into this frame.
    """

    case: Case
    slices: Slices
    lesion: NDArray[np.bool_]

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """(3,) spacing of the voxels [mm]."""
        return np.asarray(self.case.ct.grid.spacing_mm)

    @property
    def start_mm(self) -> NDArray[np.float64]:
        """(3,) centre of the part's first voxel [mm], in the part's frame."""
        return np.array([s.start for s in self.slices]) * self.spacing_mm

    @property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3) matrix from a direction in LPS to the grid's axes."""
        return np.asarray(self.case.ct.grid.direction).reshape(3, 3).T

    @functools.cached_property
    def hu(self) -> NDArray[np.float32]:
        """(i, j, k) [HU] of the part; NaN where nothing was scanned."""
        hu = self.case.ct.array[self.slices].astype(np.float32)
        if self.case.field_of_view is not None:
            hu[self.case.field_of_view.array[self.slices] == 0] = np.nan
        return hu

    @functools.cached_property
    def ct(self) -> Volume:
        """Return the CT of the part, on its own grid."""
        return self.case.ct.part(self.slices)

    def labelled(self, number: int) -> NDArray[np.bool_]:
        """(i, j, k) True where the labels hold ``number``."""
        assert self.case.labels is not None  # only structures of the case are asked for
        return self.case.labels.array[self.slices] == number

    def mm(self, index: NDArray[Any]) -> NDArray[np.float64]:
        """(..., 3) indices in the part to (..., 3) positions in its frame [mm]."""
        return index * self.spacing_mm + self.start_mm

    def index(self, mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 3) positions in the part's frame [mm] to (..., 3) fractional indices in the part."""
        return (mm - self.start_mm) / self.spacing_mm

    def sample(self, array: NDArray[Any], mm: NDArray[np.float64], beyond: float) -> NDArray[np.float32]:
        """(...) linear interpolation of ``array`` (i, j, k) at (..., 3) positions [mm]; ``beyond`` outside the part."""
        from scipy import ndimage  # only here: slow to import

        index = np.moveaxis(self.index(mm), -1, 0)
        values = np.asarray(array, dtype=np.float32)
        found: Any = ndimage.map_coordinates(values, index, order=1, mode="constant", cval=beyond)
        return found

    def look_up(self, mask: NDArray[np.bool_], mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(...) value of ``mask`` (i, j, k) in the voxel that holds each of (..., 3) positions [mm]; False outside."""
        index = np.floor(self.index(mm) + 0.5).astype(np.intp)
        inside = np.all((index >= 0) & (index < np.asarray(mask.shape)), axis=-1)
        flat = np.ravel_multi_index(tuple(np.moveaxis(index, -1, 0)), mask.shape, mode="clip")
        return mask.ravel()[flat] & inside


def part_of(case: Case, margin_mm: float = MARGIN_MM) -> Part:
    """Cut the box around the lesion of ``case`` with ``margin_mm`` [mm] on every side, as far as the scan goes."""
    assert case.lesion is not None  # measure() refuses a case without lesion
    mask = case.lesion.mask.array
    low, high = _box(mask)
    slices = []
    for axis, spacing in enumerate(case.ct.grid.spacing_mm):
        more = int(np.ceil(margin_mm / spacing))
        slices.append(slice(max(0, low[axis] - more), min(mask.shape[axis], high[axis] + more)))
    return Part(case=case, slices=tuple(slices), lesion=mask[tuple(slices)] > 0)


def _box(mask: NDArray[Any]) -> tuple[list[int], list[int]]:
    low, high = [], []
    along_k = np.any(mask, axis=(0, 1))
    first, last = np.flatnonzero(along_k)[[0, -1]]
    within = np.any(mask[:, :, first : last + 1], axis=2)
    for there in (within.any(axis=1), within.any(axis=0), along_k):
        ends = np.flatnonzero(there)[[0, -1]]
        low.append(int(ends[0]))
        high.append(int(ends[1]) + 1)
    return low, high
