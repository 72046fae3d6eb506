"""What the peers are given is the problem that we solve: the same law, line sources and start."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball.bench import BenchCase, apart, case_named, legs_of, problem_of, report_s_of, start_c
from iceball.bench.cases import tissues_of
from iceball.bench.peers import PEERS, formulate, peer_named, stretches_of
from iceball.bench.peers.formulation import LAW, at_temperature, law_of, padded, parts, potential, temperature
from iceball.errors import SimulationError, UnknownName
from iceball.thermal.marching import march
from iceball.thermal.materials import HELD_BELOW_C, KELVIN, REFERENCE_K, curve

CASE = dataclasses.replace(case_named("four-2mm"), width_mm=64.0, stop_s=1.0)
TISSUES = tissues_of(CASE)
every_tissue = pytest.mark.parametrize("tissue", TISSUES, ids=lambda tissue: tissue.name)


def law(tissue) -> dict[str, np.ndarray]:
    """Return the constants of one tissue by name."""
    return dict(zip(LAW, law_of(tissue), strict=True))


@every_tissue
def test_the_closed_form_is_the_curve_that_our_tables_are_made_of(tissue) -> None:
    made, p = curve(tissue), law(tissue)
    # below, the curve holds k and C, and the closed form does not (formulation.py says so)
    seen = (made.temperature_c > HELD_BELOW_C) & (made.temperature_c < 60)
    zero = np.interp(tissue.solidus_c, made.temperature_c, made.enthalpy_j_per_m3)
    e = (made.enthalpy_j_per_m3 - zero)[seen]
    # the curve is exact at its nodes, and so is the closed form: only rounding is left
    assert temperature(e, p) == pytest.approx(made.temperature_c[seen], abs=1e-6)
    d_f, d_m, _ = parts(e, p)
    k = p["k_a"] + p["k_b"] / (p["t_s"] + d_f) + p["k_m"] * d_m
    assert k == pytest.approx(made.conductivity_w_per_m_k[seen], rel=1e-9)
    datum = np.interp(tissue.solidus_c, made.temperature_c, made.potential_w_per_m)
    assert potential(e, p) == pytest.approx((made.potential_w_per_m - datum)[seen], abs=1e-6)


@every_tissue
@given(t=st.floats(-200.0, 100.0))
def test_the_law_forward_and_back_gives_the_same_temperature(tissue, t: float) -> None:
    p = law(tissue)
    assert temperature(at_temperature(np.array(t), p).e, p) == pytest.approx(t, abs=1e-6)  # rounding of square roots


@every_tissue
def test_the_capacity_is_the_slope_of_the_enthalpy(tissue) -> None:
    p, t = law(tissue), np.array([-150.0, -30.0, -5.0, 20.0])
    step = 1e-3
    slope = (at_temperature(t + step, p).e - at_temperature(t - step, p).e) / (2 * step)
    assert at_temperature(t, p).capacity == pytest.approx(slope, rel=1e-5)  # a difference quotient of a quadratic


def test_the_line_sources_are_ours() -> None:
    problem, f = problem_of(CASE), formulate(CASE)
    assert f.weight.sum(axis=1) == pytest.approx(np.ones(len(f.strength)))
    assert np.count_nonzero(f.weight) == problem.wells.voxel.size
    assert f.voxel.size == np.unique(problem.wells.voxel).size
    assert f.strength == pytest.approx(problem.wells.conductance * problem.wells.length_m / problem.voxel_m3)


def test_everything_starts_at_body_temperature() -> None:
    f = formulate(CASE)
    assert temperature(f.begin(), f.constants()) == pytest.approx(np.full(f.shape, start_c()), abs=1e-6)


def test_the_explicit_steps_cover_the_protocol_and_are_as_long_as_the_lattice_allows() -> None:
    f = formulate(case_named("four-2mm"))
    assert [s.steps * s.step_s for s in f.stretches] == pytest.approx([600.0, 480.0, 600.0])
    fastest = max(_unheld_diffusivity(tissue, -170.0) for tissue in TISSUES)
    limit = (2e-3) ** 2 / (6 * fastest)
    for stretch in f.stretches:
        assert 0.95 * limit < stretch.step_s < 1.0 * limit  # 2 % of safety, and steps that fit the leg


def _unheld_diffusivity(tissue, at_c: float) -> float:
    """Of ice [m²/s] by the laws that the peers' closed form follows below -160 °C too, where iceball holds k and C."""
    b, c, kelvin = tissue.conductivity_ice_fraction, tissue.capacity_ice_fraction, at_c + KELVIN
    k = tissue.frozen_conductivity_w_per_m_k * ((1 - b) + b * REFERENCE_K / kelvin)
    return k / (tissue.frozen_heat_capacity_j_per_m3_k * ((1 - c) + c * kelvin / REFERENCE_K))


def test_an_implicit_peer_takes_its_own_steps() -> None:
    stretches = stretches_of(formulate(case_named("four-2mm")), peer_named("fipy"))
    longest = peer_named("fipy").implicit_step_s
    assert longest is not None
    assert [s.steps * s.step_s for s in stretches] == pytest.approx([600.0, 480.0, 600.0])
    assert all(s.step_s <= longest * (1 + 1e-9) for s in stretches)


@given(st.integers(1, 6), st.integers(1, 8), st.randoms(use_true_random=False))
def test_a_padded_list_holds_the_whole_matrix(rows: int, columns: int, random) -> None:
    matrix = np.array([[random.choice([0.0, random.random()]) for _ in range(columns)] for _ in range(rows)])
    places, values = padded(matrix)
    back = np.zeros_like(matrix)
    np.add.at(back, (np.arange(rows)[:, None], places), values)
    assert (back == matrix).all()


def numpy_euler(case: BenchCase) -> np.ndarray:
    """The formulation in explicit steps of plain numpy, with our own faces."""
    f = formulate(case)
    p, near, e = f.constants(), f.at_probes(), f.begin()
    for stretch in f.stretches:
        for _ in range(stretch.steps):
            d_f, d_m, _ = parts(e, p)
            t, k = temperature(e, p), p["k_a"] + p["k_b"] / (p["t_s"] + d_f) + p["k_m"] * d_m
            theta = potential(e, p)
            rate = p["w"] * d_m / p["gap"] * (f.arterial_c - t)
            for axis in range(3):
                ka, kb = np.delete(k, -1, axis), np.delete(k, 0, axis)
                same = np.diff(f.index.astype(int), axis=axis) == 0
                flow = np.where(same, np.diff(theta, axis=axis), 2 * ka * kb / (ka + kb) * np.diff(t, axis=axis))
                rate += np.diff(flow / f.spacing_m**2, axis=axis, prepend=0.0, append=0.0)
            heat = f.strength * (f.weight @ potential(e.reshape(-1)[f.voxel], near) - f.surface)
            rate.reshape(-1)[f.voxel] -= heat @ f.weight
            e += stretch.step_s * rate
    return temperature(e, p)


def test_the_formulation_stepped_in_numpy_gives_our_answer() -> None:
    case = dataclasses.replace(case_named("four-2mm"), width_mm=48.0, stop_s=60.0, accuracy="reference")
    ours = list(march(problem_of(case), start_c(), legs_of(case), report_s_of(case), accuracy="reference"))[-1]
    # Nothing but time-stepping is between them; the bench itself asks for 0.2 mm.
    assert max(each.largest_mm for each in apart(numpy_euler(case), ours.temperature_c, 2.0)) < 0.2


def test_two_equal_answers_are_not_apart_and_a_shifted_one_is_by_its_shift() -> None:
    x = np.linspace(-60.0, 40.0, 51)[:, None, None] + np.zeros((1, 8, 8))  # 2 °C per voxel
    assert [each.largest_mm for each in apart(x, x, 0.5)] == pytest.approx([0.0] * 3, abs=1e-9)
    assert [each.largest_mm for each in apart(x + 1.0, x, 0.5)] == pytest.approx([0.25] * 3)  # half a voxel


def test_answers_that_cannot_be_compared_are_refused() -> None:
    warm = np.full((4, 4, 4), 37.0)
    with pytest.raises(SimulationError, match="nowhere at 0 °C: compare at a later time"):
        apart(warm, warm, 1.0)
    with pytest.raises(SimulationError, match="1 values that are no numbers"):
        apart(np.where(np.arange(64).reshape(4, 4, 4) == 5, np.nan, warm), warm, 1.0)


def test_an_unknown_peer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no peer 'excel'; there are: devito, JAX, torch, py-pde, FiPy"):
        peer_named("excel")


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_says_how_it_was_used_without_being_installed(peer) -> None:
    assert len(peer.form) > 20
