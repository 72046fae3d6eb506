"""A case is measured, and its own answers give way to later ones."""

from __future__ import annotations

import dataclasses

import small_patient
from screening_answers import facts_of

from iceball import library, screening
from iceball.anatomy import measures


def test_a_case_is_measured_and_its_own_answers_give_way_to_later_ones():
    case = dataclasses.replace(small_patient.patient(), facts=facts_of({"inr": 1.0, "worst_pain_nrs": 7.0}))
    done = screening.screen_case(case, facts_of({"inr": 1.9}), inputs=(("case", "0123456789ab"),))
    asked = {fact.key: fact.value for fact in done.facts if fact.origin == "asked"}
    assert asked == {"inr": 1.9, "worst_pain_nrs": 7.0}
    assert {fact.key: fact.value for fact in done.facts if fact.origin == "label"}["lesion_matrix"] == "lytic"
    assert done.run.inputs == (("case", "0123456789ab"),)


def test_every_fact_that_is_measured_has_a_question_of_its_kind_and_unit():
    for fact in measures.measure(small_patient.patient()):
        library.check_fact(fact)
