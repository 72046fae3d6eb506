"""Answers: what a question takes, and the one line that refuses the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screening_answers import values

from iceball import library
from iceball.errors import InputError, UnknownName


@pytest.mark.parametrize(
    ("key", "given_", "value"),
    [
        ("cord_compression", "yes", True),
        ("cord_compression", " N ", False),
        ("cord_compression", True, True),
        ("cord_compression", "FALSE", False),
        ("inr", "1.2", 1.2),
        ("inr", 2, 2.0),
        ("lesion_diameter_mm", "35 mm", 35.0),
        ("lesion_diameter_mm", "35mm", 35.0),
        ("lesion_diameter_mm", "3.5e1", 35.0),
        ("vertebral_collapse_fraction", "40 %", 0.4),
        ("vertebral_collapse_fraction", "0.4", 0.4),
        ("painful_lesion_count", "2", 2.0),
        ("worst_pain_nrs", "7/10", 7.0),
        ("worst_pain_nrs", "7 of 10", 7.0),
        ("platelets_per_nl", "150 10^9/L", 150.0),
        ("platelets_per_nl", "150 G/l", 150.0),
        ("lesion_site", "Spine", "spine"),
        ("vertebral_level", "l3", "L3"),
        ("lesion_bone", " femur_left ", "femur_left"),
    ],
)
def test_an_answer_is_read_as_people_write_it(key: str, given_, value):
    fact = library.answer(key, given_)
    assert (fact.value, fact.origin, fact.unit) == (value, "asked", library.question(key).unit)
    assert type(fact.value) is type(value)


@pytest.mark.parametrize(
    ("key", "given_", "says"),
    [
        ("cord_compression", "perhaps", "cord_compression takes yes or no, not 'perhaps'"),
        ("cord_compression", 1, "cord_compression takes yes or no, not 1"),
        ("inr", "high", "inr takes a number from 0.5 to 20, not 'high'"),
        ("inr", "", "inr takes a number from 0.5 to 20, not ''"),
        ("inr", True, "inr takes a number from 0.5 to 20, not yes"),
        ("inr", "nan", "inr takes a number from 0.5 to 20, not 'nan'"),
        ("inr", float("nan"), "inr takes a number from 0.5 to 20, not nan"),
        ("inr", "1e999", "not inf: check the number and its unit"),
        ("inr", "1,2", r"inr is written with a point, not with a comma as in '1,2'"),
        ("lesion_diameter_mm", "3,5 mm", "is written with a point, not with a comma"),
        ("painful_lesion_count", 10**400, "not inf: check the number and its unit"),
        ("platelets_per_nl", 150000, "takes a number from 0 to 2000 per nl, not 150000"),
        ("platelets_per_nl", "150 /ul", "is asked in per nl, not in '/ul': convert it"),
        ("lesion_bone", "femur\x1b[31m", "lesion_bone takes a text in letters that can be printed"),
        ("lesion_site", "rib\n", "takes one of spine, .* in letters that can be printed"),
        ("inr", "40 %", "inr is asked in no unit, not in '%': convert it"),
        ("worst_pain_nrs", -1, "worst_pain_nrs takes a number from 0 to 10 of 10, not -1"),
        ("lesion_diameter_mm", "3.5 cm", "lesion_diameter_mm is asked in mm, not in 'cm': convert it"),
        ("vertebral_collapse_fraction", 40, "takes a number from 0 to 1, not 40: check the number and its unit"),
        ("vertebral_collapse_fraction", "140 %", "takes a number from 0 to 1, not 1.4"),
        ("painful_lesion_count", 1.5, "painful_lesion_count takes a whole number, not 1.5"),
        ("lesion_site", "spin", r"lesion_site takes no 'spin' \(did you mean 'spine'\?\); it takes: spine, pelvis"),
        ("lesion_site", 3, "lesion_site takes one of spine, pelvis_sacrum"),
        ("lesion_site", " ", "lesion_site takes one of spine, pelvis_sacrum"),
        ("lesion_bone", True, "lesion_bone takes a text, not True"),
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(key: str, given_, says: str):
    with pytest.raises(InputError, match=says) as refused:
        library.answer(key, given_)
    assert "\n" not in str(refused.value)


def test_an_unknown_key_is_refused_with_the_near_one():
    with pytest.raises(UnknownName, match="no question 'plateletes_per_nl' .did you mean 'platelets_per_nl'"):
        library.answer("plateletes_per_nl", 100)


@given(data=st.data())
def test_every_answer_in_range_is_taken_and_taken_again_as_text(data):
    asked = data.draw(st.sampled_from(list(library.questions().values())))
    value = data.draw(values(asked))
    fact = library.answer(asked.key, value)
    assert fact.value == value
    text = ("yes" if value else "no") if isinstance(value, bool) else repr(value) if asked.kind == "number" else value
    assert library.answer(asked.key, text) == fact
    library.check_fact(fact)
