"""A screening as one plain object, for --json and for screening.json."""

from __future__ import annotations

import dataclasses
from typing import Any

from iceball import library
from iceball.nouns import Finding, Screening, Severity
from iceball.provenance import RESEARCH_USE
from iceball.screening._remarks import evidence_of, override_of
from iceball.screening._screen import at_stake
from iceball.screening._words import takes


def as_object(screening: Screening) -> dict[str, Any]:
    """Return ``screening`` as dictionaries, lists and plain values.

    Besides the noun's own fields: each finding with its confidence, its note and when a clinician may go on all the
    same (``override``); and ``questions``, those without an answer, with what they take and how
    grave a finding the answer ``could`` bring.
    """
    return {
        "verdict": screening.verdict,
        "findings": [_finding(each) for each in screening.findings],
        "scores": [dataclasses.asdict(score) for score in screening.scores],
        "facts": [dataclasses.asdict(fact) for fact in screening.facts],
        "asks": list(screening.asks),
        "questions": [_question(key, could) for key, could in at_stake(screening).items()],
        "research_use": RESEARCH_USE,
        "run": dataclasses.asdict(screening.run),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    evidence = evidence_of(finding)
    more = {"confidence": evidence.confidence, "note": evidence.note, "override": override_of(finding)}
    return dataclasses.asdict(finding) | more


def _question(key: str, could: Severity) -> dict[str, Any]:
    asked = library.question(key)
    return {
        "key": key,
        "asks": asked.asks,
        "could": could,
        "kind": asked.kind,
        "takes": takes(asked),
        "unit": asked.unit,
        "low": asked.low,
        "high": asked.high,
        "choices": dict(asked.choices),
    }
