"""The bench cases are what they claim: same cube, probes and protocol; only the lattice and the tissues differ."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from iceball.bench import BenchCase, case_named, case_names, legs_of, problem_of, report_s_of, start_c
from iceball.bench.cases import gel, placements_of, tissue_index, tissues_of
from iceball.errors import InputError, UnknownName
from iceball.provenance import fingerprint
from iceball.thermal.materials import curve
from iceball.thermal.problem import OFF, POWER_LIMITED
from iceball.thermal.wells import line_length_mm

EXPECTED = {
    "one-1mm": (128, 1),
    "four-1mm": (128, 4),
    "four-2mm": (64, 4),
    "four-0.5mm": (256, 4),
    "one-2mm": (64, 1),
    "one-0.5mm": (256, 1),
}
# A changed tissue map is another benchmark: its times compare with none made before.
MAPS = {"four-1mm": "fb51aa57a789", "four-2mm": "dee09c1af118"}
LIGHT = [name for name in EXPECTED if "0.5" not in name]  # 256³ takes a second and a gigabyte


def tiny(**changes) -> BenchCase:
    """Return the smallest cube that holds the probes."""
    return dataclasses.replace(case_named("four-2mm"), spacing_mm=4.0, width_mm=64.0, **changes)


def test_the_cases_are_the_ones_the_documentation_lists() -> None:
    assert {name: (case_named(name).grid.shape[0], case_named(name).tissues) for name in case_names()} == EXPECTED


@pytest.mark.parametrize("name", EXPECTED)
def test_every_case_fills_the_same_cube(name: str) -> None:
    grid = case_named(name).grid
    half = grid.spacing_mm[0] / 2
    assert grid.origin_mm[0] - half == pytest.approx(-64.0)
    assert float(grid.position_mm([n - 1 for n in grid.shape])[0]) + half == pytest.approx(64.0)


@pytest.mark.parametrize("name", LIGHT)
def test_each_problem_has_its_voxels_tissues_and_three_probes(name: str) -> None:
    problem, (count, tissues) = problem_of(case_named(name)), EXPECTED[name]
    assert problem.index.shape == (count,) * 3
    assert sorted(np.unique(problem.index)) == list(range(tissues))
    assert problem.wells.probes == 3
    lengths = np.bincount(problem.wells.probe, weights=problem.wells.length_m)
    lines_mm = [line_length_mm(each, problem.spacing_m * 1000) for each in placements_of(case_named(name))]
    assert lengths * 1000 == pytest.approx(lines_mm)


@pytest.mark.parametrize("name", MAPS)
def test_the_tissue_map_is_the_one_that_was_always_timed(name: str) -> None:
    assert fingerprint(tissue_index(case_named(name))) == MAPS[name]


def test_the_volumes_of_the_tissues_are_those_of_their_shapes() -> None:
    counts = np.bincount(tissue_index(case_named("four-1mm")).reshape(-1))
    sphere, slab, vessel = 4 / 3 * np.pi * 18**3, 26 * 128**2, np.pi * 3**2 * 128
    # the vessel takes some of the sphere and the slab; a sphere of voxels is within 1 % of a smooth one
    assert counts[1:] == pytest.approx([sphere, slab, vessel], rel=0.15)
    assert counts[1] == pytest.approx(sphere - np.pi * 3**2 * 13, rel=0.03)  # chord of the vessel's axis: 13 mm


def test_the_probes_stand_15_mm_apart_tilted_and_off_every_lattice() -> None:
    placements = placements_of(case_named("one-1mm"))
    middles = np.array([(np.array(p.tip_mm) + np.array(p.entry_mm)) / 2 for p in placements])
    apart = [float(np.linalg.norm(middles[a] - middles[b])) for a, b in ((0, 1), (1, 2), (2, 0))]
    assert apart == pytest.approx([15.0] * 3)
    assert middles.mean(axis=0) == pytest.approx([0.71, 0.87, 0.63])
    for p in placements:
        along = (np.array(p.entry_mm) - np.array(p.tip_mm)) / 35.0
        assert np.hypot(along[0], along[1]) == pytest.approx(0.1 / np.hypot(1, 0.1))  # tilted by 0.1
        assert (p.probe.shaft_diameter_mm, p.probe.internal_resistance_k_m_per_w) == (1.5, 0.0)
    for spacing in (0.5, 1.0, 2.0):
        assert np.abs((middles / spacing) % 0.5).min() > 0.005, "a probe on a plane of symmetry is a special case"


def test_the_gel_goes_through_the_points_of_the_performance_study() -> None:
    made = curve(gel())
    assert np.interp([-160.0, -8.0, 0.0], made.temperature_c, made.conductivity_w_per_m_k) == pytest.approx(
        [3.06, 1.9, 0.52], rel=1e-3
    )
    capacity = np.gradient(made.enthalpy_j_per_m3, made.temperature_c)
    assert np.interp([-160.0, -9.0, 20.0], made.temperature_c, capacity) == pytest.approx(
        [1.2e6, 1.9e6, 3.78e6], rel=0.01
    )
    melted = np.interp([-8.0, -1.0], made.temperature_c, made.enthalpy_j_per_m3)
    assert melted[1] - melted[0] == pytest.approx(250e6 + 7 * (1.9e6 + 3.78e6) / 2, rel=1e-3)


def test_body_temperature_is_steady_since_nothing_makes_heat() -> None:
    problem = problem_of(tiny())
    assert start_c() == problem.arterial_c
    assert not problem.metabolic.any()
    assert not problem.open_conductance.any()
    assert [tissue.name for tissue in tissues_of(tiny())] == ["gel", "tumour_soft_tissue", "fat", "vessel"]


def test_the_protocol_is_10_8_10_with_ideal_probes() -> None:
    legs = legs_of(case_named("one-1mm"))
    assert [(leg.start_s, leg.stop_s, leg.freezing) for leg in legs] == [
        (0, 600, True),
        (600, 1080, False),
        (1080, 1680, True),
    ]
    assert report_s_of(case_named("one-1mm")) == (600, 1080, 1680)
    freeze, thaw = (leg.begin(np.zeros(3))(leg.start_s) for leg in legs[:2])
    assert (set(freeze.mode), set(freeze.value)) == ({POWER_LIMITED}, {-160.0})
    assert set(thaw.mode) == {OFF}


def test_a_case_cut_short_ends_where_it_was_told_to() -> None:
    assert report_s_of(tiny(stop_s=700.0)) == (600, 700)
    assert report_s_of(tiny(stop_s=60.0)) == (60,)


def test_a_cut_case_keeps_the_tissue_map_on_a_finer_lattice() -> None:
    whole, cut = tiny(), tiny(cut=2)
    assert cut.grid.shape == (32,) * 3
    assert (tissue_index(cut)[::2, ::2, ::2] == tissue_index(whole)).all()
    assert problem_of(cut).spacing_m == pytest.approx(0.002)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"spacing_mm": 3.0}, "voxels of 3 mm do not fill a cube of 64 mm"),
        ({"spacing_mm": -1.0}, "the voxel of a bench case must be above zero"),
        ({"tissues": 2}, "1 or 4 tissues, 1 to 3 probes"),
        ({"probes": 4}, "1 or 4 tissues, 1 to 3 probes"),
        ({"stop_s": 0.0}, "the end of a bench case must be above zero"),
    ],
)
def test_a_case_that_cannot_be_is_refused(changes: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        dataclasses.replace(tiny(), **changes)


def test_an_unknown_case_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no bench case 'huge'; there are: one-1mm, four-1mm"):
        case_named("huge")
