"""Read labels and lesions, whatever the format; each format has its own file beside this one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iceball.errors import InputError, UnknownName
from iceball.io._nifti import closest_to_lps, is_nifti, read_nifti
from iceball.io._nrrd import is_nrrd, read_nrrd
from iceball.io._parts import MaskPart, ScanPart
from iceball.io._paths import is_file, is_there


def read_mask(path: Path, kind: str, scan: ScanPart) -> MaskPart:
    """Read a mask; ``kind`` is "labels", or "lesion" or "mask" for one thing.

    FILE#NAME or FILE#NUMBER picks one thing of several. ``scan`` is the CT, on whose slices the contours of an RTSTRUCT
    are filled.

    Raises
    ------
    InputError : if the file is none iceball reads, is damaged, or holds several regions where one is needed
    UnknownName : if the region that was asked for is not there
    """
    path, chosen = split_region(path)
    if path.is_dir():
        raise InputError(f"{kind} {path} is a folder: give one file (NIfTI, .seg.nrrd, DICOM SEG or RTSTRUCT)")
    if is_nifti(path):
        mask = _read_nifti_mask(path, kind)
    elif is_nrrd(path):
        mask = read_nrrd(path, f"{kind} {path.name}")
    elif _is_dicom(path):
        from iceball.io._dicom_masks import read_dicom_mask  # highdicom is slow to import and NIfTI does not need it

        mask = read_dicom_mask(path, kind, chosen, scan)
        chosen = chosen if mask.names is not None else ""  # of an RTSTRUCT only the chosen contours were filled
    else:
        raise InputError(
            f"{kind} {path.name} is neither NIfTI, NRRD nor DICOM: give .nii(.gz), .seg.nrrd, DICOM SEG or RTSTRUCT"
        )
    return _one_region(mask, kind, chosen)


def split_region(path: Path) -> tuple[Path, str]:
    """Part FILE#NAME into the file and the name; both may hold a ``#``, so the first part that is a file decides."""
    text = str(path)
    if is_there(text):
        return path, ""
    for at in (i for i, letter in enumerate(text) if letter == "#"):
        if is_file(text[:at]):
            return Path(text[:at]), text[at + 1 :]
    return path, ""


def _read_nifti_mask(path: Path, kind: str) -> MaskPart:
    array, grid = closest_to_lps(*read_nifti(path, kind))
    what = f"{kind} {path.name}"
    if array.dtype.kind == "f":
        if not np.all(np.isfinite(array)) or np.any(array != np.rint(array)):
            raise InputError(f"{what} holds fractions: a label or mask volume has whole numbers only")
        array = array.astype(np.int32)
    if array.min() < 0 or array.max() >= 2**31:
        raise InputError(f"{what} holds numbers from {array.min()} to {array.max()}: labels start at 0")
    return MaskPart(what=what, array=array, grid=grid)


def _one_region(mask: MaskPart, kind: str, chosen: str) -> MaskPart:
    """Of a file that marks one thing, a lesion or a structure, keep the one region that is meant."""
    if kind == "labels":
        return mask
    numbers = [int(number) for number in np.unique(mask.array) if number]
    names = {number: (mask.names or {}).get(number, str(number)) for number in numbers}
    known = ", ".join(names.values())
    picked = [number for number, name in names.items() if chosen in (name, str(number))]
    if chosen and not picked:
        raise UnknownName(f"{mask.what} has no region {chosen!r}; it has: {known or 'none'}")
    if not chosen and len(numbers) > 1:
        raise InputError(f"{mask.what} holds {len(numbers)} regions ({known}): pick one as FILE#NAME")
    wanted = picked if chosen else numbers
    return _with(mask, np.isin(mask.array, wanted).astype(np.uint8))


def _with(mask: MaskPart, array: NDArray[Any]) -> MaskPart:
    return dataclasses.replace(mask, array=array, names=None)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
