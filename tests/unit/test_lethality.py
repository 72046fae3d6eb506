"""Where tissue dies by which criterion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import RUN

from iceball.errors import InputError, UnknownName
from iceball.lethality import ColderThan, ColderThanFor, lethal_zone
from iceball.nouns import EnergyBalance, Grid, ThermalHistory, Volume

GRID = Grid(shape=(2, 2, 1), spacing_mm=(10.0, 10.0, 10.0), origin_mm=(0.0, 0.0, 0.0))


def history(coldest_c, below=None):
    def volume(values, quantity):
        return Volume(grid=GRID, array=np.asarray(values, float).reshape(GRID.shape), quantity=quantity)

    return ThermalHistory(
        coldest=volume(coldest_c, "temperature_c"),
        start=volume([37.0] * 4, "temperature_c"),
        below={threshold_c: volume(time_s, "time_s") for threshold_c, time_s in (below or {}).items()},
        time_s=np.array([0.0]),
        ice_ml=np.array([0.0]),
        structures=(),
        probes=(),
        energy=EnergyBalance(stored_j=0.0, probe_j=0.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0),
        run=RUN,
    )


def test_tissue_at_or_below_the_threshold_is_dead():
    zone = lethal_zone(history([-50.0, -40.0, -39.9, 20.0]), ColderThan(-40))
    assert zone.mask.array.ravel().tolist() == [1, 1, 0, 0]
    assert zone.volume_ml == 2.0  # two voxels of 1 cm³
    assert zone.criterion == "at or below -40 °C at any time"


def test_tissue_below_the_threshold_long_enough_is_dead():
    zone = lethal_zone(history([-50.0] * 4, {-20.0: [0.0, 59.0, 60.0, 600.0]}), ColderThanFor(-20, 60))
    assert zone.mask.array.ravel().tolist() == [0, 0, 1, 1]
    assert zone.criterion == "below -20 °C for at least 60 s"


def test_a_threshold_that_was_not_recorded_is_refused_and_the_recorded_ones_named():
    with pytest.raises(UnknownName, match=r"did not record the time below -30 °C; it recorded: -40, -20 °C"):
        lethal_zone(history([0.0] * 4, {-20.0: [0.0] * 4, -40.0: [0.0] * 4}), ColderThanFor(-30, 60))


@given(
    coldest_c=st.lists(st.floats(-150, 37), min_size=4, max_size=4),
    warm_c=st.floats(-60, 0),
    step_c=st.floats(0, 60),
)
def test_a_stricter_threshold_never_kills_more(coldest_c, warm_c, step_c):
    mild = lethal_zone(history(coldest_c), ColderThan(warm_c)).mask.array
    strict = lethal_zone(history(coldest_c), ColderThan(warm_c - step_c)).mask.array
    assert np.all(strict <= mild)


@pytest.mark.parametrize("make", [lambda: ColderThan(float("nan")), lambda: ColderThanFor(float("inf"), 60)])
def test_a_threshold_that_is_no_temperature_is_refused(make):
    with pytest.raises(InputError, match="finite temperature"):
        make()


@pytest.mark.parametrize("duration_s", [0.0, -1.0, float("nan")])
def test_a_duration_that_is_not_above_zero_is_refused(duration_s):
    with pytest.raises(InputError, match="above zero"):
        ColderThanFor(-40, duration_s)
