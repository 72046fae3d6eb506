"""The same scan on a grid whose axes run otherwise: each voxel stays where it is."""

from __future__ import annotations

import itertools

import numpy as np

from iceball.nouns import Grid, Volume

ORDERS = tuple(itertools.permutations(range(3)))
FLIPS = tuple(itertools.product((False, True), repeat=3))


def turned(volume: Volume, order: tuple[int, int, int], flip: tuple[bool, bool, bool]) -> Volume:
    """``volume`` with its axes in ``order``, and backward where ``flip``."""
    array = np.transpose(volume.array, order)
    affine = volume.grid.affine[:, [*order, 3]]
    for axis in range(3):
        if flip[axis]:
            affine[:, 3] += affine[:, axis] * (array.shape[axis] - 1)
            affine[:, axis] *= -1
            array = np.flip(array, axis)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    grid = Grid(
        shape=array.shape,
        spacing_mm=tuple(spacing.tolist()),
        origin_mm=tuple(affine[:3, 3].tolist()),
        direction=tuple((affine[:3, :3] / spacing).ravel().tolist()),
    )
    return Volume(grid=grid, array=np.ascontiguousarray(array), quantity=volume.quantity)


def turned_back(array: np.ndarray, order: tuple[int, int, int], flip: tuple[bool, bool, bool]) -> np.ndarray:
    """An ``array`` on the turned grid, on the grid before."""
    return np.transpose(np.flip(array, tuple(axis for axis in range(3) if flip[axis])), np.argsort(order))
