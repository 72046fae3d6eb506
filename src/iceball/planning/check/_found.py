"""Findings of this folder: the rule's severity and source from the library, the words from the place that measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import library
from iceball.assessment.words import in_words
from iceball.nouns import SEVERITIES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from iceball.nouns import Severity, Structure


def found(  # noqa: PLR0913  (a finding has so many parts)
    key: str,
    says: str,
    *,
    subject: str = "",
    measured: float | None = None,
    limit: float | None = None,
    unit: str = "",
    severity: Severity | None = None,
) -> Finding:
    """Make a finding of the rule called ``key``; its limit and unit are the library's where it has one.

    Raises
    ------
    UnknownName : if the library has no such rule
    """
    rule = library.planning_rule(key)
    if rule.limit is not None:
        limit, unit = rule.limit.value, rule.limit.unit
    return Finding(
        rule=key,
        severity=severity or rule.severity,
        says=says,
        source=rule.evidence.source,
        subject=subject,
        measured=measured,
        limit=limit,
        unit=unit,
    )


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity; what is equally grave keeps its order."""
    return tuple(sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity)))


def named(structure: Structure) -> str:
    """Return the name of ``structure`` for the middle of a sentence, and whether nobody drew it."""
    text = in_words(structure.name)
    text = text[:1].lower() + text[1:]
    return f"the {text}" + (" (outline estimated by iceball)" if structure.estimated else "")
