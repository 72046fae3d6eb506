"""Where everything lies in the arrays that host and device share: one number per row or column."""

from __future__ import annotations

from typing import Any, NamedTuple

from iceball.thermal.layout import TILE
from iceball.thermal.media import FIRST, TOTAL

# Rows of ``fields`` (., N) float32, padded voxels along: the enthalpy in two copies that change places at every stage.
NOW_H, NEXT_H, CHANGE, BEFORE, FIRST_RATE, REST, NOW_C, COLDEST_C, GIVEN, PER_K, PER_POTENTIAL, CLOCKS = range(12)
# Rows of ``bytes`` (., N) uint8.
LABEL, FACES, ALIVE = range(3)
# Columns of ``tiles`` (T, .) int32. SHUT: bit d where the neighbour in direction d is at rest.
OFFSET, FLAGS, TILE_LABEL, KIND, ACTIVE, SOLID, SHUT, WELL_NUMBER, BESIDE = range(9)
TILE_COLUMNS = BESIDE + 6
# Columns of ``values`` (T, .) float32.
LOW, NEW_LOW, MOVED, WELL_ROW, OPEN_ROW = range(5)
VALUE_COLUMNS = 5
# Columns of ``medium`` (M + 1, .) float32, the last row the padding.
LOW_H, INVERSE, STRAIGHT, T0, T1, P0, P1, CONDUCTIVITY, PERFUSION, METABOLIC = 0, 3, 6, 7, 8, 9, 10, 11, 12, 13
MEDIUM_COLUMNS = 14
# Columns of ``table`` (nodes, .) float32: each followed by its step over the piece.
T, P, K, F = 0, 2, 4, 6
# ``whole`` (.) int64 and ``real`` (.) float64 hold what never changes; the clocks' thresholds follow.
ROW, PLANE, WELL_TILES, SEGMENTS, PROBES, SECOND_ORDER, CLOCK_COUNT = range(7)
INVERSE_H2, ARTERIAL_C, STASIS_C, WAKE_K, VOXEL_M3, SURFACE_FROM_C, SURFACE_STEP_C, THRESHOLDS = range(8)
# ``control`` (.) float64 is sent before every step.
TRIES = 6
STEP_S, LAST_STEP_S, WELLS_ON, MOST_STAGES, ROWS = range(5)
ROWS_AFTER = ROWS + TRIES
DRIVES = ROWS_AFTER + TRIES
MODE, FROM, TO, POWER, LIMIT, MOST, TILT_FROM, TILT_TO = range(8)
DRIVE_COLUMNS = 8
# ``out`` (.) float64 comes back after every step.
STATUS, COUNT, WORKED, PERFUSED, METABOLISED, BOUNDED, PER_PROBE = range(7)
OUT_COLUMNS = 3  # energy, first heat, first surface
DONE, LOST, TOO_MANY = 1, 2, 3
# Columns of ``segments`` (S, .) float64.
PROBE, LENGTH, CONDUCTANCE, RESISTANCE, OFFSET_K, HEAT, ENERGY, FIRST_HEAT, FIRST_SURFACE, RATE = range(10)
SEGMENT_COLUMNS = 10
# Columns of ``coefficients`` (., .) float64; those of an even count begin at row count/2 (count/2 - 1).
CARRY, WEIGHT, BACK, AGAIN, SHARE, TIME = range(6)

THREADS = 256  # a block works on one tile at a time, a thread on one voxel of it
TILE_VOXELS = TILE[0] * TILE[1] * TILE[2]
ACROSS, ALONG = TILE[1] + 2, TILE[2] + 2  # a tile with one voxel around it
HALO_PLANE = ACROSS * ALONG
HALO = (TILE[0] + 2) * HALO_PLANE
FIRST_MUSHY, FIRST_UNFROZEN, PIECES = FIRST[1], FIRST[2], TOTAL
FLOORS_FROM_C = -230.0
WAKE_K_USUAL = 0.1  # a tile wakes its neighbours as soon as one voxel is so far from where it began
RESTLESS_K_PER_S = 1e-4  # a tile that changes faster on its own is never left at rest


class Box(NamedTuple):
    """Everything but the probes."""

    fields: Any
    bytes: Any
    tiles: Any
    values: Any
    order: Any
    counters: Any
    medium: Any
    table: Any
    stiff: Any
    coefficients: Any
    whole: Any
    real: Any
    control: Any


class Lines(NamedTuple):
    """The probes: segments that sample voxels, and the segments that each voxel of a tile with wells belongs to."""

    segments: Any
    start: Any
    voxel: Any
    weight: Any
    mix_start: Any
    material: Any
    share: Any
    surface: Any
    here_start: Any
    here_segment: Any
    here_weight: Any


class Stage(NamedTuple):
    """One stage of a step."""

    carry: Any
    weight: Any
    back: Any
    again: Any
    share: Any
    first: Any
    now: Any


class Room(NamedTuple):
    """Shared memory of a block. A kernel makes it and hands it on: device functions may not, where two paths meet.

    ``sums`` (threads,) float64, ``most`` (threads,) float32; ``potential``, ``temperature``, ``conductivity`` (HALO,)
    float32 of a tile with one voxel around it.
    """

    sums: Any
    most: Any
    potential: Any
    temperature: Any
    conductivity: Any
