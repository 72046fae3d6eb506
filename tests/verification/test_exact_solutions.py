"""Every backend against exact solutions: fronts, temperatures, steady radii, and how the errors fall with spacing."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import lab
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from iceball.errors import InputError
from iceball.thermal import NumbaBackend, NumpyBackend
from iceball.thermal.exact import neumann, paterson, steady_perfused_radius_mm

BACKENDS = pytest.mark.parametrize("backend", [NumpyBackend(), NumbaBackend()], ids=lambda b: b.name)
MEDIUM = pytest.mark.parametrize("medium", ["WATER", "TISSUE"])
PHYSICS = Path(__file__).resolve().parents[3] / "shared" / "physics"
HALVINGS = 1.7  # the error of a first-order front falls by 2; the staircase of the front takes some of it


@pytest.fixture(scope="module")
def benchmarks():
    """The independent formulas of the physics notes."""
    path = PHYSICS / "benchmarks.py"
    if not path.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "needs ../shared/physics beside the repository"
        )
    spec = importlib.util.spec_from_file_location("benchmarks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@MEDIUM
def test_our_exact_solutions_are_those_of_the_physics_notes(medium, benchmarks):
    theirs, ours = getattr(benchmarks, medium), lab.MEDIA[medium]
    r_mm = np.array([1.0, 5.0, 10.0, 20.0])
    root, front, temperature = benchmarks.neumann_two_phase(theirs, -100.0, 37.0)
    plane = neumann(ours, wall_c=-100.0, start_c=37.0)
    assert plane.root == pytest.approx(root, rel=1e-9)
    assert plane.front_mm(600.0) == pytest.approx(1e3 * front(600.0), rel=1e-9)
    np.testing.assert_allclose(plane.temperature_c(r_mm, 600.0), temperature(r_mm / 1e3, 600.0), rtol=1e-9)
    root, front, temperature = benchmarks.paterson_cylinder(theirs, 500.0, 37.0)
    line = paterson(ours, heat_w_per_m=500.0, start_c=37.0)
    assert line.root == pytest.approx(root, rel=1e-9)
    assert line.front_mm(600.0) == pytest.approx(1e3 * front(600.0), rel=1e-9)
    np.testing.assert_allclose(line.temperature_c(r_mm, 600.0), temperature(r_mm / 1e3, 600.0), rtol=1e-9)
    theirs_mm = 1e3 * benchmarks.steady_perfused(theirs, -100.0, 37.0, 2.56e5, "cylinder", 0.75e-3)
    assert perfused_radius(ours) == pytest.approx(theirs_mm, rel=1e-9)


def perfused_radius(medium):
    return steady_perfused_radius_mm(
        medium, probe_c=-100.0, probe_radius_mm=0.75, arterial_c=37.0, perfusion_w_per_m3_k=2.56e5
    )


@pytest.mark.parametrize(
    "solve",
    [
        lambda m: neumann(m, wall_c=5.0, start_c=37.0),
        lambda m: paterson(m, heat_w_per_m=-1.0, start_c=37.0),
        lambda m: steady_perfused_radius_mm(
            m, probe_c=5.0, probe_radius_mm=0.75, arterial_c=37.0, perfusion_w_per_m3_k=1e3
        ),
    ],
)
def test_a_case_that_freezes_nothing_has_no_solution(solve):
    with pytest.raises(InputError, match=r"do not enclose|does not freeze|no steady radius"):
        solve(lab.WATER)


def plane_front_errors(medium, spacing_mm, backend):
    """Error of the front [mm] after every step past the first minute; the mean over time sees no staircase."""
    exact = neumann(medium, wall_c=-100.0, start_c=37.0)
    n = round(80 / spacing_mm)  # the far wall stays at rest: 80 mm is four diffusion lengths
    problem = lab.make_problem((n, 1, 1), spacing_mm, lab.sharp(medium), walls=(lab.held(0, 0, -100.0),))
    steps = lab.march(problem, backend, 37.0, until_s=600.0, coldest_c=-100.0)
    return np.array([abs(m.frozen_voxels * spacing_mm - exact.front_mm(m.now_s)) for m in steps if m.now_s > 60])


@BACKENDS
@MEDIUM
def test_the_neumann_front_lies_within_a_tenth_of_a_millimetre_and_converges(medium, backend):
    errors = [plane_front_errors(lab.MEDIA[medium], h, backend) for h in (0.8, 0.4, 0.2)]
    assert errors[-1].max() < 0.1
    means = np.array([e.mean() for e in errors])
    assert np.all(means[:-1] / means[1:] >= HALVINGS), means


def line_sink(medium, spacing_mm, backend, *, heat_w_per_m=500.0, start_c=37.0, over_k=0.0):
    """Paterson's line at an odd place between voxels; returns the end state and the front's error after each step."""
    exact = paterson(medium, heat_w_per_m=heat_w_per_m, start_c=start_c)
    n = round(120 / spacing_mm) + 1
    wells = lab.line_through((n, n, 1), (0.3, 0.2), spacing_mm, 0.75)
    problem = lab.make_problem((n, n, 1), spacing_mm, lab.sharp(medium, over_k=over_k), wells=wells)
    errors, state = [], None
    sink = lab.takes(heat_w_per_m)
    for state in lab.march(problem, backend, start_c, sink, until_s=600.0, coldest_c=-200.0, longest_s=5.0):
        radius = np.sqrt(state.frozen_voxels / np.pi) * spacing_mm
        errors.append(abs(radius - exact.front_mm(state.now_s)))
    return exact, state, np.array(errors[len(errors) // 4 :])


@BACKENDS
@pytest.mark.parametrize(
    ("medium", "heat_w_per_m", "start_c"),
    [("WATER", 500.0, 20.0), ("WATER", 1000.0, 37.0), ("TISSUE", 500.0, 37.0), ("TISSUE", 800.0, 37.0)],
)
def test_the_paterson_line_freezes_the_right_radius_at_the_right_temperature(medium, heat_w_per_m, start_c, backend):
    # Latent heat over 2 K: with a single freezing point the voxel that holds the front stays there until it is frozen
    # through, and points in it are off by half a voxel of gradient, up to 3 °C (docs/concepts/solver.md).
    exact, state, errors = line_sink(
        lab.MEDIA[medium], 1.0, backend, heat_w_per_m=heat_w_per_m, start_c=start_c, over_k=2.0
    )
    assert errors.max() < 0.5
    middle = (state.problem.index.shape[0] - 1) / 2
    r = np.arange(3.0, 45.0, 0.25)
    angle = np.arange(128) * 2 * np.pi / 128
    place = [middle + 0.3 + r[:, None] * np.cos(angle), middle + 0.2 + r[:, None] * np.sin(angle)]
    error = map_coordinates(state.temperature[:, :, 0], place, order=1) - exact.temperature_c(r, 600.0)[:, None]
    assert np.abs(error).max() < 2.0, f"{np.abs(error).max():.2f} °C at r = {r[np.abs(error).max(axis=1).argmax()]} mm"


@BACKENDS
@MEDIUM
def test_with_a_single_freezing_point_the_line_freezes_the_right_radius_too(medium, backend):
    exact, state, errors = line_sink(lab.MEDIA[medium], 1.0, backend)
    assert errors.max() < 0.5
    middle = (state.problem.index.shape[0] - 1) / 2
    r = np.arange(3.0, 45.0, 0.5)
    angle = np.arange(64) * 2 * np.pi / 64
    place = [middle + 0.3 + r[:, None] * np.cos(angle), middle + 0.2 + r[:, None] * np.sin(angle)]
    error = map_coordinates(state.temperature[:, :, 0], place, order=1) - exact.temperature_c(r, 600.0)[:, None]
    clear_of_front = np.abs(r - exact.front_mm(600.0)) > 1.0
    assert np.abs(error[clear_of_front]).max() < 2.0
    assert np.abs(error.mean(axis=1)).max() < 2.0  # of every ring, the front's own too


@BACKENDS
def test_the_error_of_the_paterson_front_halves_with_the_spacing(backend):
    finest = 0.5 if backend.name == "numba" else 1.0  # numpy would take minutes; its order is that of the same scheme
    means = np.array([line_sink(lab.TISSUE, h, backend)[2].mean() for h in (4 * finest, 2 * finest, finest)])
    assert np.all(means[:-1] / means[1:] >= HALVINGS), means


@BACKENDS
def test_a_perfused_freeze_stops_at_the_steady_radius(backend):
    exact = perfused_radius(lab.TISSUE)
    errors = []
    for spacing_mm in (2.0, 1.0, 0.5):
        n = round(50 / spacing_mm) + 1
        wells = lab.line_through((n, n, 1), (0.3, 0.2), spacing_mm, 0.75)
        tissue = lab.sharp(lab.TISSUE, perfusion=2.56e5)
        problem = lab.make_problem((n, n, 1), spacing_mm, tissue, wells=wells)
        steps = lab.march(problem, backend, 37.0, lab.gas_at(-100.0), until_s=600.0, coldest_c=-100.0, longest_s=10.0)
        radii = [np.sqrt(m.frozen_voxels / np.pi) * spacing_mm for m in steps if m.now_s > 300]
        assert np.ptp(radii) < 0.1 * spacing_mm + 0.1, "the front should have come to rest"
        errors.append(abs(radii[-1] - exact))
    assert errors[1] < 1.0
    assert np.all(np.array(errors[:-1]) / errors[1:] >= HALVINGS), errors


@BACKENDS
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_manufactured_solution_converges_at_second_order(axis, backend, benchmarks):
    p = benchmarks.TISSUE
    temperature, source, conductivity, capacity, unfrozen = benchmarks.mms(p)
    table = lab.smooth_medium(lambda t: p["rho"] * capacity(t), conductivity, unfrozen)
    errors = []
    for n in (32, 64, 128):
        shape = [n if a == axis else 1 for a in range(3)]
        x = ((np.arange(n) + 0.5) * 0.04 / n).reshape(shape)
        problem = lab.make_problem(
            tuple(shape),
            40.0 / n,
            lab.sharp(lab.TISSUE),
            table=table,
            perfusion=np.array([2e4]),
            source=lambda t, x=x: source(x, t),
            walls=(lab.held(axis, 0, -3.5), lab.held(axis, 1, -3.5)),
        )
        start = temperature(x, 0.0)
        end = lab.last(lab.march(problem, backend, start, until_s=60.0, coldest_c=-20.0, longest_s=0.25))
        error = end.temperature - temperature(x, 60.0)
        errors.append((np.sqrt(np.mean(error**2)), np.abs(error).max()))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(orders >= 1.8), orders
