"""Every rule can fire and can stay silent, exactly at its limit too."""

from __future__ import annotations

from typing import Any

import pytest
from screening_answers import Answers, facts_of

from iceball import library, screening
from iceball.screening._judging import judge
from iceball.screening._known import gather
from iceball.screening._scoring import reckon

SPINE: Answers = {"lesion_site": "spine", "vertebral_level": "L3"}
FEMUR: Answers = {"lesion_site": "long_bone", "femur_part": "shaft"}
HIP: Answers = {"lesion_site": "long_bone", "femur_part": "proximal", "cement_planned": True}
HIGH: Answers = {"bleeding_risk_class": "high"}
LOW: Answers = {"bleeding_risk_class": "low"}


def sins(total: int) -> Answers:
    """Answers that make SINS 6, 7, 12 or 13: location 2, bone 2, body 1 for 12 and 13, and the other three."""
    back, pain, alignment = {
        6: ("unilateral", "occasional", "normal"),
        7: ("bilateral", "none", "normal"),
        12: ("none", "mechanical", "subluxation"),
        13: ("unilateral", "mechanical", "subluxation"),
    }[total]
    return SPINE | {
        "lesion_matrix": "lytic",
        "posterolateral_involvement": back,
        "spine_pain": pain,
        "spine_alignment": alignment,
        "vertebral_collapse_fraction": 0.0,
        "vertebral_body_involved_fraction": 0.6 if total > 7 else 0.5,
    }


def mirels(total: int) -> Answers:
    """Answers that make Mirels' score 7, 8 or 9: lower limb 2, moderate 2, and matrix and size."""
    matrix, size = {7: ("mixed", 0.2), 8: ("mixed", 0.5), 9: ("lytic", 0.5)}[total]
    return {
        "lesion_site": "long_bone",
        "mirels_site": "lower_limb",
        "mirels_pain": "moderate",
        "lesion_matrix": matrix,
        "lesion_to_bone_width_fraction": size,
    }


def over(base: Answers, **changes: Any) -> Answers:
    return base | changes


# rule: answers that fire it, and answers to the same questions that do not.
CASES: dict[str, tuple[Answers, ...]] = {
    "under_age": ({"age_years": 17.9}, {"age_years": 18.0}),
    "no_proof_of_metastasis": (
        {"metastasis_confirmed": False, "primary_known": False},
        {"metastasis_confirmed": False, "primary_known": True},
        {"metastasis_confirmed": True},
    ),
    "pain_too_weak": ({"worst_pain_nrs": 3.9}, {"worst_pain_nrs": 4.0}),
    "analgesics_not_tried": ({"analgesics_failed": False}, {"analgesics_failed": True}),
    "standard_therapy_not_tried": ({"standard_therapy_failed": False}, {"standard_therapy_failed": True}),
    "pain_from_elsewhere": ({"pain_matches_imaging": False}, {"pain_matches_imaging": True}),
    "no_painful_lesion": ({"painful_lesion_count": 0.0}, {"painful_lesion_count": 1.0}),
    "stronger_pain_stratum": ({"worst_pain_nrs": 7.0}, {"worst_pain_nrs": 6.9}),
    "melanoma_or_renal_stratum": ({"primary_melanoma_or_renal": True}, {"primary_melanoma_or_renal": False}),
    "two_painful_lesions": ({"painful_lesion_count": 2.0}, {"painful_lesion_count": 1.0}),
    "many_painful_lesions": ({"painful_lesion_count": 3.0}, {"painful_lesion_count": 2.0}),
    "systemic_therapy_changing": ({"systemic_therapy_stable": False}, {"systemic_therapy_stable": True}),
    "short_life_expectancy": ({"life_expectancy_months": 2.9}, {"life_expectancy_months": 3.0}),
    "skull": ({"lesion_site": "skull"}, {"lesion_site": "rib"}),
    "site_without_row": ({"lesion_site": "other"}, {"lesion_site": "scapula"}),
    "mixed_lesion": ({"lesion_matrix": "mixed"}, {"lesion_matrix": "lytic"}),
    "blastic_lesion": ({"lesion_matrix": "blastic"}, {"lesion_matrix": "mixed"}),
    "tiny_lesion": ({"lesion_diameter_mm": 9.9}, {"lesion_diameter_mm": 10.0}),
    "large_stratum": ({"lesion_diameter_mm": 50.1}, {"lesion_diameter_mm": 50.0}),
    "huge_lesion": ({"lesion_diameter_mm": 110.1}, {"lesion_diameter_mm": 110.0}),
    "cord_compression": ({"cord_compression": True}, over(SPINE, cord_compression=False)),
    "fracture_or_impending": ({"fracture_or_impending": True}, {"fracture_or_impending": False}),
    "no_level_at_the_spine": (
        {"lesion_site": "spine", "vertebral_level": "none"},
        SPINE,
        {"lesion_site": "pelvis_sacrum", "vertebral_level": "none"},
    ),
    "femur_and_no_femur": (
        {"lesion_site": "long_bone", "mirels_site": "trochanteric", "femur_part": "none"},
        {"lesion_site": "long_bone", "mirels_site": "trochanteric", "femur_part": "proximal"},
        {"lesion_site": "long_bone", "mirels_site": "lower_limb", "femur_part": "none"},
        {"lesion_site": "rib", "mirels_site": "trochanteric", "femur_part": "none"},
    ),
    "femur_and_upper_limb": (
        {"lesion_site": "long_bone", "mirels_site": "upper_limb", "femur_part": "shaft"},
        {"lesion_site": "long_bone", "mirels_site": "upper_limb", "femur_part": "none"},
        {"lesion_site": "long_bone", "mirels_site": "lower_limb", "femur_part": "shaft"},
    ),
    "inr_high_risk": (over(HIGH, inr=1.51), over(HIGH, inr=1.5), over(LOW, inr=9.0)),
    "inr_low_risk": (over(LOW, inr=2.01), over(LOW, inr=2.0), over(HIGH, inr=9.0)),
    "platelets_high_risk": (
        over(HIGH, platelets_per_nl=49.0),
        over(HIGH, platelets_per_nl=50.0),
        over(LOW, platelets_per_nl=0.0),
    ),
    "platelets_low_risk": (
        over(LOW, platelets_per_nl=19.0),
        over(LOW, platelets_per_nl=20.0),
        over(HIGH, platelets_per_nl=0.0),
    ),
    "antiangiogenic_review": ({"antiangiogenic_therapy": True}, {"antiangiogenic_therapy": False}),
    "spine_potentially_unstable": (sins(7), sins(6)),
    "spine_unstable": (sins(13), sins(12)),
    "posterior_wall_breached": (over(SPINE, posterior_wall_breached=True), over(SPINE, posterior_wall_breached=False)),
    "mirels_low": (mirels(7), mirels(8)),
    "mirels_judgement": (mirels(8), mirels(7)),
    "mirels_fix": (mirels(9), mirels(8)),
    "femur_axial": (
        over(FEMUR, cortex_axial_mm=30.1),
        over(FEMUR, cortex_axial_mm=30.0),
        {"lesion_site": "long_bone", "femur_part": "none", "cortex_axial_mm": 99.0},
    ),
    "femur_circumference_third": (
        over(FEMUR, cortex_circumference_fraction=0.3),
        over(FEMUR, cortex_circumference_fraction=0.29),
    ),
    "femur_circumference_half": (
        over(FEMUR, cortex_circumference_fraction=0.51),
        over(FEMUR, cortex_circumference_fraction=0.5),
    ),
    "cement_alone_long_bone": (
        over(FEMUR, cement_planned=True, fixation_planned=False),
        over(FEMUR, cement_planned=True, fixation_planned=True),
        over(FEMUR, cement_planned=False),
        {"lesion_site": "acetabulum", "cement_planned": True, "fixation_planned": False},
    ),
    "cement_alone_after_trochanter_fracture": (
        over(HIP, fixation_planned=False, prior_lesser_trochanter_fracture=True),
        over(HIP, fixation_planned=True, prior_lesser_trochanter_fracture=True),
        over(HIP, fixation_planned=False, prior_lesser_trochanter_fracture=False),
        over(HIP, cement_planned=False, prior_lesser_trochanter_fracture=True),
    ),
    "cement_alone_proximal_femur": (
        over(HIP, fixation_planned=False, cortex_axial_mm=30.1),
        over(HIP, fixation_planned=False, cortex_axial_mm=30.0),
        over(HIP, fixation_planned=True, cortex_axial_mm=90.0),
        over(FEMUR, cement_planned=True, fixation_planned=False, cortex_axial_mm=90.0),
    ),
    "acetabular_roof_breached": (
        {"lesion_site": "acetabulum", "acetabular_roof_breached": True},
        {"lesion_site": "acetabulum", "acetabular_roof_breached": False},
        {"lesion_site": "rib", "acetabular_roof_breached": True},
    ),
    "near_canal": (over(SPINE, distance_canal_mm=6.9), over(SPINE, distance_canal_mm=7.0)),
    "near_foramen": (over(SPINE, distance_foramen_mm=0.0), over(SPINE, distance_foramen_mm=7.0)),
    "near_skin": ({"distance_skin_mm": 24.9}, {"distance_skin_mm": 25.0}),
    "pleura_shown": ({"distance_pleura_mm": 3.0}, {}),
    "joint_shown": ({"distance_joint_mm": 3.0}, {}),
    "vessel_shown": ({"distance_vessel_mm": 3.0}, {}),
    "biopsy_through_the_same_access": ({"biopsy_wanted": True}, {"biopsy_wanted": False}),
    "biopsy_missing": (
        {"primary_known": True, "metastasis_confirmed": False},
        {"primary_known": True, "metastasis_confirmed": True},
    ),
    "cut_by_scan": ({"lesion_cut_by_scan": True}, {"lesion_cut_by_scan": False}, {}),
    "metal_near": ({"metal_near_lesion": True}, {"metal_near_lesion": False}, {}),
    "thick_slices": ({"slice_spacing_mm": 3.1}, {"slice_spacing_mm": 3.0}, {}),
}


def outcome(rule: str, answers: Answers) -> bool | None:
    """Whether ``rule`` fires on ``answers``; None while it waits."""
    known = gather(facts_of(answers))
    return next(each.truth.holds for each in judge(known, reckon(known)) if each.rule.key == rule)


def test_the_cases_are_those_of_the_table():
    assert list(CASES) == [rule.key for rule in library.screening_rules()]


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_fires_and_says_so(rule: str):
    firing = CASES[rule][0]
    assert outcome(rule, firing) is True
    found = [finding for finding in screening.screen(facts_of(firing)).findings if finding.rule == rule]
    assert len(found) == 1, "of a ladder only the gravest speaks, and this is the gravest of its own case"
    known = library.screening_rule(rule)
    assert (found[0].severity, found[0].source) == (known.severity, known.evidence.source)
    assert found[0].says.startswith(known.says)
    if known.limit is not None:
        assert found[0].measured is not None
        assert found[0].limit is not None


@pytest.mark.parametrize(("rule", "silent"), [(rule, case) for rule, cases in CASES.items() for case in cases[1:]])
def test_the_rule_stays_silent(rule: str, silent: Answers):
    assert outcome(rule, silent) is False
    assert rule not in [finding.rule for finding in screening.screen(facts_of(silent)).findings]


WAITING = [rule.key for rule in library.screening_rules() if not rule.silent_if_unknown]


@pytest.mark.parametrize("rule", WAITING)
def test_the_rule_waits_and_asks_while_nothing_is_known(rule: str):
    assert outcome(rule, {}) is None
    known = gather(())
    missing = next(each.truth.missing for each in judge(known, reckon(known)) if each.rule.key == rule)
    assert missing <= set(screening.screen(()).asks)
    assert missing


@pytest.mark.parametrize("rule", CASES)
def test_every_fact_of_a_rule_has_a_question(rule: str):
    known = library.screening_rule(rule)
    named = {score.name for score in library.scores()}
    tests = [*known.fires, *(test for group in known.when for test in group)]
    assert {test.fact for test in tests} - named <= set(library.questions())


def test_every_rule_says_when_a_clinician_may_go_on_and_what_it_rests_on():
    for rule in library.screening_rules():
        assert rule.override, rule.key
        assert rule.evidence.source in library.sources(), rule.key
        if rule.evidence.confidence == "judgement":
            assert len(rule.evidence.note) > 9, rule.key


def test_every_question_that_is_asked_is_needed_by_a_rule_or_a_score():
    tests = [test for rule in library.screening_rules() for test in rule.fires]
    tests += [test for rule in library.screening_rules() for group in rule.when for test in group]
    tests += [t for score in library.scores() for item in score.items for option in item.options for t in option.tests]
    tests += [test for asked in library.questions().values() for group in asked.when for test in group]
    needed = {test.fact for test in tests}
    assert [key for key, asked in library.questions().items() if asked.asked and key not in needed] == []


def test_of_a_ladder_only_the_gravest_speaks():
    rules = [finding.rule for finding in screening.screen(facts_of(sins(13))).findings]
    assert "spine_unstable" in rules
    assert "spine_potentially_unstable" not in rules
    rules = [finding.rule for finding in screening.screen(facts_of({"painful_lesion_count": 5.0})).findings]
    assert "many_painful_lesions" in rules
    assert "two_painful_lesions" not in rules


def test_the_axial_length_of_the_femur_carries_its_published_figures():
    says = next(f.says for f in screening.screen(facts_of(CASES["femur_axial"][0])).findings if f.rule == "femur_axial")
    for figure in ("sensitivity 86 %", "specificity 50 %", "positive predictive value 20 %", "value 96 %"):
        assert figure in says
    assert "[van_der_wal_2020]" in says


def test_the_circumference_of_the_femur_says_that_no_figures_were_found():
    found = screening.screen(facts_of(CASES["femur_circumference_half"][0])).findings
    finding = next(f for f in found if f.rule == "femur_circumference_half")
    assert "Not found: sensitivity and specificity." in finding.says
    assert (finding.measured, finding.limit, finding.unit) == (51.0, 50.0, "%")


def test_an_antiangiogenic_drug_is_for_review_and_never_a_go():
    found = screening.screen(facts_of({"antiangiogenic_therapy": True})).findings
    finding = next(f for f in found if f.rule == "antiangiogenic_review")
    assert finding.severity == "caution"
    assert finding.says.startswith("Review")
    assert "Not found: a rule for ablation." in finding.says


@pytest.mark.parametrize(
    ("site", "taken"),
    [("spine", "high"), ("pelvis_sacrum", "high"), ("acetabulum", "high"), ("rib", None), ("long_bone", None)],
)
def test_the_bleeding_risk_class_comes_from_the_site_or_is_asked_for(site: str, taken: str | None):
    done = screening.screen(facts_of({"lesion_site": site, "inr": 1.6}))
    classes = [fact for fact in done.facts if fact.key == "bleeding_risk_class"]
    assert [fact.value for fact in classes] == ([taken] if taken else [])
    assert ("bleeding_risk_class" in done.asks) is (taken is None)
    assert ("inr_high_risk" in [finding.rule for finding in done.findings]) is (taken == "high")


def test_a_class_set_by_hand_is_used_and_said():
    done = screening.screen(facts_of({"lesion_site": "spine", "inr": 1.6, "bleeding_risk_class": "low"}))
    assert "inr_high_risk" not in [finding.rule for finding in done.findings]
    says = next(f.says for f in done.findings if f.rule == "bleeding class of the site")
    assert says == "Bleeding risk was set to low; the default of the site is high."


def test_a_class_that_is_the_sites_own_needs_no_word():
    done = screening.screen(facts_of({"lesion_site": "spine", "bleeding_risk_class": "high"}))
    assert "bleeding class of the site" not in [finding.rule for finding in done.findings]


@pytest.mark.parametrize("site", [site for site in library.sites() if site != "skull"])
def test_a_site_shows_its_row(site: str):
    done = screening.screen(facts_of({"lesion_site": site}))
    shown = {f.rule: f.says for f in done.findings if f.rule.startswith("site ")}
    assert set(shown) == {"site approach", "site consideration", "site adjunct", "site cement"}
    assert all(library.sites()[site].texts[rule.split()[1]].says in says for rule, says in shown.items())


def test_every_site_but_another_bone_has_its_row():
    assert set(library.sites()) | {"other"} == set(library.question("lesion_site").words)
    assert library.sites()["skull"].excluded


def test_a_measure_on_an_estimated_outline_says_so():
    facts = (*facts_of(SPINE), *facts_of({"distance_canal_mm": 2.0}, "estimated"))
    finding = next(f for f in screening.screen(facts).findings if f.rule == "near_canal")
    assert finding.says.endswith("Measured on an outline that iceball estimated.")


def test_a_score_with_an_estimated_item_says_so():
    answers = sins(13)
    facts = (
        *facts_of({k: v for k, v in answers.items() if k != "vertebral_collapse_fraction"}),
        *facts_of({"vertebral_collapse_fraction": 0.0}, "estimated"),
    )
    finding = next(f for f in screening.screen(facts).findings if f.rule == "spine_unstable")
    assert finding.says.endswith("Measured on an outline that iceball estimated.")


@pytest.mark.parametrize(
    ("bone", "part"),
    [
        ("humerus_left", "none"),
        ("Tibia right", "none"),
        ("femur_right", None),
        # none of these says that it is another long bone: the rules of the femur must not fall silent for them
        *((name, None) for name in ("hip_left", "thigh bone", "Oberschenkel", "Segment_1", "left femur")),
    ],
)
def test_a_bone_that_is_no_femur_settles_the_part_of_the_femur(bone: str, part: str | None):
    done = screening.screen(facts_of({"lesion_site": "long_bone", "lesion_bone": bone}, "label"))
    assert [fact.value for fact in done.facts if fact.key == "femur_part"] == ([part] if part else [])
    assert ("femur_part" in done.asks) is (part is None)


def test_a_lesion_at_the_trochanters_lies_in_the_proximal_femur():
    facts = facts_of({"lesion_site": "long_bone", "mirels_site": "trochanteric"}, "measured")
    fact = next(fact for fact in screening.screen(facts).facts if fact.key == "femur_part")
    assert (fact.value, fact.origin) == ("proximal", "measured")


@pytest.mark.parametrize(
    ("bone", "part", "clash"),
    [
        ("femur_left", "none", True),
        ("humerus_left", "proximal", True),
        ("femur_left", "shaft", False),
        ("humerus_left", "none", False),
        ("Segment_1", "proximal", False),
    ],
)
def test_a_part_of_the_femur_that_the_bone_contradicts_is_a_caution(bone: str, part: str, clash: bool):
    facts = (*facts_of({"lesion_site": "long_bone", "lesion_bone": bone}, "label"), *facts_of({"femur_part": part}))
    found = [f for f in screening.screen(facts).findings if f.subject == "femur_part"]
    assert [(f.rule, f.severity) for f in found] == ([("answers that differ", "caution")] if clash else [])


def test_a_range_that_a_source_gives_is_said_with_the_stricter_end_that_decides():
    found = screening.screen(facts_of(CASES["inr_high_risk"][0])).findings
    says = next(f.says for f in found if f.rule == "inr_high_risk")
    assert "The source gives 1.5 to 1.8: the stricter end decides." in says
    found = screening.screen(facts_of(CASES["short_life_expectancy"][0])).findings
    assert "The source gives 2 to 3 months" in next(f.says for f in found if f.rule == "short_life_expectancy")


@pytest.mark.parametrize("site", library.question("lesion_site").words)
def test_a_compressed_cord_excludes_at_every_site(site: str):
    done = screening.screen(facts_of({"lesion_site": site, "cord_compression": True}))
    assert done.verdict == "not within the evidence"
    assert "cord_compression" in [f.rule for f in done.findings]
