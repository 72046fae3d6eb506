"""Tests on facts, as the tables of screening write them; whether they hold is for ``screening`` to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from iceball.errors import LibraryError
from iceball.library._tables import Table, cited_in
from iceball.nouns import CONFIDENCES, Cited, Confidence, Source
from iceball.nouns._noun import noun

Op = Literal["is", "below", "at_most", "above", "at_least", "known"]
NUMBER_OPS: tuple[Op, ...] = ("below", "at_most", "above", "at_least")
EVIDENCE = ("source", "confidence", "note")


@noun
class Condition:
    """One test on one fact or score: it ``is`` one of ``words``, lies beyond ``bound``, or is ``known`` at all.

    ``bound`` is in the unit of the fact's question.
    """

    fact: str
    op: Op
    words: tuple[bool | str, ...] = ()
    bound: float | None = None


# All of a group must hold, and one group is enough.
Conditions = tuple[Condition, ...]
When = tuple[Conditions, ...]


@noun
class Evidence:
    """What a rule, a definition or a site rests on where it is no number: the source and how far it was read."""

    source: str
    confidence: Confidence
    note: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The source, and those that the note names in square brackets."""
        return (self.source, *cited_in(self.note))


def read_evidence(where: str, entry: Table, known: Mapping[str, Source]) -> Evidence:
    """Read source, confidence and note of ``entry``; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if one is absent, the source or confidence is unknown, or a judgement has no reasoning
    """
    source, confidence, note = (str(entry.get(field, "")) for field in EVIDENCE)
    if confidence not in CONFIDENCES:
        raise LibraryError(f"{where}: confidence {confidence!r} is unknown; write one of {', '.join(CONFIDENCES)}")
    evidence = Evidence(source=source, confidence=confidence, note=note)
    for key in evidence.keys:
        if key not in known:
            raise LibraryError(f"{where}: source {key!r} is not in sources.bib; add it there")
    if confidence == "judgement" and not note:
        raise LibraryError(f"{where} is a judgement without its reasoning: write it in note")
    return evidence


def read_conditions(where: str, entry: object, rows: Mapping[str, Cited]) -> Conditions:
    """Read ``{ fact = test, ... }``; ``rows`` are the thresholds that a test may name.

    Raises
    ------
    LibraryError : if a test is no test, or names a row that is not there
    """
    if not isinstance(entry, dict) or not entry:
        raise LibraryError(f"{where} is {entry!r}: write {{ fact = test }}, at least one")
    tests = cast("dict[str, object]", entry)
    return tuple(_condition(f"{where}.{fact}", fact, test, rows) for fact, test in tests.items())


def read_when(where: str, entry: object, situations: Mapping[str, When]) -> When:
    """Read where something applies: the name of one of the ``situations``, or tests; without any, everywhere.

    Raises
    ------
    LibraryError : if the situation is not there, or the tests are none
    """
    if entry is None:
        return ((),)
    if isinstance(entry, str):
        if entry not in situations:
            raise LibraryError(f"{where}: no situation {entry!r}; there are: {', '.join(situations)}")
        return situations[entry]
    groups = cast("list[object]", entry) if isinstance(entry, list) else [entry]
    return tuple(read_conditions(where, group, {}) for group in groups)


def _condition(where: str, fact: str, test: object, rows: Mapping[str, Cited]) -> Condition:
    if isinstance(test, bool):
        return Condition(fact=fact, op="is", words=(test,))
    if isinstance(test, list):
        return Condition(fact=fact, op="is", words=tuple(cast("list[bool | str]", test)))
    if isinstance(test, dict) and len(cast("dict[str, Any]", test)) == 1:
        op, name = next(iter(cast("dict[str, Any]", test).items()))
        if op == "known" and name is True:
            return Condition(fact=fact, op="known")
        if op in NUMBER_OPS:
            if name not in rows:
                raise LibraryError(f"{where}: no row {name!r} to compare with; there are: {', '.join(rows) or 'none'}")
            return Condition(fact=fact, op=op, bound=rows[name].value)
    raise LibraryError(
        f"{where} is {test!r}: write true, false, a list of words, {{ {' | '.join(NUMBER_OPS)} = row }} "
        "or { known = true }"
    )
