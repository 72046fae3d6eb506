"""``iceball verify``: are the equations solved right?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import EXIT_STOP, AsJson, app, out, plain, print_json, progress

if TYPE_CHECKING:
    from iceball.thermal import Backend
    from iceball.verification import Check, Result, Scope, Verification

Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Try this case; may be given several times. Default: all of them."),
]
BackendName = Annotated[
    str | None, typer.Option("--backend", help="What to verify; the fastest of this installation if left out.")
]
Accuracy = Annotated[
    str | None,
    typer.Option(
        "--accuracy",
        help="Accuracy asked of it: preview, standard or reference. Default: standard; all three with --targets.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Only the cases that take seconds: under a minute in all. With --targets: the preview and one probe, "
        "a few minutes.",
    ),
]
AreTargetsMet = Annotated[
    bool,
    typer.Option(
        "--targets",
        help="Instead of the cases, measure whether each accuracy keeps its target in mm of isotherm, thaw included, "
        "against half the spacing, and a lone probe against the axisymmetric reference. Half an hour or more.",
    ),
]
Keep = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        metavar="FOLDER",
        readable=False,
        help="With --targets: keep the references here; a run that was stopped goes on where it was.",
    ),
]


@app.command()
def verify(  # noqa: PLR0913  (a command has an argument for each of its options)
    only: Only = None,
    backend: BackendName = None,
    accuracy: Accuracy = None,
    quick: Quick = False,
    targets: AreTargetsMet = False,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Verify the solver against exact solutions: expected, got, error, tolerance and why, order of convergence.

    Exit code 3 if a case fails or cannot be finished, or a target is missed; the others are tried all the same.
    """
    from iceball import thermal, verification  # slow to import: other commands do not wait for them

    named = thermal.backend_named(backend or thermal.backend_names()[0])
    if targets:
        if only:
            raise typer.BadParameter("--only names cases; --targets measures none: leave one of them out")
        wanted = verification.scope([accuracy] if accuracy else (), quick=quick)
        _measure(named, wanted, keep, as_json)
        return
    if keep is not None:
        raise typer.BadParameter("--keep is for --targets: the cases are tried anew each time")
    engine = verification.Engine(backend=named, accuracy=accuracy or "standard")
    with progress("verify") as advance:
        done = verification.verify(engine, only=tuple(only or ()), quick=quick, progress=advance)
    if as_json:
        print_json(as_object(done))
    else:
        _show(done)
    if not done.passed:
        raise typer.Exit(EXIT_STOP)


def _measure(backend: Backend, wanted: Scope, keep: Path | None, as_json: bool) -> None:
    from iceball import verification
    from iceball.cli import _targets

    with progress("targets") as advance:
        done = verification.measure_targets(backend, wanted, keep=keep, progress=advance)
    if as_json:
        print_json(_targets.as_object(done))
    else:
        _targets.show(done)
    if not done.passed:
        raise typer.Exit(EXIT_STOP)


def as_object(done: Verification) -> dict[str, Any]:
    """Return what ``--json`` prints: the nouns, and what follows from them."""
    results = [
        plain(result) | {"passed": result.passed, "checks": [plain(c) | {"passed": c.passed} for c in result.checks]}
        for result in done.results
    ]
    return plain(done) | {"passed": done.passed, "failed": list(done.failed), "results": results}


def _show(done: Verification) -> None:
    for result in done.results:
        out.print(_table(result))
        if result.failure:
            out.print(f"[bold red]not finished:[/] {escape(result.failure)}", soft_wrap=True)
    what = f"iceball {done.version}, {done.backend} ({done.dtype} on {done.device}), accuracy {done.accuracy}"
    took = sum(result.seconds for result in done.results)
    count, failed = len(done.results), done.failed
    if failed:
        out.print(f"[bold red]{len(failed)} of {count} cases failed[/]: {', '.join(failed)}; {what}", soft_wrap=True)
    else:
        out.print(f"[bold green]all {count} cases hold[/] in {took:.0f} s; {what}", soft_wrap=True)


def _table(result: Result) -> Table:
    verdict = "[green]holds[/]" if result.passed else "[bold red]FAILS[/]"
    title = f"[bold]{escape(result.name)}[/] {escape(result.says)} · {verdict} · {result.seconds:.1f} s"
    table = Table(title=title, title_justify="left", title_style="", box=SIMPLE_HEAD)
    table.add_column("what, and why it may be off by that much")
    for heading in ("expected", "got", "error", "at most", "order"):
        table.add_column(heading, justify="right", no_wrap=True)
    for check in result.checks:
        what = f"{escape(check.quantity)}\n[dim]{escape(check.reason)}[/]"
        table.add_row(what, *_numbers(check), style=None if check.passed else "red")
    return table


def _numbers(check: Check) -> tuple[str, ...]:
    digits = _digits(check.tolerance)
    order = "" if check.order is None else f"{check.order:.2f} (≥ {check.least_order:g})"
    return (
        f"{check.expected:.{digits}f}",
        f"{check.got:.{digits}f} {check.unit}".strip(),
        f"{check.error:.2g}",
        f"{check.tolerance:.2g}",
        order,
    )


def _digits(tolerance: float) -> int:
    """Decimals that show a hundredth of ``tolerance``."""
    return max(0, min(9, 2 - math.floor(math.log10(tolerance)))) if tolerance > 0 else 3
