"""The parts of the search, one by one: distances of shafts, shapes, guesses, exchange, protocols."""

from __future__ import annotations

import dataclasses

import check_patient
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from planning_parts import SHAPE, guess_of, pool_of

from iceball import library
from iceball.nouns import Protocol, Step, read_protocol
from iceball.nouns.segments import apart_mm
from iceball.planning._pool import Pool, fibonacci, joined
from iceball.planning._protect import LONGEST_S, SHORTEST_S, _scaled, weakened
from iceball.planning._search import exchange, goes_with
from iceball.planning._shapes import FAR_MM, LONG_MM, STEP_MM, potential, temperature_c
from iceball.planning._words import percent
from iceball.planning._worth import Weights, thinned

coordinate = st.floats(-100.0, 100.0)
point = st.tuples(coordinate, coordinate, coordinate).map(np.array)
short = st.tuples(*[st.floats(-1.0, 1.0)] * 3).map(np.array)

# ---- shapes


@given(st.lists(st.floats(-190.0, 60.0), min_size=1, max_size=20))
@example([-1.0, np.nextafter(-1.0, -2), np.nextafter(-1.0, 0)])
def test_potentials_and_temperatures_are_inverses(values):
    celsius = np.array(values)
    assert np.allclose(temperature_c(potential(celsius)), celsius, atol=1e-9)  # rounding of some hundred kelvin
    assert np.allclose(potential(temperature_c(potential(celsius))), potential(celsius), atol=1e-9)


@given(st.floats(-190.0, 37.0), st.floats(0.001, 50.0))
def test_colder_is_a_higher_potential_and_blood_has_none(celsius, more):
    assert potential(celsius - more) > potential(celsius)
    assert potential(37.0) == 0.0


@settings(max_examples=60)
@given(point, st.tuples(*[st.floats(-1, 1)] * 3).map(np.array), st.floats(0.0, 38.9), st.floats(-59.0, 58.9), short)
def test_a_shape_reads_back_a_planted_table(middle, outward, apart, along, aside):
    assume(np.linalg.norm(outward) > 0.1)
    outward = outward / np.linalg.norm(outward)
    aside = aside - (aside @ outward) * outward
    assume(np.linalg.norm(aside) > 0.1)
    at = middle + along * outward + apart * aside / np.linalg.norm(aside)
    read = SHAPE.at(at[None], middle[None], outward[None])[0, 0]
    expected = 200.0 * (1 - apart / FAR_MM) + 0.5 * (along + LONG_MM) / STEP_MM
    # the distance from the axis is the root of a difference of squares of some 100 mm: 1e-12 * 1e4 under the root
    assert read == pytest.approx(expected, abs=1e-3)


def test_beyond_its_table_a_shape_adds_nothing():
    zero, up = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])
    away = np.array([[FAR_MM + 0.1, 0, 0], [0, 0, LONG_MM + 0.1], [0, 0, -LONG_MM - 0.1], [500.0, 0, 0]])
    assert (SHAPE.at(away, zero, up) == 0.0).all()


# ---- guesses


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3.0))
def test_a_guess_that_was_taught_by_a_run_reproduces_it(seed, scale):
    guess = guess_of()
    rng = np.random.default_rng(seed)
    total = rng.uniform(0.0, 150.0, len(guess.marks.points_mm)) * (rng.random(len(guess.marks.points_mm)) > 0.2)
    real = np.clip(36.5 - scale * total + rng.normal(0, 5, len(total)), -190.0, 37.0)
    taught = guess.taught(total, real)
    assert np.allclose(taught.cold_c(total), real, atol=1e-8)  # rounding of a few hundred
    # and the guess it came from is as it was
    assert guess.scale == 1.0
    assert np.ndim(guess.correction) == 0


def test_a_guess_that_was_taught_nothing_keeps_its_scale():
    guess = dataclasses.replace(guess_of(), scale=0.7)
    nothing = np.zeros(len(guess.marks.points_mm))
    assert guess.taught(nothing, np.full(len(nothing), 36.5)).scale == 0.7


@given(st.floats(0.3, 2.0))
def test_a_scale_that_is_true_is_learnt(scale):
    guess = guess_of()
    total = np.linspace(0.0, 120.0, len(guess.marks.points_mm))  # cold enough that some is told
    real = temperature_c(guess.start + scale * total)
    taught = guess.taught(total, real)
    assert taught.scale == pytest.approx(scale, rel=1e-9)
    assert np.allclose(taught.correction, 0.0, atol=1e-9)  # rounding


def test_a_coarse_guess_says_the_same_at_the_marks_that_it_keeps():
    guess, rng = guess_of(), np.random.default_rng(0)
    total = rng.uniform(0, 100, len(guess.marks.points_mm))
    taught = guess.taught(total, rng.uniform(-60, 30, len(total)))
    few, index = taught.coarse(3), thinned(guess.marks, 3)[1]
    assert np.allclose(few.cold_c(total[index]), taught.cold_c(total)[index], atol=1e-9)


# ---- exchange


def spacing_mm(pool: Pool, a: int, b: int) -> float:
    low, high = pool.active_ends_mm
    return apart_mm((low[a], high[a]), (low[b], high[b]))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_an_exchange_keeps_active_zones_apart_and_lets_no_shafts_cross(seed, count):
    guess, rng = guess_of(), np.random.default_rng(seed)
    pool = pool_of(
        guess.scene.centre_mm + rng.uniform(-22, 22, (60, 3)), np.array([0.0, 1.0, 0.0]) + rng.normal(0, 0.4, (60, 3))
    )
    chosen = exchange(guess, pool, guess.potentials(pool), count, Weights())
    if chosen is None:
        return  # so many do not go together
    assert len(set(chosen)) == count
    spacing = library.planning_rules()["probe_spacing_close"].limit.value
    for place, one in enumerate(chosen):
        for other in chosen[:place]:
            assert spacing_mm(pool, one, other) >= spacing
            shafts = apart_mm((pool.tip_mm[one], pool.entry_mm[one]), (pool.tip_mm[other], pool.entry_mm[other]))
            assert shafts >= check_patient.PROBE.shaft_diameter_mm


def test_placements_that_are_too_near_do_not_go_together_and_none_with_itself():
    spacing = library.planning_rules()["probe_spacing_close"].limit.value
    pool = pool_of([[0, 0, 0], [spacing - 0.1, 0, 0], [spacing + 0.2, 0, 0]], [[0, 1, 0]] * 3)
    assert goes_with(pool, pool.part(np.array([0]))).tolist() == [False, False, True]


def test_more_than_go_together_are_none():
    guess = guess_of()
    pool = pool_of(guess.scene.centre_mm + np.linspace(0, 5, 8)[:, None] * [1.0, 0, 0], [[0, 1, 0]] * 8)
    added = guess.potentials(pool)
    assert exchange(guess, pool, added, 1, Weights()) is not None
    assert exchange(guess, pool, added, 2, Weights()) is None


def test_a_pool_of_parts_is_the_pool():
    pool = pool_of(np.arange(12).reshape(4, 3), [[0, 1, 0]] * 4)
    again = joined([pool.part(np.arange(2)), pool.part(np.array([False, False, True, True]))], pool.probes)
    for field in dataclasses.fields(Pool):
        assert np.array_equal(getattr(again, field.name), getattr(pool, field.name)), field.name
    assert joined([], pool.probes).size == 0


@pytest.mark.parametrize("count", [1, 7, 500])
def test_directions_are_units_spread_over_the_sphere(count):
    sphere = fibonacci(count)
    assert np.allclose(np.linalg.norm(sphere, axis=1), 1.0, atol=1e-12)  # rounding
    if count == 500:
        # 500 caps of equal area have a radius of 5.1°: no direction is farther than two of them from the nearest
        assert np.degrees(np.arccos(np.clip((np.eye(3) @ sphere.T).max(), -1, 1))) < 10.3
        assert np.linalg.norm(sphere.mean(axis=0)) < 0.01


# ---- protocols that are proposed

lengths = st.integers(1, 60).map(lambda n: 30.0 * n)


@st.composite
def protocols(draw) -> Protocol:
    steps = []
    for _ in range(draw(st.integers(1, 3))):
        steps.append(Step(kind="freeze", duration_s=draw(lengths), power_fraction=draw(st.integers(1, 100)) / 100))
        steps.append(Step(kind="passive thaw", duration_s=draw(lengths)))
    return Protocol(steps=tuple(steps))


@given(protocols(), st.sampled_from([0.75, 0.5]), st.sampled_from(["A", "C"]))
def test_a_weakened_protocol_weakens_that_probe_in_every_freeze_and_no_other(protocol, power, label):
    less = weakened(protocol, label, power)
    for before, after in zip(protocol.steps, less.steps, strict=True):
        assert (after.kind, after.duration_s, after.power_of("B")) == (
            before.kind,
            before.duration_s,
            before.power_of("B"),
        )
        if before.kind == "freeze":
            assert after.power_of(label) == pytest.approx(power * before.power_of(label), rel=1e-12)
    twice = weakened(less, label, power)
    assert all(len(step.power_by_probe) <= 1 for step in twice.steps)


@given(protocols(), st.sampled_from([0.75, 0.5]), st.sampled_from([(0.8, 0.6), (1.25, 1.5)]))
def test_protocols_that_are_proposed_can_be_written_down_and_read_again(protocol, power, factors):
    made_up = [weakened(protocol, "A", power), *(each for _, each in _scaled(protocol, factors))]
    for each in made_up:
        again = read_protocol(str(each))
        assert read_protocol(str(again)) == again
        for step, other in zip(each.steps, again.steps, strict=True):
            assert other.duration_s == pytest.approx(step.duration_s, abs=1e-6)  # minutes in decimals
            assert other.power_of("A") == pytest.approx(step.power_of("A"), abs=1e-9)


@given(protocols(), st.sampled_from([(0.8, 0.6), (1.25, 1.5)]))
def test_scaled_freezes_stay_sensible_and_thaws_stay_as_they_are(protocol, factors):
    for factor, scaled in _scaled(protocol, factors):
        for before, after in zip(protocol.steps, scaled.steps, strict=True):
            if before.kind == "freeze":
                assert SHORTEST_S <= after.duration_s <= LONGEST_S
                assert abs(after.duration_s - factor * before.duration_s) <= 15.0  # to the half minute
            else:
                assert after == before


@given(st.floats(0.0, 1.0))
def test_a_share_is_never_said_to_be_more_than_it_is(fraction):
    said = float(percent(fraction).removesuffix(" %"))
    assert said <= 100 * fraction + 1e-9
    assert said > 100 * fraction - 0.1 - 1e-9
