"""The CT's values at the voxels of another grid with the same axes, without regard to how far that grid reaches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import GeometryError
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from iceball.nouns import Grid


@array_noun
class Sampling:
    """Where the voxels of a grid lie on the CT: along each axis, the CT index of each of their centres.

    ``width`` is their size in CT voxels. Since the axes are shared, three short lists say everything.
    """

    ct: Grid
    shape: tuple[int, int, int]
    centres: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    width: tuple[float, float, float]

    def inside(self) -> NDArray[np.bool_]:
        """(I, J, K) True where the centre lies in a voxel of the CT."""
        i, j, k = (
            (centre >= -0.5) & (centre <= n - 0.5) for centre, n in zip(self.centres, self.ct.shape, strict=True)
        )
        return i[:, None, None] & j[None, :, None] & k[None, None, :]

    def widened(self, voxels: tuple[int, int, int]) -> Sampling:
        """Place the same grid with so many ``voxels`` more at either end of each axis; its own stay to the bit."""
        steps = zip(self.centres, voxels, self.width, strict=True)
        first, second, third = (_longer(centre, more, width) for centre, more, width in steps)
        i, j, k = (n + 2 * more for n, more in zip(self.shape, voxels, strict=True))
        return Sampling(ct=self.ct, shape=(i, j, k), centres=(first, second, third), width=self.width)

    def nearest(self, array: NDArray[Any]) -> NDArray[Any]:
        """(I, J, K) value of ``array`` at the nearest voxel of the CT; beyond the CT that of its border."""
        index = (
            np.clip(np.floor(centre + 0.5).astype(np.intp), 0, n - 1)
            for centre, n in zip(self.centres, self.ct.shape, strict=True)
        )
        return array[np.ix_(*index)]

    def averaged(self, array: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(I, J, K) mean of ``array`` over each voxel where ``mask`` holds; NaN where it holds nowhere near.

        Linear interpolation where the grid is finer than the CT, the mean over the voxel where it is coarser. Gas is
        masked, so that the skin and the bowel's wall do not look like fat.
        """
        weights = [
            _weights(centre, width, n) for centre, width, n in zip(self.centres, self.width, self.ct.shape, strict=True)
        ]
        crop = tuple(slice(low, low + size) for low, size, _ in weights)
        part = mask[crop]
        share = _along_all(part.astype(np.float32), weights)
        total = _along_all(np.where(part, array[crop], 0).astype(np.float32), weights)
        return np.divide(total, share, out=np.full(self.shape, np.nan, dtype=np.float32), where=share > 0)


def sampling(ct: Grid, grid: Grid) -> Sampling:
    """Place ``grid`` on the grid of a CT.

    Raises
    ------
    GeometryError : if the grids' axes are not the same

    The CT indices are rounded to a millionth of a voxel, so that a voxel gets the same bits in any box.
    """
    if not np.allclose(ct.direction, grid.direction, rtol=0.0, atol=1e-4):
        raise GeometryError(
            f"the grid's axes {_axes(grid)} are not those of the CT {_axes(ct)}: give it the CT's direction"
        )
    origin = ct.index_of(grid.origin_mm)
    width = np.asarray(grid.spacing_mm) / np.asarray(ct.spacing_mm)
    centres = tuple(np.round(origin[a] + width[a] * np.arange(grid.shape[a]), 6) for a in range(3))
    return Sampling(ct=ct, shape=grid.shape, centres=centres, width=tuple(map(float, width)))  # pyright: ignore[reportArgumentType]


def _longer(centre: NDArray[np.float64], more: int, width: float) -> NDArray[np.float64]:
    step = width * np.arange(1, more + 1)
    return np.round(np.concatenate([centre[0] - step[::-1], centre, centre[-1] + step]), 6)


def _axes(grid: Grid) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in grid.direction) + ")"


def _weights(centre: NDArray[np.float64], width: float, n: int) -> tuple[int, int, sparse.csr_array]:
    """Rows that average a voxel of ``width`` CT voxels: first CT index needed, how many, and the (m, n') matrix.

    The weight of a CT voxel is its overlap with the wanted one, at least one CT voxel wide: at that width the overlap
    is linear interpolation.
    """
    from scipy import sparse  # only here: slow to import

    width = max(width, 1.0)
    start = np.floor(centre - width / 2 + 0.5).astype(np.intp)
    index = start[:, None] + np.arange(math.ceil(width) + 1)
    low = np.maximum(centre[:, None] - width / 2, index - 0.5)
    high = np.minimum(centre[:, None] + width / 2, index + 0.5)
    overlap = np.clip(high - low, 0.0, None) / width
    index = np.clip(index, 0, n - 1)
    first, last = int(index.min()), int(index.max())
    rows = np.repeat(np.arange(len(centre)), index.shape[1])
    shape = (len(centre), last - first + 1)
    matrix = sparse.coo_array((overlap.ravel().astype(np.float32), (rows, (index - first).ravel())), shape=shape)
    return first, last - first + 1, matrix.tocsr()


def _along_all(array: NDArray[np.float32], weights: list[tuple[int, int, sparse.csr_array]]) -> NDArray[np.float32]:
    for _, _, matrix in weights:
        rest = array.shape[1:]
        # the axis done goes last, so that after three turns the axes are in order again
        array = np.moveaxis((matrix @ array.reshape(array.shape[0], -1)).reshape(-1, *rest), 0, -1)
        array = np.ascontiguousarray(array)
    return array
