"""``iceball validate``: published measurements beside the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import EXIT_STOP, AsJson, app, out, print_json, progress

if TYPE_CHECKING:
    from iceball.validation import Comparison, Study

Only = Annotated[list[str] | None, typer.Option("--only", help="Only this study; may be given several times.")]

STYLES = {"agrees": "green", "differs": "yellow", "undecided": "magenta", "fails": "bold red"}


@app.command("validate")
def validate(only: Only = None, as_json: AsJson = False) -> None:
    """Compare the model with published measurements: gel, lard, saline, lung, spine.

    For each study: what was measured, what the model gives, its error beside the measurement's spread, what agrees,
    what does not and why. Exit code 3 if something that is demanded is not met.
    """
    from iceball import library, validation

    with progress("validating") as advance:
        studies = validation.validate(only or (), progress=advance)
    if as_json:
        print_json({"studies": [as_plain(study) for study in studies], "library": library.digest()})
    else:
        for study in studies:
            show(study)
    if any(study.failures for study in studies):
        raise typer.Exit(EXIT_STOP)


def as_plain(study: Study) -> dict[str, object]:
    """Return ``study`` with what its comparisons and claims work out, for JSON."""
    from iceball.cli._app import plain

    found = plain(study)
    for kind in ("comparisons", "claims"):
        for shown, thing in zip(found[kind], getattr(study, kind), strict=True):
            shown["verdict"] = thing.verdict
    for shown, comparison in zip(found["comparisons"], study.comparisons, strict=True):
        shown |= {"error": comparison.error, "error_fraction": comparison.error_fraction}
    return found | {"failures": list(study.failures)}


def show(study: Study) -> None:
    """Print one study for people."""
    out.rule(f"[bold]{escape(study.title)}")
    out.print(f"[bold]Measured.[/] {escape(study.setting)}", highlight=False)
    for text in study.assumed:
        out.print(f"[bold]Assumed:[/] {escape(text)}", highlight=False)
    if study.comparisons:
        out.print(_table(study))
    for claim in study.claims:
        style = STYLES[claim.verdict]
        out.print(f"[{style}]{claim.verdict}[/] {escape(claim.says)}: {escape(claim.figures)}", highlight=False)
    for label in ("agrees", "differs", "not_compared"):
        name = label.replace("_", " ").capitalize()
        out.print(f"[bold]{name}.[/] {escape(getattr(study, label))}", highlight=False)
    out.print(f"Sources: {', '.join(study.sources)}\n", style="dim", highlight=False)


def _table(study: Study) -> Table:
    table = Table()
    for column in ("what", "use"):
        table.add_column(column)
    for column in ("measured", "spread", "model", "its spread", "error"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for comparison in study.comparisons:
        table.add_row(*cells(comparison), f"[{STYLES[comparison.verdict]}]{comparison.verdict}[/]")
    return table


def cells(comparison: Comparison) -> tuple[str, ...]:
    """Return one comparison as text: what, use, measured, its spread, model, its spread, error."""
    measured, places = comparison.measured, 2 if comparison.measured.unit == "1" else 1
    unit = "" if measured.unit == "1" else f" {measured.unit}"
    return (
        escape(comparison.what),
        comparison.use,
        f"{measured.value:g}{unit}",
        f"{measured.low:g} to {measured.high:g}",
        f"{comparison.model:.{places}f}{unit}",
        f"{comparison.low:.{places}f} to {comparison.high:.{places}f}",
        f"{100 * comparison.error_fraction:+.0f} %",
    )
