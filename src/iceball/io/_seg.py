"""Read a DICOM SEG, BINARY or LABELMAP, as one label volume with the segments' names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import highdicom
import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.io._nifti import closest_to_lps, grid_from_affine
from iceball.io._parts import MaskPart


def read_seg(path: Path, what: str) -> MaskPart:
    """Read every segment of the SEG at ``path``; the array (I, J, K) holds segment numbers.

    Slices are placed by their own positions. ``get_volume`` of highdicom may turn their order round; the affine that
    comes with it says so, and is what is used here.

    Raises
    ------
    InputError : if the file is damaged or FRACTIONAL, or two segments overlap
    GeometryError : if its frames are no regular stack
    """
    try:
        seg: Any = highdicom.seg.segread(path)
    except Exception as cause:  # highdicom and pydicom raise whatever a damaged file makes them meet
        raise InputError(f"{what} is damaged or no sound SEG ({_line(cause)}): export it again") from None
    kind = seg.segmentation_type.value
    if kind not in ("BINARY", "LABELMAP"):
        raise InputError(f"{what} is a {kind} SEG: export it as BINARY, so that each voxel is in or out")
    names = {n: str(seg.get_segment_description(n).segment_label).strip() for n in seg.segment_numbers if n > 0}
    try:
        volume = seg.get_volume(combine_segments=True, allow_missing_positions=True)
    except RuntimeError as cause:
        if "overlap" in str(cause).lower():
            raise InputError(f"{what} has segments that overlap: a voxel can be one structure only") from None
        raise GeometryError(f"{what} is no regular stack of slices ({_line(cause)})") from None
    except Exception as cause:  # a cut-off pixel stream fails here, in a decoder
        raise InputError(f"{what} cannot be read as a volume ({_line(cause)}): export it again") from None
    # highdicom counts (slice, row, column); so does its affine: nothing has to be turned before it is normalised
    array = np.asarray(volume.array)
    turned, grid = closest_to_lps(array.astype(np.int32), grid_from_affine(np.asarray(volume.affine), array.shape))
    frame = str(seg.get("FrameOfReferenceUID", ""))
    return MaskPart(what=what, array=turned, grid=grid, frames=frozenset(filter(None, [frame])), names=names)


def _line(cause: BaseException) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0][:120]
