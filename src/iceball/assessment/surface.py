"""Surfaces in the patient: the border of a mask, the surface of an isotherm, and how far apart they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.assessment import _numerics
from iceball.nouns import Grid, Volume
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What lies outside the box of a run counts as never cooled; any value far above body heat closes the surface there.
_WARM_C = 1000.0
# Only triangles with the nearest centroids are measured exactly. Close to the surface they contain the nearest one;
# from a distance d a neighbour's may be taken for it, wrong by less than h²/2d, h the voxel (a test compares with all).
_CANDIDATES = 24
_CHUNK = 8192


@array_noun
class Surface:
    """A triangulated surface: ``vertices_mm`` (V, 3) LPS [mm], ``triangles`` (T, 3) indices into them."""

    vertices_mm: NDArray[np.float64]
    triangles: NDArray[np.intp]

    @property
    def corners_mm(self) -> NDArray[np.float64]:
        """(T, 3, 3) corners of each triangle, LPS [mm]."""
        return self.vertices_mm[self.triangles]

    @property
    def centroids_mm(self) -> NDArray[np.float64]:
        """(T, 3) middle of each triangle, LPS [mm]."""
        return self.corners_mm.mean(axis=1)

    @property
    def areas_mm2(self) -> NDArray[np.float64]:
        """(T,) area of each triangle [mm²]."""
        a, b, c = np.moveaxis(self.corners_mm, 1, 0)
        return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def mask_surface(mask: Volume) -> Surface:
    """Border of a 0/1 mask, half way between the voxels in and out of it, closed at the edge of the array."""
    marked = np.asarray(mask.array) > 0
    low, high = _bounds(marked)
    part = marked[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    padded = np.pad(part, 1).astype(np.float32)
    vertices, triangles = _numerics.level_surface(padded, 0.5)
    return _placed(mask.grid, vertices - 1.0 + low, triangles)


def isotherm_surface(coldest: Volume, isotherm_c: float) -> Surface | None:
    """Surface where ``coldest`` [°C] crosses ``isotherm_c`` [°C], below the size of a voxel; None if nothing got there.

    Where the cold reaches the border of the box the surface is closed there: beyond it nothing is known to be cold.
    """
    cold = np.asarray(coldest.array) < isotherm_c
    if not cold.any():
        return None
    low, high = _bounds(cold)
    low, high = np.maximum(low - 1, 0), np.minimum(high + 1, cold.shape)
    part = np.asarray(coldest.array)[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    padded = np.pad(part.astype(np.float32), 1, constant_values=_WARM_C)
    vertices, triangles = _numerics.level_surface(padded, isotherm_c)
    return _placed(coldest.grid, vertices - 1.0 + low, triangles)


def distance_mm(points_mm: NDArray[np.float64], surface: Surface) -> NDArray[np.float64]:
    """Distance (N,) [mm] of each point (N, 3) [mm] to the nearest triangle of ``surface``, never negative."""
    corners, centroids = surface.corners_mm, surface.centroids_mm
    found = [
        _to_triangles(part, corners[_numerics.nearest(centroids, part, _CANDIDATES)[1]]).min(axis=1)
        for part in (points_mm[start : start + _CHUNK] for start in range(0, len(points_mm), _CHUNK))
    ]
    return np.concatenate(found)


def _bounds(marked: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and one past the last marked index on each axis."""
    spans = [np.flatnonzero(marked.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    return np.array([s[0] for s in spans]), np.array([s[-1] + 1 for s in spans])


def _placed(grid: Grid, index: NDArray[np.float64], triangles: NDArray[np.intp]) -> Surface:
    return Surface(vertices_mm=grid.position_mm(index), triangles=triangles)


def _to_triangles(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (N, M) of points (N, 3) to triangles (N, M, 3, 3): to the plane above the face, else to an edge."""
    p = points[:, None, :]
    a, b, c = np.moveaxis(corners, 2, 0)
    normal = np.cross(b - a, c - a)
    twice_area = np.maximum(np.linalg.norm(normal, axis=-1), 1e-12)
    unit = normal / twice_area[..., None]
    height = _dot(p - a, unit)
    above = (
        (_dot(np.cross(b - a, p - a), unit) >= 0)
        & (_dot(np.cross(c - b, p - b), unit) >= 0)
        & (_dot(np.cross(a - c, p - c), unit) >= 0)
    )
    edge = np.minimum(np.minimum(_to_edge(p, a, b), _to_edge(p, b, c)), _to_edge(p, c, a))
    return np.where(above, np.abs(height), edge)


def _to_edge(p: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    along = b - a
    share = np.clip(_dot(p - a, along) / np.maximum(_dot(along, along), 1e-12), 0.0, 1.0)
    return np.linalg.norm(p - a - share[..., None] * along, axis=-1)


def _dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return np.einsum("...i,...i->...", a, b)
