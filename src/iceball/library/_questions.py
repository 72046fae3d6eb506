"""Questions: what screening asks or measures, and which answers it takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, cast

from iceball.errors import LibraryError
from iceball.library._conditions import (
    EVIDENCE,
    NUMBER_OPS,
    Condition,
    Evidence,
    When,
    read_conditions,
    read_evidence,
    read_when,
)
from iceball.library._tables import (
    Table,
    pick,
    require_fields,
    require_text,
    sources,
    table,
)
from iceball.nouns import Source
from iceball.nouns._noun import noun

QuestionKind = Literal["yes_no", "number", "choice", "name"]
KINDS: tuple[QuestionKind, ...] = ("yes_no", "number", "choice", "name")
_FIELDS = ("group", "kind", "says", "asks", "asked", "when", *EVIDENCE)
_OF_KIND: Mapping[str, tuple[str, ...]] = {"number": ("unit", "also", "low", "high", "whole"), "choice": ("choices",)}


@noun
class Question:
    """One thing to know of the patient, the lesion or the scan.

    ``says`` names it in tables, ``asks`` puts it to a person. A number has a ``unit``, other ways to write the same
    unit (``also``), and the range ``low`` to ``high`` that an answer may have (``whole``: no fractions); a choice has
    its ``choices``, each word with a text. ``when`` says where the question arises. ``asked`` False: only measured, or
    set by hand.
    """

    key: str
    group: str
    kind: QuestionKind
    says: str
    asks: str
    when: When
    evidence: Evidence
    asked: bool = True
    unit: str = ""
    also: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a choice."""
        return tuple(word for word, _ in self.choices)


@functools.cache
def questions() -> Mapping[str, Question]:
    """Return every question by its key, in the order of the table.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_questions(table("questions"), sources())


def question(key: str) -> Question:
    """Return the question called ``key``, for example "worst_pain_nrs".

    Raises
    ------
    UnknownName : if the library has no such question; the message names a near match and lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return pick("question", key, questions())


@functools.cache
def situations() -> Mapping[str, When]:
    """Return the named situations of the table, such as "spinal".

    Raises
    ------
    LibraryError : if one is no situation
    """
    return _situations(table("questions"))


def read_questions(entries: Table, known: Mapping[str, Source]) -> Mapping[str, Question]:
    """Read every question of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    named = _situations(entries)
    rows = cast("Mapping[str, Table]", entries.get("questions", {}))
    found = {key: _question(key, entry, named, known) for key, entry in rows.items()}
    for key, asked in found.items():
        require_known(f"questions.{key}.when", (test for group in asked.when for test in group), found)
    for name, when in named.items():
        require_known(f"questions.situations.{name}", (test for group in when for test in group), found)
    return MappingProxyType(found)


def require_known(where: str, conditions: Iterable[Condition], known: Mapping[str, Question]) -> None:
    """Refuse a condition on a fact that has no question, or that its kind of answer cannot meet.

    Raises
    ------
    LibraryError : naming ``where`` it stands
    """
    for condition in conditions:
        asked = known.get(condition.fact)
        if asked is None:
            raise LibraryError(f"{where}: no question {condition.fact!r}")
        if condition.op in NUMBER_OPS and asked.kind != "number":
            raise LibraryError(f"{where}: {condition.fact} is no number")
        allowed = (True, False) if asked.kind == "yes_no" else asked.words
        if condition.op == "is" and (not condition.words or not set(condition.words) <= set(allowed)):
            raise LibraryError(f"{where}: {condition.fact} has no answer {condition.words!r}")


def _situations(entries: Table) -> Mapping[str, When]:
    named = cast("Mapping[str, list[object]]", entries.get("situations", {}))
    return MappingProxyType(
        {
            name: tuple(read_conditions(f"questions.situations.{name}", group, {}) for group in groups)
            for name, groups in named.items()
        }
    )


def _question(key: str, entry: Table, named: Mapping[str, When], known: Mapping[str, Source]) -> Question:
    where = f"questions.{key}"
    kind = require_text(where, entry, "kind")
    if kind not in KINDS:
        raise LibraryError(f"{where}: kind {kind!r} is unknown; write one of {', '.join(KINDS)}")
    require_fields(where, entry, (*_FIELDS, *_OF_KIND.get(kind, ())))
    low, high = _range(where, entry) if kind == "number" else (None, None)
    choices = cast("dict[str, str]", entry.get("choices", {}))
    if kind == "choice" and len(choices) < 2:
        raise LibraryError(f"{where} is a choice of {len(choices)}: write at least two words in choices")
    return Question(
        key=key,
        group=require_text(where, entry, "group"),
        kind=kind,
        says=require_text(where, entry, "says"),
        asks=require_text(where, entry, "asks"),
        when=read_when(where, entry.get("when"), named),
        evidence=read_evidence(where, entry, known),
        asked=bool(entry.get("asked", True)),
        unit=require_text(where, entry, "unit") if kind == "number" else "",
        also=tuple(cast("list[str]", entry.get("also", []))),
        low=low,
        high=high,
        whole=bool(entry.get("whole", False)),
        choices=tuple(choices.items()),
    )


def _range(where: str, entry: Table) -> tuple[float, float]:
    low, high = entry.get("low"), entry.get("high")
    for value in (low, high):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise LibraryError(f"{where} is a number without its range: write low and high")
    low, high = float(cast("float", low)), float(cast("float", high))
    if not low < high:
        raise LibraryError(f"{where}: its range {low:g} to {high:g} is empty")
    return low, high
