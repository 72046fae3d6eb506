"""Findings that are no rule of the tables: the site's row, defaults, and answers that were not used."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from iceball import library
from iceball.library import Evidence
from iceball.nouns import Fact, Finding, Severity
from iceball.screening._judging import judge
from iceball.screening._known import BLEEDING, BONE, FEMUR_PART, SITE, Known, is_femur
from iceball.screening._logic import arises
from iceball.screening._scoring import reckon
from iceball.screening._words import in_words

DESIGN = "DESIGN"  # a rule of this package: no entry of sources.bib stands behind it
CONTRADICTION, NOT_USED, CLASS_OF_SITE = "answers that differ", "answer not used", "bleeding class of the site"
OWN_RULES = {
    CONTRADICTION: "two answers to one question differ: the surer one is used (asked, label, measured, estimated). A "
    "caution, but a note where two numbers lead every rule and every score to the same. A caution too where the "
    "name of the bone and the part of the femur do not go together",
    NOT_USED: "a person answered a question that does not arise at this site",
    CLASS_OF_SITE: "the bleeding-risk class was taken from the site, or set by hand to another than the site's",
    "site ...": "the row of the site table: way in, what decides there, adjunct, cement",
}
_HEADS = {"approach": "Way in", "consideration": "Decides here", "adjunct": "Goes with it", "cement": "Cement"}


def remarks(known: Known) -> Iterator[Finding]:
    """What is to be said besides the rules."""
    yield from (_of_aside(fact, known) for fact in known.aside)
    yield from _of_femur(known)
    yield from _of_unused(known)
    yield from _of_site(known)


SCAN = "scan"  # before the rule of a doubt about the scan, which is no rule of the tables


def of_scan(doubts: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return doubts about the scan as findings of a screening."""
    return tuple(dataclasses.replace(each, rule=f"{SCAN} {each.rule}", subject=each.subject or SCAN) for each in doubts)


def evidence_of(finding: Finding) -> Evidence:
    """Return what ``finding`` rests on: source, confidence and note of its rule or of its cell of the site table."""
    head, _, text = finding.rule.partition(" ")
    if head == SCAN:
        return Evidence(
            source=finding.source, confidence="judgement", note="a doubt about the scan: see tissue from CT"
        )
    if head == "site":
        return library.sites()[finding.subject].texts[text].evidence
    if finding.rule == CLASS_OF_SITE and (row := library.sites()[finding.subject].bleeding):
        return row
    if finding.rule in OWN_RULES:
        return Evidence(source=DESIGN, confidence="judgement", note=OWN_RULES[finding.rule])
    return library.screening_rule(finding.rule).evidence


def override_of(finding: Finding) -> str:
    """Return when a clinician may go on all the same; empty where the finding is no rule of the tables."""
    known = {rule.key: rule.override for rule in library.screening_rules()}
    return known.get(finding.rule, "")


def _of_aside(other: Fact, known: Known) -> Finding:
    used = known.facts[other.key]
    asked = library.question(other.key)
    same = asked.kind == "number" and _consequences(known) == _consequences(known.with_fact(other))
    tail = " Every rule and score is the same for both." if same else " What follows differs: look which is right."
    return _own(
        CONTRADICTION,
        "note" if same else "caution",
        f"{asked.says[:1].upper()}{asked.says[1:]}: {used.origin} {in_words(used)}, {other.origin} {in_words(other)}. "
        f"{used.origin.capitalize()} is used.{tail}",
        other.key,
    )


def _of_femur(known: Known) -> Iterator[Finding]:
    """The bone's name and the part of the femur, where they contradict: the rules of the femur rest on the part."""
    bone, part = known.facts.get(BONE), known.facts.get(FEMUR_PART)
    if bone is None or part is None or arises(FEMUR_PART, known).holds is not True:
        return
    if is_femur(bone) is (part.value == "none"):
        says = f"Bone: {bone.value}; part of the femur: {in_words(part)}. The part is used: look which is right."
        yield _own(CONTRADICTION, "caution", says, FEMUR_PART)


def _consequences(known: Known) -> tuple[object, ...]:
    scores = reckon(known)
    points = tuple(item.points for reckoned in scores.values() for item in reckoned.score.items)
    return (*(outcome.truth.holds for outcome in judge(known, scores)), *points)


def _of_unused(known: Known) -> Iterator[Finding]:
    for key, fact in known.facts.items():
        if fact.origin == "asked" and arises(key, known).holds is False:
            says = f"{library.question(key).says}: {in_words(fact)}. Not used: the question does not arise here."
            yield _own(NOT_USED, "note", says[:1].upper() + says[1:], key)


def _of_site(known: Known) -> Iterator[Finding]:
    row = library.sites().get(str(known.value(SITE)))
    if row is None or row.excluded:
        return
    for text, cell in row.texts.items():
        yield Finding(
            rule=f"site {text}",
            severity="note",
            says=f"{_HEADS[text]}: {cell.says}.",
            source=cell.evidence.source,
            subject=row.key,
        )
    taken = known.facts.get(BLEEDING)
    if row.bleeding is not None and taken is not None:
        if taken.origin != "asked":
            says = f"Bleeding risk is taken as {taken.value}, as a default of the site: set {BLEEDING} to change it."
        elif taken.value != row.bleeding_risk_class:
            says = f"Bleeding risk was set to {taken.value}; the default of the site is {row.bleeding_risk_class}."
        else:
            return
        yield Finding(rule=CLASS_OF_SITE, severity="note", says=says, source=row.bleeding.source, subject=row.key)


def _own(rule: str, severity: Severity, says: str, subject: str) -> Finding:
    return Finding(rule=rule, severity=severity, says=says, source=DESIGN, subject=subject)
