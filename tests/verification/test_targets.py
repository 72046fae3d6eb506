"""``measure_targets``: the measure finds what was planted, a stopped run goes on, and what is missed is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from iceball.bench import apart, problem_of
from iceball.bench.cases import tissue_index
from iceball.errors import InputError, SimulationError, UnknownName
from iceball.thermal import backend_named
from iceball.thermal.wells import end_reach
from iceball.verification import Engine, Scope, Targets, Trial, _half_spacing, measure_targets, scope
from iceball.verification._accuracy import SPACING_MM, TRIALS
from iceball.verification._half_spacing import compare, halved, phase_at, reference
from iceball.verification._kept import Kept
from iceball.verification._lone_probe import OBLIQUE, WIDTH_MM, measure

NATIVE = backend_named("native")
BRIEF = Trial(width_mm=64.0, active_mm=35.0, fat_below_mm=-38.0, minutes=(10.0, 8.0, 10.0), moments_s=(1.0, 2.0, 3.0))
TINY = Scope(accuracies=("preview",), tissues=(4,), diameters_mm=(), instead=BRIEF)
CASE = TINY.case("preview", 4)
SLOPE_K_PER_MM = 5.0


def cone(spacing_mm: float, width_mm: float = 48.0) -> np.ndarray:
    """Temperature (I, J, K) [°C] that rises by 5 K/mm of distance from a point on no symmetry; -70 °C there."""
    along = np.arange(spacing_mm / 2, width_mm, spacing_mm) - width_mm / 2
    x, y, z = np.meshgrid(along - 0.3, along + 0.2, along + 0.1, indexing="ij")
    return SLOPE_K_PER_MM * np.sqrt(x**2 + y**2 + z**2) - 70.0


def test_a_planted_shift_of_a_known_gradient_is_found_at_every_isotherm():
    field = cone(1.0)
    for row in apart(field + SLOPE_K_PER_MM * 0.13, field, 1.0):
        # central differences see a sphere of 6 mm (-40 °C) a little too flat: 2 in 100
        assert row.p99_mm == pytest.approx(0.13, rel=0.02)
        assert row.largest_mm == pytest.approx(0.13, rel=0.03)


def test_the_mean_of_eight_fine_voxels_is_the_coarse_one_in_second_order():
    coarse_mm = (2.0, 1.0, 0.5)
    worst = [max(row.largest_mm for row in apart(cone(h), halved(cone(h / 2)), h)) for h in coarse_mm]
    assert worst[1] < 0.02  # 1 / 32 of h² / r: what the comparison itself costs at 1 mm
    assert np.all(np.log2(np.array(worst[:-1]) / np.array(worst[1:])) > 1.7)


def test_a_linear_field_is_halved_exactly():
    fine = np.add.outer(np.add.outer(np.arange(8.0), 3 * np.arange(8.0)), -2 * np.arange(8.0))
    centres = 2 * np.arange(4.0) + 0.5
    exact = np.add.outer(np.add.outer(centres, 3 * centres), -2 * centres)
    np.testing.assert_allclose(halved(fine), exact, atol=1e-12)  # rounding


def test_the_reference_has_the_same_tissue_map_and_the_same_lines_at_half_the_spacing():
    fine = dataclasses.replace(CASE, cut=2)
    np.testing.assert_array_equal(tissue_index(fine)[::2, ::2, ::2], tissue_index(CASE))
    np.testing.assert_array_equal(halved(tissue_index(fine).astype(float)), tissue_index(CASE))
    lengths = [problem_of(each).wells.length_m.sum() for each in (CASE, fine)]
    # each lattice lets the line go on beyond its ends as its own spline asks for: 0.43 and 0.09 mm
    beyond = [6 * end_reach(0.75e-3, 1e-3 * spacing_mm) for spacing_mm in (2.0, 1.0)]
    assert np.array(lengths) - beyond == pytest.approx(np.full(2, 3 * 0.035))


def test_in_the_thaw_an_isotherm_is_looked_at_while_it_holds_half_of_its_volume():
    full, most, little = cone(2.0), cone(2.0) + 5.0, cone(2.0) + 18.0  # -40 °C: 6, 5 and 2.4 mm of radius
    moments = {600.0: full, 630.0: most, 660.0: little, 1680.0: little}
    rows = list(compare(CASE, 1.0, moments, moments))
    seen = {now: [row.isotherm_c for row in rows if row.now_s == now] for now in moments}
    assert seen[600.0] == seen[630.0] == [0.0, -20.0, -40.0]
    assert seen[660.0] == []  # 0 °C: (10.4 / 14)³ of its volume
    assert seen[1680.0] == [0.0, -20.0, -40.0], "in a freeze whatever is there"
    assert [phase_at(CASE, now) for now in moments] == ["freeze", "thaw", "thaw", "second freeze"]


class Stops(Exception):
    """The run is killed."""


def test_a_stopped_run_goes_on_from_the_last_moment_it_kept(tmp_path, monkeypatch):
    whole = reference(CASE, NATIVE, BRIEF.moments_s, Kept(), lambda _share: None)

    def kill(share):
        if share > 0.8:
            raise Stops

    with pytest.raises(Stops):
        reference(CASE, NATIVE, BRIEF.moments_s, Kept(tmp_path), kill)
    begun, march = [], _half_spacing.march

    def watched(problem, start_c, legs, report_s, **how):
        begun.append((legs[0].start_s, tuple(report_s)))
        return march(problem, start_c, legs, report_s, **how)

    monkeypatch.setattr(_half_spacing, "march", watched)
    resumed = reference(CASE, NATIVE, BRIEF.moments_s, Kept(tmp_path), lambda _share: None)
    again = reference(CASE, NATIVE, BRIEF.moments_s, Kept(tmp_path), lambda _share: None)
    assert begun == [(2.0, (3.0,))], "only what was missing is marched, and nothing twice"
    for now in BRIEF.moments_s:
        np.testing.assert_array_equal(resumed.fields_c[now], again.fields_c[now])
        # kept in single precision, 1e-5 K at -160 °C; what slept is awake when the march goes on: 0.011 K found
        np.testing.assert_allclose(resumed.fields_c[now], whole.fields_c[now], atol=0.03)
    assert not [path for path in tmp_path.iterdir() if ".part-" in path.name]


def test_what_was_kept_of_another_problem_is_not_taken(tmp_path):
    kept = Kept(tmp_path)
    for tissues in (1, 4):
        case = TINY.case("preview", tissues)
        reference(case, NATIVE, (0.5,), kept, lambda _share: None)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_kept_file_that_cannot_be_read_is_named_and_nothing_is_kept_in_a_file(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 half of it")
    with pytest.raises(InputError, match=r"broken\.npz cannot be read .* remove it"):
        Kept(tmp_path).get("broken")
    with pytest.raises(InputError, match="name another folder"):
        Kept(tmp_path / "broken.npz")


def test_a_small_table_is_whole_and_says_how_far_it_is(tmp_path):
    told = []
    done = measure_targets(NATIVE, TINY, keep=tmp_path, progress=lambda share, _says: told.append(share))
    assert [row.now_s for row in done.isotherms] == sorted(row.now_s for row in done.isotherms)
    assert {row.now_s for row in done.isotherms} == {1.0, 2.0, 3.0}
    assert done.walls_k < 1e-3  # three seconds do not reach 25 mm
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_a_missed_target_and_a_part_that_failed_are_not_passed(monkeypatch):
    monkeypatch.setattr(_half_spacing, "reference", lambda *_: (_ for _ in ()).throw(SimulationError("it blew up")))
    done = measure_targets(NATIVE, TINY)
    assert not done.passed
    assert "SimulationError: it blew up" in done.failures[0]
    row = dataclasses.replace(_row(), p99_mm=1.0)
    assert row.passed
    assert not dataclasses.replace(row, p99_mm=1.01).passed
    assert not dataclasses.replace(row, p99_mm=float("nan")).passed
    whole = {field.name: getattr(done, field.name) for field in dataclasses.fields(done)} | {"failures": ()}
    assert not Targets(**whole).passed, "nothing measured is nothing held"
    assert Targets(**whole | {"isotherms": (row,)}).passed


def test_the_scope_names_all_accuracies_and_the_quick_one_the_preview():
    assert scope().accuracies == ("preview", "standard", "reference")
    assert scope(quick=True).accuracies == ("preview",)
    assert scope(["standard"], quick=True).accuracies == ("standard",)
    with pytest.raises(UnknownName, match="no accuracy 'perfect'"):
        scope(["perfect"])


def test_each_trial_freezes_thaws_and_freezes_and_looks_at_every_leg_and_its_end():
    for name, trial in TRIALS.items():
        case = scope().case(name, 4)
        freeze_s, thaw_s, again_s = (duration for _, duration in case.protocol)
        assert [freezing for freezing, _ in case.protocol] == [True, False, True]
        assert {freeze_s, freeze_s + thaw_s, case.stop_s} <= set(trial.moments_s)
        assert case.stop_s == freeze_s + thaw_s + again_s
        assert {phase_at(case, now) for now in trial.moments_s} == {"freeze", "thaw", "second freeze"}
        assert set(np.unique(tissue_index(case))) == {0, 1, 2, 3}, "all four tissues are in the cube"
        assert case.spacing_mm == SPACING_MM[name]


def test_radius_and_length_of_a_capsule_are_measured_to_a_hundredth_of_a_millimetre():
    """The distance from a line of 30 mm, oblique in the cube, times 5 K/mm: every radius and every end is known."""
    along = np.array(OBLIQUE.along) / np.linalg.norm(OBLIQUE.along)
    axis = np.arange(0.5, WIDTH_MM) - WIDTH_MM / 2
    place = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1) - OBLIQUE.middle_mm
    on_line = np.clip(place @ along, -15.0, 15.0)[..., None] * along
    field = SLOPE_K_PER_MM * np.linalg.norm(place - on_line, axis=-1) - 70.0
    rays, ends = measure(field, 1.0)
    # interpolated linearly between voxels of 1 mm: h² / 8 over the radius of curvature, twice that at an end
    np.testing.assert_allclose(rays, np.tile([14.0, 10.0, 6.0], (24, 1)), atol=0.03)
    np.testing.assert_allclose(ends, np.tile([29.0, 25.0, 21.0], (2, 1)), atol=0.06)


def test_an_engine_that_steps_too_far_is_seen():
    """Steps of 20 s where 1 s is asked: at 60 s the isotherms of a 2 mm lattice are further off."""
    case = dataclasses.replace(CASE, stop_s=60.0)
    right = {
        60.0: _half_spacing.answer(case, Engine(backend=NATIVE, accuracy="reference"), [60.0], lambda _: None)[60.0]
    }
    far = _half_spacing.answer(case, Engine(backend=NATIVE, accuracy="preview"), [60.0], lambda _: None)
    assert max(row.p99_mm for row in compare(case, 1.0, far, right)) > 0.2


def _row():
    field = cone(2.0)
    return next(iter(compare(CASE, 1.0, {600.0: field}, {600.0: field})))
