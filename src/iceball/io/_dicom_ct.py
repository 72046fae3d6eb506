"""Read one DICOM CT series from a folder: slices ordered by where they lie, never by name or number."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.misc import is_dicom
from pydicom.uid import CTImageStorage

from iceball.errors import GeometryError, InputError
from iceball.io._nifti import closest_to_lps
from iceball.io._padding import PADDING_HU, constant_border
from iceball.io._parts import ScanPart
from iceball.io._stack import stack_grid
from iceball.nouns import Grid

_NO_IMAGE = ("SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG")
# A file cut off in its header lacks the last of these, which stand right before the pixels.
_IN_EVERY_IMAGE = (
    "SOPClassUID",
    "Modality",
    "SeriesInstanceUID",
    "Rows",
    "Columns",
    "BitsAllocated",
    "PixelRepresentation",
)
_SURE_PADDING_HU = -900.0  # a padding value this low is air or less: it needs no further proof


def read_series(folder: Path, tell: Callable[[float, str], None]) -> ScanPart:
    """Read the CT series in ``folder`` and below it, in HU, with axes nearest to left, back and head.

    Raises
    ------
    InputError : if there is no CT, more than one series, or a slice is damaged or not in HU
    GeometryError : if slices are missing, doubled, uneven, tilted, or differ in size or orientation
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of values that break the standard; those read here are checked
        slices, notes = _headers(folder, tell)
        _require_one_series(slices)
        order, grid = stack_grid(slices)
        slices = [slices[i] for i in order]
        array, padding = _pixels(slices, grid, tell)
    frames = frozenset(str(s.FrameOfReferenceUID) for s in slices if getattr(s, "FrameOfReferenceUID", None))
    if len(frames) > 1:
        notes += (f"{len(slices)} slices name {len(frames)} frames of reference: read as one, their positions fit",)
    turned, turned_grid = closest_to_lps(array, grid)
    turned_padding, _ = closest_to_lps(padding.astype(np.uint8), grid)
    return ScanPart(array=turned, padding=turned_padding.astype(bool), grid=turned_grid, frames=frames, notes=notes)


def _headers(folder: Path, tell: Callable[[float, str], None]) -> tuple[list[Any], tuple[str, ...]]:
    files = _files(folder)
    if not files:
        raise InputError(f"folder {folder} is empty: give the folder that holds the DICOM slices")
    slices: list[Any] = []
    skipped: Counter[str] = Counter()
    for number, path in enumerate(files):
        tell(0.4 * number / len(files), "headers")
        header = _header(path)
        if header is None:
            skipped["no DICOM image"] += 1
        elif str(getattr(header, "Modality", "")) in _NO_IMAGE:
            skipped[str(header.Modality)] += 1
        else:
            slices.append(header)
    if not slices:
        raise InputError(
            f"folder {folder} holds no DICOM image ({len(files)} other files): give the folder of the slices"
        )
    notes = tuple(
        f"{count} file{'s' * (count > 1)} in the folder left aside ({kind})" for kind, count in sorted(skipped.items())
    )
    return slices, notes


def _files(folder: Path) -> list[Path]:
    """Every file in ``folder`` and below; a folder that may not be read is refused: slices may be missing in it."""

    def refuse(cause: OSError) -> None:
        raise InputError(f"folder {cause.filename} cannot be read: {cause.strerror}; ask for permission") from None

    files = [Path(base, name) for base, _, names in os.walk(folder, onerror=refuse) for name in names]
    if locked := [path for path in files if path.is_file() and not os.access(path, os.R_OK)]:
        raise InputError(f"{locked[0]} may not be read ({len(locked)} such files): ask for permission to read it")
    return sorted(path for path in files if path.is_file())


def _header(path: Path) -> Any:
    """Header of one DICOM image; None for files that are none (a text file, a DICOMDIR)."""
    if not is_dicom(path):
        if path.suffix.lower() in (".dcm", ".ima"):
            raise InputError(f"{path.name} is not DICOM, or is damaged at its beginning: remove it or export it again")
        return None
    if path.name.upper() == "DICOMDIR":
        return None
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        lacking = [field for field in _IN_EVERY_IMAGE if field not in header]
        modality = str(header.get("Modality", ""))
    except Exception as cause:  # pydicom raises whatever a damaged file makes it meet
        raise InputError(f"{path.name} is damaged or cut off ({_line(cause)}): export it again") from None
    if lacking and modality not in _NO_IMAGE:
        raise InputError(f"{path.name} is damaged or cut off (it has no {lacking[0]}): export it again")
    header.filename = str(path)
    return header


def _require_one_series(slices: Sequence[Any]) -> None:
    kinds = Counter(str(getattr(s, "Modality", "unknown")) for s in slices)
    if set(kinds) != {"CT"}:
        found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        raise InputError(f"not a CT: the folder holds {found} images; give a folder with CT slices only")
    if other := sum(s.SOPClassUID != CTImageStorage for s in slices):
        raise InputError(
            f"{other} of {len(slices)} images are no plain CT slices (enhanced or derived): convert to NIfTI"
        )
    series = Counter(str(getattr(s, "SeriesInstanceUID", "")) for s in slices)
    if len(series) > 1:
        counts = " + ".join(str(count) for _, count in series.most_common())
        raise InputError(
            f"the folder mixes {len(series)} series ({counts} slices): put the one to read into a folder of its own"
        )
    for field, what in (("Rows", "sizes"), ("Columns", "sizes"), ("PixelSpacing", "pixel spacings")):
        values = Counter(str(getattr(s, field, "none")) for s in slices)
        if len(values) > 1:
            listed = ", ".join(f"{count} with {field} {value}" for value, count in values.most_common(3))
            raise GeometryError(f"the slices have {len(values)} different {what} ({listed}): give one series")


def _pixels(
    slices: Sequence[Any], grid: Grid, tell: Callable[[float, str], None]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """HU (I, J, K) as float32, and where the slices are padding (I, J, K)."""
    across = grid.shape[::-1]  # one slice after the other in memory, turned at the end
    array = np.empty(across, dtype=np.float32)
    sure, doubtful = np.zeros(across, dtype=bool), np.zeros(across, dtype=bool)
    for k, header in enumerate(slices):
        tell(0.4 + 0.6 * k / len(slices), "slices")
        stored = _stored(header, Path(header.filename))
        slope, intercept = _rescale(header)
        array[k] = stored * slope + intercept
        marked, low = _marked(header, stored), array[k] <= _SURE_PADDING_HU
        sure[k] = (marked & low) | (array[k] <= PADDING_HU)
        doubtful[k] = marked & ~low
    return array.T, (sure | constant_border(doubtful)).T


def _stored(header: Any, path: Path) -> NDArray[Any]:
    """Stored values (rows, columns) of one slice."""
    try:
        dataset = pydicom.dcmread(path)
        pixels = np.asarray(dataset.pixel_array)
    except Exception as cause:  # decoders raise whatever their C libraries raise: one slice of doubt refuses the scan
        raise InputError(f"slice {path.name} is damaged or cut off ({_line(cause)}): export it again") from None
    if pixels.shape != (header.Rows, header.Columns):
        raise InputError(f"slice {path.name} decodes to {pixels.shape}, its header says {header.Rows, header.Columns}")
    return pixels.astype(np.float64)


def _rescale(header: Any) -> tuple[float, float]:
    name = Path(header.filename).name
    slope, intercept = getattr(header, "RescaleSlope", None), getattr(header, "RescaleIntercept", None)
    if slope is None or intercept is None or float(slope) == 0:
        raise InputError(f"slice {name} has no rescale slope and intercept: its values are not HU; export it again")
    kind = str(getattr(header, "RescaleType", "") or "HU")
    if kind != "HU":
        raise InputError(f"slice {name} is rescaled to {kind}, not to HU: give the series in HU")
    return float(slope), float(intercept)


def _marked(header: Any, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Where ``stored`` (rows, columns) holds the Pixel Padding Value, or lies between it and its Range Limit."""
    value = getattr(header, "PixelPaddingValue", None)
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    limit = getattr(header, "PixelPaddingRangeLimit", None)
    ends = sorted(_signed(int(end), header) for end in (value, value if limit is None else limit))
    return (stored >= ends[0]) & (stored <= ends[1])


def _signed(value: int, header: Any) -> int:
    """Padding values are often written unsigned beside signed pixels: 63536 means -2000."""
    bits = int(header.BitsAllocated)
    return value - 2**bits if header.PixelRepresentation == 1 and value >= 2 ** (bits - 1) else value


def _line(cause: BaseException) -> str:
    return (str(cause).splitlines() or [type(cause).__name__])[0][:120]
