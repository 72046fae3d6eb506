"""Ideal shapes: how deep a point lies in a sphere, an ellipsoid, or a few balls grown into one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.implanting._wish import Shape

# Choices of form, no measurements: axes of an ellipsoid, and number, size and place of the lobes beside the main one.
MIDDLE_AXIS, SHORT_AXIS = (0.75, 0.95), (0.6, 0.85)
LOBES, LOBE_SIZE, LOBE_OUT = (3, 6), (0.5, 0.85), (0.55, 0.9)
MELT = 0.12  # of the largest ball's radius: how far lobes melt into one another
STEPS = 48  # along the largest diameter, where the volume is counted


@array_noun
class Balls:
    """Balls at ``centres_mm`` (N, 3) with ``radii_mm`` (N,), melted into one body."""

    centres_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]

    def depth_mm(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) depth [mm] of (..., 3) points below the surface, about the middle; negative outside."""
        melt = MELT * float(self.radii_mm.max())
        depth = np.full(points_mm.shape[:-1], -np.inf)
        for centre, radius in zip(self.centres_mm, self.radii_mm, strict=True):
            other = radius - np.linalg.norm(points_mm - centre, axis=-1)
            near = np.maximum(melt - np.abs(depth - other), 0.0) / melt
            depth = np.maximum(depth, other) + near * near * melt / 4
        return depth


@array_noun
class Ellipsoid:
    """An ellipsoid with the half axes ``half_mm`` (3,) along the rows of ``axes`` (3, 3)."""

    half_mm: NDArray[np.float64]
    axes: NDArray[np.float64]

    def depth_mm(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) depth [mm] of (..., 3) points below the surface, about the middle, to first order; negative outside."""
        turned = points_mm @ self.axes.T
        one = np.linalg.norm(turned / self.half_mm, axis=-1)
        two = np.maximum(np.linalg.norm(turned / self.half_mm**2, axis=-1), 1e-9)
        return np.where(one < 1e-6, self.half_mm.min(), one * (1.0 - one) / two)


Body = Balls | Ellipsoid


def ideal(shape: Shape, size_mm: float, rng: np.random.Generator) -> Body:
    """Draw a ``shape`` with the largest diameter ``size_mm`` [mm] about its middle from ``rng``."""
    if shape == "sphere":
        return Balls(centres_mm=np.zeros((1, 3)), radii_mm=np.array([size_mm / 2]))
    if shape == "ellipsoid":
        half = size_mm / 2 * np.array([1.0, rng.uniform(*MIDDLE_AXIS), rng.uniform(*SHORT_AXIS)])
        axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        return Ellipsoid(half_mm=half, axes=axes)
    return _lobulated(size_mm, rng)


def ideal_ml(shape: Shape, size_mm: float, rng: np.random.Generator) -> float:
    """Volume [ml] of the shape that ``ideal`` draws from the same arguments [mm]."""
    body = ideal(shape, size_mm, rng)
    step = size_mm / STEPS
    line = step * (np.arange(STEPS + 8) - (STEPS + 7) / 2)
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1, dtype=np.float64)
    return float(np.count_nonzero(body.depth_mm(points) > 0)) * step**3 / 1000.0


def _lobulated(size_mm: float, rng: np.random.Generator) -> Balls:
    """A main ball with smaller ones on it, all scaled so that the largest diameter is the one that was asked for."""
    count = int(rng.integers(*LOBES))
    radii = np.concatenate([[1.0], rng.uniform(*LOBE_SIZE, count)])
    ways = rng.standard_normal((count, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    centres = np.vstack([np.zeros(3), ways * rng.uniform(*LOBE_OUT, (count, 1))])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    widest = float((apart + radii[:, None] + radii[None]).max())  # of a union of balls, this is exact
    scale = size_mm / widest
    low, high = (centres - radii[:, None]).min(axis=0), (centres + radii[:, None]).max(axis=0)
    return Balls(centres_mm=scale * (centres - (low + high) / 2), radii_mm=scale * radii)
