"""Cortex of any bone: the mineral along the inward normal of its surface, beside the lesion and away from it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.measures._size import CUT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._distances import Distances
    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._state import State
    from iceball.anatomy.measures._survey import Notebook

KEY, ROOF = "cortex_breached", "acetabular_roof_breached"
# Numerical: the surface's normals come from the mask smoothed this far; the cortex is looked for from a little outside
# the surface to a little inside; fewer reference points are none; more than so many are thinned out.
SMOOTH_MM, STEP_MM = 1.5, 0.5
OUTSIDE_MM, INSIDE_MM = 2.0, 4.0
FEWEST_POINTS, MOST_POINTS = 100, 4000


@dataclasses.dataclass(frozen=True, eq=False)
class Shell:
    """Points of a bone's surface: ``points_mm`` (N, 3), the ``area_mm2`` (N,) each stands for, whether the lesion lies
    beside it, and what is ``left_fraction`` (N,) of the cortex.
    """

    points_mm: NDArray[np.float64]
    area_mm2: NDArray[np.float64]
    beside: NDArray[np.bool_]
    left_fraction: NDArray[np.float64]

    def hole_mm2(self, where: NDArray[np.bool_], breached_fraction: float) -> float:
        """Area [mm²] without cortex among the points ``where`` (N,) that the lesion lies beside."""
        return float(self.area_mm2[where & self.beside & (self.left_fraction < breached_fraction)].sum())


def shell(part: Part, host: Host, surface: NDArray[np.float64]) -> Shell | None:
    """Look at the cortex around the lesion; None where too little of it is left to compare with.

    Parameters
    ----------
    part, host : the part of the case and the bone in it
    surface : (M, 3) points of the lesion's surface, in the part's frame [mm]

    Source: thresholds from ``library.measure_rules()``, ``judgement``.
    """
    from scipy.spatial import KDTree  # only here: slow to import

    rules = library.measure_rules()
    solid = host.mask | part.lesion
    points, normals, area = _surface(part, solid)
    if not len(points):
        return None
    tree: Any = KDTree(surface)
    away = tree.query(points, workers=1)[0]
    beside = away <= rules["cortex_reach_mm"].value
    far = np.flatnonzero(away > rules["reference_from_mm"].value)
    far = far[:: max(1, len(far) // MOST_POINTS)]
    if len(far) < FEWEST_POINTS:
        return None
    usual = np.nanmedian(_mineral(part, points[far], normals[far]))
    if not usual > 0:
        return None
    use = np.flatnonzero(beside)
    left = _mineral(part, points[use], normals[use]) / usual
    return Shell(points_mm=points[use], area_mm2=area[use], beside=np.ones(len(use), dtype=bool), left_fraction=left)


def _surface(part: Part, solid: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """(N, 3) points of the surface that the part's border does not make, (N, 3) normals inward, (N,) areas [mm²]."""
    from scipy import ndimage

    sigma = SMOOTH_MM / part.spacing_mm
    smooth = ndimage.gaussian_filter(solid.astype(np.float32), sigma, mode="nearest")
    spacing = part.spacing_mm
    points, area = [], []
    for axis in range(3):
        index = np.argwhere(np.diff(solid, axis=axis)).astype(float)
        index[:, axis] += 0.5
        points.append(index)
        area.append(np.full(len(index), float(np.prod(np.delete(spacing, axis)))))
    index = np.concatenate(points)
    gradient = np.stack(
        [
            ndimage.map_coordinates(np.gradient(smooth, spacing[axis], axis=axis), index.T, order=1, mode="nearest")
            for axis in range(3)
        ],
        axis=1,
    )
    length = np.linalg.norm(gradient, axis=1)
    normals = gradient / np.maximum(length, 1e-9)[:, None]
    which = np.repeat(np.arange(3), [len(p) for p in points])
    share = np.abs(np.take_along_axis(normals, which[:, None], axis=1))[:, 0]
    return part.mm(index), normals, np.concatenate(area) * share


def _mineral(part: Part, points: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) HU above the mineral threshold, summed inward through the cortex [HU·mm]."""
    steps = np.arange(-OUTSIDE_MM, INSIDE_MM + STEP_MM / 2, STEP_MM)
    hu = part.sample(part.hu, points[:, None] + steps[:, None] * normals[:, None], np.nan)
    threshold = library.hu_rules()["mineral_above_hu"].value
    return np.clip(hu - threshold, 0.0, None).sum(axis=1, dtype=np.float64) * STEP_MM


def breach(found: Shell | None, host: Host, state: State, book: Notebook) -> None:
    """Write down whether the lesion breaches the cortex of its bone."""
    rules, state = library.measure_rules(), state.of_breach()
    if found is None:
        book.leave("no intact cortex beside the lesion is in the scan to compare with", KEY)
        return
    hole = found.hole_mm2(np.ones(len(found.area_mm2), dtype=bool), rules["breached_cortex_fraction"].value)
    breached = hole >= rules["breach_area_mm2"].value
    if state.cut and not breached:
        book.leave(CUT, KEY)
        return
    met = float(found.area_mm2.sum())
    note = f"{hole:.0f} mm² of the {met:.0f} mm² of surface that the lesion meets have no cortex"
    book.put(KEY, breached, state.origin(not host.labelled), note=state.noted(note))


def roof(found: Shell | None, there: Distances, facing_mm: NDArray[np.float64], state: State, book: Notebook) -> None:
    """Write down whether the lesion breaches the roof of the acetabulum.

    The roof is what faces the femoral head within ``roof_cone_deg`` of straight above its centre; the centre is that
    of the sphere through the facing points ``facing_mm`` (N, 3) of the hip bone [mm].
    """
    rules, state = library.measure_rules(), state.of_breach()
    if found is None or len(facing_mm) < FEWEST_POINTS:
        book.leave("the femoral head or the roof above it is not in the scan with labels", ROOF)
        return
    centre = _sphere_centre(facing_mm)
    up = there.part.axes @ np.array([0.0, 0.0, 1.0])
    cone = np.cos(np.deg2rad(rules["roof_cone_deg"].value))
    of_roof = _above(facing_mm, centre, up, cone)
    if not of_roof.any():
        book.leave("the roof of the acetabulum is not in the scan", ROOF)
        return
    from scipy.spatial import KDTree  # only here: slow to import

    tree: Any = KDTree(facing_mm[of_roof])
    close = tree.query(found.points_mm, distance_upper_bound=rules["cortex_reach_mm"].value)[0] < np.inf
    hole = found.hole_mm2(close, rules["breached_cortex_fraction"].value)
    met = float(found.area_mm2[close & found.beside].sum())
    breached = hole >= rules["breach_area_mm2"].value
    if state.cut and not breached:
        book.leave(CUT, ROOF)
        return
    note = f"{hole:.0f} mm² of the {met:.0f} mm² of roof that the lesion meets have no cortex"
    book.put(ROOF, breached, state.origin(), note=state.noted(note))


def _above(points: NDArray[np.float64], centre: NDArray[np.float64], up: NDArray[np.float64], cone: float) -> Any:
    away = points - centre
    return away @ up >= cone * np.linalg.norm(away, axis=1)


def _sphere_centre(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) centre of the sphere nearest to (N, 3) points, by least squares."""
    matrix = np.column_stack([2 * points, np.ones(len(points))])
    return np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)[0][:3]
