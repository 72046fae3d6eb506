"""``iceball bench``: how fast is the solver here, and how fast is anything else on the same problem?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import EXIT_STOP, AsJson, app, out, plain, print_json, progress

if TYPE_CHECKING:
    from iceball.bench import BenchReport, PeerTiming, Timing

Cases = Annotated[
    list[str] | None,
    typer.Option("--case", metavar="NAME", help="Time this case; may be given several times. Default: the usual four."),
]
Repeat = Annotated[int, typer.Option("--repeat", metavar="N", help="Timed runs of each case, after a first one.")]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="Threads, ours and the peers'; all cores if left out.")
]
BackendName = Annotated[
    str, typer.Option("--backend", metavar="NAME", help="What to time; the fastest of this installation if left out.")
]
Until = Annotated[
    float | None, typer.Option("--until", metavar="S", help="Stop the protocol here [s of 1680]: for a quick look.")
]
Scales = Annotated[bool, typer.Option("--scaling", help="Time against voxels, probes and threads, too.")]
WithPeers = Annotated[
    bool, typer.Option("--peers", help="The same problem in devito, JAX, torch, py-pde and FiPy: minutes each.")
]
PeerNames = Annotated[
    list[str] | None, typer.Option("--peer", metavar="NAME", help="Only this peer; may be given several times.")
]
Budget = Annotated[float, typer.Option("--budget", metavar="S", help="Time about so long for each peer [s].")]


@app.command()
def bench(  # noqa: PLR0913  (a command has an argument for each of its options)
    cases: Cases = None,
    repeat: Repeat = 5,
    threads: Threads = None,
    backend: BackendName = "",
    until: Until = None,
    scaling: Scales = False,
    peers: WithPeers = False,
    peer: PeerNames = None,
    budget: Budget = 20.0,
    as_json: AsJson = False,
) -> None:
    """Time the solver: wall, first call, memory, stages, share of the machine's copy rate; and its peers.

    Exit code 3 if a peer's answer is not ours within 0.2 mm.
    """
    from iceball import bench as timing  # slow to import: other commands do not wait for them
    from iceball.bench.peers import PEERS, peer_named

    asked = tuple(peer_named(name) for name in peer) if peer else PEERS
    order = timing.Order(
        cases=timing.chosen_cases(tuple(cases or timing.USUAL), until),
        setting=timing.Setting(backend=backend, repeat=repeat, threads=threads or timing.cores()),
        scaling=scaling,
        peers=asked if peers or peer else (),
        budget_s=budget,
    )
    with progress("bench") as advance:
        report = timing.run_bench(order, advance)
    if as_json:
        print_json(as_object(report))
    else:
        _show(report)
    if not report.all_agree:
        raise typer.Exit(EXIT_STOP)


def as_object(report: BenchReport) -> dict[str, Any]:
    """Return what ``--json`` prints: the nouns, and what follows from them."""
    from iceball.bench import ratios

    peers = []
    for peer in report.peers:
        whole, kernel = ratios(report.compared, peer)
        more = {"agrees": peer.agrees, "projected": peer.projected, "whole_run_ratio": whole, "kernel_ratio": kernel}
        peers.append(plain(peer) | more)
    scaling = [plain(row) | {"timing": _timing(row.timing, report)} for row in report.scaling]
    return {
        "version": report.version,
        "machine": plain(report.machine),
        "cases": [_timing(each, report) for each in report.timings],
        "scaling": scaling,
        "compared": report.compared.case.name,
        "peers": peers,
        "missing": plain(report.missing),
        "all_agree": report.all_agree,
    }


def _timing(timing: Timing, report: BenchReport) -> dict[str, Any]:
    return plain(timing) | {
        "voxels": timing.case.voxels,
        "median_s": timing.median_s,
        "voxel_stages_per_s": timing.voxel_stages_per_s,
        "copy_share_fraction": timing.copy_share(report.machine),
    }


def _show(report: BenchReport) -> None:
    m = report.machine
    out.print(
        f"{escape(m.processor)}, {m.threads} of {m.cores} cores; copies {m.copy_cached_gb_per_s:.0f} GB/s (8 MB), "
        f"{m.copy_dram_gb_per_s:.0f} GB/s (512 MB); iceball {report.version}",
        soft_wrap=True,
        highlight=False,
    )
    if m.load > 0.5:
        out.print(f"[bold yellow]the machine was busy[/] (load {m.load:.1f}): these times are not the machine's best")
    out.print(_cases_table(report))
    if report.scaling:
        _show_scaling(report)
    if report.peers:
        _show_peers(report)
    for missing in report.missing:
        out.print(f"[yellow]{escape(missing.says)}[/]", highlight=False)
    if report.compared.device == "cpu":
        out.print("on a GPU: not measured", style="dim")


def _cases_table(report: BenchReport) -> Table:
    first = report.timings[0]
    title = f"10-8-10, {first.backend} ({first.dtype} on {first.device}), median of {len(first.walls_s)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("case")
    for heading in ("wall s\n(best)", "first\ncall s", "peak\nMB", "stages", "voxel-stages\n(per s)", "of copy\nrate"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in report.timings:
        share = each.copy_share(report.machine)
        stopped = "" if each.case.stop_s >= 1680.0 else f", first {each.case.stop_s:g} s"
        table.add_row(
            f"{each.case.name}\n[dim]{each.case.says}, {each.case.accuracy}{stopped}[/]",
            f"{each.median_s:.2f}\n[dim]({min(each.walls_s):.2f})[/]",
            f"{each.first_s:.1f}",
            f"{each.peak_mb:.0f}",
            "-" if each.stages is None else str(each.stages),
            f"{_large(each.voxel_stages)}\n[dim]({_large(each.voxel_stages_per_s)})[/]",
            "-" if share is None else f"{share:.1%}",
        )
    return table


def _show_scaling(report: BenchReport) -> None:
    from iceball.bench import exponent

    table = Table(title=f"Scaling of {report.compared.case.name}", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("", "", "wall s", "voxel-stages", "per s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.scaling:
        wall, timing = f"{row.timing.median_s:.2f}", row.timing
        table.add_row(
            row.quantity, str(row.value), wall, _large(timing.voxel_stages), _large(timing.voxel_stages_per_s)
        )
    out.print(table)
    slopes = {name: exponent(report.scaling, name) for name in ("voxels", "probes", "threads")}
    said = [f"{name} to the power {slope:.2f}" for name, slope in slopes.items() if math.isfinite(slope)]
    out.print(f"time grows as {', '.join(said)}", highlight=False)


def _show_peers(report: BenchReport) -> None:
    title = f"{report.compared.case.name} in other tools, {report.machine.threads} threads on both sides"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("tool")
    headings = ("apart mm\np99 (max)", "whole\nrun s", "whole-run\nratio", "updates\nper s", "kernel-only\nratio")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for peer in report.peers:
        table.add_row(*_peer_row(peer, report), style=None if peer.agrees else "red")
    out.print(table)
    out.print(
        "Apart: 99th percentile (largest) at 0, -20 and -40 °C. * projected from the steps in brackets. Kernel-only: "
        "our voxel-stages per second over its updates per second; the rest of the whole-run ratio is fewer stages on "
        "fewer voxels.",
        style="dim",
        highlight=False,
    )
    for peer in report.peers:
        smaller = "" if peer.timed == report.compared.case else f"; timed on {peer.timed.voxels} voxels and scaled up"
        out.print(f"{peer.name}: {escape(peer.form)}{smaller}", style="dim", highlight=False)
        if not peer.agrees:
            out.print(f"[bold red]{peer.name} gives another answer[/]: its times compare nothing")


def _peer_row(peer: PeerTiming, report: BenchReport) -> tuple[str, ...]:
    from iceball.bench import ratios

    whole, kernel = ratios(report.compared, peer)
    mark = "*" if peer.projected else ""
    return (
        f"{peer.name}\n[dim]{peer.version}[/]",
        "\n".join(f"{each.p99_mm:.3f} ({each.largest_mm:.2f})" for each in peer.apart),
        f"{peer.run_s:.0f}{mark}\n[dim]({peer.timed_steps} of {peer.steps})[/]",
        f"{whole:.0f}{mark}",
        _large(peer.updates_per_s),
        "-" if kernel is None else f"{kernel:.1f}",
    )


def _large(number: float | None) -> str:
    """A count in thousands, millions or billions, three digits."""
    if number is None:
        return "-"
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.3g}"
