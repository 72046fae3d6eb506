"""``iceball cohort``: plan many cases, into one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball.assessment.words import percent
from iceball.cli._app import AsJson, app, err, out, print_json, progress
from iceball.cli.ensemble import Scheduler
from iceball.provenance import RESEARCH_USE

if TYPE_CHECKING:
    from iceball.cohort import Cohort

CaseFolders = Annotated[list[Path], typer.Argument(metavar="CASES", help="Folders of cases.", readable=False)]
PlanWith = Annotated[
    str,
    typer.Option("--plan-with", metavar="OPTIONS", help="Options of `iceball plan` for every case, in quotes, such as "
                 "'--probe argon-17g-30mm --protocol 10-8-10'."),
]  # fmt: skip
OutFolder = Annotated[
    Path,
    typer.Option("--out", metavar="FOLDER", help="Folder for plans and table; what it holds is not done again.",
                 readable=False),
]  # fmt: skip
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", help="Cases side by side; by default one, with all cores.")
]
COLOURS = {"planned": "green", "stop": "bold red", "failed": "yellow"}


@app.command()
def cohort(
    case_folders: CaseFolders,
    plan_with: PlanWith,
    out_folder: OutFolder,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    as_json: AsJson = False,
) -> None:
    """Plan many cases with the same options: plan.json for each, one table for all.

    A case that fails is a row that says why. Interrupted, the same command goes on where it was.
    """
    from iceball import cohort as many  # slow to import: other commands do not wait for it
    from iceball import ensemble

    crew = ensemble.crew(None if scheduler is not None and workers == 1 else workers, scheduler)
    wish = many.read_wish(plan_with)
    try:
        with progress("cohort") as advance:
            found = many.run(case_folders, wish, out_folder, crew=crew, progress=advance)
    except KeyboardInterrupt:
        err.print(f"what was done is kept in {escape(str(out_folder))}: the same command goes on from there")
        raise
    if as_json:
        print_json(many.document(found.rows) | {"folder": str(out_folder), "taken_over": found.again})
        return
    out.print(_table(found))
    out.print(f"written: {escape(str(out_folder))}; {found.again} cases taken over. {RESEARCH_USE}", soft_wrap=True)


def _table(found: Cohort) -> Table:
    table = Table(title="Cohort", title_justify="left")
    for head in ("case", "status"):
        table.add_column(head)
    for head in ("probes", "covered", "stops", "cautions", "took [s]"):
        table.add_column(head, justify="right")
    table.add_column("why")
    for row in found.rows:
        done = row.status != "failed"
        numbers = (str(row.probes), percent(row.coverage_fraction or 0.0), str(row.stops), str(row.cautions))
        table.add_row(
            escape(row.name),
            f"[{COLOURS[row.status]}]{row.status}[/]",
            *(numbers if done else ("", "", "", "")),
            f"{row.took_s:.0f}",
            escape(row.why),
        )
    return table
