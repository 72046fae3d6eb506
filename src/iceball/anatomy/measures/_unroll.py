"""Unroll a long bone: its cortex along rays from its own axis, section by section."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._part import Part

# Numerical: how finely the bone is sampled, well below the voxels of any CT, and how much of it is looked at.
STEP_ALONG_MM, STEP_OUT_MM = 0.75, 0.4
ANGLES = 120
FARTHEST_MM = 45.0
DEEPEST_MM, BEYOND_MM = 12.0, 3.0  # of the cortex, from the bone's surface inward and outward
FEWEST_VOXELS, SHORTEST_MM, LEAST_ELONGATION = 50, 20.0, 1.3  # what is smaller or rounder has no axis of its own
WIDER = 1.6  # a ray that leaves the bone so much farther out than the others has met another bone


@dataclasses.dataclass(frozen=True, eq=False)
class Unrolled:
    """A long bone as a map: T sections along its axis, A angles about it, D depths from its surface.

    ``outer_mm`` (T, A) is the radius of its surface [mm]; ``hu`` (T, A, D) is NaN where nothing was scanned;
    ``lesion`` (T, A, D) says where the lesion is; ``depth_mm`` (D,) is negative inside the bone. ``rays_mm``
    (T, A, 2) are the smallest and largest radius at which the lesion lies on a ray [mm], NaN where it does not.
    ``blur_mm`` is the longest edge of the CT's voxels [mm].
    """

    along_mm: NDArray[np.float64]
    angle_rad: NDArray[np.float64]
    depth_mm: NDArray[np.float64]
    outer_mm: NDArray[np.float64]
    hu: NDArray[np.float32]
    lesion: NDArray[np.bool_]
    rays_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    axis: NDArray[np.float64]
    blur_mm: float

    @property
    def lesion_sections(self) -> NDArray[np.bool_]:
        """(T,) True where a section meets the lesion."""
        return np.asarray(np.isfinite(self.rays_mm[:, :, 0]).any(axis=1), dtype=bool)

    def clean(self, from_mm: float, length_mm: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(T,), (T,) sections before and after the lesion that serve as its reference; distances along the bone."""
        there = self.along_mm[self.lesion_sections]
        scanned = np.isfinite(self.hu).all(axis=2).mean(axis=1) > 0.95  # numerical: a stray ray may leave the scan
        before, after = there.min() - self.along_mm, self.along_mm - there.max()
        return (
            scanned & (before >= from_mm) & (before <= from_mm + length_mm),
            scanned & (after >= from_mm) & (after <= from_mm + length_mm),
        )


def unroll(part: Part, bone: NDArray[np.bool_], *, from_mm: float, length_mm: float) -> Unrolled | None:
    """Unroll ``bone`` (i, j, k), filled, about its axis; None where it is too short or too round to have one.

    The axis is the line through the centroids of the sections beside the lesion, its curve a parabola through them.
    The bone's surface is that of ``bone`` with the lesion; where the lesion changed it, it is carried on from the
    sections beside it (``from_mm`` to ``from_mm + length_mm`` beyond the lesion [mm]).
    """
    line = _centre_line(part, bone)
    if line is None:
        return None
    along, centre, axis = line
    across = _across(axis)
    angle = np.arange(ANGLES, dtype=np.float64) * (2 * np.pi / ANGLES)
    rays = np.cos(angle)[:, None] * across[0] + np.sin(angle)[:, None] * across[1]
    radius = np.arange(0.0, _farthest_mm(part, bone, axis, centre), STEP_OUT_MM)
    points = centre[:, None, None] + radius[:, None] * rays[None, :, None]
    solid = part.sample(bone | part.lesion, points, 0.0)
    lesion = part.look_up(part.lesion, points)
    outer, reaches = _outermost(solid, radius), _reaches(lesion, radius)
    affected = np.asarray(np.isfinite(reaches[:, :, 0]).any(axis=1), dtype=bool)
    outer = _carried_on(along, outer, affected, from_mm, length_mm)
    reaches = np.where(reaches <= outer[:, :, None] + STEP_OUT_MM, reaches, np.minimum(reaches, outer[:, :, None]))
    depth = np.arange(-DEEPEST_MM, BEYOND_MM + STEP_OUT_MM / 2, STEP_OUT_MM)
    shell = centre[:, None, None] + (outer[:, :, None] + depth)[..., None] * rays[None, :, None]
    return Unrolled(
        along_mm=along,
        angle_rad=angle,
        depth_mm=depth,
        outer_mm=outer,
        hu=part.sample(part.hu, shell, np.nan),
        lesion=part.look_up(part.lesion, shell),
        rays_mm=reaches,
        centre_mm=centre,
        axis=axis,
        blur_mm=float(part.spacing_mm.max()),
    )


def _centre_line(part: Part, bone: NDArray[np.bool_]) -> tuple[Any, Any, Any] | None:
    """(T,) places along the axis, (T, 3) centres there, (3,) the axis; all [mm] but the last."""
    index = np.argwhere(bone)
    if len(index) < FEWEST_VOXELS:
        return None
    points = part.mm(index)
    cut = np.any((index == 0) | (index == np.asarray(bone.shape) - 1), axis=1)
    lesion = part.mm(np.argwhere(part.lesion))
    spread, directions = np.linalg.eigh(np.cov(points.T))
    if spread[2] < LEAST_ELONGATION**2 * spread[1]:
        return None
    axis: NDArray[np.float64] = directions[:, 2]
    for _ in range(3):  # numerical: the axis has settled to a tenth of a degree after two rounds
        places, centroids = _centroids(points, cut, lesion, axis)
        if len(places) < 3:
            return None
        fit = _fitted(places, centroids, 1)
        axis = fit[0] / np.linalg.norm(fit[0])
    places, centroids = _centroids(points, cut, lesion, axis)
    reach = points[~cut] @ axis if (~cut).any() else points @ axis
    if len(places) < 3 or np.ptp(reach) < SHORTEST_MM:
        return None
    along = np.arange(reach.min(), reach.max(), STEP_ALONG_MM)
    degree = 2 if len(places) > 6 else 1
    fit = _fitted(places, centroids, degree)
    centre = np.polynomial.polynomial.polyval(along, fit[::-1]).T
    centre += (along - centre @ axis)[:, None] * axis  # a section is a plane across the axis
    return along, centre, axis


def _centroids(
    points: NDArray[np.float64], cut: NDArray[np.bool_], lesion: NDArray[np.float64], axis: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(B,) places along ``axis`` and (B, 3) centroids of slabs that the part's border does not cut.

    Slabs without lesion only, where there are enough of them on both sides of it: a lesion moves a centroid.
    """
    width = 4 * STEP_ALONG_MM
    slab = np.floor(points @ axis / width).astype(int)
    low = int(slab.min())
    slab -= low
    count = np.bincount(slab).astype(float)
    ends = np.bincount(slab, weights=cut)
    whole = (count > 0) & (ends < 0.02 * count)
    there = np.unique(np.floor(lesion @ axis / width).astype(int) - low)
    free = whole.copy()
    free[there[(there >= 0) & (there < len(free))]] = False
    before, after = np.count_nonzero(free[: max(there.min(), 0)]), np.count_nonzero(free[max(there.max(), 0) + 1 :])
    use = free if min(before, after) >= 3 else whole
    sums = [np.asarray(np.bincount(slab, weights=points[:, i]), dtype=np.float64) for i in range(3)]
    centroids = np.stack(sums, axis=1)[use] / count[use, None]
    return np.asarray(centroids @ axis, dtype=np.float64), np.asarray(centroids, dtype=np.float64)


def _fitted(places: NDArray[np.float64], centroids: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """(degree + 1, 3) polynomial through the centroids, highest power first; the worst fifth is left out once."""
    fit = np.polyfit(places, centroids, degree)
    off = np.linalg.norm(np.polynomial.polynomial.polyval(places, fit[::-1]).T - centroids, axis=1)
    keep = off <= max(float(np.quantile(off, 0.8)), 1e-6)
    if np.count_nonzero(keep) > degree + 2:
        fit = np.polyfit(places[keep], centroids[keep], degree)
    return fit


def _farthest_mm(part: Part, bone: NDArray[np.bool_], axis: NDArray[np.float64], centre: NDArray[np.float64]) -> float:
    """How far out the rays go [mm]: past nearly all of the bone."""
    points = part.mm(np.argwhere(bone))
    order = np.argsort(centre @ axis)
    places = (centre @ axis)[order]
    line = np.stack([np.interp(points @ axis, places, centre[order, i]) for i in range(3)], axis=1)
    return min(float(np.quantile(np.linalg.norm(points - line, axis=1), 0.98)) + 2 * BEYOND_MM, FARTHEST_MM)


def _across(axis: NDArray[np.float64]) -> tuple[Any, Any]:
    helper = np.eye(3)[int(np.abs(axis).argmin())]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(axis, first)


def _outermost(solid: NDArray[np.float32], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, A) radius at which each ray leaves the bone for good, between two samples; 0 where it meets none."""
    inside = solid > 0.5
    limit = _last(inside)
    usual = np.median(limit[limit > 0]) if (limit > 0).any() else 0.0
    inside[:, :, int(min(WIDER * usual + 2, len(radius))) :] = False
    last = _last(inside)
    after = np.minimum(last + 1, len(radius) - 1)
    here = np.take_along_axis(solid, last[..., None], axis=2)[..., 0]
    there = np.take_along_axis(solid, after[..., None], axis=2)[..., 0]
    share = np.clip((here - 0.5) / np.maximum(here - there, 1e-3), 0.0, 1.0)
    return np.where(inside.any(axis=2), radius[last] + share * STEP_OUT_MM, 0.0)


def _last(inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(T, A) last True along the rays; 0 where there is none."""
    return np.where(inside.any(axis=2), inside.shape[2] - 1 - inside[:, :, ::-1].argmax(axis=2), 0)


def _reaches(lesion: NDArray[np.bool_], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, A, 2) smallest and largest radius of the lesion on each ray [mm]; NaN where there is none."""
    there = np.asarray(lesion.any(axis=2))
    ends = np.stack([radius[lesion.argmax(axis=2)], radius[_last(lesion)]], axis=-1)
    return np.where(there[..., None], ends, np.nan)


def _carried_on(
    along: NDArray[np.float64],
    outer: NDArray[np.float64],
    affected: NDArray[np.bool_],
    from_mm: float,
    length_mm: float,
) -> NDArray[np.float64]:
    """(T, A) surface: where the lesion moved it by more than BEYOND_MM, straight on between the sections beside it."""
    if not affected.any():
        return outer
    there = along[affected]
    before, after = there.min() - along, along - there.max()
    sides = [(d >= from_mm) & (d <= from_mm + length_mm) & (outer > 0).all(axis=1) for d in (before, after)]
    medians = [(float(along[side].mean()), np.median(outer[side], axis=0)) for side in sides if side.any()]
    if not medians:
        return outer
    (a, first), (z, last) = medians[0], medians[-1]
    share = np.clip((along - a) / (z - a), 0.0, 1.0)[:, None] if z > a else np.zeros((len(along), 1))
    straight = (1 - share) * first + share * last
    near = (before < from_mm) & (after < from_mm)
    moved = near[:, None] & (np.abs(outer - straight) > BEYOND_MM)
    return np.where(moved, straight, outer)
