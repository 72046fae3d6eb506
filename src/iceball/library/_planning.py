"""Rules of a plan's check: how grave each is, what it rests on, and the numbers that the checks measure with."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from iceball.errors import LibraryError
from iceball.library._conditions import EVIDENCE, Evidence, read_evidence
from iceball.library._tables import Table, pick, read_row, read_rows, require_fields, require_text, sources, table
from iceball.nouns import SEVERITIES, Cited, Severity, Source
from iceball.nouns._noun import noun

PLANNING_TOPICS = ("probes", "way", "achieved", "cold", "bone", "cement")
_FIELDS = ("topic", "severity", "says", "override", "limit")


@noun
class PlanningRule:
    """One rule: what it looks at, how grave it is, and when a person may go on all the same.

    ``limit`` is its threshold, None where it has no number; ``evidence`` is what stands behind it.
    """

    key: str
    topic: str
    severity: Severity
    says: str
    override: str
    evidence: Evidence
    limit: Cited | None = None

    @property
    def threshold(self) -> Cited:
        """The limit of a rule that has one; LibraryError for one that has none."""
        if self.limit is None:
            raise LibraryError(f"planning.rules.{self.key} has no limit: write one, or do not ask for it")
        return self.limit


@functools.cache
def planning_rules() -> Mapping[str, PlanningRule]:
    """Return the rules of a plan's check by name, in the order of the table.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_planning_rules(cast("Table", table("planning")["rules"]), sources())


def planning_rule(key: str) -> PlanningRule:
    """Return the rule called ``key``, for example "shaft_enters_structure".

    Raises
    ------
    UnknownName : if the library has no such rule; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return pick("rule of planning", key, planning_rules())


@functools.cache
def planning_numbers() -> Mapping[str, Cited]:
    """Return the numbers that the checks measure with, by name.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("planning.numbers", cast("Table", table("planning")["numbers"]), sources(), beside=())


@functools.cache
def planning_sources() -> tuple[Source, ...]:
    """Return every source that rules and numbers of planning rest on, each once, by key.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    keys = {key for rule in planning_rules().values() for key in rule.evidence.keys}
    for row in planning_numbers().values():
        keys |= set(Evidence(source=row.source, confidence=row.confidence, note=row.note).keys)
    return tuple(sources()[key] for key in sorted(keys))


def read_planning_rules(entries: Table, known: Mapping[str, Source]) -> Mapping[str, PlanningRule]:
    """Read every rule of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return MappingProxyType({key: _rule(key, cast("Table", entry), known) for key, entry in entries.items()})


def _rule(key: str, entry: Table, known: Mapping[str, Source]) -> PlanningRule:
    where = f"planning.rules.{key}"
    require_fields(where, entry, (*_FIELDS, *EVIDENCE))
    severity, topic = require_text(where, entry, "severity"), require_text(where, entry, "topic")
    if severity not in SEVERITIES:
        raise LibraryError(f"{where}: severity {severity!r} is unknown; write one of {', '.join(SEVERITIES)}")
    if topic not in PLANNING_TOPICS:
        raise LibraryError(f"{where}: topic {topic!r} is unknown; write one of {', '.join(PLANNING_TOPICS)}")
    limit = read_row(f"{where}.limit", cast("Table", entry["limit"]), known) if "limit" in entry else None
    if limit is not None and (twice := [field for field in EVIDENCE if field in entry]):
        raise LibraryError(f"{where} has a limit and {', '.join(twice)} beside it: write them in the limit")
    return PlanningRule(
        key=key,
        topic=topic,
        severity=severity,
        says=require_text(where, entry, "says"),
        override=require_text(where, entry, "override"),
        evidence=read_evidence(where, entry, known)
        if limit is None
        else Evidence(source=limit.source, confidence=limit.confidence, note=limit.note),
        limit=limit,
    )
