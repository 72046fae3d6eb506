"""``iceball verify --targets``: does each accuracy keep its target?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import out, plain

if TYPE_CHECKING:
    from iceball.verification import IsothermError, ProbeError, Targets


def as_object(done: Targets) -> dict[str, Any]:
    """Return what ``--json`` prints: the nouns, and what follows from them."""
    return plain(done) | {
        "passed": done.passed,
        "missed": done.missed,
        "isotherms": [plain(row) | {"passed": row.passed} for row in done.isotherms],
        "probes": [plain(row) | {"passed": row.passed} for row in done.probes],
    }


def show(done: Targets) -> None:
    """Print the table for people."""
    if done.isotherms:
        out.print(_isotherms(done.isotherms))
    if done.probes:
        out.print(_probes(done.probes))
    for failure in done.failures:
        out.print(f"[bold red]not finished:[/] {escape(failure)}", soft_wrap=True)
    what = f"iceball {done.version}, {done.backend} ({done.dtype} on {done.device}), {done.seconds:.0f} s"
    out.print(f"the cold changed the walls of a cube by up to {done.walls_k:.2g} K; {what}", soft_wrap=True)
    count = len(done.isotherms) + len(done.probes)
    if done.passed:
        out.print(f"[bold green]all {count} rows keep their target[/]")
    else:
        out.print(f"[bold red]{done.missed} of {count} rows miss their target[/]")


def _isotherms(rows: tuple[IsothermError, ...]) -> Table:
    table = _table("isotherms against half the spacing [mm]")
    for heading in ("accuracy", "tissues", "moment"):
        table.add_column(heading, no_wrap=True)
    for heading in ("°C", "left", "p99", "max", "target", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.accuracy,
            str(row.tissues),
            f"{row.now_s:.0f} s {row.phase.replace('second freeze', 'freeze 2')}",
            f"{row.isotherm_c:.0f}",
            f"{row.held_fraction:.0%}" if row.phase == "thaw" else "",
            f"{row.p99_mm:.3f}",
            f"{row.largest_mm:.2f}",
            f"{row.target_mm:g}",
            _verdict(row),
            style=None if row.passed else "red",
        )
    return table


def _probes(rows: tuple[ProbeError, ...]) -> Table:
    table = _table("one oblique probe against the axisymmetric reference, after 10 min [mm]")
    table.add_column("accuracy", no_wrap=True)
    for heading in ("probe", "°C", "radius", "error", "target", "½ length", "error", "target", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.accuracy,
            f"{row.diameter_mm:g}",
            f"{row.isotherm_c:.0f}",
            f"{row.radius_mm:.2f}",
            f"{row.radius_error_mm:.3f}",
            f"{row.radius_target_mm:g}",
            f"{row.half_length_mm:.2f}",
            f"{row.half_length_error_mm:.3f}",
            f"{row.half_length_target_mm:g}",
            _verdict(row),
            style=None if row.passed else "red",
        )
    return table


def _table(title: str) -> Table:
    """Set narrowly: a terminal of 80 columns shows all of it."""
    return Table(
        title=f"[bold]{escape(title)}[/]", title_justify="left", title_style="", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )


def _verdict(row: IsothermError | ProbeError) -> str:
    return "held" if row.passed else "MISSED"
