"""Write docs/reference/planning-rules.md from the tables of the library, so that the two cannot disagree.

python scripts/write_planning_rules.py            write the page
python scripts/write_planning_rules.py --check    only say whether it is up to date (exit code 1 if not)
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from iceball import library
from iceball.library import Evidence, PlanningRule
from iceball.nouns import Cited

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "planning-rules.md"
MARKS = {"read": "", "computed": " (computed)", "recalled": " (recalled)", "judgement": " (judgement)"}
TOPICS = {
    "probes": "The probes among each other",
    "way": "The way of each shaft",
    "achieved": "Probes as they lie",
    "cold": "What the cold reaches",
    "bone": "What the bone loses",
    "cement": "Cement",
}
HEAD = """# Rules of a plan

<!-- Written by scripts/write_planning_rules.py from src/iceball/library. Change the tables, not this page. -->

Every rule of `iceball check`, as the library has them; how to use it: [](../how-to/check-a-plan.md). How cold a
structure may get is not here but in [Judging a run](../concepts/judging.md); how near an instrument may come to each
kind of structure, and how far a probe reaches, in `ways.toml`; what makes a lesion a candidate in
[](screening-rules.md).

A source without a mark was read; *(recalled)* was written from memory and not looked up, *(computed)* was calculated
from read numbers, *(judgement)* was chosen by the authors. Severities are this project's choice throughout. Sources are
keys of [](sources.md).
"""
LADDER = """## Where a severity differs from its rule's

- `shaft_enters_structure`, `shaft_crosses_barrier`: a caution where a person allowed that structure (`--allow`).
- `cement_alone_contraindicated`: a caution while no cement is planned; the stop is for who plans it without a fixation.
- `cement_not_alone`: a note while no cement is planned.
- Findings of the assessment and of the screening (Mirels, SINS, the femur) come with their own rules and severities.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *rules(), *numbers(), LADDER])


def rules() -> Iterator[str]:
    """The rules, topic by topic."""
    for topic, title in TOPICS.items():
        yield f"## {title}\n"
        yield "| rule | severity | says | limit | may go on all the same | source |\n|---|---|---|---|---|---|"
        yield from (row(rule) for rule in library.planning_rules().values() if rule.topic == topic)
        yield ""


def row(rule: PlanningRule) -> str:
    """One rule as a row."""
    limit = "" if rule.limit is None else f"{amount(rule.limit)}: {rule.limit.state}"
    return cells(f"`{rule.key}`", rule.severity, rule.says, limit, rule.override, ground(rule.evidence))


def numbers() -> Iterator[str]:
    """The numbers beside the rules."""
    yield "## What the checks measure with\n"
    yield "| number | value | of | source |\n|---|---|---|---|"
    for name, cited in library.planning_numbers().items():
        evidence = Evidence(source=cited.source, confidence=cited.confidence, note=cited.note)
        yield cells(f"`{name}`", amount(cited), cited.state, ground(evidence))
    yield ""


def amount(cited: Cited) -> str:
    """The value with its spread."""
    unit = "" if cited.unit == "1" else f" {cited.unit}"
    spread = "" if cited.low == cited.high else f" ({cited.low:g} to {cited.high:g})"
    return f"{cited.value:g}{unit}{spread}"


def ground(evidence: Evidence) -> str:
    """What something rests on."""
    note = f": {evidence.note}" if evidence.note else ""
    return f"{evidence.source}{MARKS[evidence.confidence]}{note}"


def cells(*texts: str) -> str:
    """One row of a table."""
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in texts) + " |"


def main() -> int:
    """Write the page, or say whether it is up to date."""
    if "--check" in sys.argv:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
