"""Cases and histories made from formulas, so that every margin and coverage is known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_up import RUN

from iceball import library
from iceball.nouns import Case, EnergyBalance, Grid, Lesion, Structure, StructureCurve, ThermalHistory, Volume

BODY_C = 37.0


def _centred(shape, spacing_mm, *, centre_mm=(0.0, 0.0, 0.0), direction=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    """Grid of ``shape`` whose middle lies at ``centre_mm``."""
    half = (np.asarray(shape) - 1) / 2 * np.asarray(spacing_mm)
    origin = np.asarray(centre_mm) - np.asarray(direction) @ half
    flat = tuple(float(v) for v in np.asarray(direction).ravel())
    return Grid(shape=shape, spacing_mm=spacing_mm, origin_mm=tuple(map(float, origin)), direction=flat)


def _positions(grid):
    return grid.position_mm(np.stack(np.indices(grid.shape), axis=-1))


def _away(grid, centre_mm):
    """(I, J, K) distance of every voxel centre from ``centre_mm`` [mm]."""
    return np.linalg.norm(_positions(grid) - np.asarray(centre_mm), axis=-1)


def _run():
    return dataclasses.replace(RUN, library=library.digest(), settings=(("tissues", "muscle"),))


@pytest.fixture
def make_grid():
    return _centred


@pytest.fixture
def away():
    return _away


@pytest.fixture
def make_case():
    """make_case(grid, centre_mm, radius_mm, at_risk={name: mask}) -> Case with a ball for a lesion."""

    def make(
        grid, centre_mm=(0.0, 0.0, 0.0), radius_mm=8.0, *, at_risk=None, intent="palliation", view=None, mask=None
    ):
        mask = (_away(grid, centre_mm) <= radius_mm if mask is None else mask).astype(np.uint8)
        labels, structures = np.zeros(grid.shape, np.uint8), []
        for number, (name, place) in enumerate((at_risk or {}).items(), start=1):
            labels[place] = number
            rule = library.structure_rule(name)
            structures.append(Structure(name=name, role="at_risk", label=number, limit=rule.limit))
        return Case(
            id="formula",
            ct=Volume(grid=grid, array=np.full(grid.shape, 40, np.int16), quantity="hu"),
            labels=Volume(grid=grid, array=labels, quantity="label") if structures else None,
            structures=tuple(structures),
            lesion=Lesion(
                mask=Volume(grid=grid, array=mask, quantity="label"), matrix="lytic", origin="formula", intent=intent
            ),
            field_of_view=view and Volume(grid=grid, array=view(grid).astype(np.uint8), quantity="label"),
        )

    return make


@pytest.fixture
def make_history():
    """make_history(grid, field, watched={name: coldest_c}) -> ThermalHistory with coldest = field(grid) [°C]."""

    def make(grid, field, *, watched=None, below=None, notes=()):
        coldest = np.asarray(field(grid), dtype=np.float64)
        rows = {c: np.where(coldest < c, 60.0, 0.0) for lim in library.limits() for c in lim.values_c}
        times = rows if below is None else below
        return ThermalHistory(
            coldest=Volume(grid=grid, array=coldest, quantity="temperature_c"),
            start=Volume(grid=grid, array=np.full(grid.shape, BODY_C), quantity="temperature_c"),
            below={c: Volume(grid=grid, array=array, quantity="time_s") for c, array in times.items()},
            time_s=np.array([0.0, 60.0]),
            ice_ml=np.array([0.0, 1.0]),
            structures=tuple(
                StructureCurve(
                    name=name,
                    coldest_c=np.array([BODY_C, cold]),
                    mean_c=np.array([BODY_C, BODY_C]),
                    place_mm=(0.0, 0.0, 0.0),
                )
                for name, cold in (watched or {}).items()
            ),
            probes=(),
            energy=EnergyBalance(stored_j=-1.0, probe_j=-1.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0),
            run=_run(),
            notes=tuple(notes),
        )

    return make


@pytest.fixture
def cone():
    """cone(centre_mm, radius_mm, at_c) -> field that rises 4 °C per mm from the centre and is at_c at the radius."""

    def make(centre_mm=(0.0, 0.0, 0.0), radius_mm=14.0, at_c=-40.0):
        return lambda grid: np.minimum(at_c + 4.0 * (_away(grid, centre_mm) - radius_mm), BODY_C)

    return make
