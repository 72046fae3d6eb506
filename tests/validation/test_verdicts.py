"""A validation that cannot fail is none: verdicts, exit codes, and models that are wrong on purpose."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from iceball import library
from iceball.cli import app
from iceball.errors import UnknownName
from iceball.nouns import Cited
from iceball.validation import Claim, Comparison, Study, littrup, rig, runner, spine, tables, validate

SIZES = st.floats(1.0, 100.0)


def cited(low: float, value: float, high: float) -> Cited:
    return Cited(value=value, unit="mm", low=low, high=high, state="x", source="littrup_2009", confidence="read")


def comparison(value: float, model: float, demanded: float | None = None) -> Comparison:
    row = cited(value - 1, value, value + 1)
    return Comparison(
        what="x", use="predicted", measured=row, model=model, low=model, high=model, demanded_fraction=demanded
    )


@given(value=SIZES, model=SIZES)
def test_a_model_agrees_where_the_spreads_meet_and_its_error_has_a_sign(value: float, model: float):
    found = comparison(value, model)
    assert found.error == model - value
    assert (found.verdict == "agrees") == (value - 1 <= model <= value + 1)


def test_a_model_that_would_agree_with_anything_is_undecided():
    wide = replace(comparison(10.0, 10.0), low=7.0, high=13.0)  # 6 of 10
    assert wide.verdict == "undecided"
    assert replace(wide, high=12.0).verdict == "agrees"  # 5 of 10, the limit
    assert replace(wide, model=2.0, low=1.0, high=8.0).verdict == "differs"  # wide, and beside it all the same


@given(value=SIZES, model=SIZES, demanded=st.floats(0.01, 0.5))
def test_a_model_fails_beyond_what_is_demanded_and_only_there(value: float, model: float, demanded: float):
    assert (comparison(value, model, demanded).verdict == "fails") == (abs(model - value) / value > demanded)


def test_a_claim_fails_only_where_it_must_hold():
    assert Claim(says="x", holds=False, figures="").verdict == "differs"
    assert Claim(says="x", holds=False, figures="", demanded=True).verdict == "fails"
    assert Claim(says="x", holds=True, figures="", demanded=True).verdict == "agrees"


def test_a_study_lists_what_failed():
    bad = comparison(10.0, 20.0, 0.1)
    study = replace(tables.study("spine", [], []), comparisons=(bad, comparison(10.0, 10.0, 0.1)))
    assert study.failures == ("x",)


def test_an_unknown_study_is_refused_with_those_there_are():
    with pytest.raises(UnknownName, match="no study 'litrup'; there are: littrup, ideal"):
        validate(["litrup"])


def test_the_limits_of_the_spinal_cord_stand_on_the_safe_side_of_the_dogs():
    (study,) = validate(["spine"])
    assert study.failures == ()


def test_a_limit_below_what_hurt_dogs_fails(monkeypatch: pytest.MonkeyPatch):
    real = library.limit("spinal_cord")
    assert real.stop_below is not None
    cold = replace(real, stop_below=replace(real.stop_below, value=-10.0, low=-10.0))
    monkeypatch.setattr(spine.library, "limit", lambda _key: cold)
    (study,) = validate(["spine"])
    assert len(study.failures) == 1


@pytest.mark.parametrize(("factor", "fails"), [(1.0, False), (1.5, True)])
def test_one_probe_in_agar_meets_its_number_and_with_a_wrong_resistance_it_does_not(factor: float, fails: bool):
    own = library.probe(littrup.PROBE).internal_resistance_k_m_per_w
    bench = littrup.setting(littrup.variants()[0], littrup.ARRANGED[1], own * factor)
    diameter = rig.diameter_mm(rig.freeze(bench)[-1], littrup.LETHAL_C)
    found = replace(comparison(12.0, diameter), demanded_fraction=littrup.FIT_DEMANDED)  # 3 %: 0.4 mm of 12
    assert (found.verdict == "fails") is fails, diameter


def test_the_command_prints_one_json_object_with_verdicts():
    done = CliRunner().invoke(app, ["validate", "--only", "spine", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["library"] == library.digest()
    (study,) = found["studies"]
    assert {claim["verdict"] for claim in study["claims"]} == {"agrees", "differs"}
    assert study["failures"] == []


def test_the_command_prints_a_study_for_people():
    done = CliRunner().invoke(app, ["validate", "--only", "spine"])
    assert done.exit_code == 0
    assert "Canine spine 2024" in done.stdout
    assert "4 of 4; the warmest at -8 °C" in done.stdout


def test_the_command_ends_with_3_if_something_demanded_is_not_met(monkeypatch: pytest.MonkeyPatch):
    failing = replace(tables.study("littrup", [], []), comparisons=(comparison(10.0, 20.0, 0.1),))
    monkeypatch.setattr("iceball.validation.validate", lambda *_args, **_more: (failing,))
    done = CliRunner().invoke(app, ["validate"])
    assert done.exit_code == 3
    assert "fails" in done.stdout


@pytest.mark.long
@pytest.mark.parametrize("key", runner.STUDIES)
def test_nothing_that_is_demanded_fails(key: str):
    (study,) = validate([key])
    assert isinstance(study, Study)
    assert study.failures == ()
