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
SLANTING = 0.4  # of a unit vector: from there on a side is named


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


def probe_planes(outward: Point, spread: Point, middle_mm: Point, half_mm: float) -> tuple[Plane, Plane]:
    """The plane along probes with direction ``outward`` in which they ``spread``, and the one across them.

    Both go through ``middle_mm`` [mm]. The front, the head or the patient's left is up or to the right of the picture,
    as in the other planes; ``spread`` need not be at right angles to ``outward``, nor either of length one.
    """
    along = _toward(np.asarray(outward, dtype=float), (0.0, -1.0, 0.05))
    aside = np.asarray(spread, dtype=float)
    aside = aside - float(aside @ along) * along
    if np.linalg.norm(aside) < 1e-6:  # probes in one line: any plane that holds them is as good
        aside = np.asarray(np.cross(along, np.eye(3)[int(np.argmin(np.abs(along)))]), dtype=float)
    right = _toward(aside, (1.0, 0.05, 0.01))
    up = _toward(np.asarray(np.cross(along, right), dtype=float), (0.0, -0.05, 1.0))

    def plane(name: str, across: NDArray[np.float64], upward: NDArray[np.float64]) -> Plane:
        marks = (_side(-across), _side(across), _side(upward), _side(-upward))
        return Plane(
            name=name, centre_mm=middle_mm, half_mm=half_mm, across=_point(across), up=_point(upward), marks=marks
        )

    return plane("along the probes", right, along), plane("across the probes", right, up)


def _toward(direction: NDArray[np.float64], side: Point) -> NDArray[np.float64]:
    """``direction`` or its opposite, whichever points to ``side``, of length one."""
    unit = direction / np.linalg.norm(direction)
    return -unit if unit @ np.asarray(side) < 0 else unit


def _side(direction: NDArray[np.float64]) -> str:
    """Letters of the sides that ``direction``, LPS, points to: one, or two where it slants."""
    letters = ("R", "L"), ("A", "P"), ("F", "H")
    order = [int(axis) for axis in np.argsort(-np.abs(direction)) if abs(direction[axis]) > SLANTING]
    return "".join(letters[axis][int(direction[axis] > 0)] for axis in order[:2])


def _point(vector: NDArray[np.float64]) -> Point:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def cut(volume: Volume, plane: Plane) -> NDArray[np.float64]:
    """(N, N) values of ``volume`` on ``plane``, NaN outside its box; labels are never blurred."""
    points = plane.points_mm()
    order = 0 if volume.quantity == "label" else 1
    values = np.full(points.shape[:2], np.nan)
    inside = volume.grid.contains(points)
    index = volume.grid.index_of(points[inside]).T
    values[inside] = map_coordinates(volume.array, index, output=np.float64, order=order, mode="nearest")
    return values
