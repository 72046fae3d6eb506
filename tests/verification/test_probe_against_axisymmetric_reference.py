"""One oblique probe on a 1 mm grid against the grid-converged axisymmetric reference, with one end condition."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from iceball.thermal import default_backend
from iceball.thermal.exact import axisymmetric
from iceball.verification import Engine
from iceball.verification._kept import Kept
from iceball.verification._lone_probe import (
    CELLS_MM,
    OBLIQUE,
    ROUGH_CELLS_MM,
    Pose,
    freeze,
    measure,
    reference,
    solved_mm,
)

PHYSICS = Path(__file__).resolve().parents[3] / "shared" / "physics"
DIRECTIONS = {
    "oblique": Pose(along=(0.35, 0.22, 0.9), middle_mm=(0.87, 0.61, 0.92)),
    "axial between four voxels": Pose(along=(0.0, 0.0, 1.0), middle_mm=(0.0, 0.0, 0.75)),
    "axial on a voxel": Pose(along=(0.0, 0.0, 1.0), middle_mm=(0.5, 0.5, 0.5)),
    "face diagonal": Pose(along=(1.0, 0.0, 1.0), middle_mm=(0.7, 0.6, 0.8)),
    "space diagonal": Pose(along=(1.0, 1.0, 1.0), middle_mm=(0.6, 0.8, 0.7)),
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
def solutions(diameter_mm: float = 1.5, cells_mm: tuple[float, float] = CELLS_MM) -> tuple[np.ndarray, np.ndarray]:
    """Radius and half-length [mm] (2, 3) on two meshes."""
    return solved_mm(diameter_mm, cells_mm, Kept(), lambda _share: None)


def test_the_reference_itself_has_converged():
    coarse, fine = solutions()
    assert np.abs(fine - coarse).max() < 0.15  # leaves the extrapolated limit good to about 0.05 mm


@pytest.mark.parametrize("name", [n if n == "oblique" else pytest.param(n, marks=pytest.mark.long) for n in DIRECTIONS])
def test_a_thin_probe_at_an_odd_place_meets_the_reference(name):
    field = freeze(Engine(backend=default_backend()), 1.5, 1.0, DIRECTIONS[name])
    rays, ends = measure(field, 1.0, DIRECTIONS[name])
    radius, half_length = reference(*solutions())
    across, along = np.abs(rays - radius).max(axis=0), np.abs(ends - half_length).max(axis=0)
    # Standard: 0.2 mm of radius, twice that of half-length.
    assert across.max() < 0.2, f"worst ray per isotherm {across} mm"
    assert along.max() < 0.4, f"worst end per isotherm {along} mm"


@pytest.mark.parametrize("spacing_mm", [2.0, 1.0])
def test_a_thick_probe_is_as_long_as_the_reference(spacing_mm):
    """Its spline widens with it: a line that ended where the probe does was 0.3 mm short at either end."""
    field = freeze(Engine(backend=default_backend()), 3.0, spacing_mm)
    _, ends = measure(field, spacing_mm, OBLIQUE)
    # Cells of 0.2 and 0.1 mm at a shaft of 1.5 mm: their limit is good to 0.02 mm.
    _, half_length = reference(*solutions(3.0, ROUGH_CELLS_MM))
    assert np.abs(ends - half_length).max() < 0.2, "what `reference` promises, on the lattices of the others too"
