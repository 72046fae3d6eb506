"""The numerical parts taken from scipy and scikit-image, with types: neither package is fully typed.

Imported where they are used: every command of the command line imports this module, and few of them need them.
"""
# pyright: basic

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def interpolated(array: NDArray[Any], index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (N,) of ``array`` (I, J, K) at fractional voxel indices (N, 3), linear, the edge value beyond."""
    from scipy.ndimage import map_coordinates

    return np.asarray(map_coordinates(array, index.T, output=np.float64, order=1, mode="nearest"))


def level_surface(array: NDArray[Any], level: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Vertices (V, 3) in voxel indices and triangles (T, 3) where ``array`` (I, J, K) crosses ``level``."""
    from skimage.measure import marching_cubes

    vertices, triangles, _, _ = marching_cubes(array, level, allow_degenerate=False)
    return vertices.astype(np.float64), triangles.astype(np.intp)


def nearest(points: NDArray[np.float64], to: NDArray[np.float64], count: int) -> tuple[Any, Any]:
    """Distances and indices, each (N, count), of the ``count`` ``points`` nearest to each place of ``to`` (N, 3)."""
    from scipy.spatial import KDTree

    distance, index = KDTree(points).query(to, k=list(range(1, min(count, len(points)) + 1)))  # pyright: ignore
    return np.asarray(distance), np.asarray(index)


def away_mm(mask: NDArray[np.bool_], sides_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance (I, J, K) [mm] between the middles of each voxel, ``sides_mm`` [mm] large, and the nearest of ``mask``.

    Infinite where ``mask`` is empty.
    """
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(distance_transform_edt(~mask, sampling=sides_mm), dtype=np.float64)


def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the voxels of ``mask`` (I, J, K) that touch one outside it, or the array's border, by a face."""
    from scipy.ndimage import binary_erosion

    return mask & ~np.asarray(binary_erosion(mask), dtype=bool)
