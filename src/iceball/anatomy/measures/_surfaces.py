"""Surfaces of masks, where voxels of a mask meet voxels outside it; distances between them, the largest calliper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical: a mask of one layer of voxels has no extent across it but for rounding.
FLAT_FRACTION = 1e-9


def surface_mm(
    mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64], start_mm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, 3) centres of the faces between ``mask`` (i, j, k) and what is not [mm].

    What lies beyond the array counts as outside. On average over places and directions the faces lie on the surface
    that the mask was drawn from: a centre of a voxel lies half a voxel deep.
    """
    padded = np.pad(mask, 1)
    found = []
    for axis in range(3):
        at = np.argwhere(np.diff(padded, axis=axis))
        centres = at.astype(float) - 1.0
        centres[:, axis] += 0.5
        found.append(centres)
    return np.concatenate(found) * spacing_mm + start_mm


def touching(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Whether a voxel of ``mask`` is one of ``other`` or its neighbour, by a face, an edge or a corner."""
    from scipy import ndimage  # only here: slow to import

    grown: Any = ndimage.binary_dilation(mask, np.ones((3, 3, 3), dtype=bool))
    return bool((grown & other).any())


def nearest_mm(points: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Smallest distance [mm] between (N, 3) ``points`` and (M, 3) ``others`` [mm]; infinite where there are none."""
    from scipy.spatial import KDTree

    if len(points) == 0 or len(others) == 0:
        return float("inf")
    few, many = (points, others) if len(points) < len(others) else (others, points)
    tree: Any = KDTree(few)
    return float(tree.query(many, workers=1)[0].min())


def largest_calliper_mm(
    mask: NDArray[np.bool_], spacing_mm: NDArray[np.float64], start_mm: NDArray[np.float64]
) -> float:
    """Largest Feret diameter [mm] of ``mask`` (i, j, k): the widest that a calliper opens on it, any way.

    The mean of two: over the centres of voxels, which is too short by up to a voxel, and over the faces of voxels,
    which is too long by as much, since the widest way picks the places where voxels stick out.
    """
    faces = surface_mm(mask, spacing_mm, start_mm)
    return (_widest_mm(faces) + _widest_mm(np.argwhere(mask) * spacing_mm)) / 2


def _widest_mm(points: NDArray[np.float64]) -> float:
    """Largest distance [mm] between two of (N, 3) points: corners of their hull, in as many dimensions as it has."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist

    away = points - points.mean(axis=0)
    spread, directions = np.linalg.eigh(away.T @ away)
    away = away @ directions[:, spread > FLAT_FRACTION * spread.max(initial=1e-12)]
    if away.shape[1] < 2:
        return float(np.ptp(away)) if away.size else 0.0
    return float(pdist(away[ConvexHull(away).vertices]).max())
