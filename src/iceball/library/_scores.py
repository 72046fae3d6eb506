"""Scores: SINS and Mirels as data, an item an ordered list of options."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from iceball.errors import LibraryError
from iceball.library._conditions import EVIDENCE, Conditions, Evidence, When, read_conditions, read_evidence, read_when
from iceball.library._questions import questions, require_known, situations
from iceball.library._tables import Table, read_rows, require_fields, require_text, sources, table
from iceball.nouns import Cited, Source
from iceball.nouns._noun import noun

_SCORE = ("says", "when", "rows", "items", "categories", *EVIDENCE)
_OPTION = ("points", "says", "if", *EVIDENCE)


@noun
class ScoreOption:
    """The ``points`` of one answer, and the tests under which they are given."""

    points: int
    says: str
    tests: Conditions
    evidence: Evidence


@noun
class ScoreItemRule:
    """One line of a score: the first option whose tests hold gives the points."""

    name: str
    says: str
    options: tuple[ScoreOption, ...]

    @property
    def facts(self) -> tuple[str, ...]:
        """Keys of the facts that the options look at, each once."""
        return tuple(dict.fromkeys(test.fact for option in self.options for test in option.tests))


@noun
class ScoreCategory:
    """A range of totals and what it is called; both ends belong to it."""

    name: str
    least: int
    most: int
    says: str


@noun
class ScoreRule:
    """A clinical score: where it applies, its items and categories, and the ``rows`` its tests compare with."""

    name: str
    says: str
    when: When
    items: tuple[ScoreItemRule, ...]
    categories: tuple[ScoreCategory, ...]
    rows: Mapping[str, Cited]
    evidence: Evidence

    @property
    def least(self) -> int:
        """The smallest total."""
        return sum(min(option.points for option in item.options) for item in self.items)

    @property
    def most(self) -> int:
        """The largest total."""
        return sum(max(option.points for option in item.options) for item in self.items)

    def category(self, total: int) -> ScoreCategory:
        """Return the category that ``total`` falls into."""
        return next(each for each in self.categories if each.least <= total <= each.most)


@functools.cache
def scores() -> tuple[ScoreRule, ...]:
    """Return the scores of the library, in the order of the table.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_scores(table("scores"), sources())


def read_scores(entries: Table, known: Mapping[str, Source]) -> tuple[ScoreRule, ...]:
    """Read every score of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return tuple(_score(name, entry, known) for name, entry in entries.items())


def _score(name: str, entry: Table, known: Mapping[str, Source]) -> ScoreRule:
    where = f"scores.{name}"
    require_fields(where, entry, _SCORE)
    rows = read_rows(f"{where}.rows", cast("Table", entry.get("rows", {})), known, beside=())
    evidence = read_evidence(where, entry, known)
    items = tuple(_item(where, item, rows, evidence, known) for item in cast("list[Table]", entry["items"]))
    score = ScoreRule(
        name=name,
        says=require_text(where, entry, "says"),
        when=read_when(where, entry.get("when"), situations()),
        items=items,
        categories=tuple(_category(where, each) for each in cast("list[Table]", entry["categories"])),
        rows=MappingProxyType(dict(rows)),
        evidence=evidence,
    )
    _refuse_gaps(where, score)
    return score


def _item(
    where: str, entry: Table, rows: Mapping[str, Cited], evidence: Evidence, known: Mapping[str, Source]
) -> ScoreItemRule:
    require_fields(where, entry, ("name", "says", "options"))
    name = require_text(where, entry, "name")
    options = tuple(
        _option(f"{where}.{name}", each, rows, evidence, known) for each in cast("list[Table]", entry["options"])
    )
    return ScoreItemRule(name=name, says=require_text(f"{where}.{name}", entry, "says"), options=options)


def _option(
    where: str, entry: Table, rows: Mapping[str, Cited], evidence: Evidence, known: Mapping[str, Source]
) -> ScoreOption:
    require_fields(where, entry, _OPTION)
    points = entry.get("points")
    if isinstance(points, bool) or not isinstance(points, int):
        raise LibraryError(f"{where}: points are whole numbers, not {points!r}")
    tests = read_conditions(where, entry.get("if"), rows)
    require_known(where, tests, questions())
    own: dict[str, Any] = {field: entry[field] for field in EVIDENCE if field in entry}
    if own:
        evidence = read_evidence(where, {"source": "iceball_judgement"} | own, known)
    return ScoreOption(points=points, says=require_text(where, entry, "says"), tests=tests, evidence=evidence)


def _category(where: str, entry: Table) -> ScoreCategory:
    require_fields(where, entry, ("name", "from", "to", "says"))
    return ScoreCategory(
        name=require_text(where, entry, "name"),
        least=int(entry["from"]),
        most=int(entry["to"]),
        says=require_text(where, entry, "says"),
    )


def _refuse_gaps(where: str, score: ScoreRule) -> None:
    """Refuse categories that leave a total out, or hold one twice."""
    covered = [total for each in score.categories for total in range(each.least, each.most + 1)]
    if covered != list(range(score.least, score.most + 1)):
        raise LibraryError(f"{where}: its categories must cover {score.least} to {score.most} once, in order")
