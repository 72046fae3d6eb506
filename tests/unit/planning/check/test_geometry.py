"""What is said of where the probes lie: each rule speaks where it should and is silent where it should."""

from __future__ import annotations

import dataclasses

import check_patient
import numpy as np
import pytest
from check_patient import patient, placement, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import io, library
from iceball.nouns import Volume
from iceball.planning import check

CASE = patient()


def rules(case=CASE, made=None, **more):
    return {finding.rule for finding in check.geometry(case, made or plan(), **more)}


def test_a_probe_beside_the_cord_into_the_lesion_draws_no_finding():
    assert rules() == set()


def test_a_shaft_through_the_cord_is_a_stop_and_says_where_and_for_how_long():
    made = plan(placement(tip=(0.0, -14.0, 0.0), outward=(0.0, 1.0, 0.0), length_mm=54.0))
    found = [each for each in check.geometry(CASE, made) if each.rule == "shaft_enters_structure"]
    assert [each.severity for each in found] == ["stop"]
    assert found[0].subject == "spinal_cord"
    # The cord's voxels reach from 15 to 25 mm along y, and a thick shaft touches them a radius sooner and later; it is
    # walked in steps of a quarter of a millimetre.
    assert found[0].measured == pytest.approx(10.0 + check_patient.PROBE.shaft_diameter_mm, abs=0.5)
    assert "15 mm from the skin" in found[0].says or "16 mm from the skin" in found[0].says


def test_what_a_person_allows_is_a_caution():
    made = plan(placement(tip=(0.0, -14.0, 0.0), outward=(0.0, 1.0, 0.0), length_mm=54.0))
    found = check.geometry(CASE, made, allowed=("spinal_cord",))
    assert [each.severity for each in found if each.rule == "shaft_enters_structure"] == ["caution"]


def test_a_tip_in_a_vessel_crosses_a_barrier_and_lies_outside_bone():
    said = rules(made=plan(placement(tip=(0.0, -36.0, 0.0), outward=(0.5, 1.0, 0.0), length_mm=85.0)))
    assert {"shaft_crosses_barrier", "tip_outside_bone", "active_zone_beyond_lesion"} <= said


def test_a_shaft_that_keeps_less_than_the_library_asks_for_is_near():
    keep = library.keep_rule(CASE.structure("spinal_cord"))
    assert keep is not None
    radius = check_patient.PROBE.shaft_diameter_mm / 2
    face = 5.0  # the cord's last voxel ends there
    for gap, near in ((keep.keep.value - 0.2, True), (keep.keep.value + 0.2, False)):
        x = face + radius + gap
        found = check.geometry(CASE, plan(placement(tip=(x, -14.0, 0.0), outward=(0.0, 1.0, 0.0), length_mm=54.0)))
        measured = [each.measured for each in found if each.rule == "shaft_near_structure"]
        assert measured == ([pytest.approx(gap, abs=1e-3)] if near else [])


def test_the_skin_as_a_structure_is_crossed_by_every_shaft_and_never_said():
    assert CASE.labels is not None
    labels = np.array(CASE.labels.array)
    labels[:, 48:51, :] = 9
    skinned = dataclasses.replace(
        CASE,
        labels=Volume(grid=CASE.labels.grid, array=labels, quantity="label"),
        structures=(*CASE.structures, check_patient.structure("skin", 9)),
    )
    assert rules(skinned) == set()


def test_a_structure_between_an_entry_under_the_skin_and_the_skin_counts_as_crossed():
    short = placement(tip=(0.0, -14.0, 0.0), outward=(0.0, 1.0, 0.0), length_mm=36.0)  # ends in the cord's middle
    assert {"entry_under_skin", "shaft_enters_structure"} <= rules(made=plan(short))


def test_an_entry_in_the_air_is_a_note_and_its_way_is_measured_from_the_skin():
    found = check.geometry(CASE, plan(placement(length_mm=75.0)))
    assert [(each.rule, each.severity) for each in found] == [("entry_off_skin", "note")]
    assert found[0].measured == pytest.approx(75.0 - 58.0, abs=2.0)  # the body is found on voxels of 2 mm


def test_where_the_scan_ends_before_the_skin_the_way_is_not_known():
    said = rules(made=plan(placement(outward=(0.0, 0.0, 1.0), tip=(0.0, -6.0, -15.0))))
    assert "way_not_in_scan" in said


def test_a_way_longer_than_the_probe_is_a_stop():
    reach = library.probe_reach(check_patient.PROBE.name).value
    cut = dataclasses.replace(
        CASE,
        ct=_longer(CASE.ct),
        labels=_longer(CASE.labels),
        lesion=dataclasses.replace(CASE.lesion, mask=_longer(CASE.lesion.mask)),
    )
    far = placement(outward=(0.0, 1.0, 0.0), tip=(9.0, 30.0 - reach, 0.0), length_mm=120.0)
    near = placement(outward=(0.0, 1.0, 0.0), tip=(9.0, 50.0 - reach, 0.0), length_mm=120.0)
    assert "probe_too_short" in rules(cut, plan(far))
    assert "probe_too_short" not in rules(cut, plan(near))


def _longer(volume):
    """The same body, but 140 mm more of it in front."""
    grid = volume.grid
    array = np.concatenate([np.repeat(volume.array[:, :1], 70, axis=1), volume.array], axis=1)
    x, y, z = grid.origin_mm
    more = dataclasses.replace(grid, shape=array.shape, origin_mm=(x, y - 140.0, z))
    return Volume(grid=more, array=array, quantity=volume.quantity)


@pytest.mark.parametrize(
    ("apart_mm", "rule"),
    [(0.5, "probes_in_one_place"), (3.0, "probes_nearly_touch"), (8.0, "probe_spacing_close"), (12.0, None)],
)
def test_two_parallel_probes_are_judged_by_their_distance(apart_mm, rule):
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, apart_mm)))
    pairs = {"probes_in_one_place", "probes_nearly_touch"}
    said = rules(made=made) & (pairs | {"probe_spacing_close", "probe_spacing_wide"})
    expected = set() if rule is None else {rule, "probe_spacing_close"}
    assert said == expected


def test_two_probes_far_apart_may_leave_a_gap_between_them():
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 25.0)))
    found = [each for each in check.geometry(CASE, made) if each.rule == "probe_spacing_wide"]
    assert [each.measured for each in found] == [pytest.approx(25.0), pytest.approx(25.0)]


def test_shafts_that_cross_behind_their_active_zones_are_found():
    a = placement("A", tip=(9.0, -17.0, -8.0), outward=(0.0, 1.0, 0.17), length_mm=56.0)
    b = placement("B", tip=(9.0, -17.0, 8.0), outward=(0.0, 1.0, -0.17), length_mm=56.0)
    assert "probes_in_one_place" in rules(made=plan(a, b))


def test_a_plan_of_another_case_is_a_stop_and_one_of_no_case_is_not():
    assert "plan_of_another_case" in rules(made=plan(case="0" * 12), fingerprint="1" * 12)
    assert "plan_of_another_case" not in rules(made=plan(case="1" * 12), fingerprint="1" * 12)
    assert "plan_of_another_case" not in rules(made=plan(), fingerprint="1" * 12)


TIPS = st.tuples(st.floats(-30, 30), st.floats(-30, 0), st.floats(-30, 30))
WAYS = st.tuples(st.floats(-0.6, 0.6), st.floats(0.5, 1.0), st.floats(-0.6, 0.6))


@st.composite
def plans(draw):
    """One to four probes anywhere around the lesion; in some plans they cross."""
    count = draw(st.integers(1, 4))
    parts = [
        placement(label, tip=draw(TIPS), outward=draw(WAYS), length_mm=draw(st.floats(40, 90)))
        for label in "ABCD"[:count]
    ]
    return plan(*parts)


@given(plans())
@settings(max_examples=60, deadline=None)
def test_no_shaft_through_a_structure_is_ever_missed(made):
    """Against points along each shaft, sampled densely: what they fall into must be a stop."""
    said = {
        each.subject for each in check.geometry(CASE, made) if each.rule.startswith("shaft_") and "meets" in each.says
    }
    assert CASE.labels is not None
    for each in made.placements:
        tip, entry = np.asarray(each.tip_mm), np.asarray(each.entry_mm)
        walk = tip + np.linspace(0, 1, 800)[:, None] * (entry - tip)
        index = np.floor(CASE.labels.grid.index_of(walk) + 0.5).astype(int)
        index = index[np.all((index >= 0) & (index < np.asarray(CASE.labels.grid.shape)), axis=1)]
        # Only as far as the body goes: what lies beyond the skin is not the patient. Here it ends at y = 41.
        index = index[index[:, 1] <= 50]
        for number in np.unique(CASE.labels.array[tuple(index.T)]):
            if number in (check_patient.CORD, check_patient.VESSEL):
                name = next(s.name for s in CASE.structures if s.label == number)
                assert name in said, each


@given(plans())
@settings(max_examples=30, deadline=None)
def test_names_and_order_of_probes_change_nothing_but_the_words(made):
    names = dict(zip("ABCD", ("west", "north", "x1", "Q"), strict=True))
    other = dataclasses.replace(
        made,
        placements=tuple(dataclasses.replace(p, label=names[p.label]) for p in reversed(made.placements)),
    )

    def told(of):
        # A gap of two equally near neighbours is one number; to a nanometre, since sums are made in another order.
        return sorted((f.rule, f.severity, round(f.measured or 0.0, 6), f.limit) for f in check.geometry(CASE, of))

    assert told(made) == told(other)


@given(plans())
@settings(max_examples=20, deadline=None)
def test_a_plan_read_back_from_its_file_draws_the_same_findings(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    io.write_plan(made, path)
    assert check.geometry(CASE, io.read_plan(path)) == check.geometry(CASE, made)


def test_the_body_found_before_gives_the_same_findings():
    from iceball import anatomy

    made = plan(placement(length_mm=75.0))
    again = dataclasses.replace(CASE, ct=Volume(grid=CASE.ct.grid, array=np.array(CASE.ct.array), quantity="hu"))
    assert check.geometry(again, made, prepared=anatomy.prepare(CASE)) == check.geometry(CASE, made)
