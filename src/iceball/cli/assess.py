"""``iceball assess``: judge a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball.assessment.words import percent
from iceball.cli._app import EXIT_STOP, AsJson, app, out, plain, print_json
from iceball.nouns import Assessment
from iceball.provenance import RESEARCH_USE

_COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim", "clear": "green"}


@app.command()
def assess(
    run: Annotated[Path, typer.Argument(help="Folder of the run, from `iceball simulate`.", readable=False)],
    case: Annotated[
        Path | None, typer.Option(help="Folder of the case, where it has moved since the run.", readable=False)
    ] = None,
    isotherm: Annotated[
        float | None, typer.Option(help="Isotherm that must cover the target [°C]; by default the coldest reported.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a run: margins, coverage, clearances, findings. Writes assessment.json into the run's folder.

    Exit code 3 where a finding says stop.
    """
    from iceball import anatomy, io
    from iceball.assessment import assess as judge

    stored = io.read_run(run)
    found_case = anatomy.displaced(io.read_run_case(stored, case), stored.plan.protections)
    found = judge(found_case, stored.history, goal_isotherm_c=isotherm)
    path = run / "assessment.json"
    io.write_assessment(found, path)
    if as_json:
        print_json({"verdict": found.verdict, **plain(found)})
    else:
        show(found)
        out.print(f"written: {escape(str(path))}", soft_wrap=True)
    if found.verdict == "stop":
        raise typer.Exit(EXIT_STOP)


def show(found: Assessment) -> None:
    """Print an assessment as tables for people."""
    show_tables(found)
    for finding in found.findings:
        colour = _COLOURS[finding.severity]
        out.print(f"[{colour}]{finding.severity}[/] {escape(finding.says)} [dim]({escape(finding.source)})[/]")
    out.print(f"verdict: [{_COLOURS[found.verdict]}]{found.verdict}[/]. {RESEARCH_USE}")


def show_tables(found: Assessment) -> None:
    """Print what was measured, without the findings."""
    out.print(_isotherms(found))
    if found.clearances:
        out.print(_clearances(found))


def _isotherms(found: Assessment) -> Table:
    table = Table(title=f"Isotherms against the lesion ({found.lesion_ml:.1f} ml)", title_justify="left")
    for head in ("isotherm [°C]", "volume [ml]", "covers of the target", "least margin [mm]", "5th percentile [mm]"):
        table.add_column(head, justify="right")
    for result in found.isotherms:
        margins = (result.least_margin_mm, result.fifth_percentile_margin_mm)
        table.add_row(
            f"{result.isotherm_c:g}",
            f"{result.volume_ml:.1f}",
            percent(result.coverage_fraction),
            *("none" if margin is None else f"{margin:+.1f}" for margin in margins),
        )
    return table


def _clearances(found: Assessment) -> Table:
    table = Table(title="Structures at risk", title_justify="left")
    table.add_column("structure")
    for head in ("coldest [°C]", "from the lesion [mm]"):
        table.add_column(head, justify="right")
    table.add_column("limit")
    for clearance in found.clearances:
        away = clearance.distance_to_lesion_mm
        table.add_row(
            escape(clearance.structure) + (" [dim](estimated)[/]" if clearance.estimated else ""),
            f"{clearance.coldest_c:.1f}",
            "" if away is None else f"{away:.1f}",
            escape(clearance.limit or "no limit known"),
        )
    return table
