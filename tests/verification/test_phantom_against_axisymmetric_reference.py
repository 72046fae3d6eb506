"""The bench of docs/examples/gel.toml against the grid-converged axisymmetric reference, with one end condition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iceball import io
from iceball.thermal import freeze_phantom
from iceball.thermal.exact import axisymmetric

GEL = Path(__file__).resolve().parents[2] / "docs" / "examples" / "gel.toml"
# Diameter and length [mm] of the 0, -0.55, -20 and -40 °C surfaces at 5, 10 and 15 min, from `reference` below.
REFERENCE_MM = {
    300.0: ((25.283, 25.137, 18.295, 13.074), (45.727, 45.586, 38.900, 35.468)),
    600.0: ((33.148, 32.891, 22.578, 15.544), (50.457, 50.197, 40.949, 36.412)),
    900.0: ((38.113, 37.863, 25.222, 16.973), (53.763, 53.525, 42.308, 37.006)),
}
ISOTHERMS_C = (0.0, -0.55, -20.0, -40.0)


def reference(until_s: float) -> np.ndarray:
    """Diameters and lengths (2, 4) [mm], extrapolated from two grids, in the closed-form gel of the physics notes."""
    ice_c40, ice_slope = 1e3 * (185 + 6.89 * 233.15), 1e3 * 6.89 * 233.15
    medium = axisymmetric.Medium(
        ku=0.57, k40=606.4 / 233.15, cu=4.15e6, c40=ice_c40, latent=0.95 * 333.6e6, solidus=-1.0, liquidus=-0.1,
        capacity_ice_fraction=ice_slope / ice_c40,
    )  # fmt: skip
    setup = axisymmetric.Setup(until_s=until_s)
    coarse, fine = (
        np.array(axisymmetric.extents(*axisymmetric.solve(medium, setup, 0.2 / f, growth=1 + 0.16 / f), ISOTHERMS_C))
        for f in (2, 4)
    )
    return 2 * (fine + (fine - coarse) / 3)


def errors_mm(spacing_mm: float, time_s: float) -> np.ndarray:
    """What the bench has too much (2, 4) [mm]: of diameters, and of lengths."""
    bench = replace(io.read_bench(GEL), spacing_mm=spacing_mm, report_s=(time_s,), points_mm=())
    assert bench.isotherms_c == ISOTHERMS_C
    (moment,) = freeze_phantom(bench).moments
    sizes = moment.probes[0].isotherms
    found = [[size.diameter_mm for size in sizes], [size.length_mm for size in sizes]]
    return np.array(found, dtype=float) - np.array(REFERENCE_MM[time_s])


def test_at_two_millimetres_the_gel_meets_the_reference_to_the_target_of_a_preview():
    diameter, length = errors_mm(2.0, 300.0)
    # The preview may miss a radius by 1 mm and a half-length by 2 mm; the spline of 2 mm spends half of the latter.
    assert np.abs(diameter[:2]).max() < 1.0, diameter
    assert np.abs(diameter[2:]).max() < 0.4, diameter
    assert np.abs(length).max() < 2.0, length


@pytest.mark.long
@pytest.mark.parametrize("time_s", [600.0])
def test_at_one_millimetre_the_gel_meets_the_reference_to_the_target_of_the_standard(time_s):
    diameter, length = errors_mm(1.0, time_s)
    # Standard: 0.2 mm of radius, twice that of half-length.
    assert np.abs(diameter).max() < 0.4, diameter
    assert np.abs(length).max() < 0.8, length


@pytest.mark.long
def test_the_pinned_reference_is_what_the_axisymmetric_solver_gives():
    # It was pinned to a micrometre's rounding; the solver is deterministic, machines differ by rounding.
    np.testing.assert_allclose(reference(300.0), REFERENCE_MM[300.0], atol=2e-3)
