"""The tables of screening: the reader refuses every row that breaks a rule, and names it."""

from __future__ import annotations

import pytest

from iceball import library
from iceball.errors import LibraryError, UnknownName
from iceball.library._questions import read_questions
from iceball.library._scores import read_scores
from iceball.library._screening import read_screening_rules
from iceball.library._sites import read_sites
from iceball.library._tables import parse_table

GROUND = 'source = "n06c6"\nconfidence = "read"\n'
LIMIT = (
    'limit = { value = 4, unit = "of 10", low = 4, high = 4, state = "s", source = "n06c6", '
    'confidence = "read", note = "n" }\n'
)
HEAD = '[x]\ntopic = "t"\nseverity = "stop"\nsays = "s"\noverride = "o"\n'
PAIN = "fires = { worst_pain_nrs = { below = "
RULE = HEAD + PAIN + '"limit" } }\n' + LIMIT
YES = HEAD + "fires = { cord_compression = true }\n" + GROUND


@pytest.mark.parametrize("text", [RULE, YES])
def test_a_whole_rule_is_read(text: str):
    assert read_screening_rules(parse_table(text, "screening"), library.sources())[0].severity == "stop"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + GROUND, r"screening.x.fires is None: write \{ fact = test \}"),
        (HEAD + "fires = {}\n" + GROUND, "screening.x.fires is {}"),
        (RULE.replace("worst_pain_nrs", "pain"), "screening.x: no question 'pain'"),
        (RULE.replace('"limit" }', '"row" }'), "no row 'row' to compare with; there are: limit"),
        (RULE.replace("below", "under"), "write true, false, a list of words"),
        (YES.replace("cord_compression = true", "cord_compression = 3"), "screening.x.fires.cord_compression is 3"),
        (YES.replace("cord_compression = true", 'lesion_site = ["moon"]'), "lesion_site has no answer"),
        (YES.replace("cord_compression = true", "lesion_site = true"), "lesion_site has no answer"),
        (RULE.replace("worst_pain_nrs", "cord_compression"), "screening.x: cord_compression is no number"),
        (RULE.replace('unit = "of 10"', 'unit = "mm"'), "screening.x.limit is in mm; write it in of 10"),
        (RULE.replace('"stop"', '"halt"'), "severity 'halt' is unknown; write one of note, caution, stop"),
        (RULE.replace('override = "o"\n', ""), "screening.x lacks override"),
        (RULE + GROUND, "screening.x has a limit and source, confidence beside it"),
        (YES.replace("n06c6", "nobody_1999"), "source 'nobody_1999' is not in sources.bib"),
        (YES.replace("read", "certain"), "confidence 'certain' is unknown"),
        (YES.replace("read", "judgement"), "screening.x is a judgement without its reasoning"),
        (YES + 'note = "see [nobody_1999]"\n', "source 'nobody_1999' is not in sources.bib"),
        (YES + 'when = "at sea"\n', "screening.x: no situation 'at sea'; there are: spinal"),
        (YES + 'if_unknown = "guess"\n', "if_unknown is 'silent' or left out, not 'guess'"),
        (YES + 'colour = "red"\n', "screening.x has an unknown field colour"),
        (
            YES.replace("cord_compression", "metal_near_lesion"),
            "waits for metal_near_lesion, which nobody is asked for",
        ),
        (YES + "[x.figures]\na = 3\n", "screening.x.figures.a is a bare 3"),
        (
            YES + 'ladder = "l"\n' + YES.replace("[x]", "[y]").replace("stop", "note") + 'ladder = "l"\n',
            "the rules of the ladder 'l' must go from mild to grave",
        ),
        ("[x", "screening.toml is not valid TOML"),
    ],
)
def test_a_broken_rule_is_refused(text: str, says: str):
    with pytest.raises(LibraryError, match=says):
        read_screening_rules(parse_table(text, "screening"), library.sources())


ASKED = '[questions.x]\ngroup = "g"\nkind = "number"\nunit = "mm"\nlow = 0\nhigh = 9\nsays = "s"\nasks = "a"\n' + GROUND
CHOICE = ASKED.replace(
    'kind = "number"\nunit = "mm"\nlow = 0\nhigh = 9\n', 'kind = "choice"\nchoices = { a = "A", b = "B" }\n'
)


@pytest.mark.parametrize("text", [ASKED, CHOICE])
def test_a_whole_question_is_read(text: str):
    assert read_questions(parse_table(text, "questions"), library.sources())["x"].asks == "a"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ASKED.replace("number", "picture"), "kind 'picture' is unknown; write one of yes_no, number, choice, name"),
        (ASKED.replace("low = 0\n", ""), "questions.x is a number without its range"),
        (ASKED.replace("low = 0", "low = nan"), "questions.x is a number without its range"),
        (ASKED.replace("low = 0", "low = 9"), "its range 9 to 9 is empty"),
        (ASKED.replace('unit = "mm"\n', ""), "questions.x lacks unit"),
        (CHOICE.replace(', b = "B"', ""), "questions.x is a choice of 1"),
        (CHOICE + "low = 3\n", "questions.x has an unknown field low"),
        (ASKED + 'when = { y = ["a"] }\n', "questions.x.when: no question 'y'"),
        (ASKED + 'when = "at sea"\n', "no situation 'at sea'"),
        ('[situations]\nodd = [{ x = ["c"] }]\n' + CHOICE, "questions.situations.odd: x has no answer"),
    ],
)
def test_a_broken_question_is_refused(text: str, says: str):
    with pytest.raises(LibraryError, match=says):
        read_questions(parse_table(text, "questions"), library.sources())


SCORE = (
    '[x]\nsays = "X"\nwhen = "spinal"\n'
    + GROUND
    + '[[x.items]]\nname = "i"\nsays = "I"\noptions = [\n'
    + '{ points = 0, says = "no", if = { cord_compression = false } },\n'
    + '{ points = 1, says = "yes", if = { cord_compression = true } },\n]\n'
    + '[[x.categories]]\nname = "c"\nfrom = 0\nto = 1\nsays = "c"\n'
)


def test_a_whole_score_is_read():
    score = read_scores(parse_table(SCORE, "scores"), library.sources())[0]
    assert (score.least, score.most, score.category(1).name) == (0, 1, "c")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SCORE.replace("to = 1", "to = 2"), "scores.x: its categories must cover 0 to 1 once"),
        (SCORE.replace("from = 0", "from = 1"), "scores.x: its categories must cover 0 to 1 once"),
        (SCORE.replace("points = 1", "points = true"), "scores.x.i: points are whole numbers, not True"),
        (SCORE.replace("points = 1", "points = 1.5"), "scores.x.i: points are whole numbers, not 1.5"),
        (SCORE.replace("cord_compression = true", "cord = true"), "scores.x.i: no question 'cord'"),
        (SCORE.replace('says = "no",', 'says = "no", confidence = "judgement",'), "judgement without its reasoning"),
    ],
)
def test_a_broken_score_is_refused(text: str, says: str):
    with pytest.raises(LibraryError, match=says):
        read_scores(parse_table(text, "scores"), library.sources())


def cell(says: str) -> str:
    return f'{{ says = "{says}", source = "n06c6", confidence = "read" }}'


ROW = '[rib]\nsays = "Rib"\n' + "".join(
    f"{text} = {cell(text)}\n" for text in ("approach", "consideration", "adjunct", "cement")
)


def test_a_whole_site_is_read():
    assert read_sites(parse_table(ROW, "sites"), library.sources())["rib"].bleeding_risk_class is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ROW.replace("[rib]", "[moon]"), "sites.moon is no answer to lesion_site; those are: spine"),
        (ROW.replace("cement = ", "glue = "), "sites.rib has an unknown field glue"),
        (ROW.replace(f"cement = {cell('cement')}\n", ""), "sites.rib lacks cement; write 'not found'"),
        (
            ROW + 'bleeding_risk_class = { is = "middling", source = "n06c6", confidence = "read" }\n',
            "is 'middling'; write one of low, high",
        ),
    ],
)
def test_a_broken_site_is_refused(text: str, says: str):
    with pytest.raises(LibraryError, match=says):
        read_sites(parse_table(text, "sites"), library.sources())


def test_an_unknown_rule_is_refused_with_the_near_one():
    with pytest.raises(UnknownName, match="did you mean 'pain_too_weak'"):
        library.screening_rule("pain_too_week")


def test_the_situations_of_the_table_are_used():
    rows = (*library.questions().values(), *library.screening_rules(), *library.scores())
    used = {row.when for row in rows}
    assert [name for name, when in library.situations().items() if when not in used] == []


def test_what_was_not_found_is_said_where_the_sources_are_silent():
    found = {rule.key: rule.not_found for rule in library.screening_rules() if rule.not_found}
    assert found["femur_circumference_half"] == "sensitivity and specificity"
    assert found["antiangiogenic_review"] == "a rule for ablation"
    assert library.sites()["scapula"].texts["consideration"].says == "not found"


def test_what_was_recalled_does_not_claim_to_be_read():
    grounds = [rule.evidence for rule in library.screening_rules()]
    grounds += [asked.evidence for asked in library.questions().values()]
    grounds += [text.evidence for site in library.sites().values() for text in site.texts.values()]
    for evidence in grounds:
        if evidence.source.startswith("recalled"):
            assert evidence.confidence == "recalled"
        if evidence.source == "iceball_judgement":
            assert evidence.confidence == "judgement"
