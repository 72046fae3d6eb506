"""What the other doubts share: a part of the scan at some 2 mm, connected pieces in it, and a finding on a CT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy._pieces import numbered
from iceball.nouns import Finding
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from iceball.nouns import Case, Cited, Severity
    from iceball.nouns._noun import Point

Slices = tuple[slice, slice, slice]

COARSE_MM = 2.0  # fine enough for a vessel of 8 mm: numerical
REACH_MM = 80.0  # beyond this from the lesion neither cold nor a needle's ice reaches: numerical, generous


@array_noun
class Part:
    """The scan around the lesion, or all of it, every so many voxels: ``hu`` and ``labels`` (I, J, K).

    ``first`` and ``every`` say which CT voxels these are.
    """

    case: Case
    hu: NDArray[np.float32]
    labels: NDArray[Any] | None
    first: tuple[int, int, int]
    every: tuple[int, int, int]

    @property
    def voxel_ml(self) -> float:
        """Volume that one of these voxels stands for [ml]."""
        return self.case.ct.grid.voxel_ml * float(np.prod(self.every))

    def position_mm(self, index: NDArray[Any]) -> Point:
        """Position (LPS) [mm] of an index (3,) of this part."""
        x, y, z = self.case.ct.grid.position_mm(np.asarray(self.first) + np.asarray(index) * np.asarray(self.every))
        return float(x), float(y), float(z)


def part_of(case: Case) -> Part:
    """Take the scan within REACH_MM of the lesion, or the whole of it, at about COARSE_MM."""
    spacing = case.ct.grid.spacing_mm
    i, j, k = (max(1, round(COARSE_MM / size)) for size in spacing)
    near = around_lesion(case)
    cut = tuple(slice(side.start, side.stop, every) for side, every in zip(near, (i, j, k), strict=True))
    return Part(
        case=case,
        hu=np.ascontiguousarray(case.ct.array[cut], dtype=np.float32),
        labels=None if case.labels is None else np.ascontiguousarray(case.labels.array[cut]),
        first=(near[0].start, near[1].start, near[2].start),
        every=(i, j, k),
    )


def around_lesion(case: Case) -> Slices:
    """Say which part of the CT lies within REACH_MM of the lesion; all of it without a lesion."""
    shape = case.ct.grid.shape
    if case.lesion is None:
        return slice(0, shape[0]), slice(0, shape[1]), slice(0, shape[2])
    mask = case.lesion.mask.array
    slices = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        there = np.flatnonzero(mask.any(axis=others))
        reach = int(REACH_MM / case.ct.grid.spacing_mm[axis])
        slices.append(slice(max(0, int(there[0]) - reach), min(shape[axis], int(there[-1]) + reach + 1)))
    return slices[0], slices[1], slices[2]


def pieces(mask: NDArray[np.bool_], least: int) -> Iterator[tuple[NDArray[np.bool_], Slices]]:
    """Give the connected pieces of ``mask`` with at least ``least`` voxels, greatest first, each in its own box."""
    from scipy import ndimage  # only here: slow to import

    numbers, count = numbered(mask)
    sizes = np.bincount(numbers.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    boxes = ndimage.find_objects(numbers)
    for number in np.argsort(-sizes, kind="stable"):
        if sizes[number] < max(least, 1):
            return
        box: Any = boxes[number - 1]
        yield numbers[box] == number, box


def doubt(rule: str, severity: Severity, says: str, row: Cited, measured: float) -> Finding:
    """Make the finding on a CT whose ``measured`` value, in the unit of ``row``, is held against ``row``."""
    return Finding(
        rule=rule,
        severity=severity,
        says=says,
        source=row.source,
        subject="CT",
        measured=measured,
        limit=row.value,
        unit=row.unit,
    )


def wider(box: Slices, by: int, shape: tuple[int, ...]) -> tuple[Slices, tuple[tuple[int, int], ...]]:
    """Widen ``box`` by so many voxels within ``shape``; also how much that added on each side."""
    bigger = tuple(slice(max(0, s.start - by), min(n, s.stop + by)) for s, n in zip(box, shape, strict=True))
    added = tuple((s.start - b.start, b.stop - s.stop) for s, b in zip(box, bigger, strict=True))
    return (bigger[0], bigger[1], bigger[2]), added
