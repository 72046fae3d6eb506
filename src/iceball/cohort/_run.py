"""The verb of this folder: plan many cases with one wish, into one table."""

from __future__ import annotations

import csv
import dataclasses
import io as text_io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iceball import ensemble, io, library, planning, provenance
from iceball.cohort._row import COLUMNS, PLAN, Row, keep, kept
from iceball.errors import IceballError, InputError
from iceball.nouns import Plan
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from iceball.cohort._wish import Wish

    Progress = Callable[[float, str], None]

TABLE, ANSWER = "cohort.csv", "cohort.json"


@noun
class Cohort:
    """Rows of all cases, in the order in which they were named; ``again`` of them were not computed anew."""

    rows: tuple[Row, ...]
    again: int


@noun
class Outcome:
    """What a worker sends back: the row of a case, and its plan where there is one."""

    row: Row
    plan: Plan | None = None


def run(
    cases: Sequence[Path | str],
    wish: Wish,
    out: Path | str,
    *,
    crew: ensemble.Crew | None = None,
    progress: Progress | None = None,
) -> Cohort:
    """Plan every case with ``wish``; plan.json for each, one table for all, in the folder ``out``.

    What ``out`` holds already for the same case, wish, library and version is taken over. A case that fails is a row
    that says why; it does not stop the others.

    Parameters
    ----------
    cases : folders of cases, each once; on a cluster every worker must see them under the same path
    wish : what each is planned with
    out : folder; what is there of an earlier run of the same cohort goes on
    crew : who works; by default this process, which gives each case all cores
    progress : called with the done fraction and a line of text

    Raises
    ------
    InputError : if no case is named, or ``out`` is somebody else's
    SimulationError : if workers die again and again without a case done in between
    """
    out, say = Path(out), progress or _silent
    folders = _named(cases)
    _refuse_foreign(out)
    rows: dict[str, Row] = {}
    todo: dict[str, tuple[str, str, str]] = {}
    for name, folder in folders.items():
        row, key = _before(out / name, name, folder, wish)
        if row is not None:
            rows[name] = row
        else:
            todo[name] = (name, str(folder), key)
    again = sum(1 for row in rows.values() if row.key)

    def note(name: str, outcome: Outcome) -> None:
        if outcome.plan is not None:
            io.write_plan(outcome.plan, out / name / PLAN)
        keep(outcome.row, out / name)
        rows[name] = outcome.row
        _write(tuple(rows[each] for each in folders if each in rows), out)
        say(len(rows) / len(folders), f"{len(rows)} of {len(folders)} cases")

    say(len(rows) / len(folders), f"{len(rows)} of {len(folders)} cases")
    ensemble.work(plan_one, wish, todo, crew or ensemble.Here(), note)
    found = Cohort(rows=tuple(rows[name] for name in folders), again=again)
    _write(found.rows, out)
    return found


def plan_one(wish: Wish, task: tuple[str, str, str]) -> Outcome:
    """Plan one case; whatever iceball refuses about it is its row's reason."""
    name, folder, key = task
    begun = time.monotonic()
    try:
        case = io.read_case(folder)
        goal = planning.goal_of(wish.goal, case)
        made = planning.optimise(
            case,
            probes=wish.probes,
            protocol=wish.protocol,
            goal=goal,
            max_probes=wish.max_probes,
            seed=wish.seed,
        )
    except IceballError as why:
        return Outcome(row=Row(name=name, folder=folder, key=key, status="failed", why=str(why), took_s=_since(begun)))
    if made.interrupted:  # the planner ends with its best so far: half a search is no row of a cohort
        raise KeyboardInterrupt
    if made.best is None:
        why = "; ".join(finding.says for finding in made.findings) or "no plan was found"
        return Outcome(row=Row(name=name, folder=folder, key=key, status="failed", why=why, took_s=_since(begun)))
    plan = dataclasses.replace(made.best.plan, case=io.case_fingerprint(case))
    stops = [finding.says for finding in made.best.findings if finding.severity == "stop"]
    row = Row(
        name=name,
        folder=folder,
        key=key,
        status="stop" if stops else "planned",
        why="; ".join(stops),
        probes=len(plan.placements),
        coverage_fraction=made.best.coverage_fraction,
        stops=len(stops),
        cautions=sum(1 for finding in made.best.findings if finding.severity == "caution"),
        took_s=_since(begun),
    )
    return Outcome(row=row, plan=plan)


def table(rows: Sequence[Row]) -> str:
    """Return ``rows`` as CSV, one line for each case below the names of the columns."""
    text = text_io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for row in rows:
        lines.writerow(["" if value is None else value for value in dataclasses.astuple(row)])
    return text.getvalue()


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """What cohort.json holds."""
    return {
        "format": "iceball-cohort",
        "version": 1,
        "cases": [dataclasses.asdict(row) for row in rows],
        "library": library.digest(),
        "notes": [provenance.RESEARCH_USE],
    }


def _before(place: Path, name: str, folder: Path, wish: Wish) -> tuple[Row | None, str]:
    """The row of an earlier run, or of a case that cannot be read; None where the case is still to be planned."""
    try:
        case = io.stored_case_fingerprint(folder)
    except IceballError as why:  # not kept: it is looked at anew the next time
        return Row(name=name, folder=str(folder), key="", status="failed", why=str(why)), ""
    parts = {"case": case, "wish": wish, "library": library.digest(), "version": provenance.version()}
    key = provenance.fingerprint(parts)
    return kept(place, key), key


def _named(cases: Sequence[Path | str]) -> dict[str, Path]:
    """Folders of the cases by name: that of the folder, with its parents' where two share one."""
    folders = [Path(case) for case in cases]
    if not folders:
        raise InputError("a cohort needs at least one case: name their folders")
    places = [folder.resolve() for folder in folders]
    if len(set(places)) < len(places):
        raise InputError("a case is named twice: name each folder once")
    deep = 1
    while len({place.parts[-deep:] for place in places}) < len(places):
        deep += 1
    return {"_".join(p for p in place.parts[-deep:] if p != "/"): f for place, f in zip(places, folders, strict=True)}


def _refuse_foreign(out: Path) -> None:
    if not (out / ANSWER).is_file():
        io.refuse_occupied(out)
        _write((), out)


def _write(rows: Sequence[Row], out: Path) -> None:
    io.write_bytes(out / TABLE, table(rows).encode())
    io.write_bytes(out / ANSWER, (json.dumps(document(rows), indent=2, ensure_ascii=False) + "\n").encode())


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 1)


def _silent(done: float, text: str) -> None:
    """Tell nobody."""
