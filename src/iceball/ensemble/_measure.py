"""What is measured of every member: coverage, margins, volumes, how cold each structure got, and where it was cold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.assessment import sampling, surface
from iceball.assessment.wanted import goal_target
from iceball.ensemble._margin import Border, grouped, least_margin_mm
from iceball.errors import InputError
from iceball.nouns import Grid
from iceball.nouns._noun import array_noun, noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.nouns import Case, Goal, Lesion, Plan, ThermalHistory, Volume

    Points = NDArray[np.float64]

WATCHED = ("at_risk", "barrier")
# How far from lesion and active zones rims are looked at [mm]; at 25 mm the cold is half a degree. Beyond, the solver's
# own voxels still count, those that it watches.
NEAR_MM = 30.0


@array_noun
class Yardstick:
    """What every member is measured with, made once: points (N, 3) [mm] to read the cold at.

    ``inside_mm`` fill the lesion, ``border`` lies on its surface, ``target_mm`` fill what the goal asks for.
    ``structures_mm`` pairs the name of each structure with points on its rim. ``lattice`` counts voxels from the first
    voxel of the scan, whatever box a run was made on.
    """

    lattice: Grid
    isotherms_c: tuple[float, ...]
    goal: Goal
    inside_mm: Points
    border: Border
    target_mm: Points
    structures_mm: tuple[tuple[str, Points], ...]


@noun
class Patch:
    """Where it was at or below ``isotherm_c``: bits (I, J, K) in a box of ``shape`` that begins at ``low``."""

    isotherm_c: float
    low: tuple[int, int, int]
    shape: tuple[int, int, int]
    bits: bytes


@array_noun
class Member:
    """What one member came to. ``failed`` says why it could not be computed, "" where it was.

    (L,) by isotherm of the yardstick: ``coverage_fraction`` of the lesion and ``volume_ml``. By the goal's isotherm:
    ``target_fraction`` covered and ``least_margin_mm`` around the lesion, -inf where nothing got that cold.
    ``coldest_c`` (S,) by structure of the yardstick, inf where the run did not reach it.
    """

    number: int
    failed: str = ""
    coverage_fraction: NDArray[Any]
    volume_ml: NDArray[Any]
    coldest_c: NDArray[Any]
    target_fraction: float
    least_margin_mm: float
    patches: tuple[Patch, ...] = ()

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("coverage_fraction", "volume_ml", "coldest_c"):
            seal_field(self, field, np.asarray(getattr(self, field), dtype=np.float64))


def make_yardstick(case: Case, plan: Plan, goal: Goal, spacing_mm: float) -> Yardstick:
    """Lay out the points at which every member of an ensemble of ``plan`` is read.

    Raises
    ------
    InputError : if the case has no lesion, or none of it meets bone where the goal aims at that
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark the lesion (iceball read --lesion FILE) first")
    grid = case.ct.grid
    border = surface.mask_surface(case.lesion.mask)
    isotherms = {row.value for row in library.isotherms()} | {goal.isotherm_c}
    return Yardstick(
        lattice=Grid(
            shape=(1, 1, 1),
            spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
            origin_mm=grid.origin_mm,
            direction=grid.direction,
        ),
        isotherms_c=tuple(sorted(isotherms, reverse=True)),
        goal=goal,
        inside_mm=_filled(case.lesion.mask, spacing_mm),
        border=grouped(np.concatenate([border.vertices_mm, border.centroids_mm])),
        target_mm=_filled(goal_target(case, goal), spacing_mm),
        structures_mm=_structures(case, plan, case.lesion, spacing_mm),
    )


def measured(number: int, history: ThermalHistory, stick: Yardstick) -> Member:
    """Measure ``history``, the run of member ``number``."""
    coldest = history.coldest
    inside_c = sampling.sample(coldest, stick.inside_mm, outside=np.inf)
    border_c = sampling.sample(coldest, stick.border.places_mm, outside=np.inf)
    target_c = sampling.sample(coldest, stick.target_mm, outside=np.inf)
    cold = [np.asarray(coldest.array) <= level for level in stick.isotherms_c]
    watched = {curve.name: float(np.min(curve.coldest_c)) for curve in history.structures}
    return Member(
        number=number,
        coverage_fraction=np.array([np.mean(inside_c <= level) for level in stick.isotherms_c]),
        volume_ml=np.array([np.count_nonzero(part) * coldest.grid.voxel_ml for part in cold]),
        coldest_c=np.array([_coldest(coldest, watched, name, at_mm) for name, at_mm in stick.structures_mm]),
        target_fraction=float(np.mean(target_c <= stick.goal.isotherm_c)),
        least_margin_mm=least_margin_mm(stick.border, border_c, coldest, stick.goal.isotherm_c),
        patches=tuple(
            _patch(part, level, coldest.grid, stick.lattice)
            for part, level in zip(cold, stick.isotherms_c, strict=True)
        ),
    )


def failed(number: int, why: str, stick: Yardstick) -> Member:
    """Note that member ``number`` could not be computed, and ``why``."""
    nothing = np.full(len(stick.isotherms_c), np.nan)
    return Member(
        number=number,
        failed=why,
        coverage_fraction=nothing,
        volume_ml=nothing,
        coldest_c=np.full(len(stick.structures_mm), np.nan),
        target_fraction=float("nan"),
        least_margin_mm=float("nan"),
    )


def unpacked(patch: Patch) -> NDArray[np.bool_]:
    """(I, J, K) True where it was as cold as the isotherm of ``patch``, in its box."""
    count = patch.shape[0] * patch.shape[1] * patch.shape[2]
    return np.unpackbits(np.frombuffer(patch.bits, dtype=np.uint8), count=count).astype(bool).reshape(patch.shape)


def _patch(cold: NDArray[np.bool_], level_c: float, grid: Grid, lattice: Grid) -> Patch:
    spans = [np.flatnonzero(cold.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    if not spans[0].size:
        return Patch(isotherm_c=level_c, low=(0, 0, 0), shape=(0, 0, 0), bits=b"")
    part = cold[tuple(slice(int(s[0]), int(s[-1]) + 1) for s in spans)]
    origin = np.rint(lattice.index_of(grid.origin_mm)).astype(int)
    i, j, k = (int(o) + int(s[0]) for o, s in zip(origin, spans, strict=True))
    return Patch(isotherm_c=level_c, low=(i, j, k), shape=part.shape, bits=np.packbits(part).tobytes())


def _coldest(coldest: Volume, watched: Mapping[str, float], name: str, points_mm: Points) -> float:
    """Coldest temperature [°C] of a structure: at its rim or in the solver's voxels of it, whichever is lower."""
    at_rim = sampling.sample(coldest, points_mm, outside=np.inf)
    return min(watched.get(name, np.inf), float(np.min(at_rim, initial=np.inf)))


def _filled(mask: Volume, spacing_mm: float) -> Points:
    """Points that fill ``mask`` evenly, but for the corners that its surface cuts off: what ``assess`` counts."""
    points = sampling.voxel_points_mm(mask.grid, np.argwhere(np.asarray(mask.array) > 0), finest_mm=spacing_mm)
    return points[sampling.sample(mask, points, outside=0.0) >= 0.5]


def _structures(case: Case, plan: Plan, lesion: Lesion, spacing_mm: float) -> tuple[tuple[str, Points], ...]:
    """Name of each structure near lesion and probes, with points (N, 3) [mm] that fill the voxels of its rim.

    The coldest place of a structure lies on its rim: cold spreads, it does not well up inside matter. A probe inside
    is met by the solver's own voxels.
    """
    if case.labels is None:
        return ()
    from iceball.assessment._numerics import rim

    grid = case.labels.grid
    ends = [np.asarray(end) for placement in plan.placements for end in placement.active_ends_mm]
    corners = np.argwhere(np.asarray(lesion.mask.array) > 0)
    places = grid.index_of(
        np.array([*ends, grid.position_mm(corners.min(axis=0)), grid.position_mm(corners.max(axis=0))])
    )
    more = NEAR_MM / np.asarray(grid.spacing_mm)
    low = np.clip(np.floor(places.min(axis=0) - more), 0, None).astype(int)
    high = np.clip(np.ceil(places.max(axis=0) + more) + 1, 0, grid.shape).astype(int)
    labels = np.asarray(case.labels.array)[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    present = set(np.unique(labels).tolist())
    return tuple(
        (
            structure.name,
            sampling.voxel_points_mm(grid, np.argwhere(rim(labels == structure.label)) + low, finest_mm=spacing_mm),
        )
        for structure in case.structures
        if structure.role in WATCHED and structure.label in present
    )
