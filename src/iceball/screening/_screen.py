"""Screen: is this lesion a candidate, and why?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iceball import library, provenance
from iceball.nouns import SEVERITIES, Case, Fact, Finding, Screening, Severity, Verdict
from iceball.provenance import Run
from iceball.screening._judging import Outcome, findings_of, judge
from iceball.screening._known import gather
from iceball.screening._remarks import evidence_of, of_scan, remarks
from iceball.screening._scoring import reckon


def screen(
    facts: Iterable[Fact], *, scan: Iterable[Finding] = (), inputs: tuple[tuple[str, str], ...] = ()
) -> Screening:
    """Hold what is known of a lesion against every rule of the library.

    Nothing is assumed: a rule whose facts are not known waits, and while a rule that waits could still change the
    verdict it is "open". An exclusion that is known decides at once. More answers never change a verdict that is not
    open, but for another answer to a question that had one.

    Parameters
    ----------
    facts : what is known, in any order. Where two origins answer one question, asked goes before label, that before
        measured, that before estimated; the answer set aside becomes a finding.
    scan : doubts about the scan that facts were measured on; they count as any finding does
    inputs : what the facts were taken from, pairs of a name and a fingerprint, for the Run

    Raises
    ------
    UnknownName : if a fact answers no question of the library
    InputError : if a fact is no answer to its question, or one origin answers it twice
    """
    known = gather(facts)
    scores = reckon(known)
    outcomes = judge(known, scores)
    found = sorted(
        (*findings_of(outcomes, known, scores), *remarks(known), *of_scan(scan)),
        key=lambda finding: -SEVERITIES.index(finding.severity),
    )
    shown = tuple(each.score for each in scores.values() if each.applies.holds)
    return Screening(
        verdict=_verdict(found, outcomes),
        findings=tuple(found),
        scores=shown,
        facts=tuple(known.facts[key] for key in library.questions() if key in known.facts),
        asks=tuple(_at_stake(outcomes)),
        run=_run(inputs, found, outcomes, {score.name for score in shown}),
    )


def screen_case(case: Case, answers: Iterable[Fact] = (), *, inputs: tuple[tuple[str, str], ...] = ()) -> Screening:
    """Measure the lesion of ``case`` and screen it, with the answers kept in the case and further ``answers``.

    Parameters
    ----------
    case : a case with a lesion
    answers : what people answered; each takes the place of the case's own answer to the same question
    inputs : fingerprints of what was read, for the Run

    Raises
    ------
    UnknownName : if an answer is to no question of the library
    InputError : if the case cannot be measured, or an answer is none to its question
    """
    from iceball.anatomy import doubting, measures  # slow to import; screening by facts alone does not wait for it

    asked = {fact.key: fact for fact in (*case.facts, *answers)}
    return screen((*measures.measure(case), *asked.values()), scan=doubting.doubts(case), inputs=inputs)


def _verdict(found: Iterable[Finding], outcomes: Iterable[Outcome]) -> Verdict:
    said: set[Severity] = {finding.severity for finding in found}
    waiting: set[Severity] = {outcome.rule.severity for outcome in outcomes if outcome.truth.holds is None}
    if "stop" in said:
        return "not within the evidence"
    if "stop" in waiting:
        return "open"
    if "caution" in said:
        return "candidate with conditions"
    return "open" if "caution" in waiting else "candidate"


def at_stake(done: Screening) -> Mapping[str, Severity]:
    """Return the questions without an answer, each with the gravest finding that a rule waiting for it could make."""
    known = gather(done.facts)
    return _at_stake(judge(known, reckon(known)))


def _at_stake(outcomes: Iterable[Outcome]) -> dict[str, Severity]:
    """First the questions that could exclude, then those of conditions, then of notes."""
    gravest: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.truth.holds is None:
            grade = SEVERITIES.index(outcome.rule.severity)
            gravest |= {key: max(grade, gravest.get(key, 0)) for key in outcome.truth.missing}
    order = list(library.questions())
    return {key: SEVERITIES[gravest[key]] for key in sorted(gravest, key=lambda key: (-gravest[key], order.index(key)))}


def _run(
    inputs: tuple[tuple[str, str], ...], found: Iterable[Finding], outcomes: Iterable[Outcome], scores: set[str]
) -> Run:
    """Run of the screening: it cites every rule that applied, silent ones too, and what was said besides."""
    keys = {key for outcome in outcomes if outcome.applied for key in outcome.rule.keys}
    keys |= {key for finding in found for key in evidence_of(finding).keys}
    for score in library.scores():
        if score.name in scores:
            options = (option.evidence for item in score.items for option in item.options)
            keys |= {key for evidence in (score.evidence, *options) for key in evidence.keys}
    return Run(
        version=provenance.version(),
        inputs=inputs,
        backend="none",
        device="none",
        dtype="none",
        seed=None,
        library=library.digest(),
        sources=tuple(sorted(keys & set(library.sources()))),
        started_at=provenance.now(),
    )
