"""The measured numbers: each with its source, and the calibration with the library."""

from __future__ import annotations

import importlib
import json
from importlib import resources

import pytest

from iceball import library
from iceball.errors import LibraryError
from iceball.nouns import Cited
from iceball.validation import STUDIES, Comparison, tables
from iceball.validation.ideal import cases

FILES = sorted(f.name for f in resources.files("iceball.validation").joinpath("data").iterdir())
GROUPS = ("measured", "assumed_values", "trace", "plateaus", "lard")


def test_every_study_has_its_table_and_every_table_its_study():
    assert {name.removesuffix(".toml") for name in FILES if name.endswith(".toml")} == set(STUDIES)


@pytest.mark.parametrize("key", STUDIES)
def test_a_study_says_everything_and_names_sources_that_exist(key: str):
    study = tables.study(key, [], [])  # refuses a missing text, no source, an unknown source
    assert study.assumed
    for text in (study.setting, study.agrees, study.differs, study.not_compared):
        assert len(text) > 20, text
        assert "TODO" not in text


@pytest.mark.parametrize("key", STUDIES)
def test_every_number_of_a_table_has_unit_spread_state_source_and_confidence(key: str):
    read = [row for group in GROUPS if group in tables.table(key) for row in tables.rows(key, group).values()]
    if key == "spine":
        dogs = tables.table(key)["dogs"]
        assert dogs["source"] in library.sources()
        assert len(dogs["lasting"]) + len(dogs["recovered"]) == 14  # fourteen temperatures stand in the abstract
        return
    assert read
    assert all(isinstance(row, Cited) for row in read)  # the reader refuses a row that lacks anything


def test_a_group_that_a_table_lacks_is_refused_with_the_groups_it_has():
    with pytest.raises(LibraryError, match="no group 'weighed'; it has: title, sources"):
        tables.rows("littrup", "weighed")


def test_the_ideal_table_has_three_isotherms_of_each_case_with_the_colder_one_inside():
    assert len(cases()) == 5
    for name, rows in cases().items():
        sizes = [(float(row["diameter_mm"]), float(row["length_mm"])) for row in rows]
        assert sizes == sorted(sizes, reverse=True), name
        assert [float(row["isotherm_c"]) for row in rows] == [-0.55, -20.0, -40.0], name


def test_the_library_has_what_the_calibration_found():
    found = tables.calibration()
    thick, thin = found["argon-13g-35mm"], found["argon-17g-22mm"]
    for name in (each for each in library.probe_names() if library.probe(each).cryogen == "argon"):
        assert library.probe(name).gas_temperature_c == pytest.approx(thick["gas_temperature_c"], abs=1.0), (
            name
        )  # rounded to 1 K
    resistance = library.probe("argon-13g-35mm").internal_resistance_k_m_per_w
    assert resistance == pytest.approx(thick["internal_resistance_k_m_per_w"], abs=1.5e-3)  # rounded to 0.001
    short = library.probe("argon-17g-22mm")
    assert short.internal_resistance_k_m_per_w == pytest.approx(thin["internal_resistance_k_m_per_w"], abs=1.5e-3)
    assert short.cooling_time_s == pytest.approx(thin["cooling_time_s"], abs=0.35)  # 0.3 s move ice by 0.04 mm


def test_only_probes_that_were_measured_alone_are_called_calibrated():
    confidence = {
        name: library.probe_rows(name)["internal_resistance_k_m_per_w"].confidence for name in library.probe_names()
    }
    assert {name for name, said in confidence.items() if said == "computed"} == {"argon-13g-35mm", "argon-17g-22mm"}
    assert set(confidence.values()) == {"computed", "judgement"}


def test_the_calibration_met_what_it_was_fitted_to():
    found = tables.calibration()["argon-13g-35mm"]
    assert abs(found["residual_mm"]) < 0.1  # the fit stops at 0.0002 K·m/W, some 0.01 mm
    assert abs(found["residual_k"]) < 1.0
    assert {name: fit for name, fit in found["variants"].items() if abs(fit["residual_mm"]) > 0.1} == {}


def test_the_measured_data_are_no_code():
    assert {name.rpartition(".")[2] for name in FILES} == {"toml", "csv", "json"}
    assert json.loads(tables.text(tables.CALIBRATION))


@pytest.mark.parametrize("key", STUDIES)
def test_every_study_has_its_verb(key: str):
    assert callable(importlib.import_module(f"iceball.validation.{key}").validate)


def test_a_comparison_without_a_number_is_refused():
    row = tables.rows("littrup")["diameter_1"]
    with pytest.raises(Exception, match="must be a finite number"):
        Comparison(what="x", use="fitted", measured=row, model=float("nan"), low=0.0, high=1.0)
