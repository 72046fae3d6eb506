"""A line with a thickness: nerves and vessels that somebody drew as a curve."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns._noun import require_positive

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from iceball.anatomy.outlines._blocks import Place
    from iceball.nouns import Curve, Grid

SHARE = 0.25  # of the smallest spacing lies between two samples of a line: numerical


def curve_tube(grid: Grid, curve: Curve, radius_mm: float) -> NDArray[np.bool_]:
    """(I, J, K) True within ``radius_mm`` [mm] of the smooth line through the points of ``curve``.

    The line is a cubic that passes through every point, in the direction of the chord between its neighbours (a
    cardinal spline, as 3D Slicer draws curves by default; the two differ by little where points are dense).

    Raises
    ------
    InputError : if the radius is not above zero
    GeometryError : if no part of the tube lies on the grid
    """
    mask = tube(grid, smooth_line(curve, min(grid.spacing_mm)), radius_mm)
    if not mask.any():
        raise GeometryError(
            f"curve {curve.name!r} does not pass through the scan: check its coordinate system, and that it was drawn "
            "on this scan"
        )
    return mask


def smooth_line(curve: Curve, step_mm: float) -> NDArray[np.float64]:
    """(N, 3) points [mm] on the smooth line through the points of ``curve``, ``step_mm`` [mm] apart or less."""
    from scipy.interpolate import CubicHermiteSpline  # only here: slow to import

    points = np.asarray(curve.points_mm, dtype=float)
    if curve.closed:
        points = np.vstack([points, points[:1]])
    points = points[np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 0])]
    if len(points) < 3:
        return points
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    ahead, behind = np.roll(points, -1, axis=0), np.roll(points, 1, axis=0)
    span = np.roll(way, -1) - np.roll(way, 1)
    if curve.closed:
        ahead[-1], behind[0] = points[1], points[-2]
        span[0] = span[-1] = way[1] + way[-1] - way[-2]
    else:
        ahead[-1], behind[0] = points[-1], points[0]
        span[0], span[-1] = way[1], way[-1] - way[-2]
    line = CubicHermiteSpline(way, points, (ahead - behind) / span[:, None])
    return line(np.linspace(0.0, way[-1], max(2, int(np.ceil(way[-1] / step_mm)) + 1)))


def tube(grid: Grid, points_mm: ArrayLike, radius_mm: float) -> NDArray[np.bool_]:
    """(I, J, K) True where a voxel's centre lies within ``radius_mm`` [mm] of the line through ``points_mm`` (N, 3).

    At least the voxels that the line itself passes are in it, so that a thin tube has no gaps on a coarse grid.

    Raises
    ------
    InputError : if the radius is not above zero
    """
    mask = np.zeros(grid.shape, dtype=bool)
    block, part = placed_tube(grid, points_mm, radius_mm)
    mask[block] = part
    return mask


def placed_tube(grid: Grid, points_mm: ArrayLike, radius_mm: float) -> tuple[Place, NDArray[np.bool_]]:
    """Return the block of ``grid`` around the tube, which is empty beyond the grid, and the tube in it.

    Raises
    ------
    InputError : if the radius is not above zero
    """
    from scipy.spatial import KDTree  # only here: slow to import

    require_positive("the radius of a tube", radius_mm, "mm")
    line = _dense(np.asarray(points_mm, dtype=float), SHARE * min(grid.spacing_mm))
    index = grid.index_of(line)
    reach = radius_mm / np.asarray(grid.spacing_mm)
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(index.max(axis=0) + reach) + 1, low, grid.shape).astype(int)
    block = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    axes = [np.arange(a, z) for a, z in zip(low, high, strict=True)]
    centres = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    if not len(centres):
        return block, np.zeros([len(axis) for axis in axes], dtype=np.bool_)
    away, _ = KDTree(line).query(grid.position_mm(centres), distance_upper_bound=radius_mm * (1 + 1e-9))
    mask = (away <= radius_mm).reshape([len(axis) for axis in axes])
    passed = np.floor(index + 0.5).astype(int)
    passed = passed[np.all((passed >= low) & (passed < high), axis=1)] - low
    mask[tuple(passed.T)] = True
    return block, mask


def _dense(points: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """(M, 3) points on the straight pieces between ``points``, ``step_mm`` apart or less."""
    if points.ndim != 2 or points.shape[1] != 3 or len(points) == 0 or not np.isfinite(points).all():
        raise InputError("a tube needs points of three finite coordinates each")
    pieces = [points[:1]]
    for start, end in itertools.pairwise(points):
        count = max(1, int(np.ceil(np.linalg.norm(end - start) / step_mm)))
        pieces.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.vstack(pieces)
