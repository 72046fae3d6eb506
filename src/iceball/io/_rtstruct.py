"""Fill the contours of an RTSTRUCT on the slices of the CT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.io._parts import MaskPart, ScanPart
from iceball.io._placing import OUTSIDE_FRACTION, require_frame
from iceball.nouns import Grid

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
_LEAST_POINTS = 3  # fewer enclose nothing: strays of a drawing program
_FLAT_VOXELS = 0.1  # how far the points of a contour may leave its plane, in slices
_SAME_PLANE_VOXELS = 0.1


def read_rtstruct(path: Path, what: str, chosen: str, scan: ScanPart) -> MaskPart:
    """Fill the closed contours called ``chosen``, or the only ones, on the grid of ``scan``: 1 inside, 0 outside.

    A voxel is inside where an odd number of the contours of its slice go round its centre, so that a contour within
    a contour is a hole. Contours drawn on other slices fill the slices nearest to them.

    Raises
    ------
    InputError : if the file is damaged, or holds several regions and none was chosen
    UnknownName : if there is no region called ``chosen``
    GeometryError : if it has another frame of reference, or its contours lie outside the scan or askew to its slices
    """
    try:
        dataset = pydicom.dcmread(path)
        regions, frames = _regions(dataset)
    except (InputError, GeometryError):
        raise
    except Exception as cause:  # whatever pydicom meets in a damaged file
        raise InputError(f"{what} is damaged or cut off ({cause}): export it again") from None
    name = _pick(regions, what, chosen)
    require_frame(what, frames[name], scan)
    contours = [scan.grid.index_of(points) for points in regions[name]]
    _require_inside(contours, scan.grid, what)
    array, on_slices = _fill(contours, scan.grid, what)
    notes = () if on_slices else ("lesion contours were drawn on other slices: each fills the slices nearest to it",)
    return MaskPart(what=what, array=array, grid=scan.grid, frames=frames[name], notes=notes)


def _regions(dataset: Any) -> tuple[dict[str, list[NDArray[np.float64]]], dict[str, frozenset[str]]]:
    """Closed contours, each (N, 3) LPS [mm], by region; and the frames of reference by region."""
    names, frames = {}, {}
    stated = frozenset(str(f.FrameOfReferenceUID) for f in dataset.get("ReferencedFrameOfReferenceSequence", ()))
    for roi in dataset.StructureSetROISequence:
        name = str(roi.get("ROIName", "")).strip() or f"ROI {roi.ROINumber}"
        names[int(roi.ROINumber)] = name
        own = str(roi.get("ReferencedFrameOfReferenceUID", ""))
        frames[name] = frozenset([own]) if own else stated
    regions: dict[str, list[NDArray[np.float64]]] = {}
    for item in dataset.get("ROIContourSequence", ()):
        for contour in item.get("ContourSequence", ()):
            if contour.ContourGeometricType in _CLOSED:
                points = np.asarray(contour.ContourData, dtype=float).reshape(-1, 3)
                if len(points) >= _LEAST_POINTS:
                    regions.setdefault(names[int(item.ReferencedROINumber)], []).append(points)
    return regions, frames


def _pick(regions: dict[str, list[NDArray[np.float64]]], what: str, chosen: str) -> str:
    if not regions:
        raise InputError(f"{what} is empty: it has no closed contour")
    known = ", ".join(regions)
    if chosen and chosen not in regions:
        raise UnknownName(f"{what} has no region {chosen!r}; it has: {known}")
    if not chosen and len(regions) > 1:
        raise InputError(f"{what} holds {len(regions)} regions ({known}): pick one as FILE#NAME")
    return chosen or next(iter(regions))


def _require_inside(contours: list[NDArray[np.float64]], grid: Grid, what: str) -> None:
    points = np.concatenate(contours)
    inside = np.all((points >= -0.5) & (points <= np.asarray(grid.shape) - 0.5), axis=1)
    share = 1.0 - float(inside.mean())
    if share > OUTSIDE_FRACTION:
        raise GeometryError(f"{what}: {100 * share:.0f} % of it lies outside the scan; give a CT that holds it whole")


def _fill(contours: list[NDArray[np.float64]], grid: Grid, what: str) -> tuple[NDArray[np.uint8], bool]:
    """0/1 array (I, J, K), and whether every contour lay on a slice; ``contours`` are (N, 3) voxel indices."""
    spread = np.max([np.ptp(points, axis=0) for points in contours], axis=0)
    axis = int(np.argmin(spread))
    if spread[axis] > _FLAT_VOXELS:
        raise GeometryError(f"{what}: its contours lie askew to the slices of the CT: export it as a mask instead")
    planes: dict[float, NDArray[np.bool_]] = {}
    others = [a for a in range(3) if a != axis]
    shape = (grid.shape[others[0]], grid.shape[others[1]])
    for points in contours:
        height = float(points[:, axis].mean())
        height = next((h for h in planes if abs(h - height) <= _SAME_PLANE_VOXELS), height)
        inside = polygon2mask(shape, points[:, others])
        planes[height] = planes.get(height, np.zeros(shape, dtype=bool)) ^ inside
    array = np.zeros(grid.shape, dtype=np.uint8)
    slabs = np.moveaxis(array, axis, 0)
    heights = np.array(sorted(planes))
    on_slices = bool(np.abs(heights - np.rint(heights)).max() <= _SAME_PLANE_VOXELS)
    half = 0.5 * max(1.0, _usual_step(heights))
    for k in range(grid.shape[axis]):
        nearest = float(heights[np.argmin(np.abs(heights - k))])
        if abs(nearest - k) <= half * (1 - 1e-6):
            slabs[k] = planes[nearest]
    return array, on_slices and half == 0.5


def _usual_step(heights: NDArray[np.float64]) -> float:
    """Smallest distance between neighbouring planes, in slices: a larger gap is a gap in the lesion."""
    return float(np.diff(heights).min()) if len(heights) > 1 else 1.0
