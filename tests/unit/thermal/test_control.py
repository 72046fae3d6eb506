"""The length of steps: a law as the ceiling, less where the last step was off."""

import math
from dataclasses import replace
from itertools import pairwise

import lab
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.bench.agreement import apart
from iceball.bench.cases import BenchCase, legs_of, problem_of, start_c
from iceball.errors import SimulationError
from iceball.thermal import Stepping
from iceball.thermal.backends import default_backend
from iceball.thermal.control import FREEZE_BAND_C, Look, Pace, off_mm, sums_of
from iceball.thermal.marching import march, strides
from iceball.thermal.problem import Watch
from iceball.thermal.stepping import accuracy_named, accuracy_names

BAND_C = FREEZE_BAND_C
SPECIFICATION = lab.DoublePrecision()


def plane(slope_k_per_voxel: float, shape=(12, 12, 48)) -> np.ndarray:
    """Temperature that rises along the last axis, through the band."""
    return np.broadcast_to(-60.0 + slope_k_per_voxel * np.arange(shape[2]), shape).astype(float)


@given(
    start=st.floats(0, 1e4),
    length=st.floats(0.1, 3000),
    longest=st.floats(0.05, 60),
    early=st.floats(0.05, 60),
    freezing=st.booleans(),
)
def test_steps_fill_a_leg_exactly_and_are_never_longer_than_the_law(start, length, longest, early, freezing):
    law = Stepping(freeze_step_s=longest, thaw_step_s=longest, early_step_s=early)
    ends = lab.ends_of(law, start, start + length, freezing=freezing)
    assert ends[-1] == start + length
    for a, b in pairwise([start, *ends]):
        assert 0 < b - a <= law.longest(b - start, freezing=freezing) * 1.001 + 1e-6  # rounding of the sums


@given(off=st.floats(1e-3, 1e3), step=st.floats(0.3, 60))
def test_what_is_off_is_followed_by_a_step_that_is_shorter_by_the_root_of_how_much(off, step):
    pace = Pace(Stepping(freeze_step_s=1e3, early_step_s=1e3, off_mm=1.0), freezing=True, looks=True)
    for _ in range(3):  # the first two steps after a switch are not judged
        pace.took(step, step, off)
    wanted = step * min(1.5, max(0.3, 0.9 / math.sqrt(off)))
    assert pace.step(1e9) == pytest.approx(wanted)


def test_a_step_that_was_cut_short_by_a_moment_does_not_hold_the_next_one_back():
    pace = Pace(Stepping(freeze_step_s=10.0, early_step_s=10.0, off_mm=1.0), freezing=True, looks=True)
    for _ in range(20):
        pace.took(pace.step(1e9), 10.0, 0.01)
    assert pace.step(1e9) == 10.0
    pace.took(pace.step(0.5), 0.5, 0.01)
    assert pace.step(1e9) == 10.0


def test_a_solver_that_does_not_look_takes_half_of_the_longest_steps_and_one_that_looks_all():
    law = Stepping(freeze_step_s=8.0, early_step_s=8.0, off_mm=1.0)
    longest = {looks: Pace(law, freezing=True, looks=looks) for looks in (False, True)}
    for pace in longest.values():
        for _ in range(30):
            pace.took(pace.step(1e9), 8.0, 1e-3)
    assert [pace.step(1e9) for pace in longest.values()] == [4.0, 8.0]
    assert longest[False].look is None
    assert longest[True].look == Look(band_c=BAND_C, most_mm=2.0)


def test_no_length_of_error_is_taken_that_is_not_above_zero():
    with pytest.raises(SimulationError, match="off by more than 0 mm, not by nan mm: write inf for any"):
        Stepping(off_mm=math.nan)


@given(slope=st.floats(0.5, 30), moved_mm=st.floats(1e-3, 3), spacing_mm=st.floats(0.2, 3))
def test_a_plane_that_was_foreseen_elsewhere_is_off_by_the_distance(slope, moved_mm, spacing_mm):
    now = plane(slope)
    sums = sums_of(now, now + slope * moved_mm / spacing_mm, BAND_C)
    assert off_mm(sums, spacing_mm) == pytest.approx(moved_mm, rel=1e-6)


def test_nothing_is_known_of_an_error_where_nothing_lies_in_the_band():
    warm = np.full((8, 8, 32), 37.0)
    assert math.isnan(off_mm(sums_of(warm, warm - 1.0, BAND_C), 1.0))


CASE = BenchCase(
    name="control", says="three ideal probes, their gas cold at once", spacing_mm=1.0, width_mm=48.0, stop_s=20.0
)


def new_solver(case: BenchCase, stepping: Stepping):
    """The fastest solver of this installation, at the start of ``case``."""
    return default_backend().solver(problem_of(case), start_c(), stepping, Watch())


def freeze(stepping: Stepping, moments_s):
    """Temperatures (I, J, K) of three ideal probes at ``moments_s``."""
    steps = march(problem_of(CASE), start_c(), legs_of(CASE), moments_s, stepping=stepping, fractions=False)
    return [moment.temperature_c for moment in steps]


def test_looking_at_the_error_makes_it_smaller_where_the_law_is_too_coarse():
    law = {"freeze_step_s": 10.0, "early_step_s": 10.0}
    moments_s = (8.0, 20.0)
    true, coarse, looked_at = (
        freeze(how, moments_s)
        for how in (
            Stepping(freeze_step_s=0.25, early_step_s=0.25),
            Stepping(**law),
            Stepping(**law, off_mm=0.3),
        )
    )
    for now, (fine, free, controlled) in zip(moments_s, zip(true, coarse, looked_at, strict=True), strict=True):
        errors = [max(e.p99_mm for e in apart(field, fine, 1.0, (-20.0, -40.0))) for field in (free, controlled)]
        assert errors[1] < 0.6 * errors[0], (now, errors)


@pytest.mark.parametrize("backend", lab.engines(), ids=lambda backend: backend.name)
def test_the_engine_finds_the_error_that_the_whole_box_finds(backend):
    solvers = [b.solver(problem_of(CASE), start_c(), Stepping(), Watch()) for b in (backend, SPECIFICATION)]
    drive, look, now, found = legs_of(CASE)[0].begin(np.zeros(3)), Look(band_c=BAND_C), 0.0, []
    for step_s in (0.25, 0.5, 1.0, 2.0, 2.0, 3.0, 4.0):
        now, before = now + step_s, now
        found.append([s.advance(before, step_s, drive(before), drive(now), look).off_mm for s in solvers])
    # slopes are central in the whole box and one-sided within the engine's tiles
    np.testing.assert_allclose(*np.array(found[2:]).T, rtol=0.3)


def test_a_step_that_is_off_by_too_much_is_taken_in_halves_and_loses_no_heat():
    solver, drive = new_solver(CASE, Stepping()), legs_of(CASE)[0].begin(np.zeros(3))
    took = [
        solver.advance(a, b - a, drive(a), drive(b), Look(band_c=BAND_C)) for a, b in pairwise((0.0, 1.0, 2.0, 3.0))
    ]
    halved = solver.advance(3.0, 8.0, drive(3.0), drive(11.0), Look(band_c=BAND_C, most_mm=took[-1].off_mm))
    assert halved.at_once_s < 8.0
    energy_j = sum(done.energy_j for done in (*took, halved))
    assert abs(solver.stored_j() - energy_j.sum()) < 1e-6 * np.abs(energy_j).max()  # single precision


@settings(max_examples=10)
@given(marks=st.lists(st.floats(0.5, 29.5), max_size=4))
def test_steps_end_at_every_mark(marks):
    solver = new_solver(SMALL, accuracy_named("preview"))
    leg = replace(legs_of(SMALL)[0], stop_s=30.0)
    ends = [end for end, _ in strides(solver, accuracy_named("preview"), leg, leg.begin(np.zeros(3)), sorted(marks))]
    assert ends == sorted(ends)
    assert ends[-1] == 30.0
    for mark in marks:
        assert min(abs(end - mark) for end in ends) < 1e-9


SMALL = replace(CASE, spacing_mm=4.0, width_mm=64.0)


@pytest.mark.parametrize("accuracy", accuracy_names())
def test_every_accuracy_looks_at_the_error_of_its_steps(accuracy):
    assert math.isfinite(accuracy_named(accuracy).off_mm)
