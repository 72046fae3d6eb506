"""Answers as tests write them, and sets of answers that hold for every question."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from iceball import library
from iceball.library import Question
from iceball.nouns import Fact

Answers = dict[str, Any]

# What a person answers of a lesion in a rib: a candidate without conditions.
RIB: Answers = {
    "age_years": 60.0,
    "primary_known": True,
    "metastasis_confirmed": True,
    "worst_pain_nrs": 7.0,
    "pain_matches_imaging": True,
    "analgesics_failed": True,
    "standard_therapy_failed": True,
    "painful_lesion_count": 1.0,
    "systemic_therapy_stable": True,
    "life_expectancy_months": 12.0,
    "fracture_or_impending": False,
    "cord_compression": False,
    "primary_melanoma_or_renal": False,
    "bleeding_risk_class": "low",
    "inr": 1.0,
    "platelets_per_nl": 200.0,
    "antiangiogenic_therapy": False,
    "biopsy_wanted": False,
}


def facts_of(answers: Answers, origin: Any = "asked") -> tuple[Fact, ...]:
    """The facts of ``answers``, all of one origin."""
    return tuple(
        Fact(key=key, value=value, origin=origin, unit=library.question(key).unit) for key, value in answers.items()
    )


def bounds() -> dict[str, set[float]]:
    """Every number that a rule or a score compares an answer with, by key: answers at and around them are tried."""
    found: dict[str, set[float]] = {}
    tests = [test for rule in library.screening_rules() for test in rule.fires]
    tests += [
        test for score in library.scores() for item in score.items for option in item.options for test in option.tests
    ]
    for test in tests:
        if test.bound is not None:
            found.setdefault(test.fact, set()).add(test.bound)
    return found


def values(asked: Question) -> st.SearchStrategy[Any]:
    """Any answer that ``asked`` takes, often one at a limit."""
    if asked.kind == "yes_no":
        return st.booleans()
    if asked.kind == "choice":
        return st.sampled_from(asked.words)
    if asked.kind == "name":
        return st.sampled_from(["femur_left", "humerus_right", "vertebrae_L1", "rib_left_5"])
    low, high = asked.low or 0.0, asked.high or 0.0
    if asked.whole:
        return st.integers(int(low), int(high)).map(float)
    limits = [limit for limit in bounds().get(asked.key, set()) if low <= limit <= high]
    return st.one_of(st.floats(low, high), *([st.sampled_from(limits)] if limits else []))


def whole_answers() -> st.SearchStrategy[Answers]:
    """An answer to every question of the library."""
    return st.fixed_dictionaries({key: values(asked) for key, asked in library.questions().items()})
