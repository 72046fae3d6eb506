"""Write docs/reference/screening-rules.md from the tables of the library, so that the two cannot disagree.

python scripts/write_screening.py            write the page
python scripts/write_screening.py --check    only say whether it is up to date (exit code 1 if not)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from iceball import library, screening
from iceball.library import Evidence, ScoreRule, ScreeningRule
from iceball.nouns import Cited

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "screening-rules.md"
MARKS = {"read": "", "computed": " (computed)", "recalled": " (recalled)", "judgement": " (judgement)"}
GROUPS = {
    "lesion": "The lesion and its place",
    "patient": "The patient and the pain",
    "bleeding": "Bleeding and drugs",
    "spine": "Stability of the spine",
    "long bone": "Fracture of a long bone",
    "acetabulum": "The acetabulum",
    "near": "What lies near",
    "plan": "What is planned",
    "scan": "The scan",
}
TOPICS = {
    "patient": "The patient",
    "lesion": "The lesion",
    "bleeding": "Bleeding and drugs",
    "stability": "Stability of the spine",
    "fracture": "Fracture of long bones",
    "cement": "Cement and fixation",
    "protection": "What lies near",
    "biopsy": "Biopsy",
    "scan": "What the scan can tell",
}
HEAD = """# Rules of screening

<!-- Written by scripts/write_screening.py from src/iceball/library. Change the tables, not this page. -->

Every rule, score, site and question of `iceball screen`, as the library has them. How they make a verdict stands in
[](../concepts/screening.md). The same is shown by `iceball library rules`, `scores`, `sites` and `questions`.

A source without a mark was read; *(recalled)* was written from memory and not looked up, *(computed)* was calculated
from read numbers, *(judgement)* was chosen by the authors. Severities are this project's choice throughout. Sources are
keys of [](sources.md).
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *rules(), *scores(), *sites(), *own_rules(), *questions()])


def rules() -> Iterator[str]:
    """The rules, topic by topic."""
    yield "## Rules\n"
    for topic, title in TOPICS.items():
        yield f"### {title}\n"
        yield "| rule | severity | fires where | says | may go on all the same | source |\n|---|---|---|---|---|---|"
        yield from (rule_row(rule) for rule in library.screening_rules() if rule.topic == topic)
        yield ""


def rule_row(rule: ScreeningRule) -> str:
    """One rule as a row."""
    fires = screening.conditions_in_words(rule.fires)
    if rule.when != ((),):
        fires += f", if {screening.when_in_words(rule.when)}"
    if rule.limit is not None and rule.limit.low != rule.limit.high:
        fires += f" (published: {rule.limit.low:g} to {rule.limit.high:g})"
    says = [rule.says, *(figure(name, row) for name, row in rule.figures.items())]
    if rule.not_found:
        says.append(f"Not found: {rule.not_found}.")
    return cells(f"`{rule.key}`", rule.severity, fires, " ".join(says), rule.override, ground(rule.evidence))


def figure(name: str, row: Cited) -> str:
    """One published figure in words."""
    spread = "" if row.low == row.high else f" ({row.low:g} to {row.high:g})"
    unit = "" if row.unit == "1" else f" {row.unit}"
    words = name.replace("_", " ").capitalize()
    return f"{words} {row.value:g}{unit}{spread} ({row.state}; {row.source}{MARKS[row.confidence]})."


def scores() -> Iterator[str]:
    """The scores, item by item."""
    for score in library.scores():
        yield f"## {score.says}\n"
        where = screening.when_in_words(score.when)
        yield f"{score.least} to {score.most} points, {where}. {ground(score.evidence)}.\n"
        yield "| item | answer | points | where | source |\n|---|---|--:|---|---|"
        yield from score_rows(score)
        yield "\n| total | means |\n|--:|---|"
        yield from (cells(f"{each.least} to {each.most}", each.says) for each in score.categories)
        yield ""


def score_rows(score: ScoreRule) -> Iterator[str]:
    """The options of every item."""
    for item in score.items:
        for option in item.options:
            where = screening.conditions_in_words(option.tests)
            same = option.evidence == score.evidence
            yield cells(item.says, option.says, str(option.points), where, "" if same else ground(option.evidence))
    for row in score.rows.values():
        if row.confidence != "read":
            yield cells("", f"{row.state}: {row.value:g}", "", row.note, f"{row.source}{MARKS[row.confidence]}")


def sites() -> Iterator[str]:
    """The site table."""
    yield "## Sites\n"
    yield "| site | what | says | source |\n|---|---|---|---|"
    for site in library.sites().values():
        if site.bleeding is not None:
            yield cells(site.says, "bleeding-risk class", str(site.bleeding_risk_class), ground(site.bleeding))
        for what, text in site.texts.items():
            yield cells(site.says, what, text.says, ground(text.evidence))
    yield "\nWhere a site has no class of its own the bleeding-risk class is asked for.\n"


def own_rules() -> Iterator[str]:
    """What is said besides the tables."""
    yield "## Other findings\n"
    yield "| finding | when |\n|---|---|"
    yield from (cells(name, when) for name, when in screening.OWN_RULES.items())
    yield ""


def questions() -> Iterator[str]:
    """The questions, group by group."""
    yield "## Questions\n"
    yield "The keys of [facts.json](schemas/facts.schema.json) and of `--set`; what is not asked is only measured."
    for group, title in GROUPS.items():
        yield f"\n### {title}: questions\n"
        yield "| key | question | takes | arises | asked | source |\n|---|---|---|---|---|---|"
        for key, asked in library.questions().items():
            if asked.group == group:
                where, by = screening.when_in_words(asked.when), "yes" if asked.asked else "no"
                yield cells(f"`{key}`", asked.asks, screening.takes(asked), where, by, ground(asked.evidence))
    yield ""


def ground(evidence: Evidence) -> str:
    """Source, how far it was read, and the note."""
    note = f": {evidence.note}" if evidence.note else ""
    return f"{evidence.source}{MARKS[evidence.confidence]}{note}"


def cells(*texts: str) -> str:
    """One row of a table."""
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def main() -> None:
    """Write the page, or with --check only compare it."""
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        raise SystemExit(
            0 if current == text else f"{PAGE.name} is not up to date; run: python scripts/{Path(__file__).name}"
        )
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote docs/reference/{PAGE.name}")


if __name__ == "__main__":
    main()
