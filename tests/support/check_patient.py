"""The small patient with a vertebra, a cord and a vessel on his labels: for tests of what is said of a plan."""

from __future__ import annotations

import dataclasses

import numpy as np
import small_patient
from made_up import RUN

from iceball import library
from iceball.nouns import (
    Case,
    EnergyBalance,
    Grid,
    Placement,
    Plan,
    Structure,
    StructureCurve,
    ThermalHistory,
    Volume,
    read_protocol,
)

PROBE = library.probe("argon-17g-22mm")
CORD, BONE, VESSEL = 1, 2, 3


def structure(name: str, label: int) -> Structure:
    rule = library.structure_rule(name)
    return Structure(name=name, role=rule.role, label=label, limit=rule.limit, tissue=rule.tissue)


def patient(*, bone="vertebrae_L1", matrix="lytic", skip=()) -> Case:
    """The lesion's middle lies at (0, -6, 0) mm, its radius is 9; a cord behind it, a vessel in front, skin at y = 41.

    ``skip`` names structures that are left out.
    """
    case = small_patient.patient()
    assert case.labels is not None
    assert case.lesion is not None
    labels = np.array(case.labels.array)
    labels[20:40, 20:34, :] = BONE
    labels[26:33, 10:16, :] = VESSEL
    named = {"spinal_cord": CORD, bone: BONE, "aorta": VESSEL}
    return dataclasses.replace(
        case,
        labels=Volume(grid=case.labels.grid, array=labels, quantity="label"),
        structures=tuple(structure(name, number) for name, number in named.items() if name not in skip),
        lesion=dataclasses.replace(case.lesion, matrix=matrix, bone=bone),
    )


def placement(label="A", *, tip=(9.0, -17.0, 0.0), outward=(0.03, 1.0, 0.0), length_mm=57.0, probe=PROBE) -> Placement:
    """A probe from the skin of the back, to the left of the cord."""
    way = np.asarray(outward) / np.linalg.norm(outward)
    entry = np.asarray(tip) + length_mm * way
    return Placement(
        label=label,
        probe=probe,
        entry_mm=(float(entry[0]), float(entry[1]), float(entry[2])),
        tip_mm=(float(tip[0]), float(tip[1]), float(tip[2])),
    )


def plan(*placements: Placement, protocol="10-8-10", **more) -> Plan:
    return Plan(placements=placements or (placement(),), protocol=read_protocol(protocol), **more)


def history(case: Case, field, *, spacing_mm=2.0) -> ThermalHistory:
    """A run whose coldest temperature is ``field(positions)`` [°C]; structures are watched on its own grid."""
    n = np.asarray(case.ct.grid.shape) * np.asarray(case.ct.grid.spacing_mm) / spacing_mm
    grid = dataclasses.replace(
        case.ct.grid, shape=(int(n[0]), int(n[1]), int(n[2])), spacing_mm=(spacing_mm, spacing_mm, spacing_mm)
    )
    places = grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    coldest = np.asarray(field(places), dtype=np.float32)
    return ThermalHistory(
        coldest=Volume(grid=grid, array=coldest, quantity="temperature_c"),
        start=Volume(grid=grid, array=np.full(grid.shape, 37.0, np.float32), quantity="temperature_c"),
        below={c: Volume(grid=grid, array=np.where(coldest < c, 60.0, 0.0), quantity="time_s") for c in _clocks()},
        time_s=np.array([0.0, 600.0]),
        ice_ml=np.zeros(2),
        structures=tuple(_curve(case, each, grid, coldest) for each in case.structures if each.role != "way_in"),
        probes=(),
        energy=EnergyBalance(stored_j=-1.0, probe_j=-1.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0),
        run=RUN,
    )


def _clocks():
    return {0.0} | {c.value for c in library.isotherms()} | {c for limit in library.limits() for c in limit.values_c}


def _curve(case: Case, each: Structure, grid: Grid, coldest) -> StructureCurve:
    assert case.labels is not None
    there = case.labels.grid.position_mm(np.argwhere(case.labels.array == each.label))
    index = np.unique(np.clip(np.rint(grid.index_of(there)).astype(int), 0, np.asarray(grid.shape) - 1), axis=0)
    values = coldest[tuple(index.T)]
    place = tuple(float(v) for v in grid.position_mm(index[int(values.argmin())]))
    rows = np.array([37.0, float(values.min())])
    return StructureCurve(name=each.name, coldest_c=rows, mean_c=rows, place_mm=place)  # pyright: ignore[reportArgumentType]


def ball(centre_mm, half_mm, *, per_mm_k=4.0):
    """A field that is -20 °C on the sphere of ``half_mm`` around ``centre_mm`` and 4 K a millimetre warmer outward."""
    return lambda places: np.clip(
        -20.0 + per_mm_k * (np.linalg.norm(places - np.asarray(centre_mm), axis=-1) - half_mm), -150.0, 37.0
    )
