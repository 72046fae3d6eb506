"""What a plan is made for: the target, what lies around it and what must stay warm, as points in the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import assessment, library
from iceball.assessment.wanted import goal_target
from iceball.errors import InputError
from iceball.nouns import Volume
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Goal, Grid, Structure

    Points = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Place = tuple[slice, slice, slice]

# How finely a planner looks: numerical. The judgement of a finished plan is assessment's, on every voxel.
TARGET_MM, HEALTHY_MM, RISK_MM = 2.0, 4.0, 3.0
MOST_RISK_VOXELS, FINE_MM = 4000, 1.5
NEAR_MM = 32.0  # beyond this from the target no plan cools anything by ten kelvin
HEALTHY_NEAR_MM = 16.0  # nor to -20 °C beyond this
MOST_RISK_POINTS, MOST_TARGET_POINTS = 120, 900
WATCHED = ("at_risk", "barrier")


@array_noun
class Risk:
    """A structure that must stay warm: its points (R, 3) LPS [mm], the nearest to the target among them.

    ``steps_c`` are its limits [°C] by severity, those that it has; ``gap_mm`` is its distance from the target.
    """

    structure: Structure
    points_mm: Points
    gap_mm: float
    note_c: float | None
    caution_c: float | None
    stop_c: float | None

    @property
    def name(self) -> str:
        """Name of the structure."""
        return self.structure.name

    @property
    def warmest_c(self) -> float:
        """The warmest of its limits that are more than a note [°C]; it must have one."""
        return max(c for c in (self.caution_c, self.stop_c) if c is not None)


@array_noun
class Scene:
    """The task of a plan.

    ``target`` is a 0/1 mask (I, J, K) on the CT's grid, lesion and margin; ``target_mm`` (M, 3) points that fill it
    evenly and ``healthy_mm`` (H, 3) points around it, each ``healthy_ml`` large; ``risks`` the nearest first.
    """

    case: Case
    goal: Goal
    target: Volume
    target_mm: Points
    healthy_mm: Points
    healthy_ml: float
    risks: tuple[Risk, ...]

    @property
    def target_ml(self) -> float:
        """Volume of the target [ml]."""
        return float(np.count_nonzero(self.target.array)) * self.target.grid.voxel_ml

    @property
    def around_ml(self) -> float:
        """Volume of the healthy tissue that is looked at [ml]."""
        return len(self.healthy_mm) * self.healthy_ml

    @property
    def centre_mm(self) -> Points:
        """Middle (3,) of the target, LPS [mm]."""
        return self.target_mm.mean(axis=0)


def make_scene(case: Case, goal: Goal) -> Scene:
    """Lay out the task of a plan for ``case``.

    Raises
    ------
    InputError : if the case has no lesion, or nothing is left of the target beside what must stay warm
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion to plan for: mark it first (iceball lesion)")
    place = _around(case.lesion.mask)
    grid = case.ct.grid.part(place)
    labels = None if case.labels is None else np.asarray(case.labels.array[place])
    watched = [s for s in case.structures if s.role in WATCHED and labels is not None]
    wanted = goal_target(case, goal)
    target = np.asarray(wanted.array[place]) > 0
    away_mm = assessment.away_mm(target, grid.spacing_mm)
    risks = [_risk(s, labels == s.label, away_mm, grid) for s in watched] if labels is not None else []
    tissue = np.asarray(case.ct.array[place]) > library.hu_rules()["gas_below_hu"].value
    healthy = tissue & (away_mm > 0) & (away_mm <= HEALTHY_NEAR_MM)
    return Scene(
        case=case,
        goal=goal,
        target=wanted,
        target_mm=_inside(wanted, _filled(target, grid, _fine_enough(target, grid))),
        healthy_mm=_filled(healthy, grid, HEALTHY_MM),
        healthy_ml=HEALTHY_MM**3 / 1000.0,
        risks=tuple(sorted((risk for risk in risks if risk is not None), key=lambda risk: risk.gap_mm)),
    )


def _around(mask: Volume) -> Place:
    voxels = np.argwhere(np.asarray(mask.array) > 0)
    reach = np.ceil((NEAR_MM + 4.0) / np.asarray(mask.grid.spacing_mm)).astype(int)
    low = np.maximum(voxels.min(axis=0) - reach, 0)
    high = np.minimum(voxels.max(axis=0) + reach + 1, mask.array.shape)
    parts = [slice(int(a), int(z)) for a, z in zip(low, high, strict=True)]
    return parts[0], parts[1], parts[2]


def _risk(structure: Structure, there: Mask, away_mm: NDArray, grid: Grid) -> Risk | None:
    near = there & (away_mm <= NEAR_MM)
    if not near.any():
        return None
    limit = library.limit(structure.limit) if structure.limit else None
    steps = (None, None, None) if limit is None else (limit.note_below, limit.caution_below, limit.stop_below)
    note, caution, stop = (None if row is None else row.value for row in steps)
    return Risk(
        structure=structure,
        points_mm=_thinned(near, away_mm, grid),
        gap_mm=float(away_mm[near].min()),
        note_c=note,
        caution_c=caution,
        stop_c=stop,
    )


def _thinned(there: Mask, away_mm: NDArray, grid: Grid) -> Points:
    """One point (R, 3) of ``there`` for each cube of the structure, its nearest to the target; the nearest cubes.

    Voxels count with their corners, as in assessment.
    """
    voxels = np.argwhere(there)
    nearest = np.argsort(away_mm[there], kind="stable")[:MOST_RISK_VOXELS]
    places = assessment.voxel_points_mm(grid, voxels[nearest], finest_mm=FINE_MM)
    index = grid.index_of(places)
    low = np.clip(np.floor(index).astype(int), 0, np.asarray(there.shape) - 2)
    part = np.clip(index - low, 0.0, 1.0)
    away = np.zeros(len(places))
    for corner in np.ndindex(2, 2, 2):
        weight = np.abs(1 - np.asarray(corner) - part).prod(axis=1)
        away += weight * away_mm[tuple((low + corner).T)]
    places = places[np.argsort(away, kind="stable")]
    _, first = np.unique(np.floor(places / RISK_MM).astype(np.int64), axis=0, return_index=True)
    return places[np.sort(first)][:MOST_RISK_POINTS]


def _inside(target: Volume, points_mm: Points) -> Points:
    """Those of ``points_mm`` (N, 3) that lie inside the border of ``target``, which cuts corners, as coverage does."""
    kept = points_mm[assessment.sampled(target, points_mm, outside=0.0) >= 0.5]
    return kept if len(kept) else points_mm


def _fine_enough(target: Mask, grid: Grid) -> float:
    volume_mm3 = 1000.0 * float(np.count_nonzero(target)) * grid.voxel_ml
    return max(TARGET_MM, (volume_mm3 / MOST_TARGET_POINTS) ** (1.0 / 3.0))


def _filled(mask: Mask, grid: Grid, every_mm: float) -> Points:
    """Points (N, 3) [mm] on a lattice of ``every_mm`` whose voxel is in ``mask``; the voxels where none is."""
    voxels = np.argwhere(mask)
    if not voxels.size:
        return np.zeros((0, 3))
    corners = grid.position_mm(np.array([voxels.min(axis=0) - 0.5, voxels.max(axis=0) + 0.5]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    counts = np.maximum(np.ceil((high - low) / every_mm).astype(int), 1)
    axes = [(low + high)[a] / 2 + every_mm * (np.arange(counts[a]) - (counts[a] - 1) / 2) for a in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    index = np.rint(grid.index_of(points)).astype(int)
    inside = np.all((index >= 0) & (index < mask.shape), axis=1)
    points, index = points[inside], index[inside]
    found = points[mask[tuple(index.T)]]
    return found if len(found) else grid.position_mm(voxels)
