"""Tiles one after the other in memory: what the kernel steps lies together, a page or two per tile.

Voxel (i, j, k) of the box is voxel 16 (4 (i mod 4) + j mod 4) + k mod 16 of its tile. One more tile stands for all that
lies outside: it is inert.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.thermal.layout import ALIKE, MOVES, TILE, by_tile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from iceball.thermal.layout import Layout

VOXELS = int(np.prod(TILE))
ROWS = VOXELS // TILE[2]


@array_noun
class Bricks:
    """The tissue by tiles (T + 1, ...), the last tile for what lies outside.

    ``label`` (., VOXELS) material, one past the last where nothing conducts; ``faces`` (., VOXELS) bits 0-5 neighbour
    alike, bit 6 may change; ``row_kind`` (., ROWS): one material, all faces alike, all may change; ``beside`` (., 6).
    """

    layout: Layout
    label: NDArray[np.uint8]
    faces: NDArray[np.uint8]
    row_kind: NDArray[np.uint8]
    row_unlike: NDArray[np.uint8]
    beside: NDArray[np.int32]
    tile_label: NDArray[np.uint8]
    solid: NDArray[np.uint8]

    @property
    def count(self) -> int:
        """How many there are, the one outside included."""
        return self.beside.shape[0]

    def cut(self, array: ArrayLike, outside: float, dtype: DTypeLike) -> NDArray:
        """``array`` (I, J, K), or one number, by tiles (T + 1, VOXELS); ``outside`` where there are no voxels."""
        if np.ndim(array) == 0 and array == outside:
            return np.full((self.count, VOXELS), outside, dtype)
        return _bricks(self.layout, self.layout.padded_of(np.asarray(array), outside, dtype), outside)

    def whole(self, bricks: NDArray) -> NDArray:
        """The box (I, J, K) of ``bricks`` (T + 1, VOXELS), copied."""
        a, b, c = self.layout.counts
        tiles = bricks[:-1].reshape(a, b, c, *TILE).transpose(0, 3, 1, 4, 2, 5)
        wide = tiles.reshape([n * t for n, t in zip((a, b, c), TILE, strict=True)])
        return wide[tuple(slice(0, n) for n in self.layout.shape)]

    def places(self, voxel: NDArray[np.integer]) -> NDArray[np.int64]:
        """Where voxels of the box (flat indices) lie in the bricks (flat indices)."""
        place = np.unravel_index(voxel, self.layout.shape)
        (a, x), (b, y), (c, z) = (np.divmod(p, t) for p, t in zip(place, TILE, strict=True))
        tile = np.ravel_multi_index((a, b, c), self.layout.counts)
        return ((tile * TILE[0] + x) * TILE[1] + y) * TILE[2] + z


def make_bricks(layout: Layout, inert: int) -> Bricks:
    """Cut ``layout`` into bricks; ``inert`` is the label of what does not conduct."""
    tiles = layout.offset.size
    label, faces = _bricks(layout, layout.label, inert), _bricks(layout, layout.faces, 0)
    rows = label.reshape(-1, TILE[2]), faces.reshape(-1, TILE[2])
    kind = (rows[0] == rows[0][:, :1]).all(1) * 1 | ((rows[1] & ALIKE) == ALIKE).all(1) * 2
    kind |= (rows[1] >= MOVES).all(1) * 4
    unlike = np.bitwise_or.reduce(~rows[1] & ALIKE, axis=1)
    beside = np.full((tiles + 1, 6), tiles, np.int32)
    beside[:-1] = np.where(layout.beside >= 0, layout.beside, tiles)
    return Bricks(
        layout=layout, label=label, faces=faces, row_kind=kind.astype(np.uint8).reshape(tiles + 1, ROWS),
        row_unlike=unlike.reshape(tiles + 1, ROWS),
        beside=beside, tile_label=np.ascontiguousarray(label[:, 0]),
        solid=np.append(layout.solid, False).astype(np.uint8),
    )  # fmt: skip


def _bricks(layout: Layout, padded: NDArray, outside: float) -> NDArray:
    """A padded array by tiles (T + 1, VOXELS); ``outside`` in the last one."""
    made = np.full((layout.offset.size + 1, VOXELS), outside, padded.dtype)
    made[:-1].reshape(*layout.counts, *TILE)[...] = by_tile(layout, padded)
    return made
