"""The verb of this folder: the same plan over many scenarios."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from iceball import anatomy, library, provenance, thermal
from iceball.ensemble import _tell as tell
from iceball.ensemble._freeze import freeze_drawn
from iceball.ensemble._inputs import inputs
from iceball.ensemble._measure import Member, Yardstick, failed, make_yardstick, measured
from iceball.ensemble._result import Ensemble
from iceball.ensemble._scenarios import Scenario, design_words, scenarios
from iceball.ensemble._work import Crew, Here, work
from iceball.errors import GeometryError, SimulationError
from iceball.nouns import Goal, Plan
from iceball.nouns._noun import array_noun, noun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iceball.nouns import Case, ThermalHistory
    from iceball.provenance import Run
    from iceball.thermal import Ready

    Progress = Callable[[float, str], None]


@noun
class Settings:
    """How an ensemble is drawn and computed; ``placement_sd_mm`` None is the library's."""

    seed: int = 0
    placement_sd_mm: float | None = None
    spacing_mm: float = 2.0
    accuracy: str = "preview"


class Keep(Protocol):
    """Somewhere to keep members, so that an interrupted ensemble goes on (``io.MemberFolder``)."""

    def kept(self) -> Mapping[int, Member]:
        """Return the members that are there, by number."""
        ...

    def keep(self, member: Member) -> None:
        """Keep ``member``, whole or not at all."""
        ...


@array_noun
class Study:
    """All that a worker needs beside the scenario."""

    ready: Ready
    plan: Plan
    stick: Yardstick
    accuracy: str


def run(  # noqa: PLR0913  (what to freeze, how many times, and four knobs)
    case: Case,
    plan: Plan,
    n: int = 200,
    *,
    settings: Settings | None = None,
    crew: Crew | None = None,
    keep: Keep | None = None,
    progress: Progress | None = None,
) -> Ensemble:
    """Freeze ``case`` by ``plan`` in ``n`` scenarios and say how likely the plan does what it is meant to.

    The answer is the same to the last bit whoever computes it, and in whatever order: every member hangs on its own
    number only, maps are counted, and members are put in order before anything is worked out.

    Parameters
    ----------
    case : with a lesion
    plan : probes of the library in place; its goal decides what "covered" means, by default 95 % by -20 °C
    n : how many members
    settings : seed, placement error, voxel size and accuracy
    crew : who works: ``crew(workers, scheduler)``; by default this process
    keep : where members are kept as they are done; those that are there already are not computed again
    progress : called with the done fraction and a line of text

    Raises
    ------
    InputError : if the case has no lesion, or a number makes no sense
    GeometryError : if the plan itself cannot be simulated
    SimulationError : if no member could be computed, or workers die again and again
    """
    settings, say = settings or Settings(), progress or _silent
    drawn = scenarios(plan, n, settings.seed, placement_sd_mm=settings.placement_sd_mm)
    say(0.0, "tissue from CT")
    moved = anatomy.displaced(case, plan.protections)  # what is pushed away is measured where it lies then
    stick = make_yardstick(moved, plan, plan.goal or Goal(), settings.spacing_mm)
    ready = thermal.make_ready(case, spacing_mm=settings.spacing_mm, protections=plan.protections)
    plain = thermal.freeze(ready, plan, accuracy=settings.accuracy, curves=False)
    members = {} if keep is None else {i: m for i, m in keep.kept().items() if i < n}
    study = Study(ready=ready, plan=plan, stick=stick, accuracy=settings.accuracy)
    before = len(members)

    def note(number: int, member: Member) -> None:
        members[number] = member
        if keep is not None:
            keep.keep(member)
        say(len(members) / n, f"{len(members)} of {n} members" + (f", {before} from before" if before else ""))

    todo = {each.number: each for each in drawn if each.number not in members}
    say(before / n, f"{before} of {n} members")
    work(member_of, study, todo, crew or Here(), note)
    return _told(case, study, drawn, tuple(members[i] for i in sorted(members)), plain, settings)


def member_of(study: Study, scenario: Scenario) -> Member:
    """Compute and measure one member; a scenario that cannot be simulated is a member that says why."""
    try:
        history = freeze_drawn(study.ready, study.plan, scenario, accuracy=study.accuracy)
    except (GeometryError, SimulationError) as why:
        return failed(scenario.number, str(why), study.stick)
    return measured(scenario.number, history, study.stick)


def identity(case_fingerprint: str, plan: Plan, settings: Settings) -> dict[str, str]:
    """What must be the same for members kept before to count: everything that they hang on, by name.

    Parameters
    ----------
    case_fingerprint : of the case (``io.case_fingerprint``)
    plan : with its goal
    settings : the number of members is not among them: more can be asked for later
    """
    backend = thermal.default_backend()
    return {
        "case": case_fingerprint,
        "plan": provenance.fingerprint(dataclasses.replace(plan, case="", name="", notes=())),
        "seed": str(settings.seed),
        "placement, voxels and accuracy": provenance.fingerprint(settings),
        "design": provenance.fingerprint(scenarios(plan, 1, settings.seed, placement_sd_mm=settings.placement_sd_mm)),
        "library": library.digest(),
        "version": provenance.version(),
        "backend": f"{backend.name} {backend.dtype}",
    }


def _told(
    case: Case,
    study: Study,
    drawn: tuple[Scenario, ...],
    members: tuple[Member, ...],
    plain: ThermalHistory,
    settings: Settings,
) -> Ensemble:
    stick, plan = study.stick, study.plan
    table = tell.tabulated(members, drawn, stick, plan)
    if not len(table.number):
        raise SimulationError(f"none of the {len(drawn)} members could be computed; the first: {members[0].failed}")
    return Ensemble(
        goal=stick.goal,
        n=len(drawn),
        inputs=inputs(plan),
        table=table,
        probability=tell.maps(members, stick),
        chances=tell.chances(table, stick, case),
        spreads=tell.spreads(table, measured(-1, plain, stick), stick),
        influences=tell.influences(table, plan, stick, settings.seed),
        notes=_notes(table.failed, len(drawn)),
        run=_run(plain.run, plan, settings, len(drawn)),
    )


def _notes(missing: tuple[tuple[int, str], ...], n: int) -> tuple[str, ...]:
    notes = [design_words(n)]
    if missing:
        notes.append(
            f"{len(missing)} of {n} members could not be simulated and count nowhere; the first, number "
            f"{missing[0][0]}: {missing[0][1]}"
        )
    return tuple(notes)


def _run(run: Run, plan: Plan, settings: Settings, n: int) -> Run:
    """Run of the ensemble: that of the plan itself, with what was drawn."""
    sd_row = library.ensemble_rules()["placement_sd_mm"]
    sd_mm = sd_row.value if settings.placement_sd_mm is None else settings.placement_sd_mm
    rows = [row for placement in plan.placements for row in library.probe_rows(placement.probe.name).values()]
    keys = {*run.sources, *(source.key for source in library.sources_of(sd_row, *rows))}
    return dataclasses.replace(
        run,
        seed=settings.seed,
        sources=tuple(sorted(keys)),
        settings=(*run.settings, ("members", str(n)), ("placement_sd_mm", f"{sd_mm:g}")),
        started_at=provenance.now(),
    )


def _silent(done: float, text: str) -> None:
    """Tell nobody."""
