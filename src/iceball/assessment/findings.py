"""What the rules say of a run. Which rule says what, and why, is written in docs/concepts/judging.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.assessment.words import in_words, minutes, percent
from iceball.nouns import Case, Clearance, Finding, IsothermResult, Lesion, Severity, ThermalHistory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Cited

DESIGN = "DESIGN"  # a rule of this package: no entry of sources.bib stands behind it


def of_clearance(clearance: Clearance) -> Finding | None:
    """The gravest step of the structure's own limit that was passed; None if none was and nothing needs saying.

    Raises
    ------
    UnknownName : if the library has no limit of the clearance's name
    """
    if clearance.limit is None:
        return _without_limit(clearance)
    limit = library.limit(clearance.limit)
    steps: tuple[tuple[Severity, Cited | None], ...] = (
        ("stop", limit.stop_below),
        ("caution", limit.caution_below),
        ("note", limit.note_below),
    )
    for severity, row in steps:
        if row is not None and clearance.coldest_c < row.value:
            return _passed(clearance, severity, row)
    return None


def _passed(clearance: Clearance, severity: Severity, row: Cited) -> Finding:
    longest_s = dict(clearance.below_s).get(row.value, 0.0)
    return Finding(
        rule=f"limit of {clearance.limit}",
        severity=severity,
        says=(
            f"{_named(clearance)} reached {clearance.coldest_c:.1f} °C, below the {severity} limit of "
            f"{row.value:g} °C, for up to {minutes(longest_s)}{_distance(clearance)}."
        ),
        source=row.source,
        subject=clearance.structure,
        measured=clearance.coldest_c,
        limit=row.value,
        unit="°C",
    )


def _named(clearance: Clearance) -> str:
    return in_words(clearance.structure) + (" (outline estimated by iceball)" if clearance.estimated else "")


def _without_limit(clearance: Clearance) -> Finding | None:
    named = library.named_below()  # what is worth a line, never whether something is safe
    if clearance.coldest_c >= named.value:
        return None
    return Finding(
        rule="no limit known",
        severity="note",
        says=(
            f"{_named(clearance)} reached {clearance.coldest_c:.1f} °C{_distance(clearance)}. "
            "No limit is known for it, and none is borrowed from another structure."
        ),
        source=named.source,
        subject=clearance.structure,
        measured=clearance.coldest_c,
        unit="°C",
    )


def of_goal(goal: IsothermResult, others: tuple[IsothermResult, ...], source: str) -> Finding | None:
    """A caution where the goal isotherm does not cover the whole target; None where it does."""
    if _covers(goal):
        return None
    rest = "; ".join(f"{o.isotherm_c:g} °C covers {_share(o)}" for o in others if o is not goal)
    says = (
        f"The {goal.isotherm_c:g} °C isotherm does not cover the whole target, but {_share(goal)}{_shortfall(goal)}."
        f"{f' {rest[:1].upper()}{rest[1:]}.' if rest else ''}"
    )
    return _of_cover("coverage of the target", "caution", says, goal, source)


def of_visible_ice(edge: IsothermResult, lesion: Lesion, source: str) -> Finding | None:
    """Where not even the visible ice covers the target: stop if local control is sought, else a caution."""
    if _covers(edge):
        return None
    control = lesion.intent == "local_control"
    says = (
        f"Not even the visible ice ({edge.isotherm_c:g} °C) covers the whole target, but {_share(edge)}"
        f"{_shortfall(edge)}. "
        + ("Local control cannot be expected." if control else "Palliation may not need full cover.")
    )
    return _of_cover("visible ice over the target", "stop" if control else "caution", says, edge, source)


def _of_cover(rule: str, severity: Severity, says: str, result: IsothermResult, source: str) -> Finding:
    """A finding measured as a share [%], or in millimetres where only the border is missed."""
    at_border = result.coverage_fraction >= 1.0
    return Finding(
        rule=rule,
        severity=severity,
        says=says,
        source=source,
        subject="target",
        measured=result.least_margin_mm if at_border else 100.0 * result.coverage_fraction,
        limit=0.0 if at_border else 100.0,
        unit="mm" if at_border else "%",
    )


def _covers(result: IsothermResult) -> bool:
    """Whether every point inside got so cold, and no place of the border lies beyond the isotherm."""
    return result.coverage_fraction >= 1.0 and (result.least_margin_mm is None or result.least_margin_mm >= 0.0)


def _share(result: IsothermResult) -> str:
    if result.coverage_fraction < 1.0:
        return f"{percent(result.coverage_fraction)} of it"
    return "all of it" if _covers(result) else "all but its border"


def of_borders(case: Case, history: ThermalHistory, edge_c: float) -> tuple[Finding, ...]:
    """Cautions where the ice reached the border of the simulated box, or of what was scanned: the run is cut there."""
    frozen = np.asarray(history.coldest.array) <= edge_c
    if not frozen.any():
        return ()
    said: list[str] = []
    if any(face.any() for axis in range(3) for face in (np.take(frozen, 0, axis), np.take(frozen, -1, axis))):
        said.append("The ice reached the border of the simulated box: what lies beyond was not simulated.")
    if _at_scan_edge(case, history, frozen):
        said.append("The ice reached the edge of the scan: tissue beyond it is unknown, and so is the ice there.")
    return tuple(Finding(rule="edge of what is known", severity="caution", says=text, source=DESIGN) for text in said)


def _at_scan_edge(case: Case, history: ThermalHistory, frozen: NDArray[np.bool_]) -> bool:
    """Whether a frozen voxel has a neighbour, by a face, whose centre lies outside the scan."""
    grid, view = history.coldest.grid, case.field_of_view
    voxels = np.argwhere(frozen)
    for step in np.concatenate([np.eye(3), -np.eye(3)]):
        beside_mm = grid.position_mm(voxels + step)
        if not case.ct.grid.contains(beside_mm).all():
            return True
        if view is not None:
            i, j, k = np.clip(np.rint(view.grid.index_of(beside_mm)).astype(int), 0, np.asarray(view.grid.shape) - 1).T
            if not view.array[i, j, k].all():
                return True
    return False


def of_notes(history: ThermalHistory) -> tuple[Finding, ...]:
    """Carry what the solver noted; a note is as grave as its reader makes it, so it stays a note."""
    return tuple(
        Finding(rule="note of the simulation", severity="note", says=note, source=DESIGN) for note in history.notes
    )


def _distance(clearance: Clearance) -> str:
    if clearance.distance_to_lesion_mm is None:
        return ""
    return f"; it lies {clearance.distance_to_lesion_mm:.1f} mm from the lesion"


def _shortfall(result: IsothermResult) -> str:
    if result.least_margin_mm is None:
        return ": no tissue got so cold"
    return f"; at the worst place it stays {-result.least_margin_mm:.1f} mm short" if result.least_margin_mm < 0 else ""
