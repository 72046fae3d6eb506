"""SINS and Mirels, every combination of answers, against tables written down here a second time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screening_answers import facts_of, values

from iceball import library, screening
from iceball.nouns import Score
from iceball.screening._known import gather
from iceball.screening._scoring import reckon

# Fourney 2011 as the notes give it; S1 and a collapse of exactly half are choices of this project.
LOCATION = {
    **dict.fromkeys(["C1", "C2", "C7", "T1", "T2", "T11", "T12", "L1", "L5"], 3),
    "S1": 3,
    **dict.fromkeys(["C3", "C4", "C5", "C6", "L2", "L3", "L4"], 2),
    **dict.fromkeys([f"T{n}" for n in range(3, 11)], 1),
    **dict.fromkeys(["S2", "S3", "S4", "S5"], 0),
}
PAIN = {"mechanical": 3, "occasional": 1, "none": 0}
BONE = {"lytic": 2, "mixed": 1, "blastic": 0}
ALIGNMENT = {"subluxation": 4, "deformity": 2, "normal": 0}
# Collapse and share of the body involved, as fractions.
COLLAPSE = {(0.0, 0.0): 0, (0.0, 0.5): 0, (0.0, 0.51): 1, (0.01, 1.0): 2, (0.49, 0.0): 2, (0.5, 0.0): 3, (1.0, 1.0): 3}
POSTEROLATERAL = {"bilateral": 3, "unilateral": 1, "none": 0}

MIRELS_SITE = {"upper_limb": 1, "lower_limb": 2, "trochanteric": 3}
MIRELS_PAIN = {"mild": 1, "moderate": 2, "functional": 3}
MIRELS_LESION = {"blastic": 1, "mixed": 2, "lytic": 3}
MIRELS_SIZE = {0.0: 1, 0.33: 1, 1 / 3: 2, 0.5: 2, 2 / 3: 2, 0.67: 3, 1.0: 3}

SINS_KEYS = (
    *("vertebral_level", "spine_pain", "lesion_matrix", "spine_alignment"),
    *("vertebral_collapse_fraction", "vertebral_body_involved_fraction", "posterolateral_involvement"),
)
MIRELS_KEYS = ("mirels_site", "mirels_pain", "lesion_matrix", "lesion_to_bone_width_fraction")


def sins(**answers) -> Score:
    """SINS of a lesion at the spine."""
    site = "pelvis_sacrum" if str(answers.get("vertebral_level", "")).startswith("S") else "spine"
    reckoned = reckon(gather(facts_of({"lesion_site": site} | answers)))["sins"]
    assert reckoned.applies.holds
    return reckoned.score


def mirels(**answers) -> Score:
    """Mirels' score of a lesion of a long bone."""
    reckoned = reckon(gather(facts_of({"lesion_site": "long_bone"} | answers)))["mirels"]
    assert reckoned.applies.holds
    return reckoned.score


def sins_category(total: int) -> str:
    return "stable" if total <= 6 else "potentially unstable" if total <= 12 else "unstable"


def mirels_category(total: int) -> str:
    return "observe" if total <= 7 else "judgement" if total == 8 else "fix"


def test_every_combination_of_sins_has_the_points_of_the_published_table():
    levels = {"L5": 3, "S1": 3, "C3": 2, "T5": 1, "S2": 0}  # one of each kind; every level is tried below
    tables = (levels, PAIN, BONE, ALIGNMENT, COLLAPSE, POSTEROLATERAL)
    reached = set()
    for combination in itertools.product(*(table.items() for table in tables)):
        (level, pain, bone, alignment, (collapse, body), back), points = zip(*combination, strict=True)
        score = sins(**dict(zip(SINS_KEYS, (level, pain, bone, alignment, collapse, body, back), strict=True)))
        assert score.total == score.least == score.most == sum(points)
        assert score.category == sins_category(sum(points))
        reached.add(score.total)
    assert reached == set(range(19))


@pytest.mark.long  # 16,443 scores: half a minute on a quiet core
def test_the_whole_product_of_sins_over_every_level():
    tables = (LOCATION, PAIN, BONE, ALIGNMENT, COLLAPSE, POSTEROLATERAL)
    assert len(LOCATION) == 29
    totals = dict.fromkeys(range(19), 0)
    for combination in itertools.product(*(table.items() for table in tables)):
        (level, pain, bone, alignment, (collapse, body), back), points = zip(*combination, strict=True)
        score = sins(**dict(zip(SINS_KEYS, (level, pain, bone, alignment, collapse, body, back), strict=True)))
        assert score.total == score.least == score.most == sum(points), combination
        assert [item.points for item in score.items] == list(points), combination
        assert score.category == sins_category(sum(points)), combination
        totals[sum(points)] += 1
    assert sum(totals.values()) == 29 * 3 * 3 * 3 * len(COLLAPSE) * 3
    assert min(totals.values()) > 0


@pytest.mark.parametrize("level", LOCATION)
def test_every_level_has_its_points(level: str):
    rest = ("none", "blastic", "normal", 0.0, 0.0, "none")
    assert sins(**dict(zip(SINS_KEYS, (level, *rest), strict=True))).total == LOCATION[level]


def test_the_levels_of_the_test_are_those_of_the_question():
    assert set(LOCATION) | {"none"} == set(library.question("vertebral_level").words)


def test_every_combination_of_mirels_has_the_points_of_the_published_table():
    reached = set()
    for combination in itertools.product(*(t.items() for t in (MIRELS_SITE, MIRELS_PAIN, MIRELS_LESION, MIRELS_SIZE))):
        answers, points = zip(*combination, strict=True)
        score = mirels(**dict(zip(MIRELS_KEYS, answers, strict=True)))
        assert score.total == sum(points)
        assert score.category == mirels_category(sum(points))
        reached.add(score.total)
    assert reached == set(range(4, 13))


def test_the_scores_reach_from_0_to_18_and_from_4_to_12():
    assert [(score.name, score.least, score.most) for score in library.scores()] == [("sins", 0, 18), ("mirels", 4, 12)]


@pytest.mark.parametrize(
    ("name", "total", "category"),
    [
        *(("sins", total, name) for total, name in [(0, "stable"), (6, "stable"), (18, "unstable")]),
        *(("sins", total, "potentially unstable") for total in (7, 12)),
        ("sins", 13, "unstable"),
        *(("mirels", total, "observe") for total in (4, 7)),
        ("mirels", 8, "judgement"),
        *(("mirels", total, "fix") for total in (9, 12)),
    ],
)
def test_the_borders_of_the_categories_are_the_published_ones(name: str, total: int, category: str):
    rule = next(rule for rule in library.scores() if rule.name == name)
    assert rule.category(total).name == category


def test_s1_counts_as_the_junction_and_says_that_this_is_a_choice():
    options = library.scores()[0].items[0].options
    chosen = next(option for option in options if option.tests[0].words == ("S1",))
    assert (chosen.points, chosen.evidence.confidence, chosen.evidence.source) == (3, "judgement", "iceball_judgement")
    assert "S1" in chosen.evidence.note


def test_a_collapse_of_exactly_half_counts_as_the_graver_and_says_that_this_is_a_choice():
    row = library.scores()[0].rows["half_collapse"]
    assert (row.value, row.confidence) == (0.5, "judgement")
    assert sins(vertebral_collapse_fraction=0.5).items[4].points == 3
    assert sins(vertebral_collapse_fraction=0.4999).items[4].points == 2


def test_nothing_known_leaves_the_whole_range_and_no_total():
    assert (sins().total, sins().least, sins().most, sins().category) == (None, 0, 18, None)
    assert (mirels().total, mirels().least, mirels().most, mirels().category) == (None, 4, 12, None)


def test_a_category_is_named_before_the_total_where_both_ends_agree():
    score = sins(
        spine_pain="mechanical", spine_alignment="subluxation", vertebral_collapse_fraction=0.9, vertebral_level="L5"
    )
    assert (score.total, score.least, score.most, score.category) == (None, 13, 18, "unstable")


def test_a_known_collapse_makes_the_share_of_the_body_unneeded():
    item = sins(vertebral_collapse_fraction=0.3).items[4]
    assert (item.points, item.facts) == (2, ("vertebral_collapse_fraction",))


def test_a_body_more_than_half_involved_has_at_least_one_point_whatever_the_collapse():
    score = sins(vertebral_body_involved_fraction=0.6)
    assert (score.items[4].points, score.least, score.most) == (None, 1, 18)


def test_no_vertebra_at_a_site_of_the_spine_leaves_the_location_open():
    score = reckon(gather(facts_of({"lesion_site": "spine", "vertebral_level": "none"})))["sins"]
    assert score.score.items[0].points is None
    assert "vertebral_level" in score.missing


def test_an_item_says_where_its_answer_came_from_and_the_least_sure_counts():
    facts = (
        *facts_of({"lesion_site": "spine", "vertebral_level": "L3"}, "label"),
        *facts_of({"vertebral_collapse_fraction": 0.0}, "measured"),
        *facts_of({"vertebral_body_involved_fraction": 0.7}, "estimated"),
        *facts_of({"spine_pain": "none"}),
    )
    origins = {item.name: item.origin for item in screening.screen(facts).scores[0].items}
    assert origins == {
        "Location": "label",
        "Pain": "asked",
        "Bone lesion": None,
        "Alignment": None,
        "Collapse": "estimated",
        "Posterolateral elements": None,
    }


def test_a_score_is_shown_only_where_it_applies():
    def shown(**answers):
        return [score.name for score in screening.screen(facts_of(answers)).scores]

    assert shown(lesion_site="spine") == ["sins"]
    assert shown(lesion_site="long_bone") == ["mirels"]
    assert shown(lesion_site="pelvis_sacrum", vertebral_level="S2") == ["sins"]
    assert shown(lesion_site="pelvis_sacrum", vertebral_level="none") == []
    assert shown(lesion_site="pelvis_sacrum") == []  # not known yet: it would be a guess
    assert shown(lesion_site="rib") == []


@pytest.mark.parametrize(("reckoned", "keys"), [(sins, SINS_KEYS), (mirels, MIRELS_KEYS)])
@given(data=st.data())
def test_one_more_answer_never_widens_the_range_of_a_score(reckoned, keys, data):
    known = data.draw(st.sets(st.sampled_from(keys), max_size=len(keys) - 1))
    another = data.draw(st.sampled_from(sorted(set(keys) - known)))
    answers = {key: data.draw(values(library.question(key))) for key in sorted(known | {another})}
    if answers.get("vertebral_level") == "none":
        answers["vertebral_level"] = "L3"
    before = reckoned(**{key: answers[key] for key in known})
    after = reckoned(**answers)
    assert before.least <= after.least <= after.most <= before.most
    if before.category is not None:
        assert after.category == before.category
