"""Rules of screening: when a rule speaks, how grave it is, what it rests on and when a clinician may go on."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, cast

from iceball.errors import LibraryError
from iceball.library._conditions import (
    EVIDENCE,
    NUMBER_OPS,
    Condition,
    Conditions,
    Evidence,
    When,
    read_conditions,
    read_evidence,
    read_when,
)
from iceball.library._questions import questions, require_known, situations
from iceball.library._scores import scores
from iceball.library._sites import sites
from iceball.library._tables import (
    Table,
    pick,
    read_row,
    read_rows,
    require_fields,
    require_text,
    sources,
    table,
)
from iceball.nouns import SEVERITIES, Cited, Severity, Source
from iceball.nouns._noun import noun

_FIELDS = ("topic", "severity", "ladder", "when", "if_unknown", "says", "override", "fires", "limit", "figures")
_REST = ("not_found", *EVIDENCE)


@noun
class ScreeningRule:
    """One rule. It fires where ``when`` and all of ``fires`` hold.

    Of the rules of one ``ladder`` only the gravest that fires speaks. ``silent_if_unknown``: nobody is asked for its
    facts. ``limit`` is its threshold, None where it has no number; ``figures`` are published numbers to weigh it by;
    ``not_found`` names what was looked for in the sources and is not there.
    """

    key: str
    topic: str
    severity: Severity
    says: str
    override: str
    when: When
    fires: Conditions
    evidence: Evidence
    figures: Mapping[str, Cited]
    limit: Cited | None = None
    ladder: str = ""
    silent_if_unknown: bool = False
    not_found: str = ""

    @property
    def measured(self) -> Condition:
        """The condition whose value is shown against the limit: the one with the number, else the last."""
        numbers = [test for test in self.fires if test.op in NUMBER_OPS]
        return (numbers or list(self.fires))[-1]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of every source that the rule rests on, its figures included."""
        notes = (Evidence(source=row.source, confidence=row.confidence, note=row.note) for row in self.figures.values())
        return tuple(dict.fromkeys(key for each in (self.evidence, *notes) for key in each.keys))


@functools.cache
def screening_rules() -> tuple[ScreeningRule, ...]:
    """Return the rules of screening, in the order of the table.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_screening_rules(table("screening"), sources())


def screening_rule(key: str) -> ScreeningRule:
    """Return the rule called ``key``, for example "pain_too_weak".

    Raises
    ------
    UnknownName : if the library has no such rule; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return pick("rule of screening", key, {rule.key: rule for rule in screening_rules()})


def read_screening_rules(entries: Table, known: Mapping[str, Source]) -> tuple[ScreeningRule, ...]:
    """Read every rule of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    rules = tuple(_rule(key, entry, known) for key, entry in entries.items())
    for ladder in {rule.ladder for rule in rules if rule.ladder}:
        grades = [SEVERITIES.index(rule.severity) for rule in rules if rule.ladder == ladder]
        if grades != sorted(grades):
            raise LibraryError(f"screening: the rules of the ladder {ladder!r} must go from mild to grave")
    return rules


@functools.cache
def screening_sources() -> tuple[Source, ...]:
    """Return every source that questions, rules, scores and sites rest on, each once, by key.

    Raises
    ------
    LibraryError : if a row of a table breaks a rule
    """
    asked = (each.evidence for each in questions().values())
    options = (option.evidence for score in scores() for item in score.items for option in item.options)
    grounds: Iterable[Evidence] = (*asked, *options, *(score.evidence for score in scores()))
    places = (text.evidence for site in sites().values() for text in site.texts.values())
    keys = {key for each in (*grounds, *places) for key in each.keys}
    keys |= {key for rule in screening_rules() for key in rule.keys}
    keys |= {key for site in sites().values() if site.bleeding for key in site.bleeding.keys}
    return tuple(sources()[key] for key in sorted(keys))


def _rule(key: str, entry: Table, known: Mapping[str, Source]) -> ScreeningRule:
    where = f"screening.{key}"
    require_fields(where, entry, (*_FIELDS, *_REST))
    limit = read_row(f"{where}.limit", cast("Table", entry["limit"]), known) if "limit" in entry else None
    severity = require_text(where, entry, "severity")
    if severity not in SEVERITIES:
        raise LibraryError(f"{where}: severity {severity!r} is unknown; write one of {', '.join(SEVERITIES)}")
    rule = ScreeningRule(
        key=key,
        topic=require_text(where, entry, "topic"),
        severity=severity,
        says=require_text(where, entry, "says"),
        override=require_text(where, entry, "override"),
        when=read_when(where, entry.get("when"), situations()),
        fires=read_conditions(f"{where}.fires", entry.get("fires"), {} if limit is None else {"limit": limit}),
        evidence=_evidence(where, entry, limit, known),
        limit=limit,
        ladder=str(entry.get("ladder", "")),
        silent_if_unknown=_silent(where, entry),
        figures=read_rows(f"{where}.figures", cast("Table", entry.get("figures", {})), known, beside=()),
        not_found=str(entry.get("not_found", "")),
    )
    _refuse_unknown_facts(where, rule)
    return rule


def _evidence(where: str, entry: Table, limit: Cited | None, known: Mapping[str, Source]) -> Evidence:
    """The rule's own evidence, or that of its limit; a rule has one or the other."""
    if limit is None:
        return read_evidence(where, entry, known)
    if twice := [field for field in EVIDENCE if field in entry]:
        raise LibraryError(f"{where} has a limit and {', '.join(twice)} beside it: write them in the limit")
    return Evidence(source=limit.source, confidence=limit.confidence, note=limit.note)


def _silent(where: str, entry: Table) -> bool:
    wanted: Any = entry.get("if_unknown", "ask")
    if wanted not in ("ask", "silent"):
        raise LibraryError(f"{where}: if_unknown is 'silent' or left out, not {wanted!r}")
    return wanted == "silent"


def _refuse_unknown_facts(where: str, rule: ScreeningRule) -> None:
    named = {score.name for score in scores()}
    tests = (*(test for group in rule.when for test in group), *rule.fires)
    facts = [test for test in tests if test.fact not in named]
    require_known(where, facts, questions())
    if not rule.silent_if_unknown and (only := [test.fact for test in facts if not questions()[test.fact].asked]):
        raise LibraryError(f"{where} waits for {', '.join(only)}, which nobody is asked for: write if_unknown")
    if rule.limit is not None:
        unit = "points" if rule.measured.fact in named else questions()[rule.measured.fact].unit
        if rule.limit.unit != unit:
            raise LibraryError(f"{where}.limit is in {rule.limit.unit}; write it in {unit}")
