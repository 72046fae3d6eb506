"""``iceball demo``: the whole chain on a real CT or a phantom, to look at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball import provenance
from iceball.cli._app import EXIT_STOP, AsJson, app, err, out, print_json, progress
from iceball.nouns import Assessment

if TYPE_CHECKING:
    from iceball.demo import DemoResult

SHOWN = 5
COLOURS = {"stop": "red", "caution": "yellow", "note": "cyan", "clear": "green"}

Made = Annotated[bool, typer.Option("--phantom", help="A generated phantom in place of the real CT: no network.")]
OutFolder = Annotated[
    Path, typer.Option("--out", metavar="FOLDER", help="Where to leave case, plan, run and report.", readable=False)
]
Spacing = Annotated[float, typer.Option("--spacing", metavar="MM", min=0.5, max=4.0, help="Grid of the simulation.")]


@app.command()
def demo(
    made: Made = False,
    out_folder: OutFolder = Path("demo-out"),
    spacing_mm: Spacing = 1.0,
    as_json: AsJson = False,
) -> None:
    """Bring a real CT, implant a lesion, plan, simulate, judge and report: a few minutes. Exit code 3: a stop."""
    from iceball import demo as making  # brings the solver and the report; other commands do not wait for them

    result = making.run(
        out_folder,
        made=made,
        spacing_mm=spacing_mm,
        say=(lambda text: None) if as_json else _say,
        progress=_silent if as_json else progress,
    )
    if as_json:
        print_json({key: str(value) for key, value in _files(result).items()} | {"assessment": result.assessment})
    else:
        _show(result)
    if result.assessment.verdict == "stop":
        raise typer.Exit(EXIT_STOP)


def _say(text: str) -> None:
    err.print(f"[dim]•[/] {escape(text)}", highlight=False)


@contextlib.contextmanager
def _silent(title: str) -> Iterator[Callable[[float, str], None]]:
    yield lambda done_fraction, text="": None


def _show(result: DemoResult) -> None:
    judged = result.assessment
    colour = COLOURS[judged.verdict]
    out.print(_isotherms(result), _structures(judged))
    for finding in judged.findings:
        out.print(f"[{COLOURS[finding.severity]}]{finding.severity:>8}[/]  {escape(finding.says)}", highlight=False)
    out.print(f"\nVerdict: [bold {colour}]{judged.verdict}[/]. {provenance.RESEARCH_USE}")
    for what, path in _files(result).items():
        out.print(f"  {what:<10} {escape(str(path))}", highlight=False, soft_wrap=True)


def _isotherms(result: DemoResult) -> Table:
    judged = result.assessment
    table = Table(title=f"Lesion {judged.lesion_ml:.1f} ml, {result.lesion_to_cord_mm:.1f} mm from the spinal cord")
    for title in ("isotherm", "volume", "covers", "least margin"):
        table.add_column(title, justify="right")
    for row in judged.isotherms:
        margin = "none" if row.least_margin_mm is None else f"{row.least_margin_mm:+.1f} mm"
        table.add_row(f"{row.isotherm_c:g} °C", f"{row.volume_ml:.1f} ml", f"{row.coverage_fraction:.0%}", margin)
    return table


def _structures(judged: Assessment) -> Table:
    table = Table("structure", "coldest", title="The coldest structures")
    for clearance in sorted(judged.clearances, key=lambda clearance: clearance.coldest_c)[:SHOWN]:
        table.add_row(escape(clearance.structure), f"{clearance.coldest_c:.1f} °C")
    return table


def _files(result: DemoResult) -> dict[str, Path]:
    files = result.files
    return {
        "report": files.report,
        "case": files.case,
        "plan": files.plan,
        "run": files.run,
        "judgement": files.assessment,
    }
