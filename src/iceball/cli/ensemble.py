"""``iceball ensemble``: how likely a plan does what it is meant to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, err, out, print_json, progress
from iceball.cli.simulate import CaseFolder, PlanFile, refuse_foreign
from iceball.provenance import RESEARCH_USE

if TYPE_CHECKING:
    from iceball.ensemble import Ensemble
    from iceball.nouns import Case, Plan

Count = Annotated[int, typer.Option("--n", help="Members: how many possible patients, probes and hands.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed, the same members.")]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", help="Folder for members, maps, table and picture; an interrupted "
                 "ensemble goes on there.", readable=False),
]  # fmt: skip
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Processes of this machine; as many as cores by default.")
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="Work on the workers of this Dask scheduler instead."),
]
PlacementSd = Annotated[
    float | None,
    typer.Option("--placement-sd", metavar="MM", help="Standard deviation of where a probe lies, in each direction "
                 "[mm]; 1.5 by default."),
]  # fmt: skip
MOST_ROWS = 8


@app.command()
def ensemble(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    plan_file: PlanFile,
    n: Count = 200,
    seed: Seed = 0,
    out_folder: OutFolder = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    placement_sd: PlacementSd = None,
    as_json: AsJson = False,
) -> None:
    """Freeze CASE by a plan in many scenarios: tissue, perfusion, probes and their places drawn from their spreads.

    Says how likely the target is covered and each structure stays above its limits, how the margin is distributed, and
    what it hangs on most.
    """
    from iceball import ensemble as doubt
    from iceball import io  # slow to import: other commands do not wait for them

    crew = doubt.crew(workers, scheduler)
    settings = doubt.Settings(seed=seed, placement_sd_mm=placement_sd)
    case, plan = io.read_case(case_folder), io.read_plan(plan_file)
    refuse_foreign(plan, case)
    keep = None
    if out_folder is not None:
        keep = io.MemberFolder(out_folder, doubt.identity(io.case_fingerprint(case), plan, settings))
    begun = time.monotonic()
    try:
        with progress("ensemble") as advance:
            found = doubt.run(case, plan, n, settings=settings, crew=crew, keep=keep, progress=advance)
    except (KeyboardInterrupt, SystemExit):  # the latter after SIGTERM
        if keep is not None:
            err.print(f"{len(keep.kept())} of {n} members are kept in {out_folder}: the same command goes on there")
        raise
    if out_folder is not None:
        _write(found, case, plan, out_folder)
    took_s = round(time.monotonic() - begun, 1)
    if as_json:
        print_json(io.ensemble_document(found) | {"took_s": took_s, "folder": out_folder and str(out_folder)})
        return
    show(found, took_s)
    if out_folder is not None:
        out.print(f"written: {escape(str(out_folder))} (look at doubt.png)", soft_wrap=True)


def _write(found: Ensemble, case: Case, plan: Plan, folder: Path) -> None:
    from iceball import io
    from iceball.report.doubt import doubt_picture

    io.write_ensemble(found, folder)
    io.write_bytes(folder / "doubt.png", doubt_picture(found, case, plan))


def show(found: Ensemble, took_s: float) -> None:
    """Print an ensemble as tables for people."""
    out.print(_chances(found))
    out.print(_spreads(found))
    for outcome in dict.fromkeys(each.outcome for each in found.influences):
        out.print(_influences(found, outcome))
    for note in found.notes:
        out.print(f"[dim]note[/] {escape(note)}")
    out.print(f"{len(found.table.number)} members in {took_s:.0f} s. {RESEARCH_USE}")


def _chances(found: Ensemble) -> Table:
    table = Table(title="How likely", title_justify="left")
    for head, side in (("what", "left"), ("of members", "right"), ("95 % interval", "right"), ("source", "left")):
        table.add_column(head, justify=side)  # pyright: ignore[reportArgumentType]
    for each in found.chances:
        interval = f"{each.low_fraction:.0%} to {each.high_fraction:.0%}"
        table.add_row(escape(each.says), f"{each.probability_fraction:.1%}", interval, f"[dim]{escape(each.source)}[/]")
    return table


def _spreads(found: Ensemble) -> Table:
    table = Table(title="How it is distributed", title_justify="left")
    table.add_column("what")
    for head in ("as planned", "5 %", "median", "95 %"):
        table.add_column(head, justify="right")
    for each in found.spreads:
        values = (each.nominal, each.fifth_percentile, each.median, each.ninety_fifth_percentile)
        unit = "" if each.unit == "1" else f" [{each.unit}]"
        table.add_row(escape(each.says + unit), *(_number(value, each.unit) for value in values))
    return table


def _influences(found: Ensemble, outcome: str) -> Table:
    says = next((each.says for each in found.spreads if each.key == outcome), outcome)
    table = Table(title=f"What it hangs on: {escape(says)}", title_justify="left")
    table.add_column("input")
    for head in ("rank correlation", "95 % interval"):
        table.add_column(head, justify="right")
    mine = [each for each in found.influences if each.outcome == outcome]
    told = [each for each in mine if each.told_apart][:MOST_ROWS]
    for each in told:
        table.add_row(escape(each.says), f"{each.correlation:+.2f}", f"{each.low:+.2f} to {each.high:+.2f}")
    if not told:
        table.add_row("none of the inputs is told apart from chance", "", "")
    return table


def _number(value: float | None, unit: str) -> Any:
    if value is None:
        return "none"
    return f"{value:.1%}" if unit == "1" else f"{value:.1f}"
