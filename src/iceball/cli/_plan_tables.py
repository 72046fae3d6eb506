"""What ``iceball plan`` says: for people, and as one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from iceball import library
from iceball.cli._app import out, plain
from iceball.provenance import RESEARCH_USE

if TYPE_CHECKING:
    from iceball.cli._plan_found import Found
    from iceball.nouns import Finding, Placement
    from iceball.planning import Option

COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim", "clear": "green"}
NOT_JUDGED = "preview"
MOST_WARMED = 3


def show(found: Found) -> None:
    """Print the plans of a search, the recommended one in full."""
    _head(found)
    best = found.planning.best
    if best is not None:
        out.print(_options(found))
        for option in found.planning.options:
            out.print(f"[bold]{escape(option.name)}[/]: {escape(option.says)}", soft_wrap=True, highlight=False)
        out.print(_probes(best))
        _guards(best)
    for finding in found.findings:
        _finding(finding)
    if found.planning.hindrances:
        out.print("\n[bold]What stands in the way[/]")
        for hindrance in found.planning.hindrances:
            out.print(f"  {escape(hindrance.says)}", soft_wrap=True, highlight=False)
    _next(found)
    out.print(f"verdict: [{COLOURS[found.verdict]}]{found.verdict}[/]. {RESEARCH_USE}", soft_wrap=True)


def _head(found: Found) -> None:
    goal, made = found.goal, found.planning
    target = "where the lesion meets bone" if goal.aim == "interface" else "the lesion"
    margin = f" and {goal.margin_mm:g} mm around it" if goal.margin_mm else ""
    out.print(
        f"case {found.case.id}: {goal.isotherm_c:g} °C over {100 * goal.coverage_fraction:g} % of {target}{margin} "
        f"({goal.intent.replace('_', ' ')}); {made.runs} plans run in {found.took_s:.0f} s, seed {made.seed}",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    if made.interrupted:
        by = f", by {made.best.accuracy} accuracy" if made.best else ""
        out.print(f"[yellow]interrupted:[/] the best so far{by}, not the end of the search", highlight=False)


def _options(found: Found) -> Table:
    table = Table(title="Plans", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("probes", "covers", "healthy\n\\[ml]"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("coldest that has\na limit \\[°C]", min_width=16)
    guarded = any(option.unprotected_c for option in found.planning.options)
    if guarded:
        table.add_column("without\nguard", justify="right", no_wrap=True)
    doubted = any(option.holds_in for option in found.planning.options)
    if doubted:
        table.add_column("holds in", justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for option in found.planning.options:
        name, at_c = coldest(option)
        bare = dict(option.unprotected_c).get(name)
        verdict = verdict_of(option)
        table.add_row(
            escape(option.name),
            str(len(option.plan.placements)),
            down(option.coverage_fraction),
            f"{option.healthy_ml:.1f}",
            "" if at_c is None else f"{escape(name.replace('_', ' '))} {at_c:.1f}",
            *(("" if bare is None else f"{bare:.1f}",) if guarded else ()),
            *((_odds(option),) if doubted else ()),
            f"[{COLOURS.get(verdict, 'dim')}]{verdict}[/]",
        )
    return table


def coldest(option: Option) -> tuple[str, float | None]:
    """The coldest of the structures that have a limit; none has a temperature where none is watched."""
    if not option.coldest_c:
        return "", None
    return min(option.coldest_c, key=lambda pair: pair[1])


def _odds(option: Option) -> str:
    return "" if option.holds_in is None else f"{option.holds_in[0]} of {option.holds_in[1]}"


def verdict_of(option: Option) -> str:
    """The verdict on a plan; one that was only run at preview accuracy has none."""
    return NOT_JUDGED if option.assessment is None else option.verdict


def down(fraction: float) -> str:
    """A share as per cent, rounded down: 94.96 % is not 95."""
    return f"{int(1000 * fraction) / 10:.1f} %"


def _probes(best: Option) -> Table:
    title = f"Probes of the recommended plan; {best.plan.protocol}"
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "probe", "entry (LPS)", "tip (LPS)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("depth\n\\[mm]", justify="right", no_wrap=True)
    table.add_column("from", no_wrap=True)
    for placement in best.plan.placements:
        places = (_place(placement.entry_mm), _place(placement.tip_mm))
        row = (placement.label, placement.probe.name, *places, f"{depth_mm(placement):.0f}", sector(placement))
        table.add_row(*(escape(text) for text in row))
    return table


def _place(at_mm: tuple[float, float, float]) -> str:
    return " ".join(str(round(value)) for value in at_mm)


def depth_mm(placement: Placement) -> float:
    """From skin to tip [mm]."""
    return float(np.linalg.norm(np.subtract(placement.entry_mm, placement.tip_mm)))


def sector(placement: Placement) -> str:
    """The side that a probe comes from."""
    from iceball.planning.ways import SECTORS, sector_of

    outward = np.subtract(placement.entry_mm, placement.tip_mm)[None] / depth_mm(placement)
    return SECTORS[int(sector_of(outward)[0])]


def _guards(best: Option) -> None:
    from iceball.nouns import Sensor
    from iceball.report.words import guard

    if not best.plan.protections:
        return
    out.print("[bold]Protection and thermometers[/]")
    for words in best.protected_by:
        out.print(f"  {escape(words)}", soft_wrap=True, highlight=False)
    warmer = dict(best.coldest_c)
    for name, bare_c in sorted(best.unprotected_c, key=lambda pair: pair[1])[:MOST_WARMED]:
        if name in warmer:
            text = f"  {name.replace('_', ' ')}: {warmer[name]:.1f} °C, without protection {bare_c:.1f} °C"
            out.print(escape(text), soft_wrap=True, highlight=False)
    for each in best.plan.protections:
        if isinstance(each, Sensor):
            text = f"  {each.label.replace('_', ' ')}: {guard(each)}"
            out.print(escape(text), soft_wrap=True, highlight=False)


def _finding(finding: Finding) -> None:
    colour = COLOURS[finding.severity]
    out.print(
        f"[{colour}]{finding.severity}[/] {escape(finding.says)} [dim]({escape(finding.source)})[/]", soft_wrap=True
    )


def _next(found: Found) -> None:
    if not found.files:
        return
    out.print(f"\nwritten: {escape(', '.join(str(path) for path in found.files.values()))}", soft_wrap=True)
    if found.figure is not None:
        out.print(f"drawn: {escape(str(found.figure))}", soft_wrap=True)
    case, chosen = found.folder, next(iter(found.files.values()))
    for command in ("check", "ensemble", "simulate"):
        more = " --out RUN" if command == "simulate" else ""
        line = f"next: iceball {command} {case} --plan {chosen}{more}"
        out.print(escape(line), soft_wrap=True, highlight=False)


def summary(found: Found) -> dict[str, Any]:
    """What ``--json`` prints."""
    made = found.planning
    return {
        "case": found.case.id,
        "fingerprint": found.fingerprint,
        "library": library.digest(),
        "goal": plain(found.goal),
        "seed": made.seed,
        "runs": made.runs,
        "took_s": round(found.took_s, 1),
        "interrupted": made.interrupted,
        "verdict": found.verdict,
        "options": [_told(option, found) for option in made.options],
        "findings": [plain(finding) for finding in found.findings],
        "hindrances": [plain(hindrance) for hindrance in made.hindrances],
        "figure": None if found.figure is None else str(found.figure),
    }


def _told(option: Option, found: Found) -> dict[str, Any]:
    judged = option.assessment
    return {
        "name": option.name,
        "file": str(found.files[option.name]),
        "says": option.says,
        "accuracy": option.accuracy,
        "verdict": None if judged is None else option.verdict,
        "coverage_fraction": option.coverage_fraction,
        "healthy_ml": option.healthy_ml,
        "protocol": str(option.plan.protocol),
        "probes": [
            {"label": p.label, "probe": p.probe.name, "entry_mm": p.entry_mm, "tip_mm": p.tip_mm}
            | {"depth_mm": depth_mm(p), "sector": sector(p)}
            for p in option.plan.placements
        ],
        "protections": [plain(each) for each in option.plan.protections],
        "protected_by": option.protected_by,
        "coldest_c": dict(option.coldest_c),
        "unprotected_c": dict(option.unprotected_c),
        "holds_in": None if option.holds_in is None else dict(zip(("scenarios", "of"), option.holds_in, strict=True)),
        "findings": [plain(finding) for finding in option.findings],
        "isotherms": None if judged is None else plain(judged.isotherms),
        "run": None if judged is None else plain(judged.run),
    }
