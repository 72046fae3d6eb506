"""How cold each structure at risk got, how long it stayed below its limits, and how far from the lesion it lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.assessment import _numerics
from iceball.assessment.sampling import sample, voxel_points_mm
from iceball.errors import InputError
from iceball.nouns import Case, Clearance, Grid, Lesion, Structure, StructureCurve, ThermalHistory, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WATCHED = ("at_risk", "barrier")


def clearances(case: Case, lesion: Lesion, history: ThermalHistory) -> tuple[Clearance, ...]:
    """Measure every structure at risk and barrier that the run met, the coldest first.

    Raises
    ------
    InputError : if the history names a structure that the case lacks, or did not record the time below a limit
    """
    if case.labels is None:
        return ()
    target_mm = _rim_points_mm(lesion.mask.grid, np.asarray(lesion.mask.array) > 0)
    found: list[Clearance] = []
    for curve in history.structures:
        structure = case.structure(curve.name)
        if structure.role in _WATCHED:
            found.append(_clearance(case.labels, structure, history, curve, target_mm))
    return tuple(sorted(found, key=lambda clearance: (clearance.coldest_c, clearance.structure)))


def _clearance(
    labels: Volume,
    structure: Structure,
    history: ThermalHistory,
    curve: StructureCurve,
    target_mm: NDArray[np.float64],
) -> Clearance:
    marked = np.asarray(labels.array) == structure.label
    low, part = _cropped(marked)
    if not part.size:
        raise InputError(
            f"the run watched {structure.name!r} but no voxel of the case carries its label {structure.label}: "
            "assess the run with the case it was simulated for"
        )
    finest_mm = min(history.coldest.grid.spacing_mm)
    voxels = np.argwhere(part) + low
    near = voxels[_near_box(labels.grid, voxels, history.coldest.grid)]
    points_mm = voxel_points_mm(labels.grid, near, finest_mm=finest_mm)
    coldest_c, place_mm = _coldest(points_mm, history, curve)
    return Clearance(
        structure=structure.name,
        coldest_c=coldest_c,
        place_mm=place_mm,
        below_s=_below(points_mm, history, structure, coldest_c),
        distance_to_lesion_mm=_nearest_mm(target_mm, labels.grid.position_mm(np.argwhere(_numerics.rim(part)) + low)),
        limit=structure.limit,
        estimated=structure.estimated,
    )


def _coldest(
    points_mm: NDArray[np.float64], history: ThermalHistory, curve: StructureCurve
) -> tuple[float, tuple[float, float, float]]:
    """Coldest temperature [°C] and its place: of the label's own points and of the solver's voxels, whichever is lower.

    The two differ by the size of a voxel; taking the lower one errs to the safe side and agrees with the curve shown.
    """
    recorded_c = float(np.min(curve.coldest_c))
    values = sample(history.coldest, points_mm, outside=np.inf)
    at = int(np.argmin(values)) if values.size else -1
    if at < 0 or recorded_c <= values[at]:
        return recorded_c, curve.place_mm
    x, y, z = (float(value) for value in points_mm[at])
    return float(values[at]), (x, y, z)


def _below(
    points_mm: NDArray[np.float64], history: ThermalHistory, structure: Structure, coldest_c: float
) -> tuple[tuple[float, float], ...]:
    """Pair each limit [°C] of ``structure`` with the longest time any of its points spent below it [s]."""
    pairs: list[tuple[float, float]] = []
    for limit_c in library.limit(structure.limit).values_c if structure.limit else ():
        recorded = [time for c, time in history.below.items() if math.isclose(c, limit_c, abs_tol=1e-9)]
        if coldest_c >= limit_c:
            pairs.append((limit_c, 0.0))
        elif recorded:
            pairs.append((limit_c, float(np.max(sample(recorded[0], points_mm, outside=0.0), initial=0.0))))
        else:
            known = ", ".join(f"{c:g}" for c in sorted(history.below)) or "none"
            raise InputError(
                f"the run did not record the time below {limit_c:g} °C, a limit of {structure.name!r}; "
                f"it recorded: {known} °C. Simulate again with this version's library."
            )
    return tuple(pairs)


def _cropped(marked: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """First index (3,) of what is marked, and the smallest part of the array that holds it."""
    spans = [np.flatnonzero(marked.any(axis=other)) for other in ((1, 2), (0, 2), (0, 1))]
    if not spans[0].size:
        return np.zeros(3, dtype=np.intp), np.zeros((0, 0, 0), dtype=np.bool_)
    return np.array([s[0] for s in spans]), marked[tuple(slice(s[0], s[-1] + 1) for s in spans)]


def _near_box(grid: Grid, voxels: NDArray[np.intp], box: Grid) -> NDArray[np.bool_]:
    """Which voxels (N, 3) of ``grid`` can have a part in ``box``: their centre lies within half a diagonal of it."""
    reach = 0.5 * math.hypot(*grid.spacing_mm) / np.asarray(box.spacing_mm)
    index = box.index_of(grid.position_mm(voxels))
    return np.all((index >= -0.5 - reach) & (index <= np.asarray(box.shape) - 0.5 + reach), axis=1)


def _rim_points_mm(grid: Grid, marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    low, part = _cropped(marked)
    return grid.position_mm(np.argwhere(_numerics.rim(part)) + low)


def _nearest_mm(target_mm: NDArray[np.float64], points_mm: NDArray[np.float64]) -> float:
    """Least distance [mm] between two sets of points: only those that could beat a first guess are looked up."""
    middle = target_mm.mean(axis=0)
    reach = float(np.linalg.norm(target_mm - middle, axis=1).max())
    away = np.linalg.norm(points_mm - middle, axis=1)
    guess = float(_numerics.nearest(target_mm, points_mm[[int(np.argmin(away))]], 1)[0].min())
    could = points_mm[away - reach <= guess]
    return float(_numerics.nearest(target_mm, could, 1)[0].min())
