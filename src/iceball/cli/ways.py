"""``iceball ways``: straight ways in from the skin to the lesion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball.cli._app import EXIT_STOP, AsJson, app, out, plain, print_json, progress

if TYPE_CHECKING:
    from iceball.planning.ways import Rules, Way, Ways

SHOWN = 10
WIDE = 110  # columns: narrower terminals see only the nearest structure of each way

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of a case with a lesion.", readable=False)]
ProbeName = Annotated[
    str, typer.Option("--probe", metavar="NAME", help="Probe, as `iceball library probes` lists them.")
]
PositionName = Annotated[
    str | None,
    typer.Option(
        "--position", help="prone, supine, left_lateral or right_lateral (lying on that side); else the site's."
    ),
]
Forbid = Annotated[
    str, typer.Option("--forbid", metavar="SECTORS", help="Sides to keep closed: anterior, posterior, left, right.")
]
Only = Annotated[str, typer.Option("--only", metavar="SECTORS", help="The only sides to come from.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="NAME", help="Structure that a way may cross: bowel, lung, another bone. Repeatable."
    ),
]
Biopsy = Annotated[bool, typer.Option("--biopsy", help="Add the way of a biopsy through the same cannula.")]


@app.command()
def ways(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    probe_name: ProbeName,
    position: PositionName = None,
    forbid: Forbid = "",
    only: Only = "",
    allow: Allow = None,
    biopsy: Biopsy = False,
    as_json: AsJson = False,
) -> None:
    """Find straight ways in from the skin to the lesion: length, room beside structures, cortex, cannula.

    Exit code 3 where there is none; it says what forbids, and what would open one.
    """
    from iceball import io, library  # slow to import: other commands do not wait for them
    from iceball.planning import ways as planning

    probe = library.probe(probe_name)
    rules = planning.Rules(
        position=cast("Any", position),
        forbidden=cast("Any", _listed(forbid)),
        only=cast("Any", _listed(only)),
        allowed=tuple(allow or ()),
        biopsy=biopsy,
    )
    with progress("ways in") as advance:
        advance(0.02, "reading the case")
        case = io.read_case(case_folder)
        found = planning.ways_in(case, probe, rules, progress=lambda share, text: advance(0.4 + 0.6 * share, text))
    stopped = any(finding.severity == "stop" for finding in found.findings)
    if as_json:
        print_json({"fingerprint": io.case_fingerprint(case), "library": library.digest()} | plain(found))
    else:
        _show(found, rules)
    if stopped:
        raise typer.Exit(EXIT_STOP)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _show(found: Ways, rules: Rules) -> None:
    why = "as asked" if rules.position else "usual at this site"
    closed = ", ".join(found.closed)
    out.print(
        f"case {found.case}: {found.site}, {', '.join(found.own) or 'bone not labelled'}; {found.position} ({why}), "
        f"closed: {closed}; {found.probe} reaches {found.reach_mm:g} mm",
        soft_wrap=True,
        markup=False,
    )
    if found.ways:
        out.print(_table(found.ways[:SHOWN]))
        for number, way in enumerate(found.ways[:SHOWN], 1):
            out.print(f"{number:2d}  {way.says}", soft_wrap=True, markup=False)
        out.print(
            f"{found.open_lines} of {found.tried} lines hold; shown are those unlike each other, the best first. Room: "
            "what is left beyond the distance asked. !: drill.",
            style="dim",
            soft_wrap=True,
        )
    if found.biopsy is not None:
        out.print(found.biopsy.says, soft_wrap=True, markup=False)
    for finding in found.findings:
        colour = {"stop": "bold red", "caution": "yellow", "note": "dim"}[finding.severity]
        out.print(f"[{colour}]{finding.severity}[/] {escape(finding.says)} [dim]({finding.source})[/]", soft_wrap=True)
    out.print("Lines on a CT, not advice: research use only, not a medical device.", style="dim", soft_wrap=True)


def _table(shown: tuple[Way, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "from", "entry (LPS)"):
        table.add_column(heading, no_wrap=True)
    for heading in ("mm", "tilt", "room", "cortex", "angle"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("beside it")
    told = 3 if out.width >= WIDE else 1
    for number, way in enumerate(shown, 1):
        beside = ", ".join(f"{near.structure} {near.distance_mm:.1f}" for near in way.near[:told])
        table.add_row(
            str(number),
            way.sector,
            " ".join(f"{value:.0f}" for value in way.entry_mm),
            f"{way.length_mm:.0f}",
            f"{way.tilt_deg:.0f}°",
            f"{way.clearance_mm:.1f}",
            f"{way.cortex_mm:.1f}{'!' if way.drill else ''}",
            "" if way.bone_angle_deg is None else f"{way.bone_angle_deg:.0f}°",
            escape(beside),
        )
    return table
