"""Cited numbers, findings, tissues, histories and assessments."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_up import RUN

from iceball.errors import InputError
from iceball.nouns import (
    Assessment,
    Cited,
    EnergyBalance,
    Finding,
    FreezingPointDepression,
    Grid,
    LethalZone,
    ProbeCurve,
    Source,
    ThermalHistory,
    Tissue,
    TissueMap,
    Vasoconstriction,
    Volume,
)

GRID = Grid(shape=(2, 2, 2), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
WATER = Tissue(
    name="water",
    conductivity_w_per_m_k=0.6,
    frozen_conductivity_w_per_m_k=2.6,
    heat_capacity_j_per_m3_k=4.2e6,
    frozen_heat_capacity_j_per_m3_k=1.9e6,
    latent_heat_j_per_m3=3.3e8,
    solidus_c=-1.0,
    liquidus_c=0.0,
)
joules = st.floats(-1e6, 1e6)


def temperatures(grid: Grid = GRID) -> Volume:
    """Return a volume at body temperature."""
    return Volume(grid=grid, array=np.full(grid.shape, 37.0), quantity="temperature_c")


def history(**change) -> ThermalHistory:
    """Return a history of nothing happening."""
    energy = EnergyBalance(stored_j=0.0, probe_j=0.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0)
    parts = {
        "coldest": temperatures(),
        "start": temperatures(),
        "below": {},
        "time_s": np.zeros(1),
        "ice_ml": np.zeros(1),
    }
    return ThermalHistory(**(parts | {"structures": (), "probes": (), "energy": energy, "run": RUN} | change))


def finding(severity) -> Finding:
    """Return a finding of one severity."""
    return Finding(rule="cold", severity=severity, says="", source="s")


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ((), "clear"),
        (("note",), "clear"),
        (("note", "caution"), "caution"),
        (("caution", "stop", "note"), "stop"),
    ],
)
def test_the_verdict_is_the_gravest_finding(severities, verdict):
    findings = tuple(finding(severity) for severity in severities)
    made = Assessment(
        lesion_ml=1.0, isotherms=(), visible_ice_overlap_mm=None, clearances=(), findings=findings, run=RUN
    )
    assert made.verdict == verdict


def test_a_severity_that_is_not_one_is_refused():
    with pytest.raises(InputError, match="write one of note, caution, stop"):
        finding("danger")


def test_a_cited_value_lies_within_its_spread():
    cited = Cited(value=0.45, unit="W/m/K", low=0.3, high=0.8, state="unfrozen", source="s", confidence="read")
    assert cited.low <= cited.value <= cited.high
    with pytest.raises(InputError, match=r"outside its spread 0\.3 to 0\.8"):
        dataclasses.replace(cited, value=0.9)
    with pytest.raises(InputError, match="outside its spread"):
        dataclasses.replace(cited, value=float("nan"))


def test_a_confidence_that_is_not_one_is_refused():
    with pytest.raises(InputError, match="read, recalled, computed, judgement"):
        Cited(value=1, unit="", low=1, high=1, state="", source="s", confidence="certain")  # pyright: ignore[reportArgumentType]


def test_a_source_prints_only_what_is_known_of_it():
    assert str(Source(key="k", kind="article", title="On ice")) == "On ice."
    full = Source(key="k", kind="article", title="On ice", author="A. B.", year="2001", doi="10.1/2")
    assert str(full) == "A. B. (2001) On ice. doi:10.1/2"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"conductivity_w_per_m_k": 0.0}, "conductivity_w_per_m_k must be above zero"),
        ({"frozen_heat_capacity_j_per_m3_k": float("nan")}, "frozen_heat_capacity_j_per_m3_k must be above zero"),
        ({"solidus_c": 1.0}, "solidus 1 °C lies above liquidus 0 °C"),
        ({"perfusion_w_per_m3_k": -1.0}, "cannot be negative"),
        ({"latent_heat_j_per_m3": -1.0}, "cannot be negative"),
        ({"freezing": FreezingPointDepression(complete_c=-40.0)}, "it freezes from 0 to -40 °C; the liquidus must lie"),
        (
            {"freezing": FreezingPointDepression(complete_c=-40.0), "solidus_c": -60.0, "liquidus_c": -50.0},
            "must lie below 0 °C and above the end of freezing",
        ),
        ({"held_c": -1.0}, "a heat bath conducts and is not frozen; -1 °C will not do"),
        ({"held_c": 37.0, "inert": True}, "a heat bath conducts"),
        ({"held_c": float("nan")}, "the temperature it is held at must be a finite number"),
    ],
)
def test_a_tissue_that_no_matter_has_is_refused(change, says):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(WATER, **change)


def test_a_tissue_map_cannot_point_past_its_tissues():
    faces = np.zeros(GRID.shape, dtype=np.uint8)
    TissueMap(grid=GRID, index=faces, tissues=(WATER,), open_faces=faces)
    with pytest.raises(InputError, match="points past the 1 tissues"):
        TissueMap(grid=GRID, index=faces + np.uint8(1), tissues=(WATER,), open_faces=faces)
    with pytest.raises(InputError, match="does not fit the grid"):
        TissueMap(grid=GRID, index=faces[:1], tissues=(WATER,), open_faces=faces)


def test_what_is_outside_comes_with_both_its_temperature_and_its_film():
    faces = np.zeros(GRID.shape, dtype=np.uint8)
    warm = np.full(GRID.shape, 40.0, dtype=np.float32)
    with pytest.raises(InputError, match="needs both its temperature and its film coefficient"):
        TissueMap(grid=GRID, index=faces, tissues=(WATER,), open_faces=faces, outside_c=warm)
    with pytest.raises(InputError, match=r"film_w_per_m2_k .* does not fit the grid"):
        TissueMap(grid=GRID, index=faces, tissues=(WATER,), open_faces=faces, outside_c=warm, film_w_per_m2_k=warm[:1])


def test_a_part_of_a_tissue_map_keeps_all_its_arrays():
    faces = np.arange(math.prod(GRID.shape), dtype=np.uint8).reshape(GRID.shape)
    warm = faces.astype(np.float32)
    index = np.zeros(GRID.shape, dtype=np.uint8)
    whole = TissueMap(
        grid=GRID, index=index, tissues=(WATER,), open_faces=faces, outside_c=warm, film_w_per_m2_k=warm + 1
    )
    place = (slice(0, 1), slice(0, GRID.shape[1]), slice(0, GRID.shape[2]))
    part = whole.cut(place, dataclasses.replace(GRID, shape=(1, *GRID.shape[1:])))
    assert (part.open_faces == faces[place]).all()
    assert part.outside_c is not None
    assert part.film_w_per_m2_k is not None
    assert (part.film_w_per_m2_k - part.outside_c == 1).all()
    bare = TissueMap(grid=GRID, index=index, tissues=(WATER,), open_faces=faces).cut(place, part.grid)
    assert bare.outside_c is None


@pytest.mark.parametrize("complete_c", [0.0, 1.0, float("nan")])
def test_freezing_cannot_be_complete_above_zero(complete_c):
    with pytest.raises(InputError, match="finite number|below 0 °C"):
        FreezingPointDepression(complete_c=complete_c)


def test_blood_cannot_stop_above_where_it_flows_fully():
    with pytest.raises(InputError, match="vasoconstriction stops blood at 37 °C, not below 37 °C"):
        Vasoconstriction(stops_c=37.0, full_c=37.0)


def test_the_volumes_of_a_history_share_one_grid():
    other = temperatures(dataclasses.replace(GRID, spacing_mm=(2.0, 2.0, 2.0)))
    with pytest.raises(InputError, match="different grids"):
        history(start=other)
    with pytest.raises(InputError, match="different grids"):
        history(below={-40.0: other})


def test_the_curves_of_a_history_cannot_be_written_to():
    curve = ProbeCurve(label="A", surface_c=np.zeros(3), heat_w=np.zeros(3))
    for array in (curve.surface_c, curve.heat_w, history().time_s, history().ice_ml):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_a_lethal_zone_has_the_volume_of_its_voxels():
    mask = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=np.uint8).reshape(2, 2, 2)
    zone = LethalZone(mask=Volume(grid=GRID, array=mask, quantity="label"), criterion="colder than -40 °C")
    assert zone.volume_ml == pytest.approx(0.003, rel=1e-12)  # three voxels of 1 mm³


@given(joules, joules, joules, joules)
def test_a_balance_that_adds_up_leaves_no_residual(probe_j, perfusion_j, metabolic_j, boundary_j):
    assume(probe_j != 0.0)
    stored_j = probe_j + (perfusion_j + metabolic_j + boundary_j)
    balance = EnergyBalance(
        stored_j=stored_j, probe_j=probe_j, perfusion_j=perfusion_j, metabolic_j=metabolic_j, boundary_j=boundary_j
    )
    # Sums of terms up to 1e6 J round by at most 1e-9 J; the residual is relative to what the probes took.
    assert balance.residual_fraction * abs(probe_j) <= 1e-9


def test_a_missing_joule_shows_in_the_residual():
    balance = EnergyBalance(stored_j=-99.0, probe_j=-100.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0)
    assert balance.residual_fraction == pytest.approx(0.01, rel=1e-12)  # 1 J of 100 J


def test_stored_heat_that_no_probe_took_is_a_residual_of_one():
    balance = EnergyBalance(stored_j=5.0, probe_j=0.0, perfusion_j=0.0, metabolic_j=0.0, boundary_j=0.0)
    assert balance.residual_fraction == 1.0
