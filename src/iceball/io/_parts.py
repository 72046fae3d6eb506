"""What the readers of single files hand to ``read_scan``, before anything is put on one grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from iceball.nouns import Grid
from iceball.nouns._noun import array_noun


@array_noun
class ScanPart:
    """A CT as read: ``array`` (I, J, K) [HU], ``padding`` (I, J, K) True where nothing was scanned.

    ``frames`` are the DICOM frames of reference of its slices, empty for NIfTI. They never leave ``io``.
    """

    array: NDArray[Any]
    padding: NDArray[Any]
    grid: Grid
    frames: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@array_noun
class MaskPart:
    """Labels or a lesion as read: ``array`` (I, J, K) whole numbers; ``names`` by number where the file has them.

    ``cropped`` says that the format may leave out what is not marked, so that a smaller box is no mistake.
    """

    what: str
    array: NDArray[Any]
    grid: Grid
    frames: frozenset[str] = frozenset()
    names: Mapping[int, str] | None = None
    cropped: bool = False
    notes: tuple[str, ...] = ()
