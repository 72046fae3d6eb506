"""Which kind of DICOM mask a file is, and its reader."""

from __future__ import annotations

import warnings
from pathlib import Path

import pydicom

from iceball.errors import InputError
from iceball.io._parts import MaskPart, ScanPart


def read_dicom_mask(path: Path, kind: str, chosen: str, scan: ScanPart) -> MaskPart:
    """Read a DICOM SEG, or the contours called ``chosen`` of an RTSTRUCT (its only ones if "").

    Raises
    ------
    InputError : if the file is damaged, or neither SEG nor RTSTRUCT
    GeometryError : if contours do not lie on the scan
    UnknownName : if there are no contours called ``chosen``
    """
    what = f"{kind} {path.name}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that break the standard; those read here are checked
        try:
            modality = str(pydicom.dcmread(path, specific_tags=["Modality"]).get("Modality", "none"))
        except Exception as cause:  # whatever pydicom meets in a damaged file
            raise InputError(f"{what} is damaged or cut off ({cause}): export it again") from None
        if modality == "SEG":
            from iceball.io._seg import read_seg

            return read_seg(path, what)
        if modality == "RTSTRUCT" and kind != "labels":
            from iceball.io._rtstruct import read_rtstruct

            return read_rtstruct(path, what, chosen, scan)
    wanted = "DICOM SEG" if kind == "labels" else "DICOM SEG or RTSTRUCT"
    raise InputError(f"{what} is DICOM of modality {modality}: give {wanted}, or NIfTI")
