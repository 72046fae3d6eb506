"""The tables of screening for ``iceball library``: questions, rules, scores, sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball import library, screening
from iceball.cli._app import out, print_json
from iceball.cli.library import LEGEND, MARKS
from iceball.errors import UnknownName
from iceball.library import Evidence, ScoreRule, ScreeningRule

_Row = TypeVar("_Row")


def questions(name: str | None, as_json: bool) -> None:
    """Show the questions, or the one called ``name``."""
    shown = _chosen("question", library.questions(), name)
    if as_json:
        _json("questions", shown, _keys(each.evidence for each in shown.values()))
        return
    table = _table("key", "question", "takes", "arises", "source")
    for key, asked in shown.items():
        question = escape(asked.asks) + ("" if asked.asked else " [dim](measured; nobody is asked)[/]")
        table.add_row(
            key, question, escape(screening.takes(asked)), screening.when_in_words(asked.when), _source(asked.evidence)
        )
    _close(table, _keys(each.evidence for each in shown.values()))


def rules(name: str | None, as_json: bool) -> None:
    """Show the rules, or the one called ``name`` with all that stands behind it."""
    known = {rule.key: rule for rule in library.screening_rules()}
    shown = _chosen("rule", known, name)
    if as_json:
        _json("rules", shown, {key for rule in shown.values() for key in rule.keys})
        return
    table = _table("rule", "severity", "fires where", "says", "source")
    for rule in shown.values():
        fires = screening.conditions_in_words(rule.fires)
        if rule.when != ((),):
            fires = f"{fires}\n[dim]if {screening.when_in_words(rule.when)}[/]"
        table.add_row(rule.key, rule.severity, fires, escape(rule.says), _source(rule.evidence))
    if name:
        _print_behind(known[name])
    _close(table, {key for rule in shown.values() for key in rule.keys})


def scores(name: str | None, as_json: bool) -> None:
    """Show the scores, or the one called ``name``."""
    shown = _chosen("score", {score.name: score for score in library.scores()}, name)
    if as_json:
        _json("scores", shown, _keys(each for score in shown.values() for each in _of_score(score)))
        return
    for score in shown.values():
        table = _table(
            "item", "answer", "where", "points", "source", title=f"{score.says}, {score.least} to {score.most}"
        )
        for item in score.items:
            for option in item.options:
                tests = screening.conditions_in_words(option.tests)
                table.add_row(item.says, escape(option.says), tests, str(option.points), _source(option.evidence))
        ranges = (f"{each.least} to {each.most}: {each.says}" for each in score.categories)
        table.caption, table.caption_justify = escape("; ".join(ranges)), "left"
        _close(table, _keys(_of_score(score)))


def sites(name: str | None, as_json: bool) -> None:
    """Show the site table, or the row called ``name``."""
    shown = _chosen("site", library.sites(), name)
    grounds = [cell.evidence for site in shown.values() for cell in site.texts.values()]
    keys = _keys((*grounds, *(site.bleeding for site in shown.values() if site.bleeding)))
    if as_json:
        _json("sites", shown, keys)
        return
    table = _table("site", "what", "says", "source")
    for site in shown.values():
        if site.bleeding is not None:
            table.add_row(site.key, "bleeding_risk_class", site.bleeding_risk_class, _source(site.bleeding))
        for what, cell in site.texts.items():
            table.add_row(site.key, what, escape(cell.says), _source(cell.evidence))
    _close(table, keys)


def _of_score(score: ScoreRule) -> list[Evidence]:
    return [score.evidence, *(option.evidence for item in score.items for option in item.options)]


def _print_behind(rule: ScreeningRule) -> None:
    said = {"may go on all the same": rule.override, "note": rule.evidence.note, "not found": rule.not_found}
    for what, text in said.items():
        if text:
            out.print(f"  [bold]{what}[/]: {escape(text)}", highlight=False)
    for what, row in rule.figures.items():
        spread = "" if row.low == row.high else f" ({row.low:g} to {row.high:g})"
        says = f"{row.value:g} {row.unit}{spread}, {row.state} ({row.confidence}, {row.source}). {row.note}"
        out.print(f"  [bold]{what.replace('_', ' ')}[/]: {escape(says)}", highlight=False)


def _chosen(kind: str, rows: Mapping[str, _Row], name: str | None) -> Mapping[str, _Row]:
    if name is None:
        return rows
    if name not in rows:
        raise UnknownName(f"no {kind} {name!r}; the library has: {', '.join(rows)}")
    return {name: rows[name]}


def _keys(grounds: Iterable[Evidence]) -> set[str]:
    return {key for evidence in grounds for key in evidence.keys}


def _json(kind: str, shown: Mapping[str, object], keys: Iterable[str]) -> None:
    known = library.sources()
    print_json({kind: shown, "sources": {key: known[key] for key in sorted(keys)}, "library": library.digest()})


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")  # a key that is cut off cannot be typed
    return table


def _source(evidence: Evidence) -> str:
    return f"{evidence.source}{MARKS[evidence.confidence]}"


def _close(table: Table, keys: Iterable[str]) -> None:
    out.print(table)
    out.print(LEGEND, style="dim", highlight=False)
    known = library.sources()
    for key in sorted(keys):
        source = known[key]
        note = f" {source.note}" if source.note else ""
        out.print(f"  [bold]{key}[/]: {escape(str(source) + note)}", highlight=False, soft_wrap=True)
