"""Where the slices of a series lie: their order and their grid, or why they are no regular stack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iceball.errors import GeometryError, InputError
from iceball.io._nifti import grid_from_affine
from iceball.nouns import Grid

LEAST_SLICES = 3
_SAME_ORIENTATION = 1e-3
_DOUBLED_FRACTION = 0.05  # closer than this share of the spacing is the same place twice
_UNEVEN_FRACTION = 0.02  # positions are written to 1e-3 mm or better: 2 % of a millimetre is no rounding
_SIDEWAYS_MM = 0.2  # a tilted gantry shifts a stack by millimetres; rounding by far less


def stack_grid(slices: Sequence[Any]) -> tuple[list[int], Grid]:
    """Order of ``slices`` (DICOM headers) along their normal, and the grid of the stack, axes (columns, rows, slices).

    Raises
    ------
    InputError : if a slice does not say where it lies
    GeometryError : if there are fewer than three slices, or they are missing, doubled, uneven, turned or tilted
    """
    if len(slices) < LEAST_SLICES:
        raise GeometryError(f"the series has too few slices ({len(slices)}): a case needs at least {LEAST_SLICES}")
    origins = np.array([_numbers(s, "ImagePositionPatient", 3) for s in slices])
    turns = np.array([_numbers(s, "ImageOrientationPatient", 6) for s in slices])
    usual = np.median(turns, axis=0)
    odd = np.count_nonzero(np.abs(turns - usual).max(axis=1) > _SAME_ORIENTATION)
    if odd:
        raise GeometryError(f"{odd} of {len(slices)} slices are turned against the others: give one series")
    across, down = usual[:3], usual[3:]
    normal = np.cross(across, down)
    if not np.isclose(np.linalg.norm(normal), 1.0, atol=_SAME_ORIENTATION):
        raise GeometryError("the slices' rows and columns are not at right angles: export the series again")
    heights = origins @ normal
    order = [int(i) for i in np.argsort(heights, kind="stable")]
    heights, origins = heights[order], origins[order]
    spacing = _spacing(heights)
    _require_upright(origins, normal)
    row_mm, column_mm = _numbers(slices[0], "PixelSpacing", 2)
    if min(row_mm, column_mm) <= 0:
        raise GeometryError(f"the pixels are {row_mm:g} x {column_mm:g} mm in size: export the series again")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = across * column_mm, down * row_mm, normal * spacing
    affine[:3, 3] = origins[0]
    return order, grid_from_affine(affine, (int(slices[0].Columns), int(slices[0].Rows), len(slices)))


def _spacing(heights: NDArray[np.float64]) -> float:
    """Distance of the slices [mm] at sorted ``heights`` (N,) [mm] along their normal, if it is one distance."""
    steps = np.diff(heights)
    usual = float(np.median(steps[steps > 0])) if np.any(steps > 0) else 0.0
    at = int(np.argmin(steps))
    if usual == 0 or steps[at] < _DOUBLED_FRACTION * usual:
        raise GeometryError(f"two slices lie at the same place, {heights[at]:.2f} mm: remove the doubled one")
    at = int(np.argmax(steps))
    missing = round(steps[at] / usual) - 1
    if missing >= 1 and abs(steps[at] - (missing + 1) * usual) <= _UNEVEN_FRACTION * usual * (missing + 1):
        raise GeometryError(
            f"{_slices(missing)} missing between {heights[at]:.2f} and {heights[at + 1]:.2f} mm: the gap is "
            f"{steps[at]:.2f} mm where the slices lie {usual:.2f} mm apart; export the whole series"
        )
    mean = float(heights[-1] - heights[0]) / (len(heights) - 1)
    drift = np.abs(heights - (heights[0] + mean * np.arange(len(heights)))).max()
    if drift > _UNEVEN_FRACTION * mean or np.abs(steps - mean).max() > _UNEVEN_FRACTION * mean:
        raise GeometryError(
            f"the slices are unevenly spaced, {steps.min():.2f} to {steps.max():.2f} mm apart: "
            "give a series of one spacing, or resample it"
        )
    return mean


def _require_upright(origins: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
    way = origins - origins[0]
    sideways = np.linalg.norm(way - np.outer(way @ normal, normal), axis=1)
    if sideways.max() > _SIDEWAYS_MM:
        angle = math.degrees(math.atan2(sideways[-1], float(way[-1] @ normal)))
        raise GeometryError(
            f"the gantry was tilted: the stack leans by {angle:.1f} degrees ({sideways.max():.1f} mm sideways); "
            "straighten it first (for example with dcm2niix)"
        )


def _numbers(header: Any, field: str, count: int) -> NDArray[np.float64]:
    name = Path(str(header.filename)).name
    try:
        values = np.array([float(value) for value in getattr(header, field, None) or ()])
    except (TypeError, ValueError):
        values = np.empty(0)
    if len(values) != count or not np.all(np.isfinite(values)):
        raise InputError(f"slice {name} does not say where it lies ({field} is missing or broken): export it again")
    return values


def _slices(count: int) -> str:
    return "1 slice is" if count == 1 else f"{count} slices are"
