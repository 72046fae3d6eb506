"""``iceball plan``: the probes for a case, and what protects."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from iceball.cli._app import EXIT_STOP, AsJson, app, err, print_json, progress
from iceball.cli._plan_found import Found, refuse_taken
from iceball.cli._plan_tables import show, summary
from iceball.cli.ways import PositionName
from iceball.nouns.goal import Aim

if TYPE_CHECKING:
    from iceball.nouns import Case, Finding
    from iceball.nouns.case import Intent
    from iceball.planning import Wish
    from iceball.planning.ways import Rules

GoalName = Literal["palliation", "local-control"]
INTENTS: dict[str | None, Intent] = {"palliation": "palliation", "local-control": "local_control"}

CaseFolder = Annotated[Path, typer.Argument(metavar="CASE", help="Folder of a case with a lesion.", readable=False)]
ProbeNames = Annotated[
    str,
    typer.Option("--probe", metavar="NAMES", help="Kinds of probes there are, parted by commas, as `iceball library "
                 "probes` lists them."),
]  # fmt: skip
ProtocolText = Annotated[
    str, typer.Option("--protocol", metavar="TEXT", help="Minutes of freeze, thaw, freeze; may be changed in the plan.")
]
MaxProbes = Annotated[int, typer.Option("--max-probes", metavar="N", help="At most so many probes.")]
GoalOf = Annotated[
    GoalName | None,
    typer.Option("--goal", help="palliation: -20 °C over the lesion; local-control: -40 °C. The lesion's intent if "
                 "left out."),
]  # fmt: skip
Isotherm = Annotated[
    float | None, typer.Option("--isotherm", metavar="C", help="The isotherm that has to cover the target [°C].")
]
Margin = Annotated[float, typer.Option("--margin", metavar="MM", help="Target: the lesion and so much around it [mm].")]
Coverage = Annotated[float, typer.Option("--coverage", metavar="SHARE", help="Share of the target, 0 to 1.")]
AimAt = Annotated[Aim, typer.Option("--aim", help="The whole lesion, or where it meets bone (interface).")]
Forbid = Annotated[
    str, typer.Option("--forbid", metavar="SECTORS", help="Sides to keep closed: anterior, posterior, left, right.")
]
Only = Annotated[str, typer.Option("--only", metavar="SECTORS", help="The only sides to come from.")]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="NAMES", help="Structures that a way may cross: bowel, lung, another bone. "
                 "Repeatable."),
]  # fmt: skip
NoProtect = Annotated[bool, typer.Option("--no-protect", help="Propose no protection: placement and protocol only.")]
Robust = Annotated[
    bool, typer.Option("--robust", help="Go on for the plan that holds in the most of a few possible patients.")
]
SeedNumber = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same plan.")]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Where the plan goes; CASE/plan.json by default. Alternatives lie "
                 "beside it.", readable=False),
]  # fmt: skip
Replace = Annotated[bool, typer.Option("--replace", help="Take the place of a plan that is already there.")]
FigureFile = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Draw the recommended plan on the CT (.png).", readable=False),
]


@app.command()
def plan(  # noqa: PLR0913  (a command has an argument for each of its options)
    case_folder: CaseFolder,
    probe: ProbeNames,
    protocol: ProtocolText = "10-8-10",
    max_probes: MaxProbes = 8,
    goal: GoalOf = None,
    isotherm: Isotherm = None,
    margin: Margin = 0.0,
    coverage: Coverage = 0.95,
    aim: AimAt = "lesion",
    position: PositionName = None,
    forbid: Forbid = "",
    only: Only = "",
    allow: Allow = None,
    no_protect: NoProtect = False,
    robust: Robust = False,
    seed: SeedNumber = 0,
    out_file: OutFile = None,
    replace: Replace = False,
    figure: FigureFile = None,
    as_json: AsJson = False,
) -> None:
    """Find the probes for a case: number, kind, places, protocol, and what protects; a few plans to choose from.

    Ctrl-C ends the search with the best plan so far; a second one leaves without a plan. Exit code 3 where the
    recommended plan has a finding that says stop, or there is no way in.
    """
    from iceball import library
    from iceball.nouns import read_protocol
    from iceball.planning import Wish

    target = case_folder / "plan.json" if out_file is None else out_file
    refuse_taken(target, figure, replace=replace)
    kinds = tuple(library.probe(name) for name in dict.fromkeys(_listed(probe)))
    asked = {"probes": kinds, "protocol": read_protocol(protocol), "max_probes": max_probes, "seed": seed}
    rules = _rules(position, forbid, only, ",".join(allow or ()))
    wish = Wish(intent=INTENTS.get(goal), isotherm_c=isotherm, margin_mm=margin, coverage_fraction=coverage, aim=aim)
    found = _search(case_folder, wish, asked | {"rules": rules, "protect": not no_protect, "robust": robust})
    found.write(target, replace=replace)
    if figure is not None:
        found.draw(figure, _picture(found))
    print_json(summary(found)) if as_json else show(found)
    if found.verdict == "stop":
        raise typer.Exit(EXIT_STOP)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _rules(position: str | None, forbid: str, only: str, allow: str) -> Rules:
    from iceball.planning.ways import Rules

    sides: dict[str, Any] = {"position": position, "forbidden": _listed(forbid), "only": _listed(only)}
    return Rules(**sides, allowed=_listed(allow))


def _search(folder: Path, wish: Wish, asked: dict[str, Any]) -> Found:
    """Read the case, search, and ask the scores of screening what they say of its bone."""
    from iceball import io, planning

    planning.goal_of(wish)  # a wish that is none is refused before the case is read
    with progress("plan") as advance:
        advance(0.0, "reading the case")
        case, begun = io.read_case(folder), time.monotonic()
        goal, fingerprint = planning.goal_of(wish, case), io.stored_case_fingerprint(folder)
        with _gentle_interrupt():
            made = planning.optimise(case, goal=goal, progress=advance, **asked)
        advance(0.97, "scores of stability")
        stability = _stability(case) if made.options else ()
    took_s = time.monotonic() - begun
    return Found(folder, case, goal, fingerprint, made, stability, took_s)


def _stability(case: Case) -> tuple[Finding, ...]:
    """What the scores of screening say of the bone, by what the CT shows and the case knows."""
    from iceball import screening
    from iceball.anatomy import measures
    from iceball.planning import check

    facts = (*measures.measure(case, bone_only=True), *case.facts)
    return tuple(each for each in screening.screen(facts).findings if each.rule.startswith(check.SCORES))


@contextmanager
def _gentle_interrupt() -> Iterator[None]:
    """Tell what the first Ctrl-C does; from then on, and after the search, it is the usual one."""

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        err.print("ending: the best plan so far is kept, if one was run; Ctrl-C again leaves without")
        raise KeyboardInterrupt

    usual = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _picture(found: Found) -> bytes | None:
    """The recommended plan on the CT, as preview accuracy freezes it; None where there is no plan."""
    from iceball import thermal
    from iceball.report.plan import plan_picture

    if found.planning.best is None:
        return None
    with progress("figure") as advance:
        advance(0.1, "freezing the recommended plan")
        made = found.planning.best.plan
        ready = thermal.make_ready(found.case, protections=made.protections)
        history = thermal.freeze(ready, made, curves=False)
        advance(0.8, "drawing")
        return plan_picture(found.case, found.planning.best, history, found.goal)
