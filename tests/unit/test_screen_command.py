"""``iceball screen``: tables, one JSON object, exit codes, and asking at a terminal."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import small_patient
from screening_answers import RIB, facts_of
from typer.testing import CliRunner

from iceball import io, library, screening
from iceball.anatomy import doubting, measures
from iceball.cli import _app, app, main
from iceball.cli import screen as command
from iceball.errors import InputError
from iceball.nouns import Fact

IN_CT = (
    Fact(key="lesion_site", value="rib", origin="label", note="by the name of its bone"),
    Fact(key="lesion_bone", value="rib_left_[5]", origin="label"),
    Fact(key="lesion_matrix", value="lytic", origin="measured"),
    Fact(key="lesion_diameter_mm", value=18.0, origin="measured", unit="mm"),
    Fact(key="distance_skin_mm", value=30.0, origin="estimated", unit="mm", note="skin estimated"),
)


@pytest.fixture(scope="session")
def stored(tmp_path_factory) -> Path:
    """The folder of a small patient, written once."""
    folder = tmp_path_factory.mktemp("screened") / "case"
    io.write_case(small_patient.patient(), folder)
    return folder


@pytest.fixture
def case(tmp_path, stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case folder whose lesion measures as ``IN_CT``: what is tried here is what is said of it."""
    folder = tmp_path / "case"
    shutil.copytree(stored, folder)
    surveyed(monkeypatch, IN_CT)
    monkeypatch.setattr(_app.out, "_width", 200)
    monkeypatch.setattr(_app.err, "_width", 200)
    return folder


def surveyed(monkeypatch: pytest.MonkeyPatch, facts: tuple[Fact, ...], gaps: tuple[measures.Gap, ...] = ()) -> None:
    """Let the CT say ``facts``, and nothing of ``gaps``."""
    survey = measures.Survey(facts=facts, gaps=gaps)
    monkeypatch.setattr(measures, "survey", lambda case, progress: survey)
    # the made body has no noise, and its scan is doubted for that; real scans are tried in test_hostile_cases.py
    monkeypatch.setattr(doubting, "doubts", lambda case: ())


def screened(*words: object, answers: str | None = None):
    return CliRunner().invoke(app, ["screen", *map(str, words)], input=answers, catch_exceptions=False)


def told(*words: object):
    done = screened(*words, "--json")
    return done.exit_code, json.loads(done.stdout)


def test_an_open_verdict_lists_what_is_missing_and_how_to_answer(case: Path):
    done = screened(case)
    assert done.exit_code == 0
    assert "verdict: open: an answer that is missing could still decide." in done.stdout
    assert "not a medical device" in done.stdout
    for key in ("worst_pain_nrs", "age_years", "inr"):
        assert f"\n{key} " in done.stdout
    assert "Answer with --set key=value, --facts FILE, or --ask." in done.stdout


def test_who_made_the_mask_is_said_first(case: Path):
    assert screened(case).stdout.startswith("lesion: made by a test\n")


def test_findings_are_shown_with_measured_limit_and_source(case: Path):
    text = screened(case, "--set", "worst_pain_nrs=3").stdout
    lines = text.splitlines()
    at = next(n for n, line in enumerate(lines) if "The worst pain of the last 24 hours" in line)
    assert lines[at].startswith("stop ")
    assert lines[at + 1].strip() == "measured 3 of 10, limit 4 of 10; callstrom_2006, read"
    assert lines[at + 2].strip().startswith("May go on all the same: local control")
    assert "recalled_clinical, recalled from memory, not looked up" in text
    assert "iceball_clinical_notes, a judgement of the authors" in text


def test_names_with_brackets_are_printed_as_they_are(case: Path):
    assert "rib_left_[5]" in screened(case).stdout


def test_a_finding_that_says_stop_ends_with_exit_code_3(case: Path):
    done = screened(case, "--set", "worst_pain_nrs=3")
    assert done.exit_code == 3
    assert "verdict: not within the evidence: see what says stop." in done.stdout


def test_json_is_one_object_and_nothing_else(case: Path):
    code, object_ = told(case, *(word for key, value in RIB.items() for word in ("--set", f"{key}={value}")))
    assert code == 0
    assert object_["verdict"] == "candidate"
    assert object_["asks"] == object_["questions"] == []
    assert {fact["key"]: fact["origin"] for fact in object_["facts"]}["distance_skin_mm"] == "estimated"
    assert [name for name, _ in object_["run"]["inputs"]] == ["case", "facts"]
    assert object_["run"]["inputs"][0][1] == io.stored_case_fingerprint(case)


def test_scores_are_shown_with_where_each_item_came_from(case: Path, monkeypatch: pytest.MonkeyPatch):
    spine = (
        Fact(key="lesion_site", value="spine", origin="label"),
        Fact(key="vertebral_level", value="L5", origin="label"),
        Fact(key="vertebral_collapse_fraction", value=0.1, origin="measured"),
    )
    surveyed(monkeypatch, spine)
    text = screened(case, "--set", "spine_pain=mechanical").stdout
    assert "Spinal Instability Neoplastic Score (SINS): 8 to 17 so far; the answers missing decide" in text
    for item, points, origin in (("Location", 3, "label"), ("Pain", 3, "asked"), ("Collapse", 2, "measured")):
        line = next(line for line in text.splitlines() if line.strip().startswith(item))
        assert line.split()[-2:] == [str(points), origin]


def test_what_could_not_be_measured_says_why_where_it_is_asked_for(case: Path, monkeypatch: pytest.MonkeyPatch):
    gap = measures.Gap(key="distance_skin_mm", why="no air [around] the body is in the scan")
    surveyed(monkeypatch, IN_CT[:4], (gap,))
    assert "Not measured: no air [around] the body is in the scan" in screened(case).stdout
    assert told(case)[1]["not_measured"] == [{"key": gap.key, "why": gap.why}]


def test_a_real_measurement_of_a_small_patient_is_screened(stored: Path):
    code, object_ = told(stored)
    assert code == 0
    assert object_["verdict"] == "open"
    assert object_["lesion"] == "made by a test"
    keys = {fact["key"] for fact in object_["facts"]}
    assert {"lesion_matrix", "lesion_diameter_mm", "slice_spacing_mm"} <= keys


def test_the_verdict_is_said_first_and_last_and_how_much_is_missing(case: Path):
    text = screened(case, "--set", "worst_pain_nrs=3", "--set", "antiangiogenic_therapy=yes").stdout
    lines = [line for line in text.splitlines() if line]
    verdict = "verdict: not within the evidence: see what says stop."
    assert (lines[1], lines[-2]) == (verdict, verdict)
    assert lines[2].strip().startswith("1 stop, 1 caution, ")
    assert "answers missing: " in lines[2]
    assert text.index("\nstop ") < text.index("\ncaution ")


def test_what_is_missing_is_listed_by_what_it_could_do(case: Path):
    text = screened(case).stdout
    places = [
        text.index(each)
        for each in ("outside the evidence\nage_years", "\nworst_pain_nrs ", "missing and could set a condition\n")
    ]
    assert places == sorted(places)
    assert text.index("\ninr ") > places[-1]
    assert text.index("would only be noted\n") < text.index("\nbiopsy_wanted ")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_key_is_cut_and_no_line_is_too_long(case: Path, monkeypatch: pytest.MonkeyPatch, width: int):
    surveyed(monkeypatch, (Fact(key="lesion_site", value="long_bone", origin="label"),))
    monkeypatch.setattr(_app.out, "_width", width)
    done = screened(case, "--json")
    text = screened(case).stdout
    assert max(len(line) for line in text.splitlines()) <= width
    assert [key for key in json.loads(done.stdout)["asks"] if f"\n{key} " not in text] == []


def test_a_default_is_shown_as_a_default(case: Path, monkeypatch: pytest.MonkeyPatch):
    surveyed(monkeypatch, (Fact(key="lesion_site", value="spine", origin="label"),))
    text = screened(case).stdout
    assert "bleeding_risk_class  high  default of the site 'Spine'" in text
    assert "Bleeding risk is taken as high, as a default of the site: set bleeding_risk_class to change it." in text


def test_what_nobody_is_asked_for_and_was_not_measured_is_said(case: Path, monkeypatch: pytest.MonkeyPatch):
    surveyed(monkeypatch, IN_CT, (measures.Gap(key="metal_near_lesion", why="the numbers are no HU"),))
    text = screened(case).stdout
    assert "Not measured, and nobody is asked\nmetal_near_lesion  the numbers are no HU" in text


def test_the_site_has_its_own_table(case: Path):
    text = screened(case).stdout
    assert "Site: Rib" in text
    assert "Way in        along the rib, tangential to the pleura." in text


def test_answers_come_from_the_case_the_file_and_the_line_the_later_before_the_earlier(case: Path, tmp_path: Path):
    io.write_facts(facts_of({"inr": 1.0, "age_years": 40.0, "worst_pain_nrs": 5.0}), case / "facts.json")
    io.write_facts(facts_of({"age_years": 50.0, "worst_pain_nrs": 6.0}), tmp_path / "more.json")
    _, object_ = told(case, "--facts", tmp_path / "more.json", "--set", "worst_pain_nrs = 7")
    values = {fact["key"]: fact["value"] for fact in object_["facts"] if fact["origin"] == "asked"}
    assert values == {"inr": 1.0, "age_years": 50.0, "worst_pain_nrs": 7.0}
    kept = {fact.key: fact.value for fact in io.read_facts(case / "facts.json")}
    assert kept == {"inr": 1.0, "age_years": 40.0, "worst_pain_nrs": 5.0}, "only --ask writes into the case"


def test_the_object_is_written_to_a_file_too(case: Path, tmp_path: Path):
    done = screened(case, "--out", tmp_path / "screening.json")
    assert "written: " in done.stdout
    stored = json.loads((tmp_path / "screening.json").read_text(encoding="utf-8"))
    assert (stored["format"], stored["version"], stored["verdict"]) == ("iceball-screening", 1, "open")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set", "worst_pain_nrs"], "--set 'worst_pain_nrs' has no '='"),
        (["--set", "worst_pain=5"], "did you mean 'worst_pain_nrs'"),
        (["--set", "worst_pain_nrs=50"], "takes a number from 0 to 10 of 10, not 50"),
        (["--set", "inr=1", "--set", "inr=2"], "--set inr is given twice"),
        (["--facts", "nowhere.json"], "facts file nowhere.json cannot be read"),
    ],
)
def test_a_wrong_answer_is_refused_before_anything_is_measured(case: Path, words, says, monkeypatch):
    monkeypatch.setattr(measures, "survey", lambda case, progress: pytest.fail("measured all the same"))
    with pytest.raises(InputError, match=says):
        screened(case, *words)


def test_a_folder_that_is_no_case_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="case folder .* does not exist: make one with `iceball read`"):
        screened(tmp_path / "nothing")


# Asking


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_at_terminal", lambda: True)


def test_asking_without_a_terminal_is_refused(case: Path):
    with pytest.raises(InputError, match="--ask needs a terminal to ask at: give the answers with --facts FILE or"):
        screened(case, "--ask", answers="7\n")
    assert not (case / "facts.json").exists()


@pytest.mark.usefixtures("terminal")
def test_asking_goes_through_what_is_missing_and_keeps_the_answers(case: Path):
    order: list[str] = []  # an answer may settle another question, or bring it forward
    while asks := screening.screen((*IN_CT, *facts_of({key: RIB[key] for key in order}))).asks:
        order.append(asks[0])
    done = screened(case, "--ask", "--json", answers="".join(f"{RIB[key]}\n" for key in order))
    assert json.loads(done.stdout)["verdict"] == "candidate"
    assert {fact.key: fact.value for fact in io.read_facts(case / "facts.json")} == {key: RIB[key] for key in order}
    assert "answers kept: " in done.stderr
    assert library.question(order[0]).asks in done.stderr


@pytest.mark.usefixtures("terminal")
def test_a_question_that_is_skipped_stays_unknown_and_is_not_asked_again(case: Path):
    done = screened(case, "--ask", "--json", answers="\n" * 60)
    assert json.loads(done.stdout)["verdict"] == "open"
    assert io.read_facts(case / "facts.json") == ()
    assert done.stderr.count(library.question("worst_pain_nrs").asks) == 1


@pytest.mark.usefixtures("terminal")
def test_an_answer_that_is_none_is_said_and_asked_for_again(case: Path):
    done = screened(case, "--ask", "--json", answers="old\n150\n61 years\nq\n")
    assert "age_years takes a number from 0 to 120 years, not 'old'" in done.stderr
    assert "age_years takes a number from 0 to 120 years, not 150" in done.stderr
    assert {fact.key: fact.value for fact in io.read_facts(case / "facts.json")} == {"age_years": 61.0}


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("end", ["q\n", "quit\n", ""])
def test_asking_ends_on_q_or_at_the_end_of_the_input_and_keeps_what_was_said(case: Path, end: str):
    screened(case, "--ask", "--set", "inr=1.1", answers=f"61\n{end}")
    assert {fact.key: fact.value for fact in io.read_facts(case / "facts.json")} == {"age_years": 61.0, "inr": 1.1}


@pytest.mark.usefixtures("terminal")
def test_an_answer_can_bring_new_questions(case: Path, monkeypatch: pytest.MonkeyPatch):
    surveyed(monkeypatch, ())
    done = screened(case, "--ask", "--json", answers="spine\nL3\nq\n")
    assert {fact.key: fact.value for fact in io.read_facts(case / "facts.json")} == {
        "lesion_site": "spine",
        "vertebral_level": "L3",
    }
    assert [score["name"] for score in json.loads(done.stdout)["scores"]] == ["sins"]


@pytest.mark.usefixtures("terminal")
def test_an_answer_that_settles_nothing_is_not_asked_for_again(case: Path, monkeypatch: pytest.MonkeyPatch):
    surveyed(monkeypatch, (Fact(key="lesion_site", value="spine", origin="label"),))
    before = screening.screen(facts_of({"lesion_site": "spine"}, "label")).asks.index("vertebral_level")
    done = screened(case, "--ask", "--json", answers="\n" * before + "none\n" + "\n" * 40)
    object_ = json.loads(done.stdout)
    assert {fact["key"]: fact["value"] for fact in object_["facts"]}["vertebral_level"] == "none"
    assert done.stderr.count(library.question("vertebral_level").asks) == 1
    assert "no_level_at_the_spine" in [finding["rule"] for finding in object_["findings"]]


@pytest.mark.usefixtures("terminal")
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_asked(
    case: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command.os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="cannot be written, so that no answer would be kept: give the answers with"):
        screened(case, "--ask", answers="61\n")


@pytest.mark.usefixtures("terminal")
def test_leaving_with_ctrl_c_keeps_the_old_answers_whole(case: Path, monkeypatch: pytest.MonkeyPatch):
    io.write_facts(facts_of({"inr": 1.2}), case / "facts.json")
    before = (case / "facts.json").read_bytes()
    said = iter(["61"])

    def interrupted(prompt: str) -> str:
        try:
            return next(said)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(_app.err, "input", interrupted)
    monkeypatch.setattr(sys, "argv", ["iceball", "screen", str(case), "--ask"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert (case / "facts.json").read_bytes() == before
    assert not [path for path in case.iterdir() if ".part-" in path.name]


# The tables behind it

KINDS = {"questions": "inr", "rules": "femur_axial", "scores": "sins", "sites": "spine"}


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_app.out, "_width", 400)


def library_says(*words: str) -> str:
    done = CliRunner().invoke(app, ["library", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("kind", KINDS)
def test_the_library_shows_every_row_with_its_source(kind: str):
    object_ = json.loads(library_says(kind, "--json"))
    assert set(object_) == {kind, "sources", "library"}
    text = library_says(kind)
    for key in object_["sources"]:
        assert f"  {key}: " in text
    assert list(json.loads(library_says(kind, KINDS[kind], "--json"))[kind]) == [KINDS[kind]]


@pytest.mark.usefixtures("wide")
def test_one_rule_shows_all_that_stands_behind_it():
    text = library_says("rules", "femur_axial")
    assert "sensitivity: 86 %" in text
    assert "may go on all the same: an orthopaedic surgeon" in text
    assert "cortex_axial_mm above 30" in text


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_row_is_refused_with_the_known_ones(kind: str):
    with pytest.raises(InputError, match="the library has: "):
        library_says(kind, "nothing_like_it")
