"""A small patient and a probe in it, made by code: for tests of the whole verb."""

from __future__ import annotations

import dataclasses

import made_up
import numpy as np

from iceball import thermal
from iceball.nouns import Case, Grid, Lesion, Placement, Plan, Structure, Volume, read_protocol

PROBE = dataclasses.replace(made_up.PROBE, active_length_mm=20.0, cooling_time_s=4.0)
SPACING_MM = 2.0  # everything here holds at any spacing; coarse is quick


def patient(*, size=(60, 60, 60), back_mm=100.0):
    """A body of muscle with a block of bone, a cord and a lesion; air beyond ``back_mm`` along the second axis."""
    spacing = 2.0
    hu = np.full(size, 50.0, np.float32)
    place = np.indices(size) * spacing
    hu[20:40, 20:34, :] = 350.0
    hu[place[1] > back_mm] = -1000.0
    labels = np.zeros(size, np.uint8)
    labels[26:33, 38:43, :] = 1
    centre = np.array([60.0, 54.0, size[2]])[:, None, None, None]
    mask = (((place - centre) ** 2).sum(axis=0) < 9.0**2).astype(np.uint8)
    grid = Grid(shape=size, spacing_mm=(spacing,) * 3, origin_mm=(-60.0, -60.0, -60.0))
    return Case(
        id="test",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=(Structure(name="spinal_cord", role="at_risk", label=1, limit="spinal_cord", tissue="spinal_cord"),),
        lesion=Lesion(mask=Volume(grid=grid, array=mask, quantity="label"), matrix="lytic", origin="made by a test"),
    )


def placement(label="A", shift=(0.0, 0.0, 0.0), probe=PROBE):
    """A probe through the lesion, from behind and obliquely."""
    tip = np.array([0.3, -14.2, 0.4]) + shift
    along = np.array([0.25, 0.95, 0.2]) / np.linalg.norm([0.25, 0.95, 0.2])
    return Placement(label=label, probe=probe, tip_mm=tuple(tip), entry_mm=tuple(tip + 55 * along))


def plan(text="3-2-3", *placements, protections=()):
    return Plan(placements=placements or (placement(),), protocol=read_protocol(text), protections=tuple(protections))


def run(case=None, plan_=None, **changes):
    return thermal.simulate(case or patient(), plan_ or plan(), **{"spacing_mm": SPACING_MM} | changes)
