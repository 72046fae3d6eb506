"""Probes, placements and plans check themselves when they are made."""

from __future__ import annotations

import dataclasses
import math

import made_up
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import (
    Ball,
    Heater,
    InsulatedShaft,
    Placement,
    Plan,
    Pocket,
    Sensor,
    WarmGas,
    WarmPad,
    read_protocol,
)

PROBE = dataclasses.replace(made_up.PROBE, tip_to_active_mm=4.0)
A = Placement(label="A", probe=PROBE, entry_mm=(0.0, 100.0, 0.0), tip_mm=(0.0, 0.0, 0.0))
TWICE = read_protocol("10-8-10")

points = st.tuples(*[st.floats(-500, 500)] * 3)


def test_the_active_zone_starts_behind_the_tip_and_runs_towards_the_skin():
    deep, shallow = A.active_ends_mm
    # Exact numbers: the probe lies along y.
    assert deep == (0.0, 4.0, 0.0)
    assert shallow == (0.0, 34.0, 0.0)


@given(points, points)
def test_the_active_zone_keeps_its_length_and_lies_between_entry_and_tip(entry, tip):
    if math.dist(entry, tip) < 34.0:
        with pytest.raises(GeometryError, match="Move the entry outward"):
            Placement(label="A", probe=PROBE, entry_mm=entry, tip_mm=tip)
        return
    deep, shallow = Placement(label="A", probe=PROBE, entry_mm=entry, tip_mm=tip).active_ends_mm
    # Rounding of coordinates up to 500 mm: about 1e-13; 1e-9 mm is far below anything that matters.
    assert math.dist(deep, shallow) == pytest.approx(30.0, abs=1e-9)
    assert math.dist(tip, deep) == pytest.approx(4.0, abs=1e-9)
    along = np.subtract(entry, tip)
    assert np.dot(np.subtract(shallow, deep), along) > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shaft_diameter_mm": 0.0}, "shaft diameter must be above zero"),
        ({"active_length_mm": -1.0}, "active length must be above zero"),
        ({"gas_temperature_c": 5.0}, "does not freeze"),
        ({"gas_temperature_c": -300.0}, "does not freeze"),
        ({"cooling_time_s": -1.0}, "cannot be negative"),
        ({"internal_resistance_k_m_per_w": -0.1}, "cannot be negative"),
        ({"internal_resistance_k_m_per_w": math.nan}, "cannot be negative"),
        ({"gas_temperature_at_handle_c": 5.0}, "a gas at 5 °C does not freeze"),
        ({"thaw_temperature_c": 40.0, "rewarming_time_s": -1.0}, "cannot be negative"),
        ({"rewarming_time_s": 5.0}, "a thaw is described, but no thaw_temperature_c is given"),
        ({"thaw_law": WarmGas()}, "a thaw is described, but no thaw_temperature_c is given"),
    ],
)
def test_an_impossible_probe_is_refused(change: dict, says: str):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(PROBE, **change)


def test_gas_and_rewarming_are_as_everywhere_unless_they_are_given():
    assert (PROBE.handle_gas_c, PROBE.thaw_time_s) == (-150.0, 30.0)
    other = dataclasses.replace(
        PROBE, gas_temperature_at_handle_c=-120.0, thaw_temperature_c=40.0, rewarming_time_s=7.0, thaw_law=WarmGas()
    )
    assert (other.handle_gas_c, other.thaw_time_s) == (-120.0, 7.0)


def test_an_insulated_shaft_shortens_the_line_at_the_handle_and_not_at_the_tip():
    assert A.source_ends_mm == A.active_ends_mm
    shadowed = dataclasses.replace(A, probe=dataclasses.replace(PROBE, handle_end=InsulatedShaft()))
    assert shadowed.active_ends_mm == A.active_ends_mm
    deep, shallow = shadowed.source_ends_mm
    assert deep == (0.0, 4.0, 0.0)
    # 0.78 of a radius of 0.75 mm is 0.585 mm; rounding only
    assert shallow == pytest.approx((0.0, 33.415, 0.0), abs=1e-12)
    with pytest.raises(InputError, match="an active zone of 0.5 mm is all in the shaft's shadow"):
        dataclasses.replace(PROBE, handle_end=InsulatedShaft(), active_length_mm=0.5)


def test_a_heater_gives_heat():
    with pytest.raises(InputError, match=r"heat of an electric thaw must be above zero, not 0.0 W/m"):
        Heater(heat_w_per_m=0.0)


PLACE = Ball(centre_mm=(0.0, 0.0, 0.0), radius_mm=5.0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Ball(centre_mm=(0.0, 0.0, math.inf), radius_mm=5.0), "the centre of a ball must be a finite number"),
        (lambda: Ball(centre_mm=(0.0, 0.0, 0.0), radius_mm=0.0), "radius of a ball must be above zero, not 0.0 mm"),
        (lambda: Pocket(label="p", filling="saline", region=PLACE, held_c=70.0), "pocket p: a fluid kept at 70.0 °C"),
        (lambda: Pocket(label=" ", filling="saline", region=PLACE), "needs a label"),
        (lambda: WarmPad(label="w", region=PLACE, outside_c=90.0, film_w_per_m2_k=9.0), "pad w: a pad at 90.0 °C"),
        (lambda: WarmPad(label="w", region=PLACE, outside_c=40.0, film_w_per_m2_k=0.0), "film coefficient must be"),
        (lambda: Sensor(label="s", at_mm=(0.0, math.nan, 0.0)), "sensor s: its place must be a finite number"),
    ],
)
def test_a_protection_that_cannot_be_is_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_two_protections_of_one_label_are_refused():
    sensor = Sensor(label="nerve", at_mm=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="two protections share a label: nerve, nerve"):
        Plan(placements=(A,), protocol=TWICE, protections=(sensor, sensor))


def test_a_placement_without_a_place_is_refused():
    with pytest.raises(InputError, match="finite"):
        dataclasses.replace(A, tip_mm=(0.0, math.nan, 0.0))


def test_a_plan_needs_a_probe():
    with pytest.raises(InputError, match="at least one probe"):
        Plan(placements=(), protocol=TWICE)


def test_two_probes_of_one_label_are_refused():
    with pytest.raises(InputError, match="share a label: A, A"):
        Plan(placements=(A, A), protocol=TWICE)


def test_a_protocol_cannot_name_a_probe_that_the_plan_lacks():
    with pytest.raises(UnknownName, match="'B'; the plan has: A"):
        Plan(placements=(A,), protocol=read_protocol("freeze (B at 50%) for 10 min"))
