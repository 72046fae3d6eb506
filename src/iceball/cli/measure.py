"""``iceball measure``: what the CT says of the lesion, and what it cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.nouns import Fact
from iceball.nouns._noun import noun

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of a case with a lesion.", readable=False)]


@noun
class LeftOut:
    """One thing that could not be measured."""

    key: str
    why: str


@noun
class Measured:
    """What `iceball measure` says of a case."""

    id: str
    fingerprint: str
    facts: tuple[Fact, ...]
    left_out: tuple[LeftOut, ...]
    library: str


@app.command()
def measure(case_folder: CaseFolder, as_json: AsJson = False) -> None:
    """Measure the lesion of a case: cortex, walls, distances, and what SINS and Mirels take from the CT.

    Each fact says whether it was measured, estimated or read from a label; what is left out says why.
    """
    from iceball import io, library  # the readers are slow to import; other commands do not wait for them
    from iceball.anatomy import measures

    with progress("Measuring") as advance:
        advance(0.02, "reading the case")
        case = io.read_case(case_folder)
        survey = measures.survey(case, progress=lambda share, text: advance(0.3 + 0.7 * share, text))
    told = Measured(
        id=case.id,
        fingerprint=io.case_fingerprint(case),
        facts=survey.facts,
        left_out=tuple(LeftOut(key=gap.key, why=gap.why) for gap in survey.gaps),
        library=library.digest(),
    )
    if as_json:
        print_json(told)
    else:
        _show(told)


def _show(told: Measured) -> None:
    table = Table(title=f"case {told.id}", title_justify="left")
    for column in ("what", "value", "how", "note"):
        table.add_column(column)
    for fact in told.facts:
        table.add_row(fact.key, _value(fact), fact.origin, escape(fact.note))
    for left_out in told.left_out:
        table.add_row(left_out.key, "not known", "", escape(left_out.why), style="dim")
    out.print(table)


def _value(fact: Fact) -> str:
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, str):
        return escape(fact.value)
    return f"{fact.value:g}" if fact.unit == "1" else f"{fact.value:g} {fact.unit}"
