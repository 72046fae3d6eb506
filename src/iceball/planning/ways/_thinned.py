"""The part of a scan that ways can lie in, on voxels of about 1.4 mm: blocks of fine voxels, or parts of thick ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns import Grid
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# Numerical: voxels of about this size; slices thicker than the second are split, which loses nothing.
FINE_MM, THICK_MM = 1.4, 2.6

Three = tuple[int, int, int]


@array_noun
class Thinned:
    """A block of the CT, ``slices``, whose voxels are joined by ``steps`` and split by ``splits`` along each axis."""

    grid: Grid
    slices: tuple[slice, slice, slice]
    steps: Three
    splits: Three

    def joined(self, array: NDArray[Any], join: Callable[..., Any], beyond: int = 0) -> NDArray[Any]:
        """(i, j, k) on the thinned grid from (I, J, K) on the CT: what ``join`` makes of the voxels of a block.

        ``join`` is a numpy function of two arrays, such as ``np.maximum``; ``beyond`` the scan lies that value.
        """
        part = array[self.slices]
        for axis, step in enumerate(self.steps):
            part = _join(part, axis, step, join, beyond)
        return self._split(part)

    def picked(self, array: NDArray[Any]) -> NDArray[Any]:
        """(i, j, k) on the thinned grid from (I, J, K) on the CT: the voxel in the middle of each block."""
        starts = tuple(
            slice(s.start + min((step - 1) // 2, s.stop - s.start - 1), s.stop, step)
            for s, step in zip(self.slices, self.steps, strict=True)
        )
        part = array[starts]
        missing = [
            (0, n // split - have) for n, split, have in zip(self.grid.shape, self.splits, part.shape, strict=True)
        ]
        return self._split(np.pad(part, missing, mode="edge") if any(m for _, m in missing) else part)

    def _split(self, part: NDArray[Any]) -> NDArray[Any]:
        for axis, split in enumerate(self.splits):
            if split > 1:
                part = np.repeat(part, split, axis=axis)
        return part


def thinned(grid: Grid, low_mm: NDArray[np.float64], high_mm: NDArray[np.float64]) -> Thinned:
    """Return the block of ``grid`` between two corners in the frame of its own axes, (3,) from its first voxel [mm]."""
    slices, steps, splits, shape, origin = [], [], [], [], []
    for axis, spacing in enumerate(grid.spacing_mm):
        step = max(1, round(FINE_MM / spacing))
        split = int(np.ceil(spacing / FINE_MM - 0.5)) if spacing > THICK_MM else 1
        start = int(np.clip(np.floor(low_mm[axis] / spacing), 0, grid.shape[axis] - 1))
        stop = int(np.clip(np.ceil(high_mm[axis] / spacing) + 1, start + 1, grid.shape[axis]))
        slices.append(slice(start, stop))
        steps.append(step)
        splits.append(split)
        shape.append(-(-(stop - start) // step) * split)
        origin.append(start + (step - 1) / 2 if split == 1 else start - 0.5 + 0.5 / split)
    x, y, z = grid.position_mm(origin).tolist()
    wide, deep, high = (s * n / m for s, n, m in zip(grid.spacing_mm, steps, splits, strict=True))
    thin = Grid(
        shape=(shape[0], shape[1], shape[2]),
        spacing_mm=(wide, deep, high),
        origin_mm=(x, y, z),
        direction=grid.direction,
    )
    return Thinned(
        grid=thin,
        slices=(slices[0], slices[1], slices[2]),
        steps=(steps[0], steps[1], steps[2]),
        splits=(splits[0], splits[1], splits[2]),
    )


def _join(part: NDArray[Any], axis: int, step: int, join: Callable[..., Any], beyond: int) -> NDArray[Any]:
    if step == 1:
        return part
    if missing := -part.shape[axis] % step:
        padding = [(0, missing if a == axis else 0) for a in range(3)]
        part = np.pad(part, padding, constant_values=beyond)
    each = [
        part[tuple(slice(k if a == axis else 0, None, step if a == axis else 1) for a in range(3))] for k in range(step)
    ]
    found = join(each[0], each[1])
    for more in each[2:]:
        found = join(found, more)
    return found
