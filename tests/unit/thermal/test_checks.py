"""Are probes refused that no grid and no patient can hold?"""

from __future__ import annotations

import pytest

from iceball.errors import GeometryError
from iceball.nouns import Grid, Placement, Probe, placed
from iceball.thermal.checks import check_probes

GRID = Grid(shape=(50, 50, 50), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(-49.0, -49.0, -49.0))


def probe(active_mm: float = 30.0) -> Probe:
    """Return a 1.5 mm probe."""
    return Probe(
        name="test", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=active_mm, gas_temperature_c=-150.0,
        internal_resistance_k_m_per_w=0.1, cooling_time_s=4.0,
    )  # fmt: skip


def at(label: str, x: float, *, direction=(0.0, 0.0, -1.0), active_mm: float = 30.0) -> Placement:
    """Return a probe with its tip at (x, 0, -15) mm."""
    return placed(label, probe(active_mm), (x, 0.0, -15.0), direction)


def test_probes_side_by_side_are_let_through():
    check_probes([at("A", 0.0), at("B", 1.51), at("C", -20.0)], GRID)


def test_two_probes_in_one_place_are_refused_with_their_distance():
    with pytest.raises(GeometryError, match=r"A and B are in one place.* within 1\.40 mm, .*together are 1\.50 mm"):
        check_probes([at("A", 0.0), at("B", 1.4)], GRID)


def test_two_probes_that_cross_are_refused():
    crossing = placed("B", probe(), (-15.0, 0.0, 0.0), (-1.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="in one place"):
        check_probes([at("A", 0.0), crossing], GRID)


def test_a_probe_that_leaves_the_grid_is_refused_with_both_places():
    with pytest.raises(GeometryError, match=r"probe A: its active zone, \(60\.0, 0\.0, -15\.0\).*, leaves the grid"):
        check_probes([at("A", 60.0)], GRID)


def test_a_grid_with_fewer_than_three_voxels_along_a_probe_is_refused_with_the_spacing_it_needs():
    check_probes([at("A", 0.0, active_mm=6.0)], GRID)
    with pytest.raises(GeometryError, match=r"active zone of 5 mm is shorter than 3 voxels of 2 mm.* 1\.7 mm or less"):
        check_probes([at("A", 0.0, active_mm=5.0)], GRID)


def test_voxels_above_four_millimetres_are_refused_however_long_the_probe():
    coarse = Grid(shape=(50, 50, 50), spacing_mm=(4.5,) * 3, origin_mm=(-112.0,) * 3)
    with pytest.raises(GeometryError, match=r"voxels of 4\.5 mm are too coarse .* 4 mm or less"):
        check_probes([at("A", 0.0, active_mm=40.0)], coarse)
