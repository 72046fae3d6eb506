"""Cases that a planner cannot serve, or only with a finding: small, made by code, each wrong in one way.

All are variations of one body: a block of bone in muscle with a lesion in it, 35 mm from the skin of the back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import hostile
import numpy as np

from iceball import library
from iceball.nouns import Case, Grid, Lesion, Structure, Volume

SIZE, SPACING_MM, BACK_MM = (64, 64, 60), 2.0, 104.0
CENTRE_MM, RADIUS_MM = np.array([64.0, 64.0, 60.0]), 8.0


def plain() -> Case:
    """Nothing wrong with it: the lesion of 16 mm lies open to the back, nothing is near."""
    return _case(_ball(RADIUS_MM))


def no_way_in() -> Case:
    """A vessel wraps the whole lesion: every line crosses it."""
    return _with(plain(), _shell(14.0, 20.0), "vessel")


def too_large() -> Case:
    """A lesion of 80 mm: more than eight probes freeze."""
    return _case(_ball(40.0))


def structure_inside() -> Case:
    """A nerve runs right through the lesion: who covers the one kills the other."""
    return _with(plain(), _rod(CENTRE_MM[0], CENTRE_MM[1], 2.5), "sciatic_nerve")


def contradictory_limits() -> Case:
    """The canal's contents lie around half of the lesion, the bowel around the other half, both touching it."""
    around = _shell(RADIUS_MM, RADIUS_MM + 6.0) & (np.abs(_place()[2] - CENTRE_MM[2]) <= 6.0)
    left = _place()[0] > CENTRE_MM[0]
    case = _with(plain(), around & left, "cauda_equina")
    return _with(case, around & ~left, "bowel")


def no_skin() -> Case:
    """Only a patch around the lesion was scanned: no skin is in view on any side."""
    return hostile.cropped_body(plain(), 24.0)


HOSTILE: dict[str, Callable[[], Case]] = {
    "no way in": no_way_in,
    "a target larger than the probes can freeze": too_large,
    "a structure inside the lesion": structure_inside,
    "limits that contradict each other": contradictory_limits,
    "no skin in view": no_skin,
}


def _place() -> np.ndarray:
    """(3, I, J, K) places of the voxels, from the first [mm]."""
    return np.indices(SIZE) * SPACING_MM


def _ball(radius_mm: float) -> np.ndarray:
    return _shell(-1.0, radius_mm)


def _shell(inner_mm: float, outer_mm: float) -> np.ndarray:
    away = np.sqrt(((_place() - CENTRE_MM[:, None, None, None]) ** 2).sum(axis=0))
    return (away > inner_mm) & (away <= outer_mm)


def _rod(x_mm: float, y_mm: float, radius_mm: float) -> np.ndarray:
    place = _place()
    return np.hypot(place[0] - x_mm, place[1] - y_mm) <= radius_mm


def _case(lesion: np.ndarray) -> Case:
    place = _place()
    hu = np.full(SIZE, 50.0, dtype=np.float32)
    bone = (np.abs(place[:2] - CENTRE_MM[:2, None, None, None]) <= 22.0).all(axis=0)
    hu[bone] = 300.0
    hu[lesion] = 60.0
    away = np.hypot(place[0] - CENTRE_MM[0], place[1] - CENTRE_MM[1])
    hu[(place[1] > BACK_MM) | (away > 62.0)] = -1000.0
    grid = Grid(shape=SIZE, spacing_mm=(SPACING_MM,) * 3, origin_mm=(-64.0, -64.0, -60.0))
    rule = library.structure_rule("hip_left")
    named = Structure(name=rule.name, role=rule.role, label=1, limit=rule.limit, tissue=rule.tissue)
    return Case(
        id="made-up",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=(bone & (hu > -500)).astype(np.uint8), quantity="label"),
        structures=(named,),
        lesion=Lesion(
            mask=Volume(grid=grid, array=lesion.astype(np.uint8), quantity="label"),
            matrix="lytic",
            origin="made by a test",
            bone=named.name,
        ),
    )


def _with(case: Case, mask: np.ndarray, name: str) -> Case:
    """The case with one more structure, with the rule of its name."""
    assert case.labels is not None
    rule, number = library.structure_rule(name), len(case.structures) + 1
    labels = np.where(mask, number, case.labels.array).astype(np.uint8)
    named = Structure(name=name, role=rule.role, label=number, limit=rule.limit, tissue=rule.tissue)
    return dataclasses.replace(
        case,
        labels=Volume(grid=case.ct.grid, array=labels, quantity="label"),
        structures=(*case.structures, named),
    )
