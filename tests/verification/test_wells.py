"""Where the well index comes from: the radius that a discrete Poisson problem sees for a B-spline line source."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import splu

from iceball.errors import GeometryError
from iceball.nouns import Grid, Placement, Probe
from iceball.thermal.wells import EFFECTIVE_RADII, WIDTHS, b_spline, effective_radius, kernel_width, wells

SIDE = 121


@pytest.fixture(scope="module")
def poisson():
    """The five-point Laplacian on a square, factored."""
    ones = np.ones(SIDE)
    line = sp.diags([ones[1:], -2 * ones, ones[1:]], [-1, 0, 1])
    return splu((sp.kron(line, sp.eye(SIDE)) + sp.kron(sp.eye(SIDE), line)).tocsc())


@pytest.mark.parametrize(("width", "expected"), list(zip(WIDTHS[:9], EFFECTIVE_RADII[:9], strict=True)))
def test_the_tabled_effective_radius_solves_the_discrete_poisson_problem(width, expected, poisson):
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    found = []
    for dx, dy in ((0, 0), (0.25, 0.25), (0.5, 0.5), (0.5, 0), (0.25, 0), (0.5, 0.25)):
        weight = b_spline((x - dx) / width) * b_spline((y - dy) / width)
        weight /= weight.sum()
        potential = poisson.solve(-weight.ravel()).reshape(SIDE, SIDE)
        r = np.hypot(x - dx, y - dy)
        ring = (r > 6 * max(width, 1.5)) & (r < 6 * max(width, 1.5) + 4)
        far = np.mean(potential[ring] + np.log(r[ring]) / (2 * np.pi))
        found.append(np.exp(-2 * np.pi * ((weight * potential).sum() - far)))
    assert np.mean(found) / width == pytest.approx(expected, abs=2e-3)  # the square's walls are 60 voxels away


def probe(diameter_mm=1.5, active_mm=30.0):
    return Probe(
        name="p", cryogen="argon", shaft_diameter_mm=diameter_mm, active_length_mm=active_mm, gas_temperature_c=-140.0,
        internal_resistance_k_m_per_w=0.1, cooling_time_s=5.0,
    )  # fmt: skip


@given(
    direction=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1),
    offset=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    diameter_mm=st.floats(1.0, 3.5),
    spacing_mm=st.sampled_from([0.75, 1.0, 2.0]),
)
def test_every_segment_shares_its_heat_out_whole_and_in_place(direction, offset, diameter_mm, spacing_mm):
    n = round(60 / spacing_mm)
    grid = Grid(shape=(n, n, n), spacing_mm=(spacing_mm,) * 3, origin_mm=(0.0, 0.0, 0.0))
    along = np.array(direction) / np.linalg.norm(direction)
    middle = np.full(3, (n - 1) / 2 * spacing_mm) + offset
    placement = Placement(
        label="A", probe=probe(diameter_mm), tip_mm=tuple(middle - 15 * along), entry_mm=tuple(middle + 20 * along)
    )
    made = wells([placement], grid, np.zeros(grid.shape, np.uint8), np.ones(1, bool))
    assert np.add.reduceat(made.weight, made.start[:-1]) == pytest.approx(1.0, abs=1e-12)
    assert made.length_m.sum() == pytest.approx(0.030, rel=1e-12)
    place = np.stack(np.unravel_index(made.voxel, grid.shape), axis=1) * spacing_mm
    weight = made.weight * np.repeat(made.length_m, np.diff(made.start))
    centre = (place * weight[:, None]).sum(axis=0) / weight.sum()
    # a cubic B-spline reproduces straight lines at whole widths; in between it is off by a few hundredths of a voxel
    np.testing.assert_allclose(centre, middle, atol=0.05 * spacing_mm)


@given(radius_mm=st.floats(0.3, 3.0), spacing_mm=st.floats(0.2, 3.0))
def test_the_kernel_always_sees_a_wider_radius_than_the_probe(radius_mm, spacing_mm):
    width = kernel_width(radius_mm, spacing_mm)
    assert width >= spacing_mm
    assert effective_radius(width, spacing_mm) > 1.2 * radius_mm


def test_a_probe_at_the_edge_of_the_scan_is_refused():
    grid = Grid(shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    placement = Placement(label="B", probe=probe(), tip_mm=(1.0, 20.0, 3.0), entry_mm=(1.0, 20.0, 38.0))
    with pytest.raises(GeometryError, match=r"probe B: its active zone comes within 2\.4 mm of the edge"):
        wells([placement], grid, np.zeros(grid.shape, np.uint8), np.ones(1, bool))


def test_a_probe_wholly_in_gas_is_refused_and_one_partly_in_gas_freezes_where_tissue_is():
    grid = Grid(shape=(40, 40, 60), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    placement = Placement(label="A", probe=probe(), tip_mm=(20.0, 20.0, 10.0), entry_mm=(20.0, 20.0, 45.0))
    index = np.zeros(grid.shape, np.uint8)
    index[:, :, 25:] = 1
    half = wells([placement], grid, index, np.array([False, True]))
    assert half.length_m.sum() == pytest.approx(0.0155, abs=0.001)  # 10 to 40 mm is active, tissue from 24.5 mm on
    assert set(index.reshape(-1)[half.voxel]) == {1}
    with pytest.raises(GeometryError, match="no part of its active zone lies in tissue"):
        wells([placement], grid, np.zeros(grid.shape, np.uint8), np.array([False, True]))
