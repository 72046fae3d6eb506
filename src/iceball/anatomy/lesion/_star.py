"""Surfaces about a click that every ray leaves once: the best one under a stiffness, found exactly by a minimum cut."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical: rays (4 mm apart at the largest reach), steps along them [mm], capacities in whole numbers.
RAYS, STEPS, STEP_MM = 300, 36, 1.0
WHOLE, ENDLESS = 1000, 10**8


@array_noun
class Star:
    """Rays ``ways`` (D, 3), unit vectors; ``pairs`` (E, 2) of neighbours; ``radii_mm`` (R,) of shells' middles."""

    ways: NDArray[np.float64]
    pairs: NDArray[np.intp]
    radii_mm: NDArray[np.float64]


@functools.cache
def star() -> Star:
    """Rays spread evenly over the sphere (a Fibonacci lattice), neighbours by their convex hull."""
    from scipy import spatial  # only here: slow to import

    count = np.arange(RAYS) + 0.5
    polar, turn = np.arccos(1.0 - 2.0 * count / RAYS), math.pi * (1.0 + math.sqrt(5.0)) * count
    ways = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    corners = spatial.ConvexHull(ways).simplices
    pairs = np.unique(np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), 1), axis=0)
    return Star(ways=ways, pairs=pairs.astype(np.intp), radii_mm=(np.arange(STEPS, dtype=np.float64) + 0.5) * STEP_MM)


def along_rays(cube: NDArray[Any], spacing_mm: float) -> NDArray[np.float32]:
    """(D, R) values of a ``cube`` (N, N, N) about the click on every ray."""
    from scipy import ndimage

    rays = star()
    index = (cube.shape[0] - 1) / 2 + rays.ways[:, None, :] * rays.radii_mm[None, :, None] / spacing_mm
    found = ndimage.map_coordinates(cube, index.reshape(-1, 3).T, order=1, mode="nearest")
    return np.asarray(found, dtype=np.float32).reshape(RAYS, STEPS)


def best_surface(gain: NDArray[np.float64], stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reach (D,) [shells] of the surface that encloses the most ``gain`` (D, R) less ``stiffness`` (R,) where it steps.

    The sum over all pairs of neighbouring rays and all shells that lie in one and not in the other costs
    ``stiffness``; what is enclosed on a ray is enclosed from the click on. The minimum cut of that graph is the exact
    optimum.
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    pairs, n = star().pairs, RAYS * STEPS
    node = np.arange(n).reshape(RAYS, STEPS)
    worth = np.rint(gain * WHOLE).astype(np.int64).ravel()
    for_it, against = np.flatnonzero(worth > 0), np.flatnonzero(worth < 0)
    one, other = node[pairs[:, 0]].ravel(), node[pairs[:, 1]].ravel()
    stiff = np.tile(np.rint(stiffness * WHOLE).astype(np.int64), len(pairs))
    outer, inner = node[:, 1:].ravel(), node[:, :-1].ravel()
    rows = np.concatenate([np.full(len(for_it), n), against, outer, one, other])
    columns = np.concatenate([for_it, np.full(len(against), n + 1), inner, other, one])
    capacity = np.concatenate([worth[for_it], -worth[against], np.full(len(outer), ENDLESS), stiff, stiff])
    graph = sparse.csr_matrix((capacity.astype(np.int32), (rows, columns)), shape=(n + 2, n + 2))
    left = graph - csgraph.maximum_flow(graph, n, n + 1).flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    reached = csgraph.breadth_first_order(left, n, return_predecessors=False)
    inside = np.zeros(n + 2, dtype=bool)
    inside[reached] = True
    return inside[:n].reshape(RAYS, STEPS).sum(axis=1).astype(float)


def ball_of(reach: NDArray[np.float64], size: int, spacing_mm: float) -> NDArray[np.bool_]:
    """(N, N, N) True within ``reach`` (D,) [shells] of the click, between rays by their nearest three."""
    from scipy import spatial

    line = (np.arange(size) - (size - 1) / 2) * spacing_mm
    most = float(reach.max()) * STEP_MM + spacing_mm
    part = np.flatnonzero(np.abs(line) <= most)
    near = slice(int(part[0]), int(part[-1]) + 1)
    place = np.stack(np.meshgrid(line[near], line[near], line[near], indexing="ij"), axis=-1)
    away = np.linalg.norm(place, axis=-1)
    apart, which = spatial.KDTree(star().ways).query(place / np.maximum(away, 1e-6)[..., None], k=3)
    weight = 1.0 / (np.asarray(apart) + 1e-3)
    edge = (reach[which] * weight).sum(axis=-1) / weight.sum(axis=-1) * STEP_MM
    mask = np.zeros((size,) * 3, dtype=bool)
    mask[near, near, near] = away <= edge
    return mask
