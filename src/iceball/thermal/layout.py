"""Voxels as the fast engine keeps them: padded arrays, and tiles of 16 x 4 x 4 that are stepped or left at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from iceball.thermal.problem import Problem

TILE = (4, 4, 16)
PAD = (1, 1, 16)
MIXED, EXTRA, WELL, STASIS, DRY = 1, 2, 4, 8, 16
MOVES, ALIKE = 64, 63
DIRECTIONS = ((2, -1), (2, 1), (1, -1), (1, 1), (0, -1), (0, 1))  # in the order of the bits of ``faces``


@array_noun
class Layout:
    """Where everything lies. ``counts`` tiles along each axis; arrays are padded to ``padded`` voxels.

    ``label`` (padded) uint8 with one more label, past the materials, for the padding; ``faces`` (padded) uint8: bits
    0-5 neighbour alike, bit 6 may change. Per tile: ``flags``, ``tile_label``, ``offset`` of its first voxel, ``busy``
    whether anything there can change, ``solid`` whether anything there conducts; ``beside`` (tiles, 6) its neighbours,
    -1 where there is none.
    """

    shape: tuple[int, int, int]
    counts: tuple[int, int, int]
    padded: tuple[int, int, int]
    label: NDArray[np.uint8]
    faces: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    tile_label: NDArray[np.uint8]
    offset: NDArray[np.int64]
    busy: NDArray[np.bool_]
    solid: NDArray[np.bool_]
    beside: NDArray[np.int64]

    def inner(self, array: NDArray) -> NDArray:
        """The part of a padded ``array`` that is the box itself, as a view."""
        return array[tuple(slice(p, p + n) for p, n in zip(PAD, self.shape, strict=True))]

    def padded_of(self, array: NDArray, fill: float, dtype: DTypeLike) -> NDArray:
        """``array`` (I, J, K) in padding of ``fill``."""
        made = np.full(self.padded, fill, dtype)
        self.inner(made)[...] = array
        return made

    def flat(self, voxel: NDArray[np.integer]) -> NDArray[np.int64]:
        """Flat indices of the box as flat indices of padded arrays."""
        i, j, k = np.unravel_index(voxel, self.shape)
        return np.ravel_multi_index((i + PAD[0], j + PAD[1], k + PAD[2]), self.padded).astype(np.int64)

    def tile_of(self, flat: NDArray[np.integer]) -> NDArray[np.int64]:
        """Tile of each flat padded index (inside the box)."""
        place = np.unravel_index(flat, self.padded)
        return np.ravel_multi_index(
            tuple((p - q) // t for p, q, t in zip(place, PAD, TILE, strict=True)), self.counts
        ).astype(np.int64)


def by_tile(layout: Layout, array: NDArray) -> NDArray:
    """View the tiles of a padded ``array``: (ti, tj, tk, 4, 4, 16), copied."""
    core = array[tuple(slice(p, p + c * t) for p, c, t in zip(PAD, layout.counts, TILE, strict=True))]
    (a, b, c), (i, j, k) = layout.counts, TILE
    return core.reshape(a, i, b, j, c, k).transpose(0, 2, 4, 1, 3, 5)


def make_layout(problem: Problem, held: NDArray[np.bool_] | None = None) -> Layout:
    """Lay the voxels of ``problem`` out; ``held`` (I, J, K) voxels keep their temperature."""
    shape = problem.index.shape
    counts = tuple(-(-n // t) for n, t in zip(shape, TILE, strict=True))
    padded = tuple(c * t + 2 * p for c, t, p in zip(counts, TILE, PAD, strict=True))
    inert = problem.conducts.size
    label = np.full(padded, inert, np.uint8)
    inner = tuple(slice(p, p + n) for p, n in zip(PAD, shape, strict=True))
    label[inner] = np.where(problem.conducts, np.arange(inert), inert).astype(np.uint8)[problem.index]
    faces = _faces(label, inert)
    moves = label[inner] != inert
    if held is not None:
        moves &= ~held
    faces[inner] |= MOVES * moves.view(np.uint8)
    tiles, offset = int(np.prod(counts)), _offsets(counts, padded)
    nothing = np.zeros(0, np.uint8)
    made = Layout(
        shape=shape, counts=counts, padded=padded, label=label, faces=faces, flags=nothing, tile_label=nothing,
        offset=offset, busy=nothing.view(bool), solid=nothing.view(bool), beside=_beside(counts),
    )  # fmt: skip
    return _with_tiles(made, problem, *(by_tile(made, array).reshape(tiles, -1) for array in (label, faces)))


def _with_tiles(layout: Layout, problem: Problem, label: NDArray[np.uint8], faces: NDArray[np.uint8]) -> Layout:
    from dataclasses import replace

    tiles = layout.offset.size
    has_extra = _has_extra(layout, problem)
    mixed = faces.min(1) != ALIKE | MOVES  # the largest there is
    dry = np.append((problem.perfusion == 0) & (problem.metabolic == 0), True)
    wells = np.zeros(tiles, bool)
    if problem.wells.voxel.size:
        wells[np.unique(layout.tile_of(layout.flat(problem.wells.voxel)))] = True
    flags = np.where(mixed | has_extra, MIXED, 0) | np.where(has_extra, EXTRA, 0) | np.where(wells, WELL, 0)
    flags |= np.where(dry[label].all(1) if dry[:-1].any() else label.min(1) == dry.size - 1, DRY, 0)
    return replace(
        layout, flags=flags.astype(np.uint8), tile_label=np.ascontiguousarray(label[:, 0]),
        busy=np.bitwise_or.reduce(faces, 1) >= MOVES,
        solid=label.min(1) != problem.conducts.size,
    )  # fmt: skip


def _has_extra(layout: Layout, problem: Problem) -> NDArray[np.bool_]:
    """Which tiles (T,) have anything but conduction, blood and probes."""
    tiles = layout.offset.size
    if problem.source is not None:
        return np.ones(tiles, bool)
    opened = problem.open_conductance.any()
    if not (opened or problem.walls or problem.wall_heat is not None):
        return np.zeros(tiles, bool)
    extra = layout.padded_of((problem.open_conductance != 0), 0, np.uint8)
    if problem.wall_heat is not None:
        layout.inner(extra)[...] |= problem.wall_heat != 0
    for wall in problem.walls:
        edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
        layout.inner(extra)[edge] = 1
    return by_tile(layout, extra).reshape(tiles, -1).max(1) > 0


def _faces(label: NDArray[np.uint8], inert: int) -> NDArray[np.uint8]:
    """Bits 0-5 of ``faces``, each pair of neighbours looked at once."""
    faces = np.zeros(label.shape, np.uint8)
    conducts = label != inert
    for bit, (axis, side) in enumerate(DIRECTIONS):
        if side < 0:
            continue
        low, high = (tuple(cut if a == axis else slice(None) for a in range(3)) for cut in (slice(-1), slice(1, None)))
        alike = ((label[low] == label[high]) & conducts[low]).view(np.uint8)
        faces[low] |= alike << bit
        faces[high] |= alike << (bit - 1)
    return faces


def _offsets(counts: tuple[int, ...], padded: tuple[int, ...]) -> NDArray[np.int64]:
    a, b, c = np.indices(counts).reshape(3, -1)
    place = (a * TILE[0] + PAD[0], b * TILE[1] + PAD[1], c * TILE[2] + PAD[2])
    return np.ravel_multi_index(place, padded).astype(np.int64)


def _beside(counts: tuple[int, ...]) -> NDArray[np.int64]:
    number = np.arange(int(np.prod(counts))).reshape(counts)
    wide = np.full([n + 2 for n in counts], -1, np.int64)
    wide[1:-1, 1:-1, 1:-1] = number
    found = []
    for axis, side in DIRECTIONS:
        found.append(
            wide[tuple(slice(1 + side, 1 + side + n) if a == axis else slice(1, -1) for a, n in enumerate(counts))]
        )
    return np.stack(found, axis=-1).reshape(-1, 6)
