"""Scenarios: their laws, their moments, and that a point of the design does not hang on how many are drawn."""

from __future__ import annotations

import dataclasses
import math
import pickle
import warnings

import numpy as np
import pytest
import small_patient
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import anatomy, ensemble, library
from iceball.ensemble._inputs import inputs, placement_keys, ways
from iceball.ensemble._scenarios import FURTHEST_SD, design_words, drawn_tissue, sobol
from iceball.errors import InputError, UnknownName
from iceball.nouns import Placement, Plan, read_protocol

pytestmark = pytest.mark.unit

PROBE = library.probe("argon-17g-30mm")
PLAN = Plan(
    placements=(
        Placement(label="A", probe=PROBE, entry_mm=(0.0, 90.0, 10.0), tip_mm=(0.0, 0.0, 0.0)),
        Placement(label="B", probe=PROBE, entry_mm=(15.0, 90.0, 10.0), tip_mm=(15.0, 0.0, 0.0)),
    ),
    protocol=read_protocol("10-8-10"),
)


def columns(drawn, kind):
    keys = [each.key for each in inputs(PLAN) if each.kind == kind]
    return np.array([[scenario.values()[key] for key in keys] for scenario in drawn])


def test_shifts_have_the_standard_deviation_asked_for():
    shifts = columns(ensemble.scenarios(PLAN, 1024, 3, placement_sd_mm=2.5), "placement")
    # 1024 Sobol points: moments of each column are good to a thousandth; cut at 4 SD the law loses 0.05 % of its SD
    assert shifts.std(axis=0) == pytest.approx(2.5, rel=0.01)
    assert shifts.mean(axis=0) == pytest.approx(0.0, abs=0.01)
    assert np.abs(shifts).max() <= FURTHEST_SD * 2.5


def test_the_library_says_how_far_probes_lie_off_by_default():
    shifts = columns(ensemble.scenarios(PLAN, 256, 0), "placement")
    sd_mm = library.ensemble_rules()["placement_sd_mm"].value
    assert sd_mm == 1.5
    assert shifts.std(axis=0) == pytest.approx(sd_mm, rel=0.03)  # 256 points


@pytest.mark.parametrize("kind", ["tissue", "probe"])
def test_scores_are_triangular_about_the_value_of_the_row(kind):
    scores = columns(ensemble.scenarios(PLAN, 1024, 5), kind)
    assert scores.std(axis=0) == pytest.approx(1 / math.sqrt(6), rel=0.01)  # of the triangle over -1 to 1
    assert np.median(scores, axis=0) == pytest.approx(0.0, abs=0.01)
    quarter = 1 - math.sqrt(0.5)  # where a quarter lies beyond, on either side of the peak
    assert (np.abs(scores) > quarter).mean(axis=0) == pytest.approx(0.5, abs=0.01)


def test_a_design_is_more_even_than_chance():
    points, chance = sobol(20, 256, 1), np.random.default_rng(1).random((256, 20))
    worst = [np.abs(part.mean(axis=0) - 0.5).max() for part in (points, chance)]
    assert worst[0] < 0.2 * worst[1]  # the mean of 256 independent draws is off by 0.018 typically


def test_every_row_of_frozen_bone_is_drawn():
    keys = {each.key for each in inputs(PLAN)}
    for group in ("matrix", "marrow", "tumour", "soft"):
        for quantity in ("frozen_conductivity_w_per_m_k", "latent_heat_j_per_kg", "perfusion_ml_per_min_kg"):
            assert f"{group}.{quantity}" in keys
    assert {"argon-17g-30mm.internal_resistance_k_m_per_w", "argon.gas_temperature_c"} <= keys


def test_every_input_has_words_of_its_own():
    words = [each.says for each in inputs(PLAN)]
    assert len(set(words)) == len(words)
    assert all("_" not in text for text in words)


@given(first=st.integers(0, 40), n=st.integers(1, 40), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_a_member_is_the_same_however_many_are_drawn(first, n, seed):
    assert ensemble.scenarios(PLAN, n, seed, first=first) == ensemble.scenarios(PLAN, 80, seed)[first : first + n]


def test_another_seed_gives_other_members():
    assert ensemble.scenarios(PLAN, 4, 0) != ensemble.scenarios(PLAN, 4, 1)


def test_n_need_not_be_a_power_of_two_and_what_that_costs_is_said():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # scipy warns where it draws so many at once
        assert len(ensemble.scenarios(PLAN, 200)) == 200
    assert "its first 128" in design_words(200)
    assert "256" in design_words(200)
    assert "power of two" in design_words(256)


def test_a_scenario_travels_to_a_worker_whole():
    scenario = ensemble.scenarios(PLAN, 2)[1]
    assert pickle.loads(pickle.dumps(scenario)) == scenario


@pytest.mark.parametrize(("n", "seed", "sd_mm"), [(0, 0, 1.5), (10**6, 0, 1.5), (8, -1, 1.5), (8, 0, -1.0)])
def test_nonsense_is_refused(n, seed, sd_mm):
    with pytest.raises(InputError):
        ensemble.scenarios(PLAN, n, seed, placement_sd_mm=sd_mm)


def test_a_probe_is_shifted_whole():
    scenario = ensemble.scenarios(PLAN, 4)[3]
    for before, after in zip(PLAN.placements, ensemble.drawn_plan(PLAN, scenario).placements, strict=True):
        way = np.subtract(after.tip_mm, before.tip_mm)
        assert np.subtract(after.entry_mm, before.entry_mm) == pytest.approx(way, abs=1e-9)  # rounding
        values = [scenario.values()[key] for key in placement_keys(before.label)]
        assert ways(before) @ way == pytest.approx(values, abs=1e-9)


@given(st.tuples(*[st.floats(-60, 60)] * 3))
@settings(deadline=None)
def test_the_three_ways_stand_at_right_angles_whatever_the_direction(entry_mm):
    if math.hypot(*entry_mm) < 36.0:
        return
    axes = ways(Placement(label="A", probe=PROBE, entry_mm=entry_mm, tip_mm=(0.0, 0.0, 0.0)))
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert axes[1][2] >= -1e-9 or abs(axes[0][2]) > math.cos(math.radians(15.0))  # toward the head, not the feet


def test_a_probe_works_within_the_spread_of_its_rows():
    rows = library.probe_rows(PROBE.name)
    for scenario in ensemble.scenarios(PLAN, 64):
        first, second = (placement.probe for placement in ensemble.drawn_plan(PLAN, scenario).placements)
        assert first == second  # one kind of probe on one gas: they are off together
        for row in ("internal_resistance_k_m_per_w", "gas_temperature_c", "tip_to_active_mm"):
            assert rows[row].low <= getattr(first, row) <= rows[row].high


def test_without_doubt_the_plan_stays_as_it_is():
    scenario = ensemble.scenarios(PLAN, 1)[0]
    still = {part: tuple((key, 0.0) for key, _ in getattr(scenario, part)) for part in ("scores", "shifts")}
    none = dataclasses.replace(scenario, **still)
    assert ensemble.drawn_plan(PLAN, none) == PLAN
    change = anatomy.remaking(drawn_tissue(none))
    for tissue in anatomy.prepare(small_patient.patient()).palette.tissues:
        assert change(tissue) == tissue


def test_a_palette_changed_tissue_by_tissue_is_the_palette_drawn_whole():
    prepared = anatomy.prepare(small_patient.patient())
    draw = drawn_tissue(ensemble.scenarios(PLAN, 3)[2])
    change = anatomy.remaking(draw)
    whole = anatomy.drawn(prepared, draw).palette.tissues
    assert tuple(change(tissue) for tissue in prepared.palette.tissues) == whole


def test_a_tissue_of_no_palette_is_refused():
    change = anatomy.remaking(anatomy.NOMINAL)
    with pytest.raises(UnknownName):
        change(dataclasses.replace(library.tissue("muscle"), name="cheese"))


def test_a_draw_travels_to_a_worker():
    draw = anatomy.draws(1, seed=4)[0]
    there = pickle.loads(pickle.dumps(draw))
    assert (dict(there.scores), there.seed, there.number) == (dict(draw.scores), 4, 0)
