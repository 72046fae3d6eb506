"""Write a plan of two parallel probes from the anatomy: in from the back, past the cord, through the lesion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy, library
from iceball.errors import InputError
from iceball.implanting._crop import crop, distance_mm, sampled
from iceball.nouns import Case, Grid, Placement, Plan, Probe, read_protocol
from iceball.nouns._noun import Point, array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How the demo aims: choices of a demonstration, not clinical rules.
APART_MM = 13.0
ACTIVE_BEYOND_MM = 1.5  # of the lesion's far border: more coverage there would put the tips out of the bone
FROM_CORD_MM, FROM_OTHERS_MM, FROM_OTHER_BONE_MM = 6.5, 4.0, 1.5
REACH_MM, STEP_MM, BEYOND_TIP_MM = 150.0, 1.0, 3.0
SIDEWAYS_DEG = np.arange(-45.0, 46.0, 5.0)
UPWARD_DEG = np.arange(-20.0, 21.0, 5.0)
ROLL_DEG = np.arange(0.0, 180.0, 15.0)
STRAIGHT_DEG = 35.0  # where a transpedicular needle comes from
ASTRAY_COST = 10.0  # [mm of way] for each mm that a tip lies outside the lesion's bone


@array_noun
class Surroundings:
    """What lies around the lesion: on ``grid``, the body and distances [mm] to what a probe keeps away from, or in."""

    grid: Grid
    body: NDArray[np.bool_]
    to_own_bone_mm: NDArray[np.float64]
    to_cord_mm: NDArray[np.float64]
    to_others_mm: NDArray[np.float64]
    to_other_bone_mm: NDArray[np.float64]


def aim(case: Case, probe: Probe, *, protocol: str = "10-8-10", fingerprint: str = "") -> Plan:
    """Plan two parallel probes through the lesion of ``case`` from the skin of the back. The same case, the same plan.

    Directions and rolls of the pair are tried in steps; both shafts must keep 6.5 mm from the cord, 4 mm from every
    other structure at risk or barrier and 1.5 mm from bones other than the lesion's. Of those that do, the pair with
    the shortest way, nearest to a transpedicular direction, whose tips stay in the lesion's bone, is taken. The active
    zones end 1.5 mm beyond the lesion.

    Parameters
    ----------
    case : Case
        with a lesion, and labels that hold ``spinal_cord``
    probe : Probe
        used twice, 13 mm apart
    protocol : str
        as ``read_protocol`` reads it
    fingerprint : str
        of the case

    Raises
    ------
    InputError : if the case has no lesion or labels, or no pair of paths keeps its distances
    UnknownName : if the case has no spinal cord

    Source: DESIGN; distances are choices of the demo.
    """
    around = _surroundings(case)
    centre, radius_mm = _sphere(case)
    outward, across = _pairs()
    middles = centre + APART_MM / 2 * np.stack([across, -across], axis=1)  # (P, 2, 3)
    deep_mm = radius_mm + ACTIVE_BEYOND_MM + probe.tip_to_active_mm
    way_mm = np.arange(-deep_mm - BEYOND_TIP_MM, REACH_MM, STEP_MM)
    points = middles[:, :, None, :] + way_mm[:, None] * outward[:, None, None, :]  # (P, 2, W, 3)
    inside = sampled(around.body, around.grid, points, False)
    leaves = np.argmin(inside | (way_mm < deep_mm), axis=-1)  # first step outside, (P, 2)
    on_way = np.arange(len(way_mm)) < leaves[..., None]
    tips = middles - deep_mm * outward[:, None, :]
    astray_mm = sampled(around.to_own_bone_mm, around.grid, tips, np.inf).sum(axis=1)
    clear = _clear(around, points, on_way) & (leaves > 0).all(axis=1)
    best = _best(clear, way_mm[leaves].sum(axis=1) + ASTRAY_COST * astray_mm, outward)
    placements = [
        Placement(
            label=label,
            probe=probe,
            entry_mm=_point(middle + way_mm[leave] * outward[best]),
            tip_mm=_point(middle - deep_mm * outward[best]),
        )
        for label, middle, leave in zip("AB", middles[best], leaves[best], strict=True)
    ]
    notes = (f"Written by iceball from the anatomy: two probes {APART_MM:g} mm apart. No radiologist chose it.",)
    return Plan(
        placements=tuple(placements),
        protocol=read_protocol(protocol),
        case=fingerprint,
        name="two probes from behind",
        notes=notes,
    )


def _sphere(case: Case) -> tuple[NDArray[np.float64], float]:
    """Centre (3,) of the lesion, and the radius of the sphere that holds as much [mm]."""
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion to aim at: implant one first")
    centre = case.ct.grid.position_mm(np.argwhere(case.lesion.mask.array).mean(axis=0))
    return centre, (3000.0 * case.lesion.volume_ml / (4.0 * math.pi)) ** (1.0 / 3.0)


def _surroundings(case: Case) -> Surroundings:
    """Distances on a part of the CT thinned to about 1.4 mm; the lesion's own bone is no obstacle."""
    centre, _ = _sphere(case)
    if case.labels is None or case.lesion is None:
        raise InputError(f"case {case.id} has no labels to steer by: read it with labels")
    slices, grid = crop(case.ct.grid, _point(centre), REACH_MM, finest_mm=1.4)
    labels = case.labels.array[slices]
    own = int(np.bincount(case.labels.array[case.lesion.mask.array > 0]).argmax())
    cord = case.structure("spinal_cord").label
    others = [s.label for s in case.structures if s.role in ("at_risk", "barrier") and s.label not in (own, cord)]
    bones = [s.label for s in case.structures if s.label != own and library.structure_rule(s.name).bone]
    return Surroundings(
        grid=grid,
        body=anatomy.body(case.ct, case.field_of_view)[slices],
        to_own_bone_mm=distance_mm(labels == own, grid),
        to_cord_mm=distance_mm(labels == cord, grid),
        to_others_mm=distance_mm(np.isin(labels, others), grid),
        to_other_bone_mm=distance_mm(np.isin(labels, bones), grid),
    )


def _pairs() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions out of the patient's back (P, 3) and, across each, unit vectors (P, 3) from one probe to the other."""
    sideways, upward, roll = (np.radians(a).ravel() for a in np.meshgrid(SIDEWAYS_DEG, UPWARD_DEG, ROLL_DEG))
    outward = np.stack(
        [np.sin(sideways) * np.cos(upward), np.cos(sideways) * np.cos(upward), np.sin(upward)], axis=-1
    )  # LPS: y is back, z is head
    side = np.stack([np.cos(sideways), -np.sin(sideways), np.zeros_like(sideways)], axis=-1)
    up = np.cross(outward, side)
    return outward, side * np.cos(roll)[:, None] + up * np.sin(roll)[:, None]


def _clear(around: Surroundings, points: NDArray[np.float64], on_way: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(P,) True where both shafts keep every distance all the way from beyond the tip to the skin."""
    clear = np.ones(len(points), dtype=bool)
    for field, least_mm in (
        (around.to_cord_mm, FROM_CORD_MM),
        (around.to_others_mm, FROM_OTHERS_MM),
        (around.to_other_bone_mm, FROM_OTHER_BONE_MM),
    ):
        far = sampled(field, around.grid, points, -np.inf) >= least_mm
        clear &= (far | ~on_way).all(axis=(1, 2))
    return clear


def _best(clear: NDArray[np.bool_], cost_mm: NDArray[np.float64], outward: NDArray[np.float64]) -> int:
    """Number of the clear pair with the least cost (P,) [mm], plus 1 for each degree off a transpedicular needle."""
    if not clear.any():
        raise InputError(
            f"no pair of probes {APART_MM:g} mm apart reaches the lesion from the back past the cord "
            f"({FROM_CORD_MM:g} mm), organs ({FROM_OTHERS_MM:g} mm) and other bones: place the lesion elsewhere"
        )
    angle = np.degrees(np.arctan2(np.abs(outward[:, 0]), outward[:, 1]))
    cost = cost_mm + np.abs(angle - STRAIGHT_DEG) + np.degrees(np.abs(np.arcsin(outward[:, 2])))
    return int(np.where(clear, cost, math.inf).argmin())


def _point(position_mm: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 2) for value in position_mm)
    return x, y, z
