"""Read a scan: CT, organ labels and lesion from the files of the hospital, put on one grid, into a Case."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iceball import library
from iceball.errors import GeometryError, InputError, MissingPart
from iceball.io._masks import read_mask, split_region
from iceball.io._models import PSEUDONYM
from iceball.io._names import read_names, structures_of
from iceball.io._nifti import closest_to_lps, is_nifti, read_nifti
from iceball.io._padding import PADDING_HU, field_of_view, find_padding
from iceball.io._parts import ScanPart
from iceball.io._paths import is_there
from iceball.io._placing import place, require_inside
from iceball.io.cases import is_whole
from iceball.io.fingerprints import case_fingerprint
from iceball.nouns import Case, Lesion, Matrix, Structure, Volume

__all__ = ["read_scan"]

Progress = Callable[[float, str], None]

LEAST_SLICES = 3
# A CT of a body has fat (near -100 HU) or air in it, and bone: values that reach neither are no HU.
FAT_HU, BONE_HU, LARGEST_HU = -50, 100, 2**15 - 1
UNSTATED = "a mask that was given; who drew it was not stated"


def read_scan(  # noqa: PLR0913  (one question each, as `iceball read` asks them)
    source: Path | str,
    *,
    labels: Path | str | None = None,
    names: Path | str | None = None,
    lesion: Path | str | None = None,
    lesion_matrix: Matrix = "lytic",
    lesion_origin: str = UNSTATED,
    case_id: str | None = None,
    progress: Progress | None = None,
) -> Case:
    """Read a CT and what is marked on it into a case. Nothing that names a patient enters it.

    Parameters
    ----------
    source : Path
        A NIfTI CT [HU], or a folder with the slices of one DICOM CT series.
    labels : Path, optional
        Organ labels: NIfTI, or DICOM SEG. Numbers mean TotalSegmentator v2 structures unless ``names`` is given.
    names : Path, optional
        Table of label numbers and names (CSV or JSON).
    lesion : Path, optional
        The lesion: NIfTI mask, DICOM SEG or RTSTRUCT. ``FILE#NAME`` or ``FILE#NUMBER`` picks one of several.
    lesion_matrix : Matrix
        "lytic", "blastic" or "mixed".
    lesion_origin : str
        Who made the mask.
    case_id : str, optional
        A pseudonym; without one the case is called "case-" and its fingerprint.
    progress : callable, optional
        Called with the share done (0 to 1) and a word on what is being done.

    Returns
    -------
    Case
        Arrays (I, J, K) with axes as near as can be to left, back and head (LPS); padding is air (-1024 HU) and 0 in
        ``field_of_view``; ``notes`` say what had to be put right.

    Raises
    ------
    InputError : if a file is missing, damaged, not a CT, or its labels have no names
    GeometryError : if slices are missing, doubled, uneven or tilted, or a mask does not lie on the CT
    MissingPart : if a path does not exist
    """
    tell = progress or (lambda done_fraction, text: None)
    for path in filter(None, (source, _file(labels), names, _file(lesion))):
        if not is_there(path):
            raise MissingPart(f"{path} does not exist: check the path")
        if not os.access(path, os.R_OK):
            raise InputError(f"{path} may not be read: ask for permission to read it")
    if case_id is not None and not re.fullmatch(PSEUDONYM, case_id):
        raise InputError(f"{case_id!r} is no pseudonym: write up to 64 letters, digits, '.', '_' or '-'")
    if names is not None and labels is None:
        raise InputError(f"the names table {names} was given without labels: add --labels FILE")
    scan = _read_ct(Path(source), tell)
    array, view, padding_note = field_of_view(scan.array, scan.padding)
    tell(0.7, "labels and lesion")
    label_array, structures, label_notes = _labels(labels, names, scan)
    mask, lesion_notes = _lesion(lesion, scan)
    ct = Volume(grid=scan.grid, array=_light(array), quantity="hu")
    case = Case(
        id="unnamed",
        ct=ct,
        labels=_volume(ct, label_array),
        structures=structures,
        lesion=None if mask is None else Lesion(mask=mask, matrix=lesion_matrix, origin=lesion_origin),
        field_of_view=_volume(ct, view),
        notes=(*scan.notes, *filter(None, [padding_note]), *label_notes, *lesion_notes),
    )
    tell(0.95, "fingerprint")
    return dataclasses.replace(case, id=case_id or f"case-{case_fingerprint(case)}")


def _read_ct(source: Path, tell: Progress) -> ScanPart:
    if source.is_dir():
        from iceball.io._dicom_ct import read_series  # pydicom is slow to import and NIfTI does not need it

        scan = read_series(source, lambda done_fraction, text: tell(0.6 * done_fraction, text))
    elif is_nifti(source):
        tell(0.05, "CT")
        array, grid = closest_to_lps(*read_nifti(source, "CT"))
        _require_slices(array.shape, source.name)
        scan = ScanPart(array=array, padding=find_padding(array, f"CT {source.name}"), grid=grid)
    else:
        raise InputError(
            f"{source.name} is no scan iceball reads: give a .nii or .nii.gz file, or a folder of DICOM CT"
        )
    tell(0.6, "padding")
    _require_hu(scan, source.name)
    return scan


def _require_slices(shape: tuple[int, ...], name: str) -> None:
    if min(shape) < LEAST_SLICES:
        raise GeometryError(
            f"{name} is {' × '.join(map(str, shape))} voxels: a case needs at least {LEAST_SLICES} slices"
        )


def _require_hu(scan: ScanPart, name: str) -> None:
    """Refuse values that no CT of a body in HU has: MR, windowed pictures, stored values without their rescale."""
    inside = scan.array[~scan.padding]
    if inside.size == 0:
        raise InputError(f"{name} holds nothing but padding (values of {PADDING_HU:g} HU or less, or one constant)")
    low, high = float(inside.min()), float(inside.max())
    if low > FAT_HU or not BONE_HU <= high <= LARGEST_HU:
        raise InputError(
            f"{name} is not a CT in HU: its values run from {low:g} to {high:g}, but a body holds fat or air (below "
            f"{FAT_HU}) and bone (above {BONE_HU}); give the CT itself, with its rescale applied"
        )


def _labels(
    path: Path | str | None, table: Path | str | None, scan: ScanPart
) -> tuple[NDArray[Any] | None, tuple[Structure, ...], tuple[str, ...]]:
    if path is None:
        return None, (), ()
    mask = read_mask(Path(path), "labels", scan)
    array, notes = place(mask, scan)
    numbers = [int(number) for number in np.unique(array) if number != 0]
    if not numbers:
        raise InputError(f"{mask.what} mark nothing on this CT: every voxel is 0")
    if table is not None:
        names = read_names(Path(table))
    elif mask.names is not None:
        names = mask.names
    else:
        names, notes = library.label_names(), (*notes, "label numbers read as those of TotalSegmentator v2 (total)")
    return array, structures_of(numbers, names, mask.what), (*mask.notes, *notes)


def _lesion(path: Path | str | None, scan: ScanPart) -> tuple[Volume | None, tuple[str, ...]]:
    if path is None:
        return None, ()
    mask = read_mask(Path(path), "lesion", scan)
    if not np.any(mask.array):
        raise InputError(f"{mask.what} is empty: no voxel is marked")
    array, notes = place(mask, scan)
    require_inside(mask, scan.grid)
    if not np.any(array):
        raise InputError(f"{mask.what} falls between the voxels of the CT: it is smaller than one of them")
    lost = np.count_nonzero((array != 0) & scan.padding) / np.count_nonzero(array)
    if lost > 0.5:
        raise GeometryError(f"{mask.what} lies outside the scan: {100 * lost:.0f} % of it is on padding")
    if lost > 0:
        notes = (*notes, f"{100 * lost:.2g} % of the lesion lies on padding, where nothing was scanned")
    array = (array != 0).astype(np.uint8)
    return Volume(grid=scan.grid, array=array, quantity="label"), (*mask.notes, *notes)


def _light(array: NDArray[Any]) -> NDArray[Any]:
    """HU as int16 where that loses nothing, else float32."""
    return array.astype(np.int16 if is_whole(array) else np.float32)


def _volume(ct: Volume, array: NDArray[Any] | None) -> Volume | None:
    return None if array is None else Volume(grid=ct.grid, array=array, quantity="label")


def _file(path: Path | str | None) -> Path | None:
    """The file of FILE#NAME."""
    return None if path is None else split_region(Path(path))[0]
