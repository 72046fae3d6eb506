"""``iceball simulate``: freeze a case by a plan."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from iceball import library
from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.errors import InputError
from iceball.nouns import Case, Plan, ThermalHistory

CaseFolder = Annotated[
    Path, typer.Argument(metavar="CASE", help="Case folder, as 'iceball read' makes it.", readable=False)
]
PlanFile = Annotated[
    Path, typer.Option("--plan", metavar="FILE", help="Plan: probes and protocol (plan.json).", readable=False)
]
RunFolder = Annotated[Path, typer.Option("--out", metavar="RUN", help="New folder for the run.", readable=False)]
Spacing = Annotated[float, typer.Option("--spacing", metavar="MM", help="Voxel size of the simulation [mm].")]
BackendName = Annotated[
    str | None,
    typer.Option("--backend", help="native, numba, cuda or numpy (readable, slow); the fastest here by default."),
]
Accuracy = Annotated[str, typer.Option("--accuracy", help="preview, standard or reference: how long the steps are.")]


@app.command()
def simulate(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    plan_file: PlanFile,
    run_folder: RunFolder,
    spacing: Spacing = 1.0,
    accuracy: Accuracy = "standard",
    backend: BackendName = None,
    as_json: AsJson = False,
) -> None:
    """Simulate freezing and thawing of CASE by a plan; keeps the coldest temperature and the time below thresholds."""
    from iceball import io, thermal  # slow to import: other commands do not wait for them

    io.refuse_occupied(run_folder)
    chosen = thermal.backend_named(backend) if backend else thermal.default_backend()
    case, plan = io.read_case(case_folder), io.read_plan(plan_file)
    refuse_foreign(plan, case)
    begun = time.monotonic()
    with progress("simulate") as advance:
        settings = {"spacing_mm": spacing, "accuracy": accuracy, "backend": chosen}
        history = thermal.simulate(case, plan, **settings, progress=advance)
    io.write_run(history, plan, case_folder, run_folder)
    summary = _summary(history, run_folder, time.monotonic() - begun)
    if as_json:
        print_json(summary)
        return
    _show(summary)


def refuse_foreign(plan: Plan, case: Case) -> None:
    """Refuse a ``plan`` that was made for another case than ``case``.

    Raises
    ------
    InputError : if the fingerprints differ
    """
    from iceball import io

    here = io.case_fingerprint(case)
    if plan.case not in ("", here):
        raise InputError(
            f"the plan was made for case {plan.case}, this one is {here}: plan it anew, or take 'case' out of the plan"
        )


def _summary(history: ThermalHistory, folder: Path, took_s: float) -> dict[str, Any]:
    isotherms_c = [row.value for row in library.isotherms()]
    frozen = {c: float((history.coldest.array <= c).sum() * history.coldest.grid.voxel_ml) for c in isotherms_c}
    return {
        "run": str(folder),
        "took_s": round(took_s, 1),
        "box": history.coldest.grid.shape,
        "volume_ml": {f"{c:g}": round(v, 2) for c, v in frozen.items()},
        "structures": [{"name": s.name, "coldest_c": round(float(s.coldest_c.min()), 1)} for s in history.structures],
        "sensors": [{"label": s.label, "coldest_c": round(float(s.temperature_c.min()), 1)} for s in history.sensors],
        "heat_taken_j": round(-history.energy.probe_j),
        "energy_residual_fraction": history.energy.residual_fraction,
        "notes": history.notes,
    }


def _show(summary: dict[str, Any]) -> None:
    table = Table(title="Simulated", show_header=False)
    run = escape(summary["run"])
    table.add_row("run", run)
    table.add_row("took", f"{summary['took_s']:.0f} s on a box of {' x '.join(str(n) for n in summary['box'])} voxels")
    for isotherm, volume in summary["volume_ml"].items():
        table.add_row(f"ever at or below {isotherm} °C", f"{volume:.1f} ml")
    for structure in sorted(summary["structures"], key=lambda s: s["coldest_c"])[:6]:
        table.add_row(escape(structure["name"]), f"coldest {structure['coldest_c']:.1f} °C")
    for sensor in summary["sensors"]:
        table.add_row(escape(f"sensor {sensor['label']}"), f"coldest {sensor['coldest_c']:.1f} °C")
    table.add_row("energy residual", f"{summary['energy_residual_fraction']:.1e} of {summary['heat_taken_j']} J taken")
    for note in summary["notes"]:
        table.add_row("note", escape(note))
    out.print(table)
    out.print(f"next: iceball assess {run}; iceball report {run}", soft_wrap=True)
