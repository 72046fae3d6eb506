"""``iceball phantom``: the physicist's bench."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import AsJson, app, out, print_json, progress
from iceball.errors import InputError

if TYPE_CHECKING:
    from iceball.nouns import PhantomMoment, PhantomResult, ProbeIsotherm, ProbeMoment, WholeIsotherm

BenchPath = Annotated[
    Path, typer.Argument(metavar="BENCH.toml", help="The bench: medium, probes, protocol (TOML).", readable=False)
]
PlotPath = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw isotherms and curves.", readable=False)
]
Spacing = Annotated[float | None, typer.Option("--spacing", metavar="MM", help="Voxel size, in place of the bench's.")]
AccuracyName = Annotated[
    str, typer.Option("--accuracy", help="How finely time is cut: preview, standard or reference.")
]
BackendName = Annotated[
    str | None,
    typer.Option("--backend", help="native, numba, cuda or numpy (readable, slow); the fastest here by default."),
]


@app.command()
def phantom(
    bench_file: BenchPath,
    plot: PlotPath = None,
    spacing: Spacing = None,
    accuracy: AccuracyName = "standard",
    backend: BackendName = None,
    as_json: AsJson = False,
) -> None:
    """Freeze a bath or gel with any number of probes; prints how far each isotherm reaches, temperatures and heat."""
    from dataclasses import replace

    from iceball import io, thermal  # slow to import: other commands do not wait for them

    _refuse_plot(plot)
    bench = io.read_bench(bench_file)
    bench = bench if spacing is None else replace(bench, spacing_mm=spacing)
    chosen, begun = None if backend is None else thermal.backend_named(backend), time.monotonic()
    with progress("phantom") as advance:
        result = thermal.freeze_phantom(bench, accuracy=accuracy, backend=chosen, progress=advance)
    if plot is not None:
        from iceball.report.phantom import phantom_picture

        io.write_bytes(plot, phantom_picture(result))
    if as_json:
        print_json(io.phantom_document(result))
        return
    _show(result, time.monotonic() - begun)
    if plot is not None:
        out.print(f"written: {escape(str(plot))}", soft_wrap=True)


def _refuse_plot(plot: Path | None) -> None:
    if plot is not None and (plot.suffix.lower() != ".png" or plot.is_dir()):
        raise InputError(f"--plot {plot} is no name of a PNG file: end it in .png")


def _show(result: PhantomResult, took_s: float) -> None:
    shape = " x ".join(str(n) for n in result.grid.shape)
    out.print(
        f"{escape(result.bench.name or 'bench')}: {shape} voxels of {result.bench.spacing_mm:g} mm, {took_s:.1f} s",
        highlight=False,
    )
    for moment in result.moments:
        out.print()
        out.print(f"[bold]after {moment.time_s / 60:.4g} min[/]", highlight=False)
        for probe in moment.probes:
            out.print(_probe(probe))
        out.print(_whole(moment.whole))
        out.print(_rest(moment), highlight=False)
    for note in result.notes:
        out.print(f"[yellow]note[/] {escape(note)}", highlight=False)


def _probe(probe: ProbeMoment) -> Table:
    surface = "gas off" if probe.surface_c is None else f"surface {probe.surface_c:.1f} °C"
    title = f"probe {escape(probe.label)}: takes {probe.heat_w:.1f} W, {surface}"
    heads = ("isotherm [°C]", "diameter [mm]", "smallest to largest", "length [mm]", "beyond tip")
    table = Table(*heads, title=title, title_justify="left", title_style="")
    for column in table.columns:
        column.justify = "right"
    for found in probe.isotherms:
        table.add_row(f"{found.isotherm_c:g}", *_sizes(found))
    return table


def _sizes(found: ProbeIsotherm) -> tuple[str, str, str, str]:
    return (
        _mm(found.diameter_mm),
        f"{_mm(found.smallest_diameter_mm)} to {_mm(found.largest_diameter_mm)}" if found.largest_diameter_mm else "-",
        _mm(found.length_mm),
        _mm(found.beyond_tip_mm),
    )


def _whole(whole: tuple[WholeIsotherm, ...]) -> Table:
    title = "the whole; across mid active length [mm]: equal-area diameter, calipers"
    heads = ("isotherm [°C]", "volume [ml]", "equal-area", "largest", "mean", "smallest", "pieces")
    table = Table(*heads, title=title, title_justify="left", title_style="")
    for column in table.columns:
        column.justify = "right"
    for found in whole:
        cut = found.section
        sizes = ("-",) * 5 if cut is None else (
            _mm(cut.equal_area_diameter_mm),
            _mm(cut.largest_caliper_mm),
            _mm(cut.mean_caliper_mm),
            _mm(cut.smallest_caliper_mm),
            str(cut.pieces),
        )  # fmt: skip
        table.add_row(f"{found.isotherm_c:g}", f"{found.volume_ml:.2f}", *sizes)
    return table


def _rest(moment: PhantomMoment) -> str:
    points = "".join(f"{escape(name)}: {value:.1f} °C; " for name, value in moment.points_c)
    return (
        f"{points}heat flow {moment.heat_w:.1f} W, {moment.heat_taken_j:.0f} J taken so far; energy residual "
        f"{moment.energy_residual_fraction:.1e}; walls changed by {moment.wall_change_k:.2f} K"
    )


def _mm(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
