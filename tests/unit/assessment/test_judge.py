"""What is said of a run: clearances, findings, and what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.assessment import assess
from iceball.assessment.findings import of_clearance
from iceball.assessment.words import minutes, percent
from iceball.citing import citations
from iceball.errors import InputError, UnknownName
from iceball.nouns import Clearance, Structure

CORD = library.limit("spinal_cord")


@pytest.fixture
def judged(make_grid, make_case, make_history, cone):
    """judged(structures, radius) -> Assessment of a cone of cold over a ball of 8 mm, 1 mm grids."""

    def make(at_risk=None, *, radius_mm=12.0, **case_facts):
        ct, box = make_grid((71, 71, 71), (1.0,) * 3), make_grid((61, 61, 61), (1.0,) * 3)
        places = {name: place(ct) for name, place in (at_risk or {}).items()}
        history = make_history(box, cone(radius_mm=radius_mm), watched=dict.fromkeys(places, 37.0))
        return assess(make_case(ct, at_risk=places, **case_facts), history)

    return make


def column(x_mm, half_mm=2.5):
    """A square column along z through x = x_mm."""

    def place(grid):
        p = grid.position_mm(np.stack(np.indices(grid.shape), axis=-1))
        return (np.abs(p[..., 0] - x_mm) <= half_mm) & (np.abs(p[..., 1]) <= half_mm)

    return place


def rules(assessment, severity=None):
    return [f.rule for f in assessment.findings if severity in (None, f.severity)]


def test_clearance_gives_temperature_place_and_distance_of_the_nearest_voxel(judged):
    # The column's nearest voxels lie 24 mm from the middle: -40 + 4 (24 - 12) = 8 °C there, 0.1 °C at most warmer
    # nowhere: the place is a voxel centre of both grids. The lesion's outermost voxel centre lies at x = 8 mm.
    (cord,) = judged({"spinal_cord": column(26.0, 2.0)}).clearances
    assert cord.coldest_c == pytest.approx(8.0, abs=1e-6)
    assert cord.place_mm == pytest.approx((24.0, 0.0, 0.0), abs=1e-6)
    assert cord.distance_to_lesion_mm == pytest.approx(16.0, abs=1e-6)


def test_the_colder_of_label_and_recorded_curve_counts(make_grid, make_case, make_history, cone):
    ct = make_grid((71, 71, 71), (1.0,) * 3)
    history = make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(), watched={"spinal_cord": -3.0})
    (cord,) = assess(make_case(ct, at_risk={"spinal_cord": column(32.0)(ct)}), history).clearances
    assert (cord.coldest_c, cord.place_mm) == (-3.0, (0.0, 0.0, 0.0))


def test_time_below_each_limit_is_that_of_the_longest_point(make_grid, make_case, make_history, cone):
    ct = make_grid((71, 71, 71), (1.0,) * 3)
    below = {c: np.full((61, 61, 61), 10.0 * (20 - c)) for c in CORD.values_c}
    history = make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(radius_mm=12.0), watched={"spinal_cord": 37.0},
                           below=below)  # fmt: skip
    (cord,) = assess(make_case(ct, at_risk={"spinal_cord": column(26.0, 2.0)(ct)}), history).clearances
    # 8 °C: below 15 and 10, never below 5, whatever the recorder says
    assert dict(cord.below_s) == {15.0: pytest.approx(50.0), 10.0: pytest.approx(100.0), 5.0: 0.0}


def test_a_limit_that_was_not_recorded_is_refused_and_says_what_was(make_grid, make_case, make_history, cone):
    ct = make_grid((71, 71, 71), (1.0,) * 3)
    history = make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(), watched={"spinal_cord": 37.0},
                           below={-40.0: np.zeros((61, 61, 61))})  # fmt: skip
    with pytest.raises(InputError, match=r"did not record the time below 15 °C.*recorded: -40 °C"):
        assess(make_case(ct, at_risk={"spinal_cord": column(20.0)(ct)}), history)


@given(coldest_c=st.floats(-150, 37))
def test_the_gravest_passed_step_of_the_ladder_speaks(coldest_c):
    cold = Clearance(structure="spinal_cord", coldest_c=coldest_c, place_mm=(0.0, 0.0, 0.0), below_s=(),
                     distance_to_lesion_mm=9.0, limit="spinal_cord")  # fmt: skip
    found = of_clearance(cold)
    steps = {"note": CORD.note_below, "caution": CORD.caution_below, "stop": CORD.stop_below}
    passed = [severity for severity, row in steps.items() if coldest_c < row.value]
    assert (found.severity if found else None) == (passed[-1] if passed else None)
    if found:
        assert (found.measured, found.limit, found.source) == (
            coldest_c, steps[found.severity].value, steps[found.severity].source,
        )  # fmt: skip


def test_a_step_that_a_limit_lacks_is_never_said():
    """An intercostal nerve is a caution at most (clinical rules, 4.6)."""
    cold = Clearance(structure="intercostal_nerve", coldest_c=-60.0, place_mm=(0.0, 0.0, 0.0), below_s=(),
                     distance_to_lesion_mm=0.0, limit="intercostal_nerve")  # fmt: skip
    assert of_clearance(cold).severity == "caution"


@pytest.mark.parametrize(("coldest_c", "said"), [(9.9, "note"), (10.0, None)])
def test_without_a_limit_the_temperature_is_shown_and_none_is_borrowed(coldest_c, said):
    cold = Clearance(structure="thing", coldest_c=coldest_c, place_mm=(0.0, 0.0, 0.0), below_s=(),
                     distance_to_lesion_mm=None, limit=None)  # fmt: skip
    found = of_clearance(cold)
    assert (found.severity if found else None) == said
    assert found is None or (found.limit is None and "No limit is known" in found.says)


@pytest.mark.parametrize("limit", ["spinal_cord", None])
def test_an_outline_that_was_only_estimated_says_so_where_it_is_judged(limit):
    drawn = Clearance(structure="spinal_canal", coldest_c=-20.0, place_mm=(0.0, 0.0, 0.0), below_s=(),
                      distance_to_lesion_mm=3.0, limit=limit)  # fmt: skip
    guessed = dataclasses.replace(drawn, estimated=True)
    assert "estimated by iceball" in of_clearance(guessed).says
    assert "estimated" not in of_clearance(drawn).says


def test_a_covered_target_far_from_everything_is_clear(judged):
    assessment = judged(radius_mm=12.0)
    assert assessment.verdict == "clear"
    assert assessment.findings == ()


def test_a_goal_that_does_not_cover_is_a_caution_with_what_was_measured(judged):
    assessment = judged(radius_mm=6.0)  # -40 °C at 6 mm, -20 °C at 11 mm, ice at 16 mm; the lesion is a ball of 8 mm
    (found,) = assessment.findings
    assert (found.rule, found.severity, found.limit, found.unit) == ("coverage of the target", "caution", 100.0, "%")
    # (6/8)³ = 42 %; voxels of 1 mm on a ball of 8 mm err by some per cent
    assert found.measured == pytest.approx(42.2, abs=4.0)
    assert "-20 °C covers all of it" in found.says
    assert found.source == library.thresholds()["lethal_certain"].source


@pytest.mark.parametrize(("intent", "severity"), [("palliation", "caution"), ("local_control", "stop")])
def test_ice_that_misses_the_target_weighs_by_what_is_sought(judged, intent, severity):
    assessment = judged(radius_mm=-4.0, intent=intent)  # 0 °C at 6 mm
    assert "visible ice over the target" in rules(assessment, severity)
    assert assessment.verdict == severity
    assert assessment.visible_ice_overlap_mm == pytest.approx(-2.0, abs=0.55)


def test_a_border_that_is_missed_by_less_than_a_voxel_is_said_in_millimetres(judged):
    """The outermost voxel centres lie at 8 mm and are covered; the border half a voxel farther out is not."""
    (found,) = judged(radius_mm=8.02).findings
    assert (found.rule, found.limit, found.unit) == ("coverage of the target", 0.0, "mm")
    assert -0.55 <= found.measured < 0.0
    assert "all but its border" in found.says


def test_findings_come_gravest_first(judged):
    assessment = judged({"spinal_cord": column(13.0), "liver": column(-13.0)}, radius_mm=6.0)
    order = [f.severity for f in assessment.findings]
    assert order == sorted(order, key=["stop", "caution", "note"].index)
    assert set(order) == {"stop", "caution", "note"}


def test_ice_at_the_border_of_the_box_is_a_caution(make_grid, make_case, make_history, cone):
    ct = make_grid((71, 71, 71), (1.0,) * 3)
    history = make_history(make_grid((35, 61, 61), (1.0,) * 3), cone(radius_mm=12.0))
    assert rules(assess(make_case(ct), history)) == ["edge of what is known"]


def test_ice_at_the_edge_of_the_scan_is_a_caution(make_grid, make_case, make_history, cone):
    short = make_grid((71, 71, 41), (1.0,) * 3)  # scanned 20 mm up and down; the ice reaches 22 mm
    history = make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(radius_mm=12.0))
    assessment = assess(make_case(short), history)
    assert [f.says[:36] for f in assessment.findings] == ["The ice reached the edge of the scan"]


def test_ice_at_the_edge_of_the_field_of_view_is_a_caution(make_grid, make_case, make_history, cone, away):
    ct = make_grid((71, 71, 71), (1.0,) * 3)
    history = make_history(make_grid((61, 61, 61), (1.0,) * 3), cone(radius_mm=12.0))
    seen = make_case(ct, view=lambda grid: away(grid, (0.0, 0.0, 0.0)) < 20.0)
    wide = make_case(ct, view=lambda grid: away(grid, (0.0, 0.0, 0.0)) < 30.0)
    assert rules(assess(seen, history)) == ["edge of what is known"]
    assert rules(assess(wide, history)) == []


def test_notes_of_the_simulation_are_carried(make_grid, make_case, make_history, cone):
    ct = make_grid((61, 61, 61), (1.0,) * 3)
    assessment = assess(make_case(ct), make_history(ct, cone(radius_mm=12.0), notes=("the cold met the edge",)))
    assert [(f.severity, f.says) for f in assessment.findings] == [("note", "the cold met the edge")]


def test_the_run_names_every_source_of_the_judgement_and_they_can_be_cited(judged):
    assessment = judged({"spinal_cord": column(13.0)}, radius_mm=6.0)
    keys = {source.key for source in citations(assessment)}
    assert {f.source for f in assessment.findings} - {"DESIGN"} <= keys
    assert {CORD.caution_below.source, library.isotherms()[0].source} <= keys
    assert {source.key for source in library.sources_of(CORD.stop_below)} <= keys, "those that its note names, too"
    assert ("goal_isotherm_c", "-40") in assessment.run.settings


def test_the_goal_and_the_visible_ice_are_always_measured(make_grid, make_case, make_history, cone):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    found = assess(make_case(ct), make_history(ct, cone(radius_mm=8.0)), isotherms_c=(-30.0,), goal_isotherm_c=-25.0)
    assert [r.isotherm_c for r in found.isotherms] == [0.0, -25.0, -30.0]


@pytest.mark.parametrize("goal_c", [40.0, float("nan"), -300.0])
def test_a_goal_that_does_not_freeze_is_refused(make_grid, make_case, make_history, cone, goal_c):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    with pytest.raises(InputError, match="with its sign"):
        assess(make_case(ct), make_history(ct, cone()), goal_isotherm_c=goal_c)


def test_a_case_without_a_lesion_is_refused_in_one_line(make_grid, make_case, make_history, cone):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    bare = dataclasses.replace(make_case(ct), lesion=None)
    with pytest.raises(InputError, match=r"^case formula has no lesion: mark the lesion[^\n]*$"):
        assess(bare, make_history(ct, cone()))


def test_a_history_with_temperatures_that_are_not_numbers_is_refused(make_grid, make_case, make_history):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    with pytest.raises(InputError, match="68921 temperatures that are not numbers"):
        assess(make_case(ct), make_history(ct, lambda grid: np.full(grid.shape, np.nan)))


def test_a_history_of_another_case_is_refused(make_grid, make_case, make_history, cone):
    ct = make_grid((41, 41, 41), (1.0,) * 3)
    history = make_history(ct, cone(), watched={"spinal_cord": 20.0})
    with pytest.raises(UnknownName, match="no structure 'spinal_cord'; it has: liver"):
        assess(make_case(ct, at_risk={"liver": column(12.0)(ct)}), history)
    case = make_case(ct, at_risk={"liver": column(12.0)(ct)})
    ghost = (*case.structures, Structure(name="spinal_cord", role="at_risk", label=9, limit="spinal_cord"))
    with pytest.raises(InputError, match="no voxel of the case carries its label 9"):
        assess(dataclasses.replace(case, structures=ghost), history)


@pytest.mark.parametrize(("fraction", "text"), [(1.0, "100 %"), (0.9999, "99.9 %"), (0.0, "0 %"), (1e-5, "0.1 %")])
def test_a_share_is_never_rounded_to_all_or_nothing(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(("duration_s", "text"), [(0, "0 s"), (59.7, "1 min"), (61, "1 min 1 s"), (119.6, "2 min")])
def test_times_are_said_in_minutes_and_seconds(duration_s, text):
    assert minutes(duration_s) == text
