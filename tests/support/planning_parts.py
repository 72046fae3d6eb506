"""Parts of a search, made by hand: a shape, a guess, a pool of placements."""

from __future__ import annotations

import functools

import check_patient
import numpy as np
import planning_hostile

from iceball.nouns import Goal
from iceball.planning._guess import Guess
from iceball.planning._pool import Pool
from iceball.planning._scene import make_scene
from iceball.planning._shapes import FAR_MM, LONG_MM, STEP_MM, Shape, potential
from iceball.planning._worth import marks_of

SHAPE = Shape(
    probe=check_patient.PROBE,
    table=np.add.outer(
        np.linspace(200.0, 0.0, int(FAR_MM / STEP_MM) + 1), 0.5 * np.arange(int(2 * LONG_MM / STEP_MM) + 1)
    ),
)  # linear in both, so that reading between the cells is exact


@functools.cache
def guess_of():
    scene = make_scene(planning_hostile.contradictory_limits(), Goal())
    marks = marks_of(scene)
    return Guess(scene=scene, marks=marks, shapes=(SHAPE,), start=potential(np.full(len(marks.points_mm), 36.5)))


def pool_of(middles, outwards, probes=(check_patient.PROBE,)) -> Pool:
    middles, outwards = np.asarray(middles, dtype=float), np.asarray(outwards, dtype=float)
    outwards = outwards / np.linalg.norm(outwards, axis=1)[:, None]
    tip = probes[0].active_length_mm / 2 + probes[0].tip_to_active_mm
    n = len(middles)
    return Pool(
        probes=tuple(probes),
        probe=np.zeros(n, dtype=np.intp),
        middle_mm=middles,
        outward=outwards,
        entry_mm=middles + 60.0 * outwards,
        tip_mm=middles - tip * outwards,
        clearance_mm=np.full(n, 9.0),
        cost=np.zeros(n),
        bundle=np.zeros(n, dtype=np.intp),
    )
