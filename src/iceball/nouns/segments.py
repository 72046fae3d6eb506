"""How near two straight pieces of a line come: shafts, and active zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

PARALLEL = 1e-9  # of the squared sine between two directions: numerical


def segments_apart_mm(starts: Points, ends: Points, start: Points, end: Points) -> Points:
    """Least distances (K,) [mm] between segments from ``starts`` to ``ends`` (K, 3) and one from ``start`` to ``end``.

    A segment may be a point. Source: geometry: the nearest places of the two lines, clamped to the one and then to the
    other segment.
    """
    u, v, w = ends - starts, end - start, starts - start
    a, b, c = (u * u).sum(axis=1), u @ v, float(v @ v)
    d, e = (u * w).sum(axis=1), w @ v
    across = a * c - b * b
    crossed = across > PARALLEL * a * c
    s = np.where(crossed, np.clip((b * e - c * d) / np.where(crossed, across, 1.0), 0.0, 1.0), 0.0)
    t = (b * s + e) / (c or 1.0)
    clamped = np.clip(t, 0.0, 1.0)
    s = np.where(crossed & (t == clamped), s, np.clip((b * clamped - d) / np.where(a > 0, a, 1.0), 0.0, 1.0))
    nearest = (starts + s[:, None] * u) - (start + clamped[:, None] * v)
    return np.linalg.norm(nearest, axis=1)


def apart_mm(one: tuple[Points, Points], other: tuple[Points, Points]) -> float:
    """Least distance [mm] between two segments, each its two ends (3,) [mm]."""
    return float(segments_apart_mm(one[0][None], one[1][None], *other)[0])
