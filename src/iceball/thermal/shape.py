"""Sizes of a surface, finer than voxels: diameters along rays, calipers of a plane cut, volume.

A surface is where a field (I, J, K) crosses a level; inside is below it. Between voxel centres the field is taken as
linear: around a probe, where it runs with ln r, that places a surface within h²/(8 r) of itself, h the spacing and r
its radius.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns.bench_result import Section

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from iceball.nouns import Grid

    Field = NDArray[np.float64]

SAMPLES_PER_VOXEL = 4
NO_DIRECTION_MM = 1e-6
SPECK_MM2 = 1e-9  # a contour of no area: a level that only touches a voxel


def sampled(field: Field, grid: Grid, places_mm: ArrayLike) -> Field:
    """Values (...) of ``field`` (I, J, K) at ``places_mm`` (..., 3) [mm], linear between voxel centres."""
    from scipy.ndimage import map_coordinates  # only here: slow to import

    index = np.moveaxis(grid.index_of(places_mm), -1, 0)
    return map_coordinates(field, index, order=1, mode="nearest")


def frame(axis: ArrayLike, toward: ArrayLike = (0.0, 0.0, 0.0)) -> tuple[Field, Field, Field]:
    """Unit vectors (3,) across, across and along ``axis`` (3,), right-handed.

    The first is as near to ``toward`` (3,) as can be, or to x where that says nothing.
    """
    along = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    helper = np.asarray(toward, dtype=float)
    if np.linalg.norm(np.cross(helper, along)) < NO_DIRECTION_MM:
        helper = np.eye(3)[0] if abs(along[0]) < 0.9 else np.eye(3)[1]
    first = helper - along * float(helper @ along)
    first = np.asarray(first / np.linalg.norm(first), dtype=float)
    return first, np.asarray(np.cross(along, first), dtype=float), np.asarray(along, dtype=float)


def rays(field: Field, grid: Grid, level: float, start_mm: ArrayLike, directions: ArrayLike) -> Field:
    """Distance (N,) [mm] from ``start_mm`` (3,) [mm] along each of ``directions`` (N, 3) at which the inside ends.

    The inside is the first stretch below ``level`` on the way out (around a probe that thaws it does not begin at the
    shaft). NaN where there is none, or where it goes on to the edge of the grid.
    """
    h = grid.spacing_mm[0]
    step = h / SAMPLES_PER_VOXEL
    reach = step * np.arange(math.ceil(math.hypot(*grid.shape) * SAMPLES_PER_VOXEL) + 1)
    start, ways = np.asarray(start_mm, dtype=float), np.asarray(directions, dtype=float)
    places = start + reach[None, :, None] * ways[:, None, :]
    value = sampled(field, grid, places)
    value[~_within(grid, places)] = np.nan
    inside = value < level
    first = np.argmax(inside, axis=1)
    after = ~inside & (np.arange(reach.size) > first[:, None])
    out = np.argmax(after, axis=1)
    found = inside.any(axis=1) & after.any(axis=1)
    rows = np.arange(len(ways))
    low, high = value[rows, np.maximum(out - 1, 0)], value[rows, out]
    with np.errstate(invalid="ignore", divide="ignore"):  # of rays that are not found
        distance = reach[np.maximum(out - 1, 0)] + step * (level - low) / (high - low)
    return np.where(found & np.isfinite(high), distance, np.nan)


def diameters(
    field: Field, grid: Grid, level: float, middle_mm: ArrayLike, axis: ArrayLike, *, angles: int = 90
) -> Field:
    """Diameters (angles,) [mm] across ``axis`` (3,) through ``middle_mm`` (3,) [mm], evenly over half a turn.

    NaN where one of the two rays meets no surface.
    """
    first, second, _ = frame(axis)
    turn = np.arange(2 * angles) * np.pi / angles
    out = rays(field, grid, level, middle_mm, np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second)
    return out[:angles] + out[angles:]


def plane(
    field: Field, grid: Grid, middle_mm: ArrayLike, axes: tuple[Field, Field], half_mm: float
) -> tuple[Field, Field]:
    """Sample ``field`` on a square of half side ``half_mm`` [mm] about ``middle_mm`` (3,) [mm], spanned by ``axes``.

    Returns
    -------
    ticks (N,) [mm] along both axes, and the values (N, N); NaN beyond the grid
    """
    step = grid.spacing_mm[0] / SAMPLES_PER_VOXEL
    count = math.ceil(half_mm / step)
    ticks = np.asarray(step * np.arange(-count, count + 1), dtype=float)
    places = np.asarray(middle_mm) + ticks[:, None, None] * axes[0] + ticks[None, :, None] * axes[1]
    values = sampled(field, grid, places)
    values[~_within(grid, places)] = np.nan
    return ticks, values


def section(values: ArrayLike, step_mm: float, level: float) -> Section | None:
    """Measure the inside of ``level`` in a plane of ``values`` (U, V), ``step_mm`` [mm] apart; None if it is empty.

    The contour is a polygon. Equal-area diameter: that of the disc of its area, holes not counted. Calipers are those
    of its convex hull, and the mean one is the hull's perimeter over π (Cauchy).
    """
    from scipy.spatial import ConvexHull  # only here: slow to import
    from skimage.measure import find_contours

    walled = np.array(values, dtype=float)
    walled[~np.isfinite(walled)] = np.inf
    finite = walled[np.isfinite(walled)]
    if not finite.size or finite.min() >= level:
        return None
    warm = max(float(finite.max()), level + 1.0)
    walled = np.pad(np.where(np.isfinite(walled), walled, warm), 1, constant_values=warm)
    contours = [contour * step_mm for contour in find_contours(walled, level)]
    areas = [_signed_area(contour) for contour in contours]
    outer = [contour for contour, area in zip(contours, areas, strict=True) if area * _outward(areas) > SPECK_MM2]
    if not outer:
        return None
    area = abs(sum(areas))
    hull = ConvexHull(np.vstack(outer))
    corners = hull.points[hull.vertices]
    across = hull.equations[:, :2] @ corners.T  # signed distance of every corner along the normal of every edge
    apart = corners[:, None, :] - corners[None, :, :]
    return Section(
        area_mm2=area,
        equal_area_diameter_mm=2 * math.sqrt(area / math.pi),
        largest_caliper_mm=float(np.sqrt((apart**2).sum(axis=-1)).max()),
        smallest_caliper_mm=float((across.max(axis=1) - across.min(axis=1)).min()),
        mean_caliper_mm=float(hull.area) / math.pi,
        pieces=len(outer),
    )


def volume_ml(field: Field, spacing_mm: float, level: float) -> float:
    """Volume [ml] inside ``level`` of ``field`` (I, J, K), voxels ``spacing_mm`` [mm] apart: of the mesh about it."""
    from skimage.measure import marching_cubes  # only here: slow to import

    below = np.argwhere(field < level)
    if not below.size:
        return 0.0
    low, high = np.maximum(below.min(axis=0) - 1, 0), below.max(axis=0) + 2
    part = field[tuple(slice(a, z) for a, z in zip(low, high, strict=True))]
    part = np.pad(part, 1, constant_values=max(float(part.max()), level + 1.0))
    corners, faces, _, _ = marching_cubes(part, level, allow_degenerate=False)
    a, b, c = (corners[faces[:, i]].astype(float) for i in range(3))
    return abs(float(np.sum(a * np.cross(b, c)))) / 6 * spacing_mm**3 / 1000.0


def _within(grid: Grid, places_mm: ArrayLike) -> NDArray[np.bool_]:
    """(...) True between the outermost voxel centres: nothing is known beyond."""
    index = grid.index_of(places_mm)
    return np.all((index >= -1e-9) & (index <= np.asarray(grid.shape) - 1 + 1e-9), axis=-1)


def _signed_area(contour: Field) -> float:
    x, y = contour[:, 0], contour[:, 1]
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def _outward(areas: list[float]) -> float:
    """Sign of an outer contour: the largest one is not a hole."""
    return math.copysign(1.0, max(areas, key=abs))
