"""The rules: which of them fire, which wait for an answer, and what those that fire say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iceball import library
from iceball.library import ScreeningRule
from iceball.nouns import Cited, Finding
from iceball.nouns._noun import noun
from iceball.screening._known import Known
from iceball.screening._logic import Scores, Truth, all_hold, applies, holds, where
from iceball.screening._words import amount


@noun
class Outcome:
    """What became of one rule: it fires, is silent, or waits. ``applied``: it was not ruled out by where it applies."""

    rule: ScreeningRule
    truth: Truth
    applied: bool


def judge(known: Known, scores: Scores) -> tuple[Outcome, ...]:
    """Try every rule of the library, in its order."""
    return tuple(_outcome(rule, known, scores) for rule in library.screening_rules())


def _outcome(rule: ScreeningRule, known: Known, scores: Scores) -> Outcome:
    gate = applies(rule.when, known)
    truth = where(gate, all_hold(holds(test, known, scores) for test in rule.fires))
    if truth.holds is None and rule.silent_if_unknown:
        truth = Truth(holds=False)
    return Outcome(rule=rule, truth=truth, applied=gate.holds is not False)


def findings_of(outcomes: Iterable[Outcome], known: Known, scores: Scores) -> Iterator[Finding]:
    """What the rules that fire say; of a ladder only the gravest."""
    fired = [outcome.rule for outcome in outcomes if outcome.truth.holds]
    last = {rule.ladder: rule for rule in fired if rule.ladder}
    for rule in fired:
        if not rule.ladder or last[rule.ladder] is rule:
            yield _finding(rule, known, scores)


def _finding(rule: ScreeningRule, known: Known, scores: Scores) -> Finding:
    measured, limit, unit = _numbers(rule, known, scores)
    return Finding(
        rule=rule.key,
        severity=rule.severity,
        says=" ".join(_sentences(rule, known, scores)),
        source=rule.evidence.source,
        subject=rule.measured.fact,
        measured=measured,
        limit=limit,
        unit=unit,
    )


def _numbers(rule: ScreeningRule, known: Known, scores: Scores) -> tuple[float | None, float | None, str]:
    """Measured value, limit and unit as they are shown: shares per cent, a score by its least possible total."""
    key = rule.measured.fact
    limit = None if rule.limit is None else rule.limit.value
    if key in scores:
        score = scores[key].score
        return float(score.most if rule.measured.op in ("below", "at_most") else score.least), limit, "points"
    value, asked = known.value(key), library.question(key)
    if isinstance(value, bool | str) or value is None:
        return None, limit, ""
    if asked.unit == "1" and asked.high == 1.0:
        return 100.0 * value, None if limit is None else 100.0 * limit, "%"
    return value, limit, "" if asked.unit == "1" else asked.unit


def _sentences(rule: ScreeningRule, known: Known, scores: Scores) -> Iterator[str]:
    yield rule.says
    for score in (scores[test.fact].score for test in rule.fires if test.fact in scores):
        if score.total is None:
            yield f"So far the score is {score.least} to {score.most}."
    if rule.limit is not None and rule.limit.low != rule.limit.high and rule.limit.confidence in ("read", "recalled"):
        spread = f"{rule.limit.low:g} to {amount(rule.limit.high, rule.limit.unit)}"
        yield f"The source gives {spread}: the stricter end decides."
    if rule.figures:
        yield "Published: " + "; ".join(_figure(name, row) for name, row in rule.figures.items()) + "."
    if rule.not_found:
        yield f"Not found: {rule.not_found}."
    used = [known.facts[test.fact] for test in rule.fires if test.fact in known.facts]
    if any(fact.origin == "estimated" for fact in used) or _rests_on_an_estimate(rule, scores):
        yield "Measured on an outline that iceball estimated."


def _rests_on_an_estimate(rule: ScreeningRule, scores: Scores) -> bool:
    named = [scores[test.fact].score for test in rule.fires if test.fact in scores]
    return any(item.origin == "estimated" for score in named for item in score.items)


def _figure(name: str, row: Cited) -> str:
    spread = "" if row.low == row.high else f" ({row.low:g} to {row.high:g})"
    return f"{name.replace('_', ' ')} {amount(row.value, row.unit)}{spread} [{row.source}]"
