"""Where voxels lie: grids and the volumes on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns._noun import Point, array_noun, noun, require_finite, seal_field

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Quantity = Literal["hu", "label", "temperature_c", "fraction", "time_s"]
Direction = tuple[float, float, float, float, float, float, float, float, float]
Place = tuple[slice, slice, slice]
LPS: Direction = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@noun
class Grid:
    """A regular grid of voxels in DICOM LPS coordinates.

    ``origin_mm`` is the centre of voxel (0, 0, 0); ``direction`` is the 3 x 3 matrix (row by row) whose columns are
    the unit vectors of the three index axes, as in SimpleITK.
    """

    shape: tuple[int, int, int]
    spacing_mm: Point
    origin_mm: Point
    direction: Direction = LPS

    def __post_init__(self) -> None:
        """Refuse empty shapes, non-positive spacing and axes that are not orthonormal."""
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GeometryError(f"a grid needs three axes of at least one voxel, not {self.shape}")
        require_finite("grid origin", self.origin_mm)
        if not all(math.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise GeometryError(f"grid spacing must be above zero, not {self.spacing_mm} mm")
        axes = np.asarray(self.direction, dtype=float).reshape(3, 3)
        if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
            raise GeometryError(
                "the grid's axes are not orthogonal unit vectors: sheared or tilted grids are not supported"
            )

    @property
    def affine(self) -> NDArray[np.float64]:
        """(4, 4) matrix from voxel index to LPS position [mm]."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.asarray(self.direction).reshape(3, 3) * np.asarray(self.spacing_mm)
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel [ml]."""
        return math.prod(self.spacing_mm) / 1000.0

    def position_mm(self, index: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) voxel indices, fractions allowed, to (..., 3) LPS positions [mm]."""
        matrix = self.affine
        return np.asarray(index, dtype=float) @ matrix[:3, :3].T + matrix[:3, 3]

    def index_of(self, position_mm: ArrayLike) -> NDArray[np.float64]:
        """(..., 3) LPS positions [mm] to (..., 3) fractional voxel indices."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(position_mm, dtype=float) @ inverse[:3, :3].T + inverse[:3, 3]

    def contains(self, position_mm: ArrayLike) -> NDArray[np.bool_]:
        """(..., 3) LPS positions [mm] to (...) True where the position lies in a voxel of the grid."""
        index = self.index_of(position_mm)
        return np.all((index >= -0.5) & (index <= np.asarray(self.shape) - 0.5), axis=-1)

    def part(self, place: Place) -> Grid:
        """Return the grid of the voxels in ``place``; a slice with a step keeps every so many of them.

        Raises
        ------
        GeometryError : if a slice holds no voxel, or runs backwards
        """
        (a, n_a, by_a), (b, n_b, by_b), (c, n_c, by_c) = (
            (start, len(range(start, stop, step)), step)
            for start, stop, step in (side.indices(n) for side, n in zip(place, self.shape, strict=True))
        )
        x, y, z = self.position_mm((a, b, c)).tolist()
        wide, deep, high = self.spacing_mm
        return Grid(
            shape=(n_a, n_b, n_c),
            spacing_mm=(by_a * wide, by_b * deep, by_c * high),
            origin_mm=(x, y, z),
            direction=self.direction,
        )

    def same_place_as(self, other: Grid, *, tolerance_mm: float = 1e-2) -> bool:
        """Whether both grids have the same shape and every corner agrees within ``tolerance_mm`` [mm]."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.position_mm(corners) - other.position_mm(corners)).max() <= tolerance_mm)


@array_noun
class Volume:
    """An (I, J, K) array and its place. ``quantity`` picks the interpolation: labels are never blurred."""

    grid: Grid
    array: NDArray[Any]
    quantity: Quantity

    def __post_init__(self) -> None:
        """Refuse an array that does not fit its grid, and labels that are not whole numbers."""
        if tuple(self.array.shape) != tuple(self.grid.shape):
            raise GeometryError(f"an array of shape {self.array.shape} does not fit a grid of shape {self.grid.shape}")
        if self.quantity == "label" and self.array.dtype.kind not in "iub":
            raise InputError(f"labels must be whole numbers, not {self.array.dtype}")
        seal_field(self, "array", self.array)

    def part(self, place: Place) -> Volume:
        """Return the voxels in ``place`` on their own grid.

        Raises
        ------
        GeometryError : if a slice holds no voxel, or runs backwards
        """
        return Volume(grid=self.grid.part(place), array=self.array[place], quantity=self.quantity)
