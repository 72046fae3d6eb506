"""Probes, placements and plans check themselves when they are made."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import Placement, Plan, Probe, read_protocol

PROBE = Probe(
    name="test-probe",
    cryogen="argon",
    shaft_diameter_mm=1.5,
    active_length_mm=30.0,
    gas_temperature_c=-160.0,
    internal_resistance_k_m_per_w=0.13,
    cooling_time_s=20.0,
    tip_to_active_mm=4.0,
)
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
    ],
)
def test_an_impossible_probe_is_refused(change: dict, says: str):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(PROBE, **change)


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
