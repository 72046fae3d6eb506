"""Judge one run: assess(case, history) -> Assessment."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library, provenance
from iceball.assessment import findings
from iceball.assessment.clearances import clearances
from iceball.assessment.margins import isotherm_result, target
from iceball.errors import InputError
from iceball.nouns import SEVERITIES, Assessment, Case, Clearance, Finding, IsothermResult, Lesion, ThermalHistory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from iceball.nouns import Cited
    from iceball.provenance import Run


def assess(
    case: Case,
    history: ThermalHistory,
    *,
    isotherms_c: Sequence[float] | None = None,
    goal_isotherm_c: float | None = None,
) -> Assessment:
    """Judge a run: how far each isotherm covers the lesion, how cold the structures at risk got, and what to say of it.

    Isotherms decide, millimetres inform (DESIGN, rule 5): the goal is an isotherm that must cover the target; the
    margin in mm is derived from it. A clinical shortfall is a finding, never an error (DESIGN, rule 2).

    Parameters
    ----------
    case : the case that was simulated; it needs a lesion
    history : what the simulation kept
    isotherms_c : isotherms to measure [°C]; those of ``library.isotherms()`` if None. The visible ice edge and the
        goal are always among them.
    goal_isotherm_c : the isotherm that must cover the target [°C]; the coldest of ``isotherms_c`` if None

    Raises
    ------
    InputError : if the case has no lesion, an isotherm is not a temperature that freezes, or the history holds
        temperatures that are not numbers or did not record the time below a limit
    UnknownName : if the history or a structure names what the case or the library does not have
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark the lesion (iceball read --lesion FILE) before assessing")
    if bad := int(np.count_nonzero(~np.isfinite(history.coldest.array))):
        raise InputError(f"the run holds {bad} temperatures that are not numbers: simulate again")
    edge = library.isotherms()[0]
    levels_c, goal_c = _levels(edge.value, isotherms_c, goal_isotherm_c)
    measured = target(case.lesion, history)
    results = tuple(isotherm_result(measured, history, level_c) for level_c in levels_c)
    met = clearances(case, case.lesion, history)
    said = (
        *_of_target(case.lesion, results, edge, goal_c),
        *(found for clearance in met if (found := findings.of_clearance(clearance))),
        *findings.of_borders(case, history, edge.value),
        *findings.of_notes(history),
    )
    return Assessment(
        lesion_ml=case.lesion.volume_ml,
        isotherms=results,
        visible_ice_overlap_mm=_at(results, edge.value).least_margin_mm,
        clearances=met,
        findings=tuple(sorted(said, key=lambda finding: -SEVERITIES.index(finding.severity))),
        run=_run(history.run, said, met, goal_c),
    )


def _levels(
    edge_c: float, isotherms_c: Sequence[float] | None, goal_c: float | None
) -> tuple[tuple[float, ...], float]:
    """Isotherms to measure, the warmest first, and which of them is the goal."""
    asked = tuple(float(c) for c in isotherms_c) if isotherms_c else tuple(row.value for row in library.isotherms())
    goal_c = min(asked) if goal_c is None else float(goal_c)
    for level_c in (*asked, goal_c):
        if not (math.isfinite(level_c) and -200.0 < level_c <= edge_c):
            raise InputError(
                f"an isotherm to judge by lies between -200 and {edge_c:g} °C, not at {level_c:g} °C: "
                "write it with its sign, for example -40"
            )
    return tuple(sorted({*asked, goal_c, edge_c}, reverse=True)), goal_c


def _of_target(lesion: Lesion, results: tuple[IsothermResult, ...], edge: Cited, goal_c: float) -> Iterable[Finding]:
    others = tuple(result for result in results if result.isotherm_c < edge.value)
    goal = _at(results, goal_c)
    if seen := findings.of_visible_ice(_at(results, edge.value), lesion, edge.source):
        yield seen
    if goal_c < edge.value and (short := findings.of_goal(goal, others, _source_of(goal_c))):
        yield short


def _at(results: tuple[IsothermResult, ...], isotherm_c: float) -> IsothermResult:
    return next(result for result in results if result.isotherm_c == isotherm_c)


def _source_of(isotherm_c: float) -> str:
    """Source of the lethal threshold at ``isotherm_c``; DESIGN where the reader chose a value of their own."""
    rows = (*library.isotherms(), *library.thresholds().values())
    return next((row.source for row in rows if row.value == isotherm_c), findings.DESIGN)


def _run(run: Run, said: Iterable[Finding], met: tuple[Clearance, ...], goal_c: float) -> Run:
    """Run of the assessment: that of the simulation, with what the judgement added."""
    limits = (library.limit(clearance.limit) for clearance in met if clearance.limit)
    rows = [row for limit in limits for row in (limit.note_below, limit.caution_below, limit.stop_below) if row]
    if any(clearance.limit is None for clearance in met):
        rows.append(library.named_below())
    cited = library.sources_of(*rows, *library.isotherms())
    keys = {*run.sources, *(source.key for source in cited), *(finding.source for finding in said)}
    return dataclasses.replace(
        run,
        sources=tuple(sorted(keys & (set(library.sources()) | set(run.sources)))),
        settings=(*run.settings, ("goal_isotherm_c", f"{goal_c:g}")),
        started_at=provenance.now(),
    )
