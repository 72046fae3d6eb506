"""``iceball check``: what the rules say of a plan made by hand, or of probes as they lie; and what would rescue it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from iceball.cli._app import EXIT_STOP, AsJson, app, out, plain, print_json, progress
from iceball.nouns import SEVERITIES
from iceball.provenance import RESEARCH_USE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Assessment, Case, Finding, Plan, ThermalHistory
    from iceball.planning.check import Rescues
    from iceball.thermal import Ready

WITHIN_S = 5.0  # what the command promises, from the case in memory on
SPACING_MM = 2.0
_COLOURS = {"stop": "bold red", "caution": "yellow", "note": "dim", "clear": "green"}

CaseFolder = Annotated[
    Path, typer.Argument(metavar="CASE", help="Case folder, as 'iceball read' makes it.", readable=False)
]
PlanFile = Annotated[Path, typer.Option("--plan", metavar="FILE", help="The plan (plan.json).", readable=False)]
AchievedFile = Annotated[
    Path | None,
    typer.Option(
        "--achieved",
        metavar="FILE",
        help="Probes as they lie: lines of 3D Slicer (.mrk.json), or a table (.csv).",
        readable=False,
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="NAME", help="A structure that a shaft may cross; may be given several times."),
]
Accuracy = Annotated[str, typer.Option("--accuracy", help="preview, standard or reference: how long the steps are.")]
RunOnly = Annotated[bool, typer.Option("--run-only", help="Judge the plan as it is; try nothing that would rescue it.")]
Rescue = Annotated[
    bool, typer.Option("--rescue", help=f"Try every variation, also those that do not fit into {WITHIN_S:g} s.")
]


@app.command()
def check(  # noqa: PLR0913  (a command has an argument for each of its options)
    case: CaseFolder,
    plan: PlanFile,
    achieved: AchievedFile = None,
    allow: Allow = None,
    accuracy: Accuracy = "preview",
    run_only: RunOnly = False,
    rescue: Rescue = False,
    as_json: AsJson = False,
) -> None:
    """Check a plan, or the probes as they lie: simulate it, say what the rules find, and what would still rescue it.

    What would rescue it moves no probe: time, power, one more probe, protection. Only what helps is said.
    Exit code 3 where a finding says stop.
    """
    from iceball import io
    from iceball.planning import check as checking

    found_case, made = io.read_case(case), io.read_plan(plan)
    begun, off = time.monotonic(), ()
    if achieved is not None:
        made, off = checking.as_achieved(found_case, made, io.read_achieved(achieved))
    fingerprint = io.stored_case_fingerprint(case)
    with progress("check") as advance:
        ran = _Ran(found_case, made, accuracy, advance)
        findings = (*off, *_findings(ran, fingerprint, allow or []))
    judged_s = time.monotonic() - begun
    if not as_json:
        _show(ran.assessment, findings, ran.refused)
    rescues = None
    if not run_only and ran.ready is not None and ran.history is not None:
        left_s = 1e9 if rescue else max(0.0, WITHIN_S - judged_s)
        with progress("what would rescue it") as advance:
            rescues = checking.rescue(
                ran.ready, made, ran.history, within_s=left_s, accuracy=accuracy, progress=advance
            )
    if as_json:
        print_json(_summary(made, ran, findings, rescues, judged_s))
    else:
        _show_rescues(rescues)
        out.print(f"verdict: [{_COLOURS[_verdict(findings)]}]{_verdict(findings)}[/]. {RESEARCH_USE}")
    if _verdict(findings) == "stop":
        raise typer.Exit(EXIT_STOP)


class _Ran:
    """The run of a plan and its judgement; ``refused`` says why it could not be frozen, "" where it could."""

    def __init__(self, case: Case, plan: Plan, accuracy: str, advance: Any) -> None:
        from iceball.errors import GeometryError

        self.case, self.plan, self.refused = case, plan, ""
        self.ready: Ready | None = None
        self.history: ThermalHistory | None = None
        self.assessment: Assessment | None = None
        try:
            self._freeze(accuracy, advance)
        except GeometryError as refused:
            self.refused = str(refused)
        advance(0.7, "judging")
        self._judge()

    def _freeze(self, accuracy: str, advance: Any) -> None:
        from iceball import thermal
        from iceball.errors import GeometryError

        advance(0.0, "tissue from CT")
        self.ready = thermal.make_ready(self.case, spacing_mm=SPACING_MM, protections=self.plan.protections)
        advance(0.5, "freezing")
        try:
            self.history = thermal.freeze(self.ready, self.plan, accuracy=accuracy)
        except GeometryError:  # probes far off the lesion have a box of their own, if they can freeze at all
            self.ready = None
            self.history = thermal.simulate(self.case, self.plan, spacing_mm=SPACING_MM, accuracy=accuracy)

    @property
    def moved(self) -> Case:
        """The case as the plan's protections leave it: what they push away is judged where it lies then."""
        from iceball import anatomy

        return anatomy.displaced(self.case, self.plan.protections)

    def _judge(self) -> None:
        if self.history is None:
            return
        from iceball.assessment import assess
        from iceball.nouns import Goal
        from iceball.planning.check import near_part

        goal = self.plan.goal or Goal()
        box = self.history.coldest.grid if self.ready is None else self.ready.ground.box.grid
        moved = self.moved
        near = moved if self.ready is None else near_part(moved, box)
        self.assessment = assess(near, self.history, goal_isotherm_c=goal.isotherm_c if goal.isotherm_c < 0 else None)


def _findings(ran: _Ran, fingerprint: str, allow: Sequence[str]) -> tuple[Finding, ...]:
    """All that is found, the gravest first."""
    from iceball import screening
    from iceball.anatomy import measures
    from iceball.planning import check as checking

    for name in allow:
        ran.case.structure(name)
    prepared = None if ran.ready is None else ran.ready.prepared
    said = checking.geometry(ran.case, ran.plan, fingerprint=fingerprint, allowed=allow, prepared=prepared)
    if ran.moved is not ran.case:
        said = tuple(dict.fromkeys((*said, *checking.geometry(ran.moved, ran.plan, allowed=allow))))
    if ran.history is not None and ran.assessment is not None:
        facts = measures.measure(ran.case, bone_only=True)
        stability = screening.screen((*facts, *ran.case.facts)).findings
        run = checking.of_run(
            ran.moved, ran.plan, ran.history, assessment=ran.assessment, screening=stability, facts=facts
        )
        said = (*said, *ran.assessment.findings, *run)
    return tuple(sorted(said, key=lambda finding: -SEVERITIES.index(finding.severity)))


def _verdict(findings: Sequence[Finding]) -> str:
    kinds = {finding.severity for finding in findings}
    return "stop" if "stop" in kinds else "caution" if "caution" in kinds else "clear"


def _show(assessment: Assessment | None, findings: Sequence[Finding], refused: str) -> None:
    from iceball.cli.assess import show_tables

    if refused:
        out.print(f"[yellow]not simulated:[/] {escape(refused)}", soft_wrap=True)
    if assessment is not None:
        show_tables(assessment)
    for finding in findings:
        colour = _COLOURS[finding.severity]
        out.print(f"[{colour}]{finding.severity}[/] {escape(finding.says)} [dim]({escape(finding.source)})[/]")


def _show_rescues(rescues: Rescues | None) -> None:
    if rescues is None or not rescues.needed:
        return
    out.print("\n[bold]Without moving a probe[/]")
    for each in rescues.found:
        out.print(f"  {escape(each.says)}", highlight=False)
    if not rescues.found and rescues.tried:
        out.print(f"  nothing of what was tried helps ({rescues.tried} runs)")
    if rescues.untried:
        out.print(f"  [dim]no time for {len(rescues.untried)} more: --rescue tries them all[/]")


def _summary(
    plan: Plan, ran: _Ran, findings: Sequence[Finding], rescues: Rescues | None, judged_s: float
) -> dict[str, Any]:
    return {
        "verdict": _verdict(findings),
        "plan": plan.name,
        "probes": [plain(placement) for placement in plan.placements],
        "protocol": str(plan.protocol),
        "took_s": round(judged_s, 2),
        "not_simulated": ran.refused,
        "findings": [plain(finding) for finding in findings],
        "isotherms": [] if ran.assessment is None else plain(ran.assessment.isotherms),
        "clearances": [] if ran.assessment is None else plain(ran.assessment.clearances),
        "rescue": [_rescued(each) for each in rescues.found] if rescues else [],
        "rescue_tried": rescues.tried if rescues else 0,
        "rescue_untried": list(rescues.untried) if rescues else [],
        "run": None if ran.history is None else plain(ran.history.run),
    }


def _rescued(each: Any) -> dict[str, Any]:
    told = {name: plain(getattr(each, name)) for name in type(each).__dataclass_fields__ if name != "plan"}
    return told | {"protocol": str(each.plan.protocol)}
