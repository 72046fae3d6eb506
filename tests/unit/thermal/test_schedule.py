"""What the probes do at each moment."""

from __future__ import annotations

import math

import numpy as np
import pytest

from iceball.nouns import Placement, Plan, Probe, read_protocol
from iceball.thermal.problem import OFF, POWER_LIMITED
from iceball.thermal.schedule import drive, phases


def plan(text, tau_s=4.0):
    probe = Probe(
        name="p", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=10.0, gas_temperature_c=-150.0,
        internal_resistance_k_m_per_w=0.1, cooling_time_s=tau_s, thaw_temperature_c=40.0,
    )  # fmt: skip
    placements = tuple(
        Placement(label=label, probe=probe, entry_mm=(x, 0.0, 50.0), tip_mm=(x, 0.0, 0.0))
        for label, x in (("A", 0.0), ("B", 15.0))
    )
    return Plan(placements=placements, protocol=read_protocol(text))


def test_phases_lie_end_to_end():
    laid = phases(plan("10-8-10"))
    assert [(p.start_s, p.stop_s) for p in laid] == [(0, 600), (600, 1080), (1080, 1680)]
    assert [p.freezing for p in laid] == [True, False, True]


def test_the_gas_nears_its_goal_with_the_probe_s_time_constant():
    freeze = phases(plan("10"))[0]
    start = np.array([37.0, 20.0])
    np.testing.assert_allclose(drive(freeze, start, 0.0).value, start)
    after = drive(freeze, start, 4.0).value
    np.testing.assert_allclose(after, -150 + (start + 150) * math.exp(-1))
    np.testing.assert_allclose(drive(freeze, start, 599.0).value, -150.0, atol=1e-9)


def test_a_probe_without_time_constant_is_at_once_at_its_goal():
    freeze = phases(plan("10", tau_s=0.0))[0]
    np.testing.assert_array_equal(drive(freeze, np.array([37.0, 37.0]), 0.0).value, -150.0)


def test_a_passive_thaw_and_a_probe_without_power_are_off():
    freeze, thaw = phases(plan("freeze at 100% (B at 0%) for 1 min; thaw for 1 min"))
    now = drive(freeze, np.array([37.0, 37.0]), 1.0)
    assert now.mode.tolist() == [POWER_LIMITED, OFF]
    assert now.power.tolist() == [1.0, 0.0]
    assert drive(thaw, np.array([np.nan, np.nan]), 61.0).mode.tolist() == [OFF, OFF]


def test_an_active_thaw_sets_the_shaft_itself_and_not_the_gas_behind_a_resistance():
    _, thaw = phases(plan("freeze for 1 min; active thaw for 1 min"))
    now = drive(thaw, np.array([-150.0, -150.0]), 119.0)
    np.testing.assert_allclose(now.value, 40.0, atol=1e-3)
    np.testing.assert_array_equal(now.resistance, 0.0)
    np.testing.assert_array_equal(drive(phases(plan("1"))[0], np.array([37.0, 37.0]), 1.0).resistance, 1.0)


@pytest.mark.parametrize("text", ["5", "freeze at 40% for 2 min; thaw for 30 s; freeze for 90 s"])
def test_phases_last_as_long_as_the_protocol(text):
    made = plan(text)
    assert phases(made)[-1].stop_s == made.protocol.duration_s
