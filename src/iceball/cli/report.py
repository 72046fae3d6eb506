"""``iceball report``: tell of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from iceball.cli._app import EXIT_STOP, AsJson, app, err, out, print_json, progress


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of the run, from `iceball simulate`.", readable=False)],
    case: Annotated[
        Path | None, typer.Option(help="Folder of the case, where it has moved since the run.", readable=False)
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write; RUN/report by default.", readable=False)
    ] = None,
    isotherm: Annotated[
        float | None, typer.Option(help="Isotherm that must cover the target [°C]; by default the coldest reported.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also make report.pdf.")] = True,
    as_json: AsJson = False,
) -> None:
    """Judge a run and write its report: report.html, which needs nothing else, and report.pdf.

    Exit code 3 where a finding says stop.
    """
    from iceball import anatomy, io
    from iceball.assessment import assess
    from iceball.report import write_report

    with progress("report") as advance:
        advance(0.0, "reading the run")
        stored = io.read_run(run)
        found_case = io.read_run_case(stored, case)
        advance(0.1, "judging")
        found_case = anatomy.displaced(found_case, stored.plan.protections)
        found = assess(found_case, stored.history, goal_isotherm_c=isotherm)
        folder = out_folder if out_folder is not None else run / "report"
        files = write_report(found_case, stored.plan, stored.history, found, folder, pdf=pdf, progress=advance)
    if as_json:
        print_json({"verdict": found.verdict, "html": str(files.html), "pdf": files.pdf and str(files.pdf)})
    else:
        out.print(escape(str(files.html)), soft_wrap=True)
        if files.pdf:
            out.print(escape(str(files.pdf)), soft_wrap=True)
    if files.remark:
        err.print(escape(files.remark), soft_wrap=True)
    if found.verdict == "stop":
        raise typer.Exit(EXIT_STOP)
