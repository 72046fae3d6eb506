"""The verdict: open until nothing unknown can change it, never better for a worse answer, blind to order."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from screening_answers import RIB, Answers, facts_of, values, whole_answers

from iceball import library, screening
from iceball.citing import citations
from iceball.errors import InputError, UnknownName
from iceball.nouns import Fact

RANK = {"candidate": 0, "candidate with conditions": 1, "not within the evidence": 2}

# A candidate without conditions, every question that arises answered.
GOOD: Answers = {
    "lesion_site": "rib",
    "lesion_matrix": "lytic",
    "lesion_diameter_mm": 30.0,
    "distance_skin_mm": 30.0,
    **RIB,
}
# Which way an answer gets worse; a choice from good to bad. What is not here has no such way (matrix, site, level; no
# painful lesion excludes as three do) or only shows (volume).
WORSE: dict[str, int | tuple[str, ...]] = {
    "lesion_diameter_mm": 1,
    "age_years": -1,
    "primary_known": -1,
    "metastasis_confirmed": -1,
    "worst_pain_nrs": -1,
    "pain_matches_imaging": -1,
    "analgesics_failed": -1,
    "standard_therapy_failed": -1,
    "systemic_therapy_stable": -1,
    "life_expectancy_months": -1,
    "fracture_or_impending": 1,
    "cord_compression": 1,
    "bleeding_risk_class": ("low", "high"),
    "inr": 1,
    "platelets_per_nl": -1,
    "antiangiogenic_therapy": 1,
    "spine_pain": ("none", "occasional", "mechanical"),
    "spine_alignment": ("normal", "deformity", "subluxation"),
    "vertebral_collapse_fraction": 1,
    "vertebral_body_involved_fraction": 1,
    "posterolateral_involvement": ("none", "unilateral", "bilateral"),
    "posterior_wall_breached": 1,
    "mirels_site": ("upper_limb", "lower_limb", "trochanteric"),
    "mirels_pain": ("mild", "moderate", "functional"),
    "lesion_to_bone_width_fraction": 1,
    "cortex_axial_mm": 1,
    "cortex_circumference_fraction": 1,
    "prior_lesser_trochanter_fracture": 1,
    "acetabular_roof_breached": 1,
    "distance_canal_mm": -1,
    "distance_foramen_mm": -1,
    "distance_skin_mm": -1,
    "fixation_planned": -1,
    "lesion_cut_by_scan": 1,
    "metal_near_lesion": 1,
    "slice_spacing_mm": 1,
}
# A default or another answer fills these in: leaving them out does not make them unknown.
FILLED_IN = ("bleeding_risk_class", "femur_part", "lesion_bone", "mirels_site")


def verdict(answers: Answers) -> str:
    return screening.screen(facts_of(answers)).verdict


def grade(key: str, value: Any) -> float:
    """How bad an answer is, on a scale of its own."""
    way = WORSE[key]
    return way.index(value) if isinstance(way, tuple) else way * float(value)


def contradicts(answers: Answers) -> bool:
    """Whether limb and part of the femur do not go together: a caution that a worse answer may put right."""
    femur = answers["femur_part"] != "none"
    return answers["mirels_site"] == ("upper_limb" if femur else "trochanteric")


def test_a_lesion_that_no_rule_speaks_against_is_a_candidate():
    done = screening.screen(facts_of(GOOD))
    assert (done.verdict, done.asks) == ("candidate", ())
    assert {finding.severity for finding in done.findings} == {"note"}  # the row of the site


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"worst_pain_nrs": 3.0}, "not within the evidence"),
        ({"antiangiogenic_therapy": True}, "candidate with conditions"),
        ({"antiangiogenic_therapy": True, "worst_pain_nrs": 3.0}, "not within the evidence"),
        ({"biopsy_wanted": True}, "candidate"),
    ],
)
def test_the_gravest_finding_is_the_verdict(change: Answers, expected: str):
    assert verdict(GOOD | change) == expected


# One proof is enough, and INR and platelets are good for either class: these three decide nothing here.
ONLY_NOTED = ("biopsy_wanted", "primary_melanoma_or_renal")
NEEDLESS = ("primary_known", "metastasis_confirmed", "bleeding_risk_class")


@pytest.mark.parametrize("missing", [key for key in GOOD if key not in (*NEEDLESS, *ONLY_NOTED)])
def test_any_answer_that_could_decide_keeps_the_verdict_open(missing: str):
    done = screening.screen(facts_of({key: value for key, value in GOOD.items() if key != missing}))
    assert done.verdict == "open"
    assert missing in done.asks


@pytest.mark.parametrize("missing", NEEDLESS)
def test_an_answer_that_can_no_longer_decide_does_not_keep_it_open(missing: str):
    assert verdict({key: value for key, value in GOOD.items() if key != missing}) == "candidate"


def test_an_answer_that_only_makes_a_note_does_not_keep_it_open():
    done = screening.screen(facts_of({key: value for key, value in GOOD.items() if key != "biopsy_wanted"}))
    assert (done.verdict, done.asks) == ("candidate", ("biopsy_wanted",))


def test_a_known_exclusion_decides_whatever_else_is_unknown():
    done = screening.screen(facts_of({"lesion_site": "skull"}))
    assert done.verdict == "not within the evidence"
    assert done.asks  # the questions stay questions


def test_a_condition_does_not_decide_while_an_exclusion_is_possible():
    answers = GOOD | {"antiangiogenic_therapy": True}
    del answers["worst_pain_nrs"]
    assert verdict(answers) == "open"


def test_nothing_known_is_open_and_asks_for_the_site_first():
    done = screening.screen(())
    assert (done.verdict, done.findings, done.scores) == ("open", (), ())
    assert done.asks[0] == "lesion_site"


def test_what_could_exclude_is_asked_for_before_what_makes_a_condition_and_that_before_a_note():
    asks = screening.screen(()).asks
    assert asks.index("worst_pain_nrs") < asks.index("systemic_therapy_stable") < asks.index("biopsy_wanted")


def test_nobody_is_asked_for_what_is_only_measured():
    assert all(library.question(key).asked for key in screening.screen(()).asks)


def test_a_site_brings_its_own_questions():
    def asks(site: str) -> set[str]:
        return set(screening.screen(facts_of({"lesion_site": site})).asks)

    assert {"spine_pain", "spine_alignment", "cord_compression"} <= asks("spine")
    assert {"mirels_pain", "mirels_site", "femur_part", "cement_planned"} <= asks("long_bone")
    assert not {"spine_pain", "mirels_pain"} & asks("rib")
    assert "vertebral_level" in asks("pelvis_sacrum")
    assert "spine_pain" not in asks("pelvis_sacrum")  # not before the level is known


@given(answers=whole_answers())
def test_whole_answers_leave_nothing_open(answers: Answers):
    done = screening.screen(facts_of(answers))
    if (answers["lesion_site"], answers["vertebral_level"]) != ("spine", "none"):  # no level of SINS
        assert done.verdict != "open"
        assert done.asks == ()


@settings(max_examples=25)  # each tries some thirty screenings
@given(answers=whole_answers())
def test_answering_what_is_asked_comes_to_an_end(answers: Answers):
    assume((answers["lesion_site"], answers["vertebral_level"]) != ("spine", "none"))
    given_: Answers = {}
    for _ in range(len(library.questions())):
        asks = screening.screen(facts_of(given_)).asks
        if not asks:
            break
        assert not set(asks) & set(given_)
        given_[asks[0]] = answers[asks[0]]
    assert screening.screen(facts_of(given_)).asks == ()


@given(answers=whole_answers(), data=st.data())
def test_a_verdict_that_is_not_open_stays_whatever_else_is_answered(answers: Answers, data):
    kept = data.draw(st.sets(st.sampled_from([key for key in answers if key not in FILLED_IN])))
    part = {key: value for key, value in answers.items() if key in kept or key in FILLED_IN}
    if (before := verdict(part)) != "open":
        assert verdict(answers) == before


@given(answers=whole_answers(), data=st.data())
def test_the_verdict_never_gets_better_for_a_worse_answer(answers: Answers, data):
    assume((answers["lesion_site"], answers["vertebral_level"]) != ("spine", "none"))
    key = data.draw(st.sampled_from(sorted(WORSE)))
    other = data.draw(values(library.question(key)))
    good, bad = sorted((answers[key], other), key=lambda value: grade(key, value))
    assume(not contradicts(answers | {key: good}))
    assert RANK[verdict(answers | {key: good})] <= RANK[verdict(answers | {key: bad})]


@given(answers=whole_answers(), data=st.data())
def test_an_unknown_answer_never_looks_worse_than_the_worst_nor_decides_like_the_best(answers: Answers, data):
    assume((answers["lesion_site"], answers["vertebral_level"]) != ("spine", "none"))
    key = data.draw(st.sampled_from(sorted(set(WORSE) - set(FILLED_IN))))
    unknown = verdict({each: value for each, value in answers.items() if each != key})
    if unknown != "open":
        asked = library.question(key)
        if asked.kind == "number":
            ends = [asked.low, asked.high]
        else:
            ends = list(asked.words) if asked.kind == "choice" else [True, False]
        # what only qualifies a measurement is silent while it is not known, and may speak once it is
        silent = any(rule.silent_if_unknown and rule.measured.fact == key for rule in library.screening_rules())
        found = {verdict(answers | {key: end}) for end in ends}
        assert found == {unknown} or (silent and unknown in found)


@given(answers=whole_answers(), seed=st.integers(0, 1000))
def test_the_order_of_the_facts_is_nothing(answers: Answers, seed: int):
    facts = list(facts_of(answers))
    shuffled = random.Random(seed).sample(facts, len(facts))
    one, other = screening.screen(facts), screening.screen(shuffled)
    assert (one.verdict, one.findings, one.scores, one.facts, one.asks) == (
        *(other.verdict, other.findings, other.scores),
        *(other.facts, other.asks),
    )


def test_stops_come_before_cautions_and_those_before_notes():
    found = screening.screen(facts_of(GOOD | {"worst_pain_nrs": 1.0, "inr": 3.0})).findings
    order = [("stop", "caution", "note").index(finding.severity) for finding in found]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}


# What people and measurements say of one thing


def asked_and_measured(key: str, asked: Any, measured: Any, **more: Any):
    return screening.screen((*facts_of({key: asked} | more), *facts_of({key: measured}, "measured")))


def test_a_persons_answer_is_used_before_a_measurement_and_both_are_shown_as_a_caution():
    done = asked_and_measured("lesion_matrix", "blastic", "lytic")
    finding = next(f for f in done.findings if f.rule == "answers that differ")
    assert finding.severity == "caution"
    assert (
        finding.says
        == "Matrix: asked blastic, measured lytic. Asked is used. What follows differs: look which is right."
    )
    assert [fact.value for fact in done.facts if fact.key == "lesion_matrix"] == ["blastic"]


def test_two_numbers_that_lead_to_the_same_are_a_note():
    done = asked_and_measured("lesion_diameter_mm", 31.0, 30.0)
    finding = next(f for f in done.findings if f.rule == "answers that differ")
    assert finding.severity == "note"
    assert "asked 31 mm, measured 30 mm" in finding.says


def test_two_numbers_on_two_sides_of_a_limit_are_a_caution():
    done = asked_and_measured("cortex_axial_mm", 29.0, 31.0, lesion_site="long_bone", femur_part="shaft")
    finding = next(f for f in done.findings if f.rule == "answers that differ")
    assert finding.severity == "caution"
    assert "femur_axial" not in [f.rule for f in done.findings]


def test_equal_answers_are_no_contradiction():
    done = asked_and_measured("lesion_diameter_mm", 30.0, 30.0)
    assert [f.rule for f in done.findings] == []


def test_a_contradiction_is_a_condition_of_an_otherwise_clear_candidate():
    facts = (*facts_of(GOOD), *facts_of({"worst_pain_nrs": 2.0}, "measured"))
    assert screening.screen(facts).verdict == "candidate with conditions"


@pytest.mark.parametrize(
    ("surer", "other"), [("asked", "label"), ("label", "measured"), ("measured", "estimated"), ("asked", "estimated")]
)
def test_the_surer_origin_is_used(surer: str, other: str):
    facts = (*facts_of({"lesion_matrix": "lytic"}, other), *facts_of({"lesion_matrix": "mixed"}, surer))
    used = next(fact for fact in screening.screen(facts).facts if fact.key == "lesion_matrix")
    assert (used.value, used.origin) == ("mixed", surer)


def test_one_origin_cannot_give_two_answers():
    with pytest.raises(InputError, match="inr is asked twice, as 1.0 and 2.0: leave out the wrong one"):
        screening.screen((*facts_of({"inr": 1.0}), *facts_of({"inr": 2.0})))


def test_the_same_answer_twice_is_one():
    assert screening.screen(facts_of({"inr": 1.0}) * 2).facts == facts_of({"inr": 1.0})


def test_an_answer_to_a_question_that_does_not_arise_is_not_used_and_said():
    done = screening.screen(facts_of(GOOD | {"spine_pain": "mechanical"}))
    finding = next(f for f in done.findings if f.rule == "answer not used")
    assert (finding.severity, finding.subject) == ("note", "spine_pain")
    assert done.verdict == "candidate"


# What is refused


def test_a_fact_without_a_question_is_refused_with_the_near_one():
    with pytest.raises(UnknownName, match="did you mean 'worst_pain_nrs'"):
        screening.screen((Fact(key="worst_pain", value=5.0, origin="asked"),))


@pytest.mark.parametrize(
    ("fact", "says"),
    [
        (Fact(key="inr", value="high", origin="measured"), "inr takes a number from 0.5 to 20, not 'high'"),
        (Fact(key="inr", value=True, origin="asked"), "inr takes a number from 0.5 to 20, not yes"),
        (Fact(key="worst_pain_nrs", value=11.0, origin="asked"), "takes a number from 0 to 10 of 10, not 11: check"),
        (
            Fact(key="lesion_matrix", value="lythic", origin="label"),
            r"did you mean 'lytic'\?\); it takes: lytic, mixed",
        ),
        (Fact(key="lesion_diameter_mm", value=3.0, origin="measured", unit="cm"), "is in 'cm': give it in mm"),
        (Fact(key="cord_compression", value=1.0, origin="asked"), "cord_compression takes yes or no, not 1.0"),
        # As texts they would be known, and no rule would fire on them.
        (Fact(key="cord_compression", value="yes", origin="asked"), "is the text 'yes': write True"),
        (Fact(key="lesion_site", value="SKULL", origin="asked"), "is the text 'SKULL': write 'skull'"),
        (Fact(key="lesion_diameter_mm", value="120 mm", origin="asked"), "is the text '120 mm': write 120.0"),
    ],
)
def test_a_fact_that_is_no_answer_is_refused(fact: Fact, says: str):
    with pytest.raises(InputError, match=says):
        screening.screen((fact,))


# The rest of the noun


def test_the_run_cites_what_was_used_and_nothing_unknown():
    done = screening.screen(facts_of(GOOD), inputs=(("case", "0123456789ab"),))
    assert done.run.inputs == (("case", "0123456789ab"),)
    assert done.run.library == library.digest()
    keys = {source.key for source in citations(done)}
    assert {"n06c6", "callstrom_2006", "sir_2019", "wallace_2016"} <= keys
    assert "deschamps_2012" not in keys  # the cement rules never applied at a rib


def test_the_object_for_programs_holds_every_finding_with_its_confidence_and_every_question():
    done = screening.screen(facts_of({"lesion_site": "skull"}))
    told = screening.as_object(done)
    assert [each["rule"] for each in told["findings"]] == [finding.rule for finding in done.findings]
    assert all(each["confidence"] for each in told["findings"])
    assert [each["could"] for each in told["questions"]] == list(screening.at_stake(done).values())
    assert [each["key"] for each in told["questions"]] == list(done.asks)
    assert "not a medical device" in told["research_use"]


@given(answers=whole_answers())
def test_every_finding_can_say_what_it_rests_on(answers: Answers):
    for finding in screening.screen(facts_of(answers)).findings:
        assert screening.evidence_of(finding).source == finding.source


def test_a_screening_takes_milliseconds():
    facts = facts_of(GOOD | {"lesion_site": "spine", "vertebral_level": "L3"})
    screening.screen(facts)  # the tables are read once
    start = time.perf_counter()
    for _ in range(10):
        screening.screen(facts)
    assert (time.perf_counter() - start) / 10 < 0.1  # 2 ms on a quiet core; 50 times that on a busy one
