"""The least margin by groups of places is the least margin of assess, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.assessment.margins import isotherm_result, target
from iceball.assessment.sampling import sample
from iceball.ensemble._margin import grouped, least_margin_mm
from iceball.nouns import EnergyBalance, Grid, Lesion, ThermalHistory, Volume
from iceball.provenance import Run

pytestmark = pytest.mark.unit

GRID = Grid(shape=(40, 40, 40), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
RUN = Run(version="", inputs=(), backend="", device="", dtype="", seed=None, library="", sources=(), started_at="")


def history(field):
    volume = Volume(grid=GRID, array=field.astype(np.float32), quantity="temperature_c")
    energy = EnergyBalance(stored_j=0.0, probe_j=0.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0)
    return ThermalHistory(
        coldest=volume, start=volume, below={}, time_s=np.zeros(0), ice_ml=np.zeros(0), structures=(), probes=(),
        energy=energy, run=RUN,
    )  # fmt: skip


def cold(centre, slope, wobble=0.0):
    place = np.indices(GRID.shape) * 2.0
    away = np.sqrt(((place - np.array(centre)[:, None, None, None]) ** 2).sum(axis=0))
    return -60.0 + slope * away + wobble * np.sin(place[0] / 3) * np.cos(place[1] / 4)


def lesion(centre, radius):
    place = np.indices(GRID.shape) * 2.0
    mask = ((place - np.array(centre)[:, None, None, None]) ** 2).sum(axis=0) < radius**2
    return Lesion(mask=Volume(grid=GRID, array=mask.astype(np.uint8), quantity="label"), matrix="lytic", origin="test")


@given(
    shift=st.tuples(*[st.floats(-8, 8)] * 3),
    radius=st.floats(4, 14),
    slope=st.floats(1.5, 6),
    wobble=st.floats(0, 8),
    isotherm_c=st.sampled_from([0.0, -20.0, -40.0]),
)
@settings(max_examples=40, deadline=None)
def test_it_is_the_least_margin_of_assess(shift, radius, slope, wobble, isotherm_c):
    there, mark = history(cold(np.add(40.0, shift), slope, wobble)), lesion((40.0, 40.0, 40.0), radius)
    goal = target(mark, there)
    border = grouped(goal.border_mm)
    places_c = sample(there.coldest, border.places_mm, outside=np.inf)
    known = isotherm_result(goal, there, isotherm_c).least_margin_mm
    assert least_margin_mm(border, places_c, there.coldest, isotherm_c) == known


def test_where_nothing_got_as_cold_the_margin_is_minus_infinity():
    warm, mark = history(np.full(GRID.shape, 37.0)), lesion((40.0, 40.0, 40.0), 8.0)
    border = grouped(target(mark, warm).border_mm)
    assert least_margin_mm(border, np.full(len(border.places_mm), 37.0), warm.coldest, -20.0) == -np.inf


@given(st.integers(1, 300), st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_groups_hold_every_place_once_within_their_radius(n, seed):
    places = np.random.default_rng(seed).uniform(-30, 30, (n, 3))
    border = grouped(places)
    assert np.array_equal(np.unique(border.places_mm, axis=0), np.unique(places, axis=0))
    for g in range(len(border.centre_mm)):
        part = border.places_mm[border.start[g] : border.start[g + 1]]
        away = np.linalg.norm(part - border.centre_mm[g], axis=1)
        assert len(part)
        assert away.max() <= border.radius_mm[g] + 1e-9  # rounding
