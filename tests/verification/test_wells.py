"""Where the wells' numbers come from: the radius that a lattice sees for a spline, and how far a line reaches."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.sparse.linalg import splu
from scipy.special import ellipk, erf

from iceball.errors import GeometryError
from iceball.nouns import Grid, Placement, Probe
from iceball.thermal.wells import (
    EFFECTIVE_RADII,
    RADII_SEEN,
    REACHES,
    WIDTHS,
    b_spline,
    effective_radius,
    end_reach,
    kernel_width,
    line_length_mm,
    wells,
)

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


def heat_of_a_cylinder(length, sides=120, faces=50):
    """Heat into a cylinder of radius 1 with flat ends, one warmer than far away, conductivity 1: rings of charge."""
    edges = -length / 2 * np.cos(np.linspace(0, np.pi, 2 * sides + 1))  # graded to the rims
    rims = np.sin(np.linspace(0, np.pi / 2, faces + 1))
    side, face = (edges[1:] + edges[:-1]) / 2, (rims[1:] + rims[:-1]) / 2
    r = np.concatenate([np.ones(side.size), face, face])
    z = np.concatenate([side, np.full(faces, length / 2), np.full(faces, -length / 2)])
    size = np.concatenate([np.diff(edges), np.diff(rims), np.diff(rims)])
    upright = np.arange(r.size) < side.size
    matrix = np.zeros((r.size, r.size))
    for at, share in zip(*np.polynomial.legendre.leggauss(8), strict=True):
        a, b = r + np.where(upright, 0, at * size / 2), z + np.where(upright, at * size / 2, 0)
        square = (r[:, None] + a) ** 2 + (z[:, None] - b) ** 2
        matrix += share / 2 * ellipk(4 * r[:, None] * a / square) / (2 * np.pi**2 * np.sqrt(square))
    np.fill_diagonal(matrix, (np.log(16 * r / size) + 1) / (4 * np.pi**2 * r))  # a ring on itself: mean of a logarithm
    return np.linalg.solve(matrix, np.ones(r.size)).sum()


def heat_of_a_line(length, seen, step=0.1):
    """Heat into the line of wells, by the same well index: spread twice, as a Gaussian seen at radius ``seen``."""
    count = int(np.ceil(length / step))
    z, spread = (np.arange(count) + 0.5) * length / count, seen * np.exp(np.euler_gamma / 2)
    apart = np.abs(z[:, None] - z) + 1e-9
    between = erf(apart / spread) / (4 * np.pi * apart)
    index = 2 * np.pi / np.log(seen)
    return np.linalg.solve(np.eye(count) / index + between * length / count, np.ones(count)).sum() * length / count


@pytest.mark.parametrize("length", [8.0, 40.0])
def test_the_line_reaches_as_far_beyond_each_end_as_gives_it_the_heat_of_a_cylinder(length):
    right = heat_of_a_cylinder(length)
    for seen, tabled in zip(RADII_SEEN[:9], REACHES[:9], strict=True):
        found = brentq(lambda reach, seen=seen: heat_of_a_line(length + 2 * reach, seen) - right, -1.0, 3.0)
        # the table is rounded to a hundredth; a spline is no Gaussian: 0.871 of its width is seen, against 0.865
        assert found == pytest.approx(tabled, abs=0.02)


def test_a_line_of_1_5_mm_reaches_a_tenth_of_a_millimetre_further_and_more_where_voxels_are_coarse():
    reaches = [1e3 * end_reach(0.75e-3, 1e-3 * spacing_mm) for spacing_mm in (0.5, 1.0, 2.0, 4.0)]
    # by hand: 0.75 mm times REACHES at r_eff / R = 1.36, 1.29, 2.10 and 4.21
    assert reaches == pytest.approx([0.133, 0.09, 0.426, 0.864], abs=0.01)


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
    assert made.length_m.sum() == pytest.approx(line_length_mm(placement, spacing_mm) / 1000, rel=1e-12)
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
    assert half.length_m.sum() == pytest.approx(0.0156, abs=0.001)  # 10 to 40.1 mm is active, tissue from 24.5 mm on
    assert set(index.reshape(-1)[half.voxel]) == {1}
    with pytest.raises(GeometryError, match="no part of its active zone lies in tissue"):
        wells([placement], grid, np.zeros(grid.shape, np.uint8), np.array([False, True]))
