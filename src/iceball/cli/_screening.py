"""A screening for people: the verdict first and last; between them why, gravest first, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from iceball import library, screening
from iceball.cli._app import out
from iceball.nouns import Fact, Finding, Score, Screening, Severity
from iceball.provenance import RESEARCH_USE

COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim"}
VERDICT_COLOURS = {
    "candidate": "green",
    "candidate with conditions": "yellow",
    "not within the evidence": "bold red",
    "open": "bold magenta",
}
SAYS = {
    "candidate": "no rule stands against it",
    "candidate with conditions": "see the cautions",
    "not within the evidence": "see what says stop",
    "open": "an answer that is missing could still decide",
}
FAR = {
    "read": "read",
    "computed": "computed",
    "recalled": "recalled from memory, not looked up",
    "judgement": "a judgement of the authors",
}
STAKES: dict[Severity, str] = {
    "stop": "could put it outside the evidence",
    "caution": "could set a condition",
    "note": "would only be noted",
}
# The longest key is not broken where the terminal leaves room beside it: a key that is cut cannot be typed.
ROOM_FOR_KEYS = 60


def show(done: Screening, not_measured: Mapping[str, str]) -> None:
    """Print a screening; ``not_measured`` says by key why the CT gave no answer."""
    stakes = screening.at_stake(done)
    _verdict(done)
    out.print(f"  {_counts(done, stakes)}", highlight=False)
    of_site = tuple(finding for finding in done.findings if finding.rule.startswith("site "))
    _findings(tuple(finding for finding in done.findings if finding not in of_site))
    if of_site:
        _site(of_site)
    for score in done.scores:
        _score(score)
    if done.facts:
        _list("What is known", ((fact.key, _known(fact)) for fact in done.facts))
    for stake, says in STAKES.items():
        if keys := [key for key in done.asks if stakes[key] == stake]:
            _list(f"What is missing and {says}", ((key, _asked(key, not_measured)) for key in keys))
    if gaps := {key: why for key, why in not_measured.items() if not library.question(key).asked}:
        _list("Not measured, and nobody is asked", ((key, escape(why)) for key, why in gaps.items()))
    if done.asks:
        out.print("\nAnswer with --set key=value, --facts FILE, or --ask.", style="dim", highlight=False)
    out.print()
    _verdict(done)
    out.print(RESEARCH_USE, highlight=False)


def _verdict(done: Screening) -> None:
    out.print(f"verdict: [{VERDICT_COLOURS[done.verdict]}]{done.verdict}[/]: {SAYS[done.verdict]}.", highlight=False)


def _counts(done: Screening, stakes: Mapping[str, Severity]) -> str:
    """How many findings of each severity there are, and how many answers are missing."""
    said = [finding.severity for finding in done.findings]
    found = ", ".join(f"{said.count(each)} {each}{'s' * (said.count(each) != 1)}" for each in STAKES)
    if not stakes:
        return f"{found}; no answer is missing"
    could = list(stakes.values())
    return (
        f"{found}; {len(could)} answers missing: {could.count('stop')} {STAKES['stop']}, "
        f"{could.count('caution')} {STAKES['caution']}"
    )


def _findings(findings: Iterable[Finding]) -> None:
    rows = ((Text(each.severity, style=COLOURS[each.severity]), _finding(each)) for each in findings)
    _list("Findings, the gravest first", rows)


def _finding(finding: Finding) -> str:
    """What a finding says; under it the numbers and the source, and when a clinician may go on all the same."""
    lines = [escape(finding.says), f"[dim]{_numbers(finding)}{_source(finding)}[/]"]
    if finding.severity != "note" and (override := screening.override_of(finding)):
        lines.append(f"[dim]May go on all the same: {escape(override)}[/]")
    return "\n".join(lines)


def _numbers(finding: Finding) -> str:
    named = (("measured", finding.measured), ("limit", finding.limit))
    given = [f"{what} {value:.4g} {finding.unit}".rstrip() for what, value in named if value is not None]
    return escape(", ".join(given) + "; ") if given else ""


def _source(finding: Finding) -> str:
    evidence = screening.evidence_of(finding)
    if finding.rule in screening.OWN_RULES and evidence.source not in library.sources():
        return "said by iceball itself"
    return f"{escape(evidence.source)}, {FAR[evidence.confidence]}"


def _site(findings: tuple[Finding, ...]) -> None:
    rows = []
    for finding in findings:
        head, _, says = finding.says.partition(": ")
        rows.append((head, f"{escape(says)}\n[dim]{_source(finding)}[/]"))
    _list(f"Site: {library.sites()[findings[0].subject].says}", rows)


def _score(score: Score) -> None:
    rule = next(rule for rule in library.scores() if rule.name == score.name)
    span = str(score.total) if score.total is not None else f"{score.least} to {score.most} so far"
    says = rule.category(score.least).says if score.category else "the answers missing decide"
    title = f"{rule.says}: {span}; {says} ({score.source}, {FAR[rule.evidence.confidence]})"
    table = Table(box=SIMPLE_HEAD)
    for column in ("item", "answer"):
        table.add_column(column, overflow="fold")
    table.add_column("points", justify="right")
    table.add_column("from", no_wrap=True)
    for item in score.items:
        points = "?" if item.points is None else str(item.points)
        table.add_row(escape(item.name), escape(item.says), points, item.origin or "missing")
    out.print(f"\n[bold]{escape(title)}[/]", highlight=False)
    out.print(table)
    if note := rule.evidence.note:
        out.print(f"[dim]{escape(note)}[/]", highlight=False)


def _known(fact: Fact) -> str:
    """The answer, where it came from and how. What follows from the site is a default, whatever the site came from."""
    default = fact.note.startswith("default ")
    how = fact.note if default else f"{fact.origin}: {fact.note}" if fact.note else fact.origin
    return f"{escape(screening.in_words(fact))}  [dim]{escape(how)}[/]"


def _asked(key: str, not_measured: Mapping[str, str]) -> str:
    question = library.question(key)
    why = f"\n[dim]Not measured: {escape(not_measured[key])}[/]" if key in not_measured else ""
    return f"{escape(question.asks)} [dim]({escape(screening.takes(question))})[/]{why}"


def _list(title: str, rows: Iterable[tuple[str | Text, str]]) -> None:
    """Print ``rows`` in two columns under ``title``: what it is, and the text about it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=out.width >= ROOM_FOR_KEYS, overflow="fold")
    table.add_column(overflow="fold")
    for head, text in rows:
        table.add_row(head, text)
    if table.row_count:
        out.print(f"\n[bold]{escape(title)}[/]", highlight=False)
        out.print(table, highlight=False)
