"""A problem as arrays for the device: what stands where is said in _places.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.thermal.backends.cuda import _places as at
from iceball.thermal.layout import WELL
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.stiffness import Stiffness
from iceball.thermal.superstep import stages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.thermal.layout import Layout
    from iceball.thermal.media import Media
    from iceball.thermal.problem import Drive, Problem, Watch


def pack_fields(problem: Problem, layout: Layout, media: Media, start: NDArray, clocks: int) -> NDArray[np.float32]:
    """Return the rows (., N) of all padded voxels; ``start`` (I, J, K) [°C]."""
    made = np.zeros((at.CLOCKS + clocks, int(np.prod(layout.padded))), np.float32)
    conducting = problem.conducts[problem.index]
    enthalpy = layout.padded_of(np.where(conducting, media.enthalpy(start, problem.index), 0.0), 0, np.float32)
    made[[at.NOW_H, at.NEXT_H, at.REST]] = enthalpy.reshape(-1)
    now = layout.padded_of(np.where(conducting, start, problem.arterial_c), problem.arterial_c, np.float32)
    made[[at.NOW_C, at.COLDEST_C]] = now.reshape(-1)
    given, per_potential = steady_given(problem, media)
    for row, field in ((at.GIVEN, given), (at.PER_K, problem.open_conductance), (at.PER_POTENTIAL, per_potential)):
        made[row] = layout.padded_of(field, 0, np.float32).reshape(-1)
    return made


def steady_given(problem: Problem, media: Media) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heat given to each voxel (I, J, K) [W/m³] whatever its state, and what held walls take per potential [1/m²]."""
    given, per_potential = problem.open_conductance * problem.air_c, np.zeros(problem.index.shape)
    if problem.wall_heat is not None:
        given = given + problem.wall_heat
    for wall in problem.walls:
        edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
        held = media.read(2, media.enthalpy(wall.held_c, problem.index[edge]), problem.index[edge])
        strength = 2.0 / problem.spacing_m**2 * problem.conducts[problem.index[edge]]
        given[edge] += strength * held
        per_potential[edge] += strength
    return given, per_potential


def pack_media(problem: Problem, media: Media) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the materials (M + 1, .) and their table (nodes, 8); the last is the padding, which does not conduct."""
    count = media.medium.size
    medium = np.zeros((count + 1, at.MEDIUM_COLUMNS), np.float32)
    medium[:count] = np.stack([_flat(media.medium[m]) for m in range(count)])
    medium[count, at.STRAIGHT], medium[count, at.T0] = -np.inf, problem.arterial_c
    table = np.zeros(((count + 1) * at.PIECES, 8), np.float32)
    table[: media.rows.shape[1]] = media.rows.T
    table[media.rows.shape[1] :, at.T] = problem.arterial_c
    return medium, table


def _flat(medium: np.void) -> NDArray[np.float32]:
    names = ("straight", "t0", "t1", "p0", "p1", "k", "perfusion", "metabolic")
    return np.array([*medium["low"], *medium["inverse"], *(medium[name] for name in names)], np.float32)


def pack_bytes(layout: Layout) -> NDArray[np.uint8]:
    """Return label, faces and whether blood still flows (3, N)."""
    return np.stack([layout.label.reshape(-1), layout.faces.reshape(-1), np.ones(layout.label.size, np.uint8)])


def pack_stiffness(problem: Problem, layout: Layout, per_potential: NDArray[np.float64]) -> tuple[NDArray, ...]:
    """Return what bounds the eigenvalues, as stiffness.py has it, for the device to look up.

    By kind of tile (floors, kinds, 3) float32; the kind of each tile (T,); and per tile (T, .) what its wells, held
    walls and skin add.
    """
    bound = Stiffness(problem, layout, per_potential)
    values = np.zeros((layout.offset.size, at.VALUE_COLUMNS), np.float32)
    values[:, at.WELL_ROW], values[:, at.OPEN_ROW] = bound.extra, bound.open
    return bound.table.astype(np.float32), bound.kind_of, values


def pack_tiles(layout: Layout, kind_of: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the tiles (T, .), all of what conducts awake; wells numbered in the order of the tiles."""
    made = np.zeros((layout.offset.size, at.TILE_COLUMNS), np.int32)
    made[:, at.OFFSET], made[:, at.FLAGS], made[:, at.KIND] = layout.offset, layout.flags, kind_of
    made[:, at.TILE_LABEL], made[:, at.SOLID] = layout.tile_label, layout.solid
    made[:, at.ACTIVE] = layout.solid
    made[:, at.WELL_NUMBER] = np.cumsum((layout.flags & WELL) > 0) - 1
    made[:, at.BESIDE :] = layout.beside
    return made


def pack_lines(problem: Problem, layout: Layout, media: Media) -> at.Lines:
    """Return the segments of all probes, what they sample, and which of them reach each voxel of tiles with wells."""
    wells = problem.wells
    segments = np.zeros((max(1, wells.probe.size), at.SEGMENT_COLUMNS))
    if wells.probe.size:
        parts = (wells.probe, wells.length_m, wells.conductance, wells.resistance, wells.offset_k)
        segments[:, at.PROBE : at.OFFSET_K + 1] = np.stack(parts, axis=1)
    flat = layout.flat(wells.voxel) if wells.voxel.size else wells.voxel
    of_segment = np.repeat(np.arange(wells.probe.size), np.diff(wells.start))
    slot = _slots(layout, flat)
    order = np.argsort(slot, kind="stable")
    tiles = int(((layout.flags & WELL) > 0).sum())
    here_start = np.searchsorted(slot[order], np.arange(tiles * at.TILE_VOXELS + 1))
    surface = problem.table.surface_potential - media.shift_p[:, None]
    return at.Lines(
        segments=segments, start=wells.start.astype(np.int32), voxel=_some(flat, np.int32),
        weight=_some(wells.weight, np.float64), mix_start=wells.mix_start.astype(np.int32),
        material=_some(wells.material, np.int32), share=_some(wells.share, np.float64),
        surface=np.ascontiguousarray(surface), here_start=here_start.astype(np.int32),
        here_segment=_some(of_segment[order], np.int32), here_weight=_some(wells.weight[order], np.float32),
    )  # fmt: skip


def _some(array: NDArray, dtype: type) -> NDArray:
    """An array of at least one element: nothing is not allocated on a device."""
    return array.astype(dtype) if array.size else np.zeros(1, dtype)


def _slots(layout: Layout, flat: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of padded voxels in the tiles with wells: number of the tile and voxel in it."""
    if not flat.size:
        return np.zeros(0, np.int64)
    number = np.cumsum((layout.flags & WELL) > 0) - 1
    tile = layout.tile_of(flat)
    inside = flat - layout.offset[tile]
    row, plane = layout.padded[2], layout.padded[1] * layout.padded[2]
    i, j, k = inside // plane, inside % plane // row, inside % row
    return number[tile] * at.TILE_VOXELS + i * 64 + j * 16 + k


def pack_numbers(problem: Problem, layout: Layout, watch: Watch, order: int) -> tuple[NDArray, NDArray]:
    """Return the whole and the real numbers that never change."""
    row, plane = layout.padded[2], layout.padded[1] * layout.padded[2]
    wells = int(((layout.flags & WELL) > 0).sum())
    counts = problem.wells.probe.size, problem.wells.probes
    whole = np.array([row, plane, wells, *counts, int(order == 2), len(watch.clocks_c)], np.int64)
    real = [
        1.0 / problem.spacing_m**2, problem.arterial_c, max(watch.stasis_c, -1e9), at.WAKE_K_USUAL, problem.voxel_m3,
        COLDEST_C, SURFACE_STEP_C, *watch.clocks_c,
    ]  # fmt: skip
    return whole, np.array(real, float)


def pack_coefficients(most: int, order: int) -> NDArray[np.float64]:
    """Return the coefficients of 2, 4, ... ``most`` stages (., 6), one count after the other."""
    blocks = [np.zeros((2, 6))] if order == 2 else []  # RKL2 begins at 3 stages
    for count in range(4 if order == 2 else 2, most + 1, 2):
        s = stages(count, order)
        blocks.append(np.stack([s.carry, s.weight, s.back, s.again, s.share, s.time], axis=1))
    return np.ascontiguousarray(np.concatenate(blocks))


def pack_drive(control: NDArray[np.float64], before: Drive, after: Drive) -> None:
    """Write into ``control`` what the probes do from ``before`` to ``after``."""
    most = before.most_heat_w_per_m
    columns: Sequence = (
        before.mode, before.value, after.value, before.power, before.resistance, most, before.tilt, after.tilt,
    )  # fmt: skip
    if before.mode.size:
        control[at.DRIVES :] = np.stack([np.asarray(c, float) for c in columns], axis=1).reshape(-1)
    control[at.WELLS_ON] = float((before.mode != 0).any())
