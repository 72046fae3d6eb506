"""A vertebra made from formulas, with two probes and a temperature field, to tell a report of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_up import RUN

from iceball import library
from iceball.assessment import assess
from iceball.nouns import (
    Case,
    EnergyBalance,
    Grid,
    Lesion,
    Placement,
    Plan,
    ProbeCurve,
    Structure,
    StructureCurve,
    ThermalHistory,
    Volume,
    read_protocol,
)

EXTRA = tuple(name for name in library.label_names().values() if library.structure_rule(name).role == "at_risk")


def _ball(p, centre, radius):
    return np.linalg.norm((p - np.asarray(centre)) / np.asarray(radius), axis=-1) <= 1.0


def _ct(p):
    """HU of a trunk with one vertebra: body, canal, arch, process."""
    x, y, z = np.moveaxis(p, -1, 0)
    hu = np.full(x.shape, -1000.0)
    trunk = _ball(p, (0, -20, 0), (150, 110, 4000))
    hu[trunk] = -90.0
    hu[_ball(p, (0, -20, 0), (135, 95, 4000))] = 45.0
    height = np.abs(z) < 14
    body = (_ball(p, (0, -12, 0), (24, 17, 4000))) & height
    arch = _ball(p, (0, 14, 0), (22, 17, 4000)) & (np.abs(z) < 10) & (y > 0)
    process = (np.abs(x) < 4) & (y > 24) & (y < 50) & (np.abs(z) < 8)
    hu[body | arch | process] = 700.0
    hu[_ball(p, (0, -12, 0), (22, 15, 4000)) & (np.abs(z) < 12)] = 180.0
    canal = _ball(p, (0, 13, 0), (10, 8, 4000))
    hu[canal] = 20.0
    return hu


@pytest.fixture(scope="session")
def vertebra():
    """vertebra(structures) -> (case, plan, history, assessment) with up to so many structures at risk."""

    def make(structures=1, *, cold_c=-120.0, notes=("one slice was read twice",)):
        case, plan = _case(structures, notes), _plan()
        history = _history(case, plan, cold_c)
        return case, plan, history, assess(case, history)

    return make


def _case(structures, notes):
    shape, spacing = (150, 128, 40), (2.1, 2.1, 2.5)
    grid = Grid(shape=shape, spacing_mm=spacing, origin_mm=(-156.0, -145.0, -48.0))
    p = grid.position_mm(np.stack(np.indices(shape), axis=-1))
    hu = _ct(p) + np.random.default_rng(7).normal(0, 18, shape)
    lesion = _ball(p, (6, -12, 0), (11, 11, 11))
    hu[lesion] = 45.0
    names = ["spinal_cord", *(name for name in EXTRA if name != "spinal_cord")][:structures]
    labels = _labels(p, structures)
    return Case(
        id="case-formula",
        ct=Volume(grid=grid, array=np.clip(hu, -1024, 2000).astype(np.int16), quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=tuple(
            Structure(name=name, role="at_risk", label=i, limit=library.structure_rule(name).limit)
            for i, name in enumerate(names, start=1)
            if (labels == i).any()
        ),
        lesion=Lesion(
            mask=Volume(grid=grid, array=lesion.astype(np.uint8), quantity="label"),
            matrix="lytic",
            origin="made by a formula",
            bone="L2 body",
        ),
        notes=notes,
    )


def _labels(p, structures):
    """The cord as 1, and balls around the front of the vertebra as 2, 3, ..."""
    labels = np.zeros(p.shape[:3], np.uint8)
    labels[_ball(p, (0, 13, 0), (6, 5, 4000))] = 1
    random = np.random.default_rng(1)
    for number in range(2, structures + 1):
        turn, reach = random.uniform(0, 2 * np.pi), random.uniform(28, 70)
        centre = (reach * np.cos(turn), -12 - abs(reach * np.sin(turn)), random.uniform(-15, 15))
        labels[_ball(p, centre, random.uniform(4, 9, 3)) & (labels == 0)] = number
    return labels


def _plan():
    probe = library.probe("argon-17g-30mm")
    return Plan(
        placements=(
            Placement(label="A", probe=probe, entry_mm=(52.0, 75.0, 4.0), tip_mm=(7.0, -27.0, 4.0)),
            Placement(label="B", probe=probe, entry_mm=(60.0, 70.0, -8.0), tip_mm=(0.0, -22.0, -8.0)),
        ),
        protocol=read_protocol("10-8-10"),
        name="two probes",
    )


def _to_segment(p, ends):
    a, b = map(np.asarray, ends)
    share = np.clip((p - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(p - a - share[..., None] * (b - a), axis=-1)


def _history(case, plan, cold_c):
    box = Grid(shape=(70, 70, 62), spacing_mm=(1.0,) * 3, origin_mm=(-30.0, -52.0, -31.0))
    p = box.position_mm(np.stack(np.indices(box.shape), axis=-1))
    pull = sum(np.exp(-((_to_segment(p, pl.active_ends_mm) / 9.5) ** 1.3)) for pl in plan.placements)
    coldest = 37.0 - (37.0 - cold_c) * np.minimum(pull, 1.0)
    minutes = np.linspace(0, 28, 57)
    swing = np.where(minutes <= 10, 1 - np.exp(-minutes / 3), 0)
    swing = np.where((minutes > 10) & (minutes <= 18), 0.96 * np.exp(-(minutes - 10) / 4), swing)
    swing = np.where(minutes > 18, 1 - 0.87 * np.exp(-(minutes - 18) / 3), swing)
    levels = sorted({c for lim in library.limits() for c in lim.values_c} | {-20.0, -40.0})
    below = {c: np.where(coldest < c, np.minimum((c - coldest) * 12.0, 1200.0), 0.0) for c in levels}
    return ThermalHistory(
        coldest=Volume(grid=box, array=coldest, quantity="temperature_c"),
        start=Volume(grid=box, array=np.full(box.shape, 37.0), quantity="temperature_c"),
        below={c: Volume(grid=box, array=array, quantity="time_s") for c, array in below.items()},
        time_s=minutes * 60.0,
        ice_ml=60.0 * swing,
        structures=_curves(case, box, coldest, swing / swing.max()),
        probes=tuple(
            ProbeCurve(label=pl.label, surface_c=37.0 - (150.0 + 4 * i) * swing, heat_w=22.0 * swing * (1 - 0.1 * i))
            for i, pl in enumerate(plan.placements)
        ),
        energy=EnergyBalance(stored_j=-9.95e4, probe_j=-1.0e5, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0),
        run=dataclasses.replace(
            RUN, inputs=(("ct", "0123456789ab"),), library=library.digest(), started_at="2026-01-01T00:00:00+00:00",
            settings=(("spacing_mm", "1"), ("tissues", "muscle, fat, cortical_bone, red_marrow, osteolytic_lesion")),
        ),
    )  # fmt: skip


def _curves(case, box, coldest, swing):
    curves = []
    for structure in case.structures:
        where = case.ct.grid.position_mm(np.argwhere(case.labels.array == structure.label))
        index = np.rint(box.index_of(where)).astype(int)
        index = index[np.all((index >= 0) & (index < box.shape), axis=1)]
        if not len(index):
            continue
        values = coldest[tuple(index.T)]
        place = tuple(map(float, box.position_mm(index[int(np.argmin(values))])))
        curve = 37.0 - (37.0 - float(values.min())) * swing
        curves.append(StructureCurve(name=structure.name, coldest_c=curve, mean_c=0.3 * curve + 26.0, place_mm=place))
    return tuple(curves)
