"""One oblique probe on a 1 mm grid against the grid-converged axisymmetric reference, with one end condition."""

from __future__ import annotations

import functools
from pathlib import Path

import axisymmetric
import lab
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from iceball.nouns import Grid, Placement, Probe
from iceball.thermal import NumbaBackend
from iceball.thermal.wells import wells

PHYSICS = Path(__file__).resolve().parents[3] / "shared" / "physics"
ISOTHERMS_C = (0.0, -20.0, -40.0)
GEL = axisymmetric.Medium(ku=0.52, k40=2.2, cu=3.78e6, c40=1.79e6, latent=250e6, solidus=-8.0, liquidus=-1.0)
VOXELS, MIDDLE = 80, 40.0
DIRECTIONS = {
    "oblique": ((0.35, 0.22, 0.9), (0.37, 0.11, 0.42)),
    "axial between four voxels": ((0.0, 0.0, 1.0), (0.5, 0.5, 0.25)),
    "axial on a voxel": ((0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    "face diagonal": ((1.0, 0.0, 1.0), (0.2, 0.1, 0.3)),
    "space diagonal": ((1.0, 1.0, 1.0), (0.1, 0.3, 0.2)),
}


def run_gel_notes(finer):
    """Run shared/physics/axisym_gel.py with its cells divided by ``finer`` and its output unrounded."""
    code = (PHYSICS / "axisym_gel.py").read_text()
    for old, new in (
        ("round(2e3*ext(rc,T[:,0]),1),round(2e3*ext(zc,T[0]),1)", "1e3*ext(rc,T[:,0]),1e3*ext(zc,T[0])"),
        ("h0,g,xmax):", f"h0,g,xmax):\n    h0,g=h0/{finer},g**(1/{finer})"),
        ("2.0e-3)", f"{2e-3 / finer:g})"),
        ("0.75e-3)),4)", f"{0.75e-3 / finer:g})),4)"),
    ):
        assert old in code
        code = code.replace(old, new)
    space = {"__name__": "axisym_gel"}
    exec(compile(code, "axisym_gel.py", "exec"), space)
    ((_, rows, _),) = space["run"](0.75e-3, 30e-3, -140.0, 37.0, (600.0,), dt=3.0)
    return np.array([rows["-20"], rows["-40"]]).T


@pytest.mark.long
def test_the_reference_agrees_with_the_independent_gel_model_of_the_physics_notes():
    """Same gel, same ramp, an adiabatic shaft on both sides; only -20 and -40 °C: "0 °C" there is another surface."""
    medium = axisymmetric.Medium(
        ku=0.57, k40=606.4 / 233.15, cu=4.15e6, c40=1e3 * (185 + 6.89 * 233.15), latent=0.95 * 333.6e6,
        solidus=-1.0, liquidus=-0.1, capacity_ice_fraction=6.89 * 233.15 / (185 + 6.89 * 233.15),
    )  # fmt: skip
    setup = axisymmetric.Setup(insulated_shaft=True)
    ours = np.array(axisymmetric.extents(*axisymmetric.solve(medium, setup, 0.075, growth=1.06), (-20.0, -40.0)))
    theirs = run_gel_notes(2)
    np.testing.assert_allclose(ours, theirs, atol=0.15)  # at twice its default cells it is that far from its limit


@functools.cache
def reference() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radius and half-length [mm] (2, 3) on two grids, and their limit by second-order extrapolation."""
    coarse, fine = (
        np.array(axisymmetric.extents(*axisymmetric.solve(GEL, axisymmetric.Setup(), 0.2 / f, growth=1 + 0.16 / f)))
        for f in (2, 4)
    )
    return coarse, fine, fine + (fine - coarse) / 3


def test_the_reference_itself_has_converged():
    coarse, fine, _ = reference()
    assert np.abs(fine - coarse).max() < 0.15  # leaves the extrapolated limit good to about 0.05 mm


def freeze(direction, offset, diameter_mm=1.5):
    """Freeze a gel for ten minutes with one probe; returns its temperature [°C], its middle and its direction."""
    grid = Grid(shape=(VOXELS,) * 3, spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    along = np.array(direction) / np.linalg.norm(direction)
    middle = np.full(3, MIDDLE) + offset
    probe = Probe(
        name="reference",
        cryogen="argon",
        shaft_diameter_mm=diameter_mm,
        active_length_mm=30.0,
        gas_temperature_c=-140.0,
        internal_resistance_k_m_per_w=0.0,
        cooling_time_s=15.0,
    )
    placement = Placement(
        label="A", probe=probe, tip_mm=tuple(middle - along * 15), entry_mm=tuple(middle + along * 38)
    )
    index = np.zeros(grid.shape, np.uint8)
    segments = wells([placement], grid, index, np.ones(1, bool))
    problem = lab.make_problem(grid.shape, 1.0, lab.gel(), wells=segments)
    driver = lab.gas_at(-140.0, tau_s=15.0)
    steps = lab.march(problem, NumbaBackend(), 37.0, driver, until_s=600.0, coldest_c=-140.0, longest_s=10.0)
    return lab.last(steps).temperature, middle, along


def crossings(temperature, middle, direction):
    """Distance [mm] from ``middle`` along ``direction`` at which each isotherm is last met."""
    steps = np.arange(0.0, 36.0, 0.02)
    profile = map_coordinates(temperature, middle[:, None] + np.outer(direction, steps), order=1, mode="nearest")
    last = [int(np.flatnonzero(profile < level)[-1]) for level in ISOTHERMS_C]
    slopes = [(level - profile[i]) / (profile[i + 1] - profile[i]) for i, level in zip(last, ISOTHERMS_C, strict=True)]
    return np.array([steps[i] + 0.02 * s for i, s in zip(last, slopes, strict=True)])


def errors(direction, offset):
    """Largest errors [mm] of radius, over 24 rays, and of half-length, over both ends, per isotherm."""
    temperature, middle, along = freeze(direction, offset)
    across = np.cross(along, [0.3, 0.5, 0.8])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    _, _, (radius, half_length) = reference()
    angles = np.arange(24) * 2 * np.pi / 24
    rays = [crossings(temperature, middle, across * np.cos(a) + other * np.sin(a)) for a in angles]
    ends = [crossings(temperature, middle, along), crossings(temperature, middle, -along)]
    return np.abs(np.array(rays) - radius).max(axis=0), np.abs(np.array(ends) - half_length).max(axis=0)


@pytest.mark.parametrize("name", [n if n == "oblique" else pytest.param(n, marks=pytest.mark.long) for n in DIRECTIONS])
def test_a_thin_probe_at_an_odd_place_meets_the_reference(name):
    radius, half_length = errors(*DIRECTIONS[name])
    assert radius.max() < 0.25, f"worst ray per isotherm {radius} mm"
    assert half_length.max() < 0.5, f"worst end per isotherm {half_length} mm"
