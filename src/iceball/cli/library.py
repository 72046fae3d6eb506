"""``iceball library``: look at the numbers, each with its unit, spread, state, source and confidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from iceball import library
from iceball.cli._app import AsJson, app, out, print_json
from iceball.errors import UnknownName
from iceball.nouns import Cited, Source

MARKS = {"read": "", "computed": "", "recalled": " ?", "judgement": " !"}
STYLES = {"read": "green", "computed": "cyan", "recalled": "bold yellow", "judgement": "bold magenta"}
LEGEND = "? recalled from memory, not looked up   ! judgement of the authors, reasoning in the notes"

Rows = Mapping[str, Cited]
Name = Annotated[str | None, typer.Argument(help="One of them, with its notes; all of them without.")]

group = typer.Typer(no_args_is_help=True, help="Show the numbers of the library and where each comes from.")
app.add_typer(group, name="library")


@group.command()
def tissues(name: Name = None, as_json: AsJson = False) -> None:
    """Thermal properties of tissues: unfrozen, frozen at -40 °C, and between."""
    names = (name,) if name else library.tissue_names()
    _show("tissues", {each: library.tissue_rows(each) for each in names}, as_json, notes=name is not None)


@group.command()
def probes(name: Name = None, as_json: AsJson = False) -> None:
    """Cryoprobes: size, and how they take heat."""
    names = (name,) if name else library.probe_names()
    _show("probes", {each: library.probe_rows(each) for each in names}, as_json, notes=name is not None)


@group.command()
def protections(name: Name = None, as_json: AsJson = False) -> None:
    """Means that keep the cold away: how warm they are, and how well they are in touch."""
    names = (name,) if name else library.protection_names()
    _show("protections", {each: library.protection_rows(each) for each in names}, as_json, notes=name is not None)


@group.command()
def implants(name: Name = None, as_json: AsJson = False) -> None:
    """Implanted lesions: how lytic, blastic and mixed ones are drawn."""
    names = (name,) if name else library.implant_names()
    _show("implants", {each: library.implant_rows(each) for each in names}, as_json, notes=name is not None)


@group.command()
def limits(name: Name = None, as_json: AsJson = False) -> None:
    """Safety limits: how cold a structure may get."""
    shown = (library.limit(name),) if name else library.limits()
    steps = ("note_below", "caution_below", "stop_below")
    groups = {each.key: {step: row for step in steps if (row := getattr(each, step)) is not None} for each in shown}
    if name is None:
        groups["without a limit"] = {"named_below": library.named_below()}
    _show("limits", groups, as_json, notes=name is not None)


@group.command()
def thresholds(name: Name = None, as_json: AsJson = False) -> None:
    """Lethal thresholds: how cold tissue must get to die."""
    _show("thresholds", {"thresholds": _chosen("threshold", library.thresholds(), name)}, as_json, notes=True)


@group.command()
def constants(name: Name = None, as_json: AsJson = False) -> None:
    """Constants: of CT (hu), outlines and measures, and of the solver's surroundings (physics)."""
    groups: dict[str, Rows] = {
        "hu": library.hu_rules(),
        "outlines": library.outline_rules(),
        "measures": library.measure_rules(),
        "physics": library.physics(),
    }
    if name:
        groups = {
            "constants": _chosen("constant", {key: row for rows in groups.values() for key, row in rows.items()}, name)
        }
    _show("constants", groups, as_json, notes=True)


@group.command()
def structures(name: Name = None, as_json: AsJson = False) -> None:
    """What the names of a segmentation mean: role, safety limit, tissue."""
    names = (name,) if name else tuple(library.label_names().values())
    rules = [library.structure_rule(each) for each in names]
    if as_json:
        print_json({"structures": rules, "library": library.digest()})
        return
    table = Table("structure", "role", "limit", "tissue")
    for rule in rules:
        by_hu = "bone, by HU" if rule.bone else "cement or bone, by HU" if rule.cement else "by HU"
        tissue = rule.tissue or by_hu
        table.add_row(
            rule.name if rule.known else f"{rule.name} (unknown)", rule.role, rule.limit or "none known", tissue
        )
    out.print(table)


@group.command()
def questions(name: Name = None, as_json: AsJson = False) -> None:
    """What screening asks or measures, and which answers it takes."""
    from iceball.cli import _screening_tables

    _screening_tables.questions(name, as_json)


@group.command()
def rules(name: Name = None, as_json: AsJson = False) -> None:
    """Rules of screening: what fires them, how grave they are, and when a clinician may go on all the same."""
    from iceball.cli import _screening_tables

    _screening_tables.rules(name, as_json)


@group.command()
def scores(name: Name = None, as_json: AsJson = False) -> None:
    """Clinical scores: items, points, categories."""
    from iceball.cli import _screening_tables

    _screening_tables.scores(name, as_json)


@group.command()
def sites(name: Name = None, as_json: AsJson = False) -> None:
    """Sites: way in, what decides there, what goes with the ablation, cement."""
    from iceball.cli import _screening_tables

    _screening_tables.sites(name, as_json)


@group.command()
def sources(name: Name = None, as_json: AsJson = False) -> None:
    """Where the numbers come from."""
    known = library.sources()
    if name and name not in known:
        raise UnknownName(f"no source {name!r}; the library has: {', '.join(sorted(known))}")
    shown = (known[name],) if name else tuple(known.values())
    if as_json:
        print_json({"sources": {source.key: source for source in shown}, "library": library.digest()})
        return
    _print_sources(shown)


def _chosen(kind: str, rows: Rows, name: str | None) -> Rows:
    if name is None:
        return rows
    if name not in rows:
        raise UnknownName(f"no {kind} {name!r}; the library has: {', '.join(sorted(rows))}")
    return {name: rows[name]}


def _show(kind: str, groups: Mapping[str, Rows], as_json: bool, *, notes: bool) -> None:
    every = [row for rows in groups.values() for row in rows.values()]
    used = library.sources_of(*every)
    if as_json:
        print_json({kind: groups, "sources": {source.key: source for source in used}, "library": library.digest()})
        return
    for title, rows in groups.items():
        out.print(_table(title, rows))
        if notes:
            _print_notes(rows)
    out.print(LEGEND, style="dim", highlight=False)
    out.print(f"library {library.digest()}; sources:", highlight=False)
    _print_sources(used)


def _table(title: str, rows: Rows) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("quantity")
    table.add_column("value", justify="right", no_wrap=True)
    for column in ("unit", "spread", "state", "confidence", "source"):
        table.add_column(column)
    for quantity, row in rows.items():
        style = STYLES[row.confidence]
        table.add_row(
            quantity,
            Text(f"{row.value:g}{MARKS[row.confidence]}", style=style),
            row.unit,
            f"{row.low:g} to {row.high:g}",
            row.state,
            Text(row.confidence, style=style),
            row.source,
        )
    return table


def _print_notes(rows: Rows) -> None:
    for quantity, row in rows.items():
        if row.note:
            out.print(f"  [bold]{quantity}[/]: {escape(row.note)}", highlight=False)


def _print_sources(shown: Iterable[Source]) -> None:
    for source in shown:
        note = f" {source.note}" if source.note else ""
        out.print(f"  [bold]{source.key}[/]: {escape(str(source) + note)}", highlight=False, soft_wrap=True)
