"""Does the page of the 24 cases count what was kept, and hide nothing that failed?"""

from __future__ import annotations

import planner_page
from planner_page import AGAIN, ELLIPSOIDS, PLANNER, ROBUST
from planning_cases import table

CASES = {each.number: each for each in table()}


def came(coverage, dice, *, stops=(), hindrance=(), seconds=30.0):
    return {
        "coverage_fraction": coverage, "dice": dice, "healthy_ml": 5.0, "stops": list(stops), "cautions": [],
        "probes": 2, "protections": 0, "protocol": "10-8-10", "planning_s": seconds, "hindrance": list(hindrance),
    }  # fmt: skip


def odds(holds, probes):
    return {"holds": holds, "of": 32, "probes": probes, "freezing_min": 20.0, "healthy_ml": 5.0}


REACHED = {"number": 1, PLANNER: came(0.97, 0.7), ELLIPSOIDS: came(0.99, 0.5, stops=["x: y"]), AGAIN: None}
SHORT = {
    "number": 2,
    PLANNER: came(0.8, 0.6, hindrance=["structure: spinal_canal"], seconds=90.0),
    ELLIPSOIDS: came(0.9, 0.5),
    AGAIN: came(0.96, 0.6),
}
STOPPED = {
    "number": 3,
    PLANNER: came(0.99, 0.6, stops=["limit: cord"]),
    ELLIPSOIDS: came(0.9, 0.5),
    AGAIN: {"failed": "?"},
}
FAILED = {"number": 4, PLANNER: {"failed": "E: no"}, ELLIPSOIDS: {"failed": "E: none"}, AGAIN: None}


def test_only_what_covers_without_a_stop_is_counted_and_what_failed_is_named():
    text = "\n".join(planner_page.summary([REACHED, SHORT, STOPPED, FAILED], 24))
    assert "**1 of 4** reach 95 % without a stop" in text
    assert "Only 4 of the 24 cases were run" in text
    assert "1 got no plan at all" in text
    assert "Of the other 3, 1 reach it with only the named hindrance taken away" in text
    assert "30 s in the median, 90 s at most" in text
    assert "Dice is +10 points better in the median" in text


def test_every_case_has_a_row_and_a_failure_is_written_in_it():
    robust = {"robust": odds(30, 3), "nominal": odds(20, 2), "planning_s": 80.0}
    page = planner_page.page(CASES, [REACHED | {ROBUST: robust}, SHORT, STOPPED, FAILED])
    rows = [line for line in page.splitlines() if line.startswith("| 0")]
    assert [line[2:4] for line in rows] == ["01", "02", "03", "04"] * 2  # both tables
    assert "E: no" in rows[3]
    assert "structure: spinal_canal" in rows[1]
    assert len({line.count("|") for line in rows[:3]}) == 1


def test_robust_plans_that_nobody_ran_have_no_table():
    assert "Robust" not in planner_page.page(CASES, [REACHED, SHORT])


def test_the_gain_of_robust_plans_is_counted_case_by_case():
    one = REACHED | {ROBUST: {"robust": odds(30, 3), "nominal": odds(20, 2), "planning_s": 80.0}}
    two = SHORT | {ROBUST: {"robust": odds(10, 2), "nominal": odds(12, 2), "planning_s": 120.0}}
    text = "\n".join(planner_page.robust_summary([one, two, FAILED]))
    assert "Medians of 2 cases" in text
    assert "more of them in 1 cases, in fewer in 1; the median gain is +4" in text
