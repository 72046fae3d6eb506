"""A screening as tables for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from iceball import library, screening
from iceball.cli._app import out
from iceball.nouns import Finding, Score, Screening
from iceball.provenance import RESEARCH_USE

COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim"}
VERDICT_COLOURS = {
    "candidate": "green",
    "candidate with conditions": "yellow",
    "not within the evidence": "bold red",
    "open": "bold magenta",
}
MARKS = {"read": "", "computed": "", "recalled": " ?", "judgement": " !"}
LEGEND = "? recalled from memory, not looked up   ! judgement of the authors"
SAYS = {
    "candidate": "no rule stands against it",
    "candidate with conditions": "see the cautions",
    "not within the evidence": "see what says stop",
    "open": "an answer that is missing could still decide",
}


def show(done: Screening, not_measured: Mapping[str, str]) -> None:
    """Print a screening as tables; ``not_measured`` says by key why the CT gave no answer."""
    of_site = tuple(finding for finding in done.findings if finding.rule.startswith("site "))
    out.print(_findings(tuple(finding for finding in done.findings if finding not in of_site)))
    if of_site:
        out.print(_site(of_site))
    out.print(LEGEND, style="dim", highlight=False)
    for score in done.scores:
        out.print(_score(score))
    if done.facts:
        out.print(_facts(done))
    if done.asks:
        out.print(_asks(done, not_measured))
        out.print("Answer with --set key=value, --facts FILE, or --ask.", style="dim", highlight=False)
    colour = VERDICT_COLOURS[done.verdict]
    out.print(f"verdict: [{colour}]{done.verdict}[/]: {SAYS[done.verdict]}. {RESEARCH_USE}", highlight=False)


def _findings(findings: tuple[Finding, ...]) -> Table:
    table = _table("Findings", "severity", "finding")
    for head in ("measured", "limit"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.severity, style=COLOURS[finding.severity]),
            _with_override(finding),
            _number(finding.measured, finding.unit),
            _number(finding.limit, finding.unit),
            _source(finding),
        )
    return table


def _site(findings: tuple[Finding, ...]) -> Table:
    table = _table(f"Site: {library.sites()[findings[0].subject].says}", "what the site asks for", "source")
    for finding in findings:
        table.add_row(escape(finding.says), _source(finding))
    return table


def _source(finding: Finding) -> str:
    return f"{escape(finding.source)}{MARKS[screening.evidence_of(finding).confidence]}"


def _with_override(finding: Finding) -> str:
    override = screening.override_of(finding)
    tail = f"\n[dim]May go on all the same: {escape(override)}[/]" if finding.severity != "note" and override else ""
    return escape(finding.says) + tail


def _score(score: Score) -> Table:
    rule = next(rule for rule in library.scores() if rule.name == score.name)
    span = str(score.total) if score.total is not None else f"{score.least} to {score.most} so far"
    says = rule.category(score.least).says if score.category else "the answers missing decide"
    table = _table(f"{rule.says}: {span}; {says} ({score.source})", "item", "answer")
    table.add_column("points", justify="right")
    table.add_column("from")
    for item in score.items:
        points = "?" if item.points is None else str(item.points)
        table.add_row(escape(item.name), escape(item.says), points, item.origin or ", ".join(item.facts))
    if note := rule.evidence.note:
        table.caption, table.caption_justify = escape(note), "left"
    return table


def _facts(done: Screening) -> Table:
    table = _table("What is known", "key", "answer", "from", "how")
    for fact in done.facts:
        table.add_row(fact.key, escape(screening.in_words(fact)), fact.origin, escape(fact.note))
    return table


def _asks(done: Screening, not_measured: Mapping[str, str]) -> Table:
    table = _table("What is missing, the most decisive first", "key", "question", "takes")
    for key in done.asks:
        question = library.question(key)
        why = f"\n[dim]Not measured: {escape(not_measured[key])}[/]" if key in not_measured else ""
        table.add_row(key, escape(question.asks) + why, escape(screening.takes(question)))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, overflow="fold")  # a key that is cut off cannot be typed
    return table


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.4g} {unit}".strip()
