"""How near two straight lines come: one against many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float64]


def apart_mm(one: Field, many: Field) -> Field:
    """(N,) least distances [mm] between the segment ``one`` (2, 3) and the segments ``many`` (N, 2, 3).

    Source: geometry. Each of the four ends is dropped onto the other segment, and where the lines pass each other
    between their ends, that place counts too; a segment may be a point.
    """
    start, end = one
    starts, ends = many[:, 0], many[:, 1]
    found = np.minimum(_to_segments(start, starts, ends), _to_segments(end, starts, ends))
    own = np.broadcast_to(one, many.shape)
    for point in (starts, ends):
        found = np.minimum(found, _to_segments(point, own[:, 0], own[:, 1]))
    return np.minimum(found, _passing(start, end - start, starts, ends - starts))


def _to_segments(point: Field, starts: Field, ends: Field) -> Field:
    """(N,) distances from ``point`` (3,) or (N, 3) to the segments from (N, 3) to (N, 3)."""
    along = ends - starts
    long2 = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((point - starts) * along).sum(axis=1) / long2, 0.0, 1.0)
    return np.linalg.norm(point - starts - share[:, None] * along, axis=1)


def _passing(start: Field, along: Field, starts: Field, alongs: Field) -> Field:
    """(N,) distances where both lines are nearest between their ends, else infinite."""
    between = start - starts
    a, e = float(along @ along), (alongs**2).sum(axis=1)
    b, c = alongs @ along, between @ along
    f = (alongs * between).sum(axis=1)
    across = a * e - b * b
    crossed = across > 1e-9 * np.maximum(a * e, 1e-12)
    safe = np.where(crossed, across, 1.0)
    s, t = (b * f - c * e) / safe, (a * f - b * c) / safe
    inner = crossed & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
    gap = np.linalg.norm(between + s[:, None] * along - t[:, None] * alongs, axis=1)
    return np.where(inner, gap, np.inf)
