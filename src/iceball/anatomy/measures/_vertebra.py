"""A vertebra in its own frame: which way is up, forward and sideways, and where its body ends and its arch begins."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._part import Part

# Numerical: fewer voxels of canal give no frame; the middle of the body is this share
# of its half width; borders are percentiles, so that single voxels do not shift them.
FEWEST_VOXELS = 30
MIDDLE_FRACTION = 0.6
EDGE_PERCENT = 5.0


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """Where a vertebra lies: ``origin_mm`` in its canal, unit vectors in the part's frame.

    ``front_mm`` and ``back_mm`` are how far the canal reaches forward and backward of the origin, ``side_mm`` how far
    sideways; ``low_mm`` and ``high_mm`` how far the vertebra reaches along ``up``.
    """

    origin_mm: NDArray[np.float64]
    forward: NDArray[np.float64]
    left: NDArray[np.float64]
    up: NDArray[np.float64]
    front_mm: float
    back_mm: float
    side_mm: float
    low_mm: float
    high_mm: float

    def places(self, mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) positions in the part's frame [mm] to (forward, left, up) from the origin [mm]."""
        return (mm - self.origin_mm) @ np.stack([self.forward, self.left, self.up], axis=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Vertebra:
    """A labelled vertebra in a part, and its frame."""

    part: Part
    bone: NDArray[np.bool_]
    frame: Frame

    def places(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(N, 3) places of the voxels of ``mask`` (i, j, k) in the vertebra's frame [mm]."""
        return self.frame.places(self.part.mm(np.argwhere(mask)))


def frame_of(part: Part, bone: NDArray[np.bool_], canal: NDArray[np.bool_]) -> Frame | None:
    """Give the frame of the vertebra ``bone`` (i, j, k) from its ``canal`` (i, j, k); None where too little is there.

    Up runs along the canal, forward from the canal to the body; both start from the patient's own axes.
    """
    here, there = part.mm(np.argwhere(bone)), part.mm(np.argwhere(canal))
    up, forward = part.axes @ np.array([0.0, 0.0, 1.0]), part.axes @ np.array([0.0, -1.0, 0.0])
    if len(here) < FEWEST_VOXELS or len(there) < FEWEST_VOXELS:
        return None
    slab, origin = there, there.mean(axis=0)
    for _ in range(2):  # numerical: the second round sees the vertebra's own slab of the canal
        height = here @ up
        slab = there[(there @ up >= height.min()) & (there @ up <= height.max())]
        if len(slab) < FEWEST_VOXELS:
            return None
        origin = slab.mean(axis=0)
        up = _along(slab, up)
        forward = _across(forward, up)
        ahead = here[(here - origin) @ forward > np.percentile((slab - origin) @ forward, 100 - EDGE_PERCENT)]
        if len(ahead) < FEWEST_VOXELS:
            return None
        forward = _across(ahead.mean(axis=0) - origin, up)
    left = np.cross(up, forward)
    canal_at = (slab - origin) @ np.stack([forward, left], axis=1)
    height = (here - origin) @ up
    return Frame(
        origin_mm=origin,
        forward=forward,
        left=left,
        up=up,
        front_mm=float(np.percentile(canal_at[:, 0], 100 - EDGE_PERCENT)),
        back_mm=float(np.percentile(canal_at[:, 0], EDGE_PERCENT)),
        side_mm=float(np.percentile(np.abs(canal_at[:, 1]), 100 - EDGE_PERCENT)),
        low_mm=float(np.percentile(height, 1.0)),
        high_mm=float(np.percentile(height, 99.0)),
    )


def _along(points: NDArray[np.float64], about: NDArray[np.float64]) -> NDArray[np.float64]:
    """Long direction of ``points``, if they have one that runs about the same way as ``about``; else ``about``."""
    spread, directions = np.linalg.eigh(np.cov(points.T))
    axis = directions[:, 2] * np.sign(directions[:, 2] @ about)
    clear = spread[2] > 1.5**2 * spread[1] and axis @ about > np.cos(np.deg2rad(45))
    return axis if clear else about


def _across(direction: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = direction - (direction @ up) * up
    return flat / np.linalg.norm(flat)


def in_body(frame: Frame, places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) True in the vertebral body: what lies in front of the canal."""
    return places[:, 0] > frame.front_mm


def in_posterolateral(frame: Frame, places: NDArray[np.float64], reach_mm: float) -> NDArray[np.bool_]:
    """(N,) True in pedicle, facets and costovertebral bone: beside the canal, up to ``reach_mm`` sideways and behind.

    A definition by geometry alone: beside the canal, from its front to ``reach_mm`` behind its back [mm].
    """
    forward, left = places[:, 0], np.abs(places[:, 1])
    beside = (left > 0.8 * frame.side_mm) & (left <= frame.side_mm + reach_mm)
    return beside & (forward <= frame.front_mm) & (forward >= frame.back_mm - reach_mm)


def heights_mm(frame: Frame, places: NDArray[np.float64], voxel_mm3: float) -> NDArray[np.float64]:
    """(3,) height of the body [mm] at its back, middle and front third; NaN where there is too little of it.

    Volume by area of a window in the middle of the body, ``voxel_mm3`` [mm³] for each of its voxels: the corners that
    an oval body does not fill lower it, in a vertebra and in its neighbours alike.
    """
    body = places[in_body(frame, places)]
    if len(body) < FEWEST_VOXELS:
        return np.full(3, np.nan)
    aside = np.abs(body[:, 1] - np.median(body[:, 1]))
    half = MIDDLE_FRACTION * float(np.percentile(aside, 100 - EDGE_PERCENT))
    low, high = np.percentile(body[:, 0], [EDGE_PERCENT, 100 - EDGE_PERCENT])
    body = body[(aside <= half) & (body[:, 0] >= low) & (body[:, 0] < high)]
    if half <= 0 or high <= low or len(body) < FEWEST_VOXELS:
        return np.full(3, np.nan)
    voxels = np.histogram(body[:, 0], bins=3, range=(low, high))[0]
    return voxels * voxel_mm3 / (2 * half * (high - low) / 3)
