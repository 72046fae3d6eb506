"""One file of demands for every backend: numpy is the specification, the others must say the same."""

from __future__ import annotations

import subprocess
import sys

import lab
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.errors import SimulationError, UnknownName
from iceball.nouns import Grid, Placement, Probe
from iceball.thermal import Stepping, backend_named, backend_names
from iceball.thermal.backends import default_backend, native
from iceball.thermal.problem import OFF, POWER_LIMITED, PRESCRIBED, Drive
from iceball.thermal.steady import steady_state
from iceball.thermal.stepping import euler_limit
from iceball.thermal.wells import wells

ALL = [backend_named(name) for name in backend_names()]
EVERY = pytest.mark.parametrize("backend", ALL, ids=lambda b: b.name)
OTHERS = pytest.mark.parametrize("backend", [b for b in ALL if b.name != "numpy"], ids=lambda b: b.name)
AIR = lab.gel(name="air", inert=True)
TISSUES = (
    AIR,
    lab.gel(perfusion_w_per_m3_k=2.5e3, metabolic_heat_w_per_m3=700.0),
    lab.gel(name="bone", conductivity_w_per_m_k=0.35, frozen_conductivity_w_per_m_k=0.7, latent_heat_j_per_m3=9e7),
    lab.gel(name="vessel", perfusion_w_per_m3_k=6e5),
)


def mixed_problem(shape=(9, 8, 24), seed=0, air=0.1):
    """Patches of four tissues, two crossing probes, skin, a held wall: everything a backend must know."""
    draw = np.random.default_rng(seed)
    index = draw.integers(1, 4, size=[-(-n // 2) for n in shape]).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    index = index[: shape[0], : shape[1], : shape[2]].astype(np.uint8)
    index[draw.random(shape) < air] = 0
    grid = Grid(shape=shape, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3)
    probe = Probe(
        name="p", cryogen="argon", shaft_diameter_mm=1.0, active_length_mm=8.0, gas_temperature_c=-150.0,
        internal_resistance_k_m_per_w=0.13, cooling_time_s=4.0,
    )  # fmt: skip
    middle = np.array([(n - 1) / 2 for n in shape])
    placements = [
        Placement(label=label, probe=probe, tip_mm=tuple(middle - s * 4), entry_mm=tuple(middle + s * 5))
        for label, s in (("A", np.array([0.1, 0.05, 0.99])), ("B", np.array([-0.12, 0.1, 0.98])))
    ]
    conducts = np.array([not t.inert for t in TISSUES])
    opened = (index > 0) * (draw.random(shape) < 0.05) * 1e4
    return lab.make_problem(
        shape, 1.0, *TISSUES, index=index, open_conductance=opened, walls=(lab.held(0, 1, 30.0),),
        wells=wells(placements, grid, index, conducts),
    )  # fmt: skip


def random_enthalpy(problem, seed):
    """Temperatures from deep frozen to warm, every phase next to every other."""
    draw = np.random.default_rng(seed)
    return problem.table.enthalpy(draw.uniform(-120.0, 39.0, problem.index.shape), problem.index)


def drives():
    return [
        Drive(
            mode=np.array([a, b]), value=np.array([u, v]), power=np.array([1.0, 0.6]), resistance=np.array([1.0, 0.5])
        )
        for (a, u), (b, v) in [
            ((POWER_LIMITED, -150.0), (POWER_LIMITED, 20.0)),
            ((OFF, 0.0), (PRESCRIBED, 400.0)),
        ]
    ]


@OTHERS
@pytest.mark.parametrize("seed", range(4))
def test_the_rate_of_every_term_is_that_of_numpy(backend, seed):
    problem = mixed_problem(seed=seed)
    enthalpy = random_enthalpy(problem, seed)
    alive = (np.random.default_rng(seed).random(problem.index.shape) < 0.8).astype(np.uint8)
    for drive in drives():
        ours = backend.operator(problem).rate(enthalpy, drive, alive, np.empty_like(enthalpy))
        spec = backend_named("numpy").operator(problem).rate(enthalpy, drive, alive, np.empty_like(enthalpy))
        scale = np.abs(spec.enthalpy).max()
        np.testing.assert_allclose(ours.enthalpy, spec.enthalpy, rtol=1e-9, atol=1e-9 * scale)  # order of sums differs
        np.testing.assert_allclose(ours.powers, spec.powers, rtol=1e-9, atol=1e-9 * np.abs(spec.powers).max())
        np.testing.assert_allclose(ours.probe_heat_w, spec.probe_heat_w, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(ours.surface_c, spec.surface_c, rtol=1e-8)


@OTHERS
def test_a_whole_freeze_and_thaw_is_that_of_numpy(backend):
    problem = mixed_problem(air=0.02)

    def driver(now_s):
        return drives()[0] if now_s < 20 else lab.drive_of(OFF, 0.0, 2)

    ends = [
        lab.last(lab.march(problem, b, 37.0, driver, until_s=40.0, coldest_c=-150.0))
        for b in (backend, backend_named("numpy"))
    ]
    np.testing.assert_allclose(ends[0].temperature, ends[1].temperature, atol=1e-5)  # °C, after thousands of sums
    np.testing.assert_allclose(ends[0].energy_j, ends[1].energy_j, rtol=1e-7, atol=1e-7)


@OTHERS
def test_temperature_frozen_fraction_blend_and_linear_conduction_are_those_of_numpy(backend):
    problem = mixed_problem()
    ours, spec = backend.operator(problem), backend_named("numpy").operator(problem)
    enthalpy = random_enthalpy(problem, 3)
    np.testing.assert_allclose(ours.temperature(enthalpy), spec.temperature(enthalpy), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(ours.frozen_fraction(enthalpy), spec.frozen_fraction(enthalpy), atol=1e-12)
    k = np.random.default_rng(1).uniform(0.1, 3.0, enthalpy.shape)
    results = []
    for operator in (ours, spec):
        out = np.empty_like(enthalpy)
        operator.linear_conduction(operator.temperature(enthalpy), k, out)
        operator.blend((enthalpy, out, k), (0.25, 2.0, -1.0), out)
        results.append(out)
    np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-3)


@EVERY
@pytest.mark.parametrize("method", ["rkl2", "euler"])
def test_energy_balances_to_rounding_with_every_term_at_work(backend, method):
    problem = mixed_problem(air=0.02)
    steps = lab.march(
        problem, backend, 37.0, lambda _t: drives()[0], until_s=5.0, coldest_c=-150.0, longest_s=2.0, method=method
    )
    end = lab.last(steps)
    assert np.all(np.abs(end.energy_j[[0, 1, 2, 3]]) > 1e-3), "each term should be at work"
    assert end.residual_fraction < 1e-10


@EVERY
def test_euler_steps_near_the_super_steps_in_proportion_to_their_size(backend):
    problem = mixed_problem(air=0.02)

    def end(method, longest_s):
        steps = lab.march(
            problem,
            backend,
            37.0,
            lambda _t: drives()[0],
            until_s=3.0,
            coldest_c=-150.0,
            longest_s=longest_s,
            method=method,
        )
        return lab.last(steps).temperature

    limit = end("rkl2", 0.025)
    errors = [np.abs(end("euler", step) - limit).max() for step in (0.02, 0.01)]  # its limit here is 0.022 s
    assert errors[1] < 0.6 * errors[0] < 0.5  # Euler is of first order; the super-steps are not what is left


@EVERY
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_patient_freezes_into_the_mirror_image(backend, axis):
    shape = (12, 12, 12)
    index = np.random.default_rng(5).integers(1, 4, shape).astype(np.uint8)
    start = np.where(np.indices(shape).sum(axis=0) < 12, -60.0, 37.0)
    ends = []
    for flip in (False, True):
        turned = np.flip(index, axis) if flip else index
        problem = lab.make_problem(shape, 1.0, *TISSUES, index=np.ascontiguousarray(turned))
        begin = np.ascontiguousarray(np.flip(start, axis) if flip else start)
        end = lab.last(lab.march(problem, backend, begin, until_s=60.0, coldest_c=-60.0)).temperature
        ends.append(np.flip(end, axis) if flip else end)
    np.testing.assert_allclose(*ends, atol=1e-9)


@EVERY
def test_a_turned_patient_freezes_into_the_turned_image(backend):
    shape = (10, 10, 10)
    index = np.random.default_rng(6).integers(1, 4, shape).astype(np.uint8)
    start = np.where(np.indices(shape)[0] < 4, -60.0, 37.0)
    ends = []
    for turns in range(2):
        problem = lab.make_problem(shape, 1.0, *TISSUES, index=np.ascontiguousarray(np.rot90(index, turns)))
        begin = np.ascontiguousarray(np.rot90(start, turns))
        end = lab.last(lab.march(problem, backend, begin, until_s=60.0, coldest_c=-60.0)).temperature
        ends.append(np.rot90(end, -turns))
    np.testing.assert_allclose(*ends, atol=1e-9)


@EVERY
def test_without_probes_the_state_before_freezing_stays_put(backend):
    problem = mixed_problem()
    problem = lab.make_problem(
        problem.index.shape, 1.0, *TISSUES, index=problem.index, open_conductance=problem.open_conductance
    )
    start = steady_state(backend.operator(problem), problem)
    assert start.min() < 36.8, "the skin should be cooler than the blood"
    end = lab.last(lab.march(problem, backend, start, until_s=300.0, coldest_c=0.0, longest_s=10.0))
    np.testing.assert_allclose(end.temperature, start, atol=2e-3)  # °C: unfrozen properties are constant but for tables


@EVERY
def test_vanishing_perfusion_is_the_limit_of_no_perfusion(backend):
    ends = []
    for perfusion in (0.0, 1e-3, 3e3):
        tissue = lab.gel(perfusion_w_per_m3_k=perfusion)
        problem = lab.make_problem((30, 1, 1), 1.0, tissue, walls=(lab.held(0, 0, -100.0),))
        ends.append(lab.last(lab.march(problem, backend, 30.0, until_s=300.0, coldest_c=-100.0)).temperature)
    np.testing.assert_allclose(ends[1], ends[0], atol=1e-4)
    assert np.abs(ends[2] - ends[0]).max() > 0.5, "real perfusion should be felt"


@EVERY
def test_perfusion_that_has_stopped_stays_stopped(backend):
    problem = lab.make_problem((4, 4, 4), 1.0, TISSUES[3])
    enthalpy = problem.table.enthalpy(20.0, problem.index)
    operator = backend.operator(problem)
    nothing = lab.off(0.0)
    dead = operator.rate(enthalpy, nothing, np.zeros(problem.index.shape, np.uint8), np.empty_like(enthalpy))
    np.testing.assert_array_equal(dead.enthalpy, 0.0)
    alive = operator.rate(enthalpy, nothing, np.ones(problem.index.shape, np.uint8), np.empty_like(enthalpy))
    np.testing.assert_allclose(alive.enthalpy, 6e5 * 17.0, rtol=1e-6)


@EVERY
def test_an_unlimited_probe_is_at_its_gas_and_a_limited_one_is_warmer_by_its_heat(backend):
    problem = mixed_problem(air=0.0)
    enthalpy = problem.table.enthalpy(37.0, problem.index)
    alive = np.ones(problem.index.shape, np.uint8)
    rate = backend.operator(problem).rate(enthalpy, drives()[0], alive, np.empty_like(enthalpy))
    mean_heat = rate.probe_heat_w[0] / problem.wells.length_m[problem.wells.probe == 0].sum()
    assert mean_heat > 0
    assert rate.surface_c[0] == pytest.approx(-150.0 + 0.13 * mean_heat, rel=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
@EVERY
def test_no_state_makes_the_rate_infinite(backend, seed):
    problem = SMALL
    enthalpy = random_enthalpy(problem, seed)
    alive = np.ones(problem.index.shape, np.uint8)
    rate = backend.operator(problem).rate(enthalpy, drives()[0], alive, np.empty_like(enthalpy))
    assert np.isfinite(rate.enthalpy).all()
    assert np.isfinite(rate.powers).all()


SMALL = mixed_problem()


def test_the_euler_limit_is_that_of_conduction_in_a_uniform_box():
    problem = lab.make_problem((8, 8, 8), 1.0, lab.gel())
    diffusivity = 2.2 * 233.15 / 133.15 / (1.79e6 * 133.15 / 233.15)  # at -140 °C
    assert euler_limit(problem, -140.0) == pytest.approx(1e-6 / (6 * diffusivity), rel=0.01)


def test_an_unknown_backend_or_method_is_refused_and_not_replaced():
    with pytest.raises(UnknownName, match=f"no backend 'abacus'; this installation has: {', '.join(backend_names())}"):
        backend_named("abacus")
    with pytest.raises(SimulationError, match="no time-stepping method 'magic'; write 'rkl1', 'rkl2' or 'euler'"):
        Stepping(method="magic")


def test_a_kernel_that_was_not_built_is_missed_in_one_line_and_not_replaced(monkeypatch, tmp_path):
    monkeypatch.setattr(native, "HERE", tmp_path)
    native.load.cache_clear()
    try:
        assert "native" not in backend_names()
        with pytest.raises(
            UnknownName, match=r"'native' was not built here: install a C\+\+ compiler .* or ask for 'numba'"
        ):
            backend_named("native")
        assert default_backend().name == "numba"
    finally:
        native.load.cache_clear()


@pytest.mark.skipif("native" not in backend_names(), reason="the compiled kernel was not built here")
def test_the_compiled_engine_runs_without_waking_numba():
    """Numba takes a second and fifty megabytes to load: who does not need it should not wait for it."""
    lines = [
        "import sys, numpy as np",
        "from iceball.bench import cases",
        "from iceball.thermal.backends import backend_named",
        "from iceball.thermal.problem import Watch",
        "from iceball.thermal.stepping import Stepping",
        "problem = cases.problem_of(cases.case_named('four-2mm'))",
        "backend_named('native').solver(problem, 37.0, Stepping(), Watch())",
        "print('numba' in sys.modules)",
    ]
    made = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"


def test_a_region_cut_off_from_all_blood_is_reported_not_iterated_forever():
    problem = lab.make_problem((3, 3, 3), 1.0, lab.gel(metabolic_heat_w_per_m3=700.0))
    with pytest.raises(SimulationError, match="did not settle"):
        steady_state(backend_named("numba").operator(problem), problem)
