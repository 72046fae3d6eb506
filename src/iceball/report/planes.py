"""Cut the patient along an axial, a coronal and a sagittal plane, in radiological orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import map_coordinates

from iceball.nouns import Volume
from iceball.nouns._noun import Point, noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_MM = 0.5


@noun
class Plane:
    """A square cut. ``across`` and ``up`` are LPS unit vectors of the picture; marks read left, right, top, bottom."""

    name: str
    centre_mm: Point
    half_mm: float
    across: Point
    up: Point
    marks: tuple[str, str, str, str]

    @property
    def ticks_mm(self) -> NDArray[np.float64]:
        """(N,) distances from the centre at which the plane is sampled, both ways [mm]."""
        count = max(int(np.ceil(self.half_mm / STEP_MM)), 1)
        return np.linspace(-self.half_mm, self.half_mm, 2 * count + 1)

    def points_mm(self) -> NDArray[np.float64]:
        """(N, N, 3) LPS positions [mm]; rows go up, columns across."""
        ticks = self.ticks_mm
        right, up = np.asarray(self.across), np.asarray(self.up)
        return np.asarray(self.centre_mm) + ticks[None, :, None] * right + ticks[:, None, None] * up

    def flat(self, points_mm: NDArray[Any]) -> NDArray[np.float64]:
        """(..., 3) LPS positions [mm] to (..., 3): across, up, and out of the plane [mm]."""
        axes = np.stack([self.across, self.up, np.cross(self.across, self.up)], axis=1)
        return (np.asarray(points_mm, dtype=float) - np.asarray(self.centre_mm)) @ axes


def three_planes(through_mm: Point, middle_mm: Point, half_mm: float) -> tuple[Plane, Plane, Plane]:
    """Axial, coronal and sagittal planes through one place [mm], each centred on ``middle_mm`` [mm] within its plane.

    Radiological orientation: the patient's right is on the left of the picture; a sagittal cut faces left.
    """
    (x, y, z), (a, b, c) = through_mm, middle_mm
    left, front, back, head = (1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)

    def plane(name: str, centre_mm: Point, axes: tuple[Point, Point], marks: tuple[str, str, str, str]) -> Plane:
        return Plane(name=name, centre_mm=centre_mm, half_mm=half_mm, across=axes[0], up=axes[1], marks=marks)

    return (
        plane("axial", (a, b, z), (left, front), ("R", "L", "A", "P")),
        plane("coronal", (a, y, c), (left, head), ("R", "L", "H", "F")),
        plane("sagittal", (x, b, c), (back, head), ("A", "P", "H", "F")),
    )


def cut(volume: Volume, plane: Plane) -> NDArray[np.float64]:
    """(N, N) values of ``volume`` on ``plane``, NaN outside its box; labels are never blurred."""
    points = plane.points_mm()
    order = 0 if volume.quantity == "label" else 1
    values = np.full(points.shape[:2], np.nan)
    inside = volume.grid.contains(points)
    index = volume.grid.index_of(points[inside]).T
    values[inside] = map_coordinates(volume.array, index, output=np.float64, order=order, mode="nearest")
    return values
