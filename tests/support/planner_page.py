"""The page of the 24 cases: what every case came to, as tables and in a few lines.

A row is what ``scripts/write_planner_table.py`` keeps of a case, by part.
"""

from __future__ import annotations

import statistics
from typing import Any

PLANNER, ELLIPSOIDS, AGAIN, ROBUST = PARTS = "planner", "ellipsoids", "again", "robust"
GOAL_FRACTION, MOST_PROBES = 0.95, 8

HEAD = """# The planner on 24 generated cases

Lesions of 15 to 50 mm, lytic, blastic and mixed, implanted into two real CTs in vertebra, ilium, acetabulum, rib,
sacrum and femur ([](../concepts/implanted-lesions.md)). Sizes, kinds and places were drawn by a rule from a fixed seed,
and kept, before the planner first ran (`tests/support/planning_cases.py`). Nothing here is a finding in a patient. What
the CTs have no label for was drawn by code where anatomy has it (bones, bladder, bowel, nerves) or estimated by iceball
(canal, roots, pleura, skin): nobody saw a nerve on them.

Beside the planner stands a plan by the **union of fixed ellipsoids**, as other planners place probes: the same ways in,
the same probe and number of probes, the same time to search, each ellipsoid the -20 °C surface of that probe alone in
gel as this solver computes it; it knows of no protection. Both are judged by the solver at standard accuracy and 1 mm.
Written by `scripts/write_planner_table.py`.

"""
ROBUST_HEAD = """
## Robust against nominal

The same cases with `--robust`: in how many of 32 possible patients, probes and hands, which neither search has seen,
the goal is reached and nothing falls below a limit that says stop, by runs at preview accuracy.

"""
ROBUST_COLUMNS = ("holds in", "probes", "freezing, min", "healthy ml")
COLUMNS = (
    *("case", "bone", "type", "mm", "nearest, mm", "probes", "covered", "Dice", "healthy ml", "stops", "planned in"),
    *("ellipsoids: covered", "Dice", "healthy ml", "stops", "what hinders", "without it: covered", "stops"),
)


def robust_summary(rows: list[dict[str, Any]]) -> list[str]:
    """How the shares compare over the cases that have both."""
    both = [row[ROBUST] for row in rows if "failed" not in row.get(ROBUST, {"failed": "not run"})]
    if not both:
        return ["No case was run."]
    middle = {
        which: {key: statistics.median(each[which][key] for each in both) for key in both[0][which]}
        for which in ("nominal", "robust")
    }
    told = [
        f"{which}: holds in {middle[which]['holds']:g} of {middle[which]['of']:g}, {middle[which]['probes']:g} probes, "
        f"{middle[which]['freezing_min']:g} min of freezing, {middle[which]['healthy_ml']:.1f} ml healthy"
        for which in middle
    ]
    gains = [each["robust"]["holds"] - each["nominal"]["holds"] for each in both]
    seconds = [each["planning_s"] for each in both]
    return [
        f"Medians of {len(both)} cases, {'; '.join(told)}.",
        f"The robust plan holds in more of them in {sum(g > 0 for g in gains)} cases, in fewer in "
        f"{sum(g < 0 for g in gains)}; the median gain is {statistics.median(gains):+g}.",
        f"Planning took {statistics.median(seconds):.0f} s in the median, {max(seconds):.0f} s at most.",
    ]


def robust_table(cases: dict[int, Any], rows: list[dict[str, Any]]) -> str:
    """The rows of the second table."""
    columns = (
        "case",
        *(f"{which}: {what}" for which in ("nominal", "robust") for what in ROBUST_COLUMNS),
        "planned in",
    )
    lines = ["| " + " | ".join(columns) + " |\n", "|--:|" + "--:|" * (len(columns) - 1) + "\n"]
    for row in rows:
        found = row.get(ROBUST, {"failed": "not run"})
        if "failed" in found:
            lines.append(f"| {cases[row['number']].name} | {found['failed']} |" + " |" * (len(columns) - 2) + "\n")
            continue
        cells = [cases[row["number"]].name]
        for which in ("nominal", "robust"):
            one = found[which]
            cells += [f"{one['holds']} of {one['of']}", f"{one['probes']}", f"{one['freezing_min']:g}"]
            cells += [f"{one['healthy_ml']:.1f}"]
        lines.append("| " + " | ".join([*cells, f"{found['planning_s']:.0f} s"]) + " |\n")
    return "".join(lines)


def _cells(case: Any, row: dict[str, Any]) -> list[str]:
    first, other, again = row[PLANNER], row[ELLIPSOIDS], row[AGAIN]
    near = f"{case.near} {case.near_mm:g}" if case.near else ""
    head = [case.name, case.bone, case.wish.matrix, f"{case.wish.size_mm:g}", near]
    one = [str(first["probes"]), *_figures(first), f"{first['planning_s']:.0f} s"] if "failed" not in first else []
    two = _figures(other) if "failed" not in other else []
    freed = (
        ["", ""] if again is None else _figures(again)[::3] if "failed" not in again else ["failed", again["failed"]]
    )
    hinders = ", ".join(first.get("hindrance", ())) if again is not None else ""
    return [*head, *(one or [first["failed"], *[""] * 5]), *(two or [other["failed"], *[""] * 3]), hinders, *freed]


def _figures(row: dict[str, Any]) -> list[str]:
    stops = ", ".join(row["stops"]) or "none"
    return [f"{100 * row['coverage_fraction']:.1f} %", f"{row['dice']:.2f}", f"{row['healthy_ml']:.1f}", stops]


def summary(rows: list[dict[str, Any]], count: int) -> list[str]:
    """What all cases together say; failed ones count against the planner."""
    ours = [row[PLANNER] for row in rows if "failed" not in row[PLANNER]]
    good = sum(reached(row) for row in ours)
    lines = [f"**{good} of {len(rows)}** reach 95 % without a stop, with at most {MOST_PROBES} probes each."]
    if len(rows) < count:
        lines.append(f"Only {len(rows)} of the {count} cases were run.")
    if failed := len(rows) - len(ours):
        lines.append(f"{failed} got no plan at all.")
    again = [row[AGAIN] for row in rows if row[AGAIN] is not None]
    freed = sum("failed" not in row and row["coverage_fraction"] >= GOAL_FRACTION for row in again)
    lines.append(f"Of the other {len(rows) - good}, {freed} reach it with only the named hindrance taken away.")
    if ours:
        seconds = [row["planning_s"] for row in ours]
        lines.append(f"Planning took {statistics.median(seconds):.0f} s in the median, {max(seconds):.0f} s at most.")
    both = [(row[PLANNER], row[ELLIPSOIDS]) for row in rows if "failed" not in {*row[PLANNER], *row[ELLIPSOIDS]}]
    return lines + ([_versus(both)] if both else [])


def _versus(both: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    def middle(field: str, which: int) -> float:
        return statistics.median(pair[which][field] for pair in both)

    apart = 100 * statistics.median(ours["dice"] - theirs["dice"] for ours, theirs in both)
    texts = [
        f"covered {100 * middle('coverage_fraction', w):.1f} %, Dice {middle('dice', w):.2f}, "
        f"{middle('healthy_ml', w):.1f} ml healthy, {sum(bool(pair[w]['stops']) for pair in both)} with stops"
        for w in (0, 1)
    ]
    return (
        f"Medians of the {len(both)} cases that have both: the planner {texts[0]}; ellipsoids {texts[1]}. "
        f"Dice is {apart:+.0f} points better in the median (the aim: at least 8)."
    )


def reached(row: dict[str, Any]) -> bool:
    """Whether the goal is reached with no stop and no more probes than allowed."""
    return bool(row["coverage_fraction"] >= GOAL_FRACTION and not row["stops"])


def page(cases: dict[int, Any], rows: list[dict[str, Any]]) -> str:
    """Return the page of ``rows``, of all ``cases`` by number."""
    lines = ["| " + " | ".join(COLUMNS) + " |\n", "|--:|---|---|--:|---|" + "--:|" * 10 + "---|--:|--:|\n"]
    lines += ["| " + " | ".join(_cells(cases[row["number"]], row)) + " |\n" for row in rows]
    text = HEAD + "".join(f"- {line}\n" for line in summary(rows, len(cases))) + "\n" + "".join(lines)
    if not any(ROBUST in row for row in rows):
        return text
    robust = [f"- {line}\n" for line in robust_summary(rows)]
    return text + ROBUST_HEAD + "".join(robust) + "\n" + robust_table(cases, rows)
