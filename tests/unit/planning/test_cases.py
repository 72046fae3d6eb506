"""Are the 24 cases that the planner is judged by what they claim to be, and the made-up ones as hostile as they say?"""

from __future__ import annotations

import collections
import dataclasses

import numpy as np
import planning_cases
import planning_hostile
import pytest

from iceball import implanting, library
from iceball.planning import ways

# In the 3 mm CT, which is read and outlined in seconds: an acetabulum near a nerve, and a sacrum.
QUICK = (17, 12)
PROBE = library.probe("argon-17g-30mm")


def test_sizes_cover_15_to_50_mm_and_kinds_and_shapes_come_as_often_as_one_another():
    wishes = [wish for _, _, wish, _ in planning_cases.wished()]
    sizes = sorted(wish.size_mm for wish in wishes)
    edges = np.linspace(15.0, 50.0, planning_cases.COUNT + 1)
    # sizes are rounded to 0.1 mm
    assert all(a - 0.05 <= size <= b + 0.05 for a, size, b in zip(edges[:-1], sizes, edges[1:], strict=True))
    for field in ("matrix", "shape"):
        assert set(collections.Counter(getattr(wish, field) for wish in wishes).values()) == {8}


def test_the_kept_table_is_what_the_seed_asks_for():
    for kept, (number, room, wish, _) in zip(planning_cases.table(), planning_cases.wished(), strict=True):
        assert (kept.number, kept.room) == (number, room)
        assert dataclasses.replace(kept.wish, at_mm=(0, 0, 0)) == wish
        assert wish.size_mm <= planning_cases.ROOMS[room].largest_mm


def test_every_site_is_there_and_at_least_eight_have_a_nerve_canal_or_bowel_within_6_mm():
    table = planning_cases.table()
    assert {kept.room for kept in table} == {"vertebra", "ilium", "acetabulum", "rib", "sacrum", "femur"}
    assert sum(kept.near_mm <= planning_cases.NEAR_MM for kept in table) >= 8


@pytest.mark.parametrize("number", QUICK)
def test_a_case_is_made_as_its_row_says(shared_data, number):
    assert shared_data.is_dir()
    kept, case = planning_cases.table()[number - 1], planning_cases.make(number)
    assert case.lesion is not None
    assert (case.lesion.bone, case.lesion.matrix) == (kept.bone, kept.wish.matrix)
    assert case.lesion.origin == implanting.ORIGIN
    beside = dict(planning_cases.nearest(case))
    assert beside[kept.near] == pytest.approx(kept.near_mm, abs=0.05)  # rounded to 0.1 mm in the table
    assert all(case.structure(name).estimated for name in kept.drawn.split())


def test_drawn_structures_have_the_limits_of_their_kind_and_say_that_nobody_drew_them(shared_data):
    assert shared_data.is_dir()
    case = planning_cases.make(QUICK[0])
    for name in ("sciatic_nerve_right", "obturator_nerve_left", "nerve_root_S1_right", "bowel", "urinary_bladder"):
        drawn, rule = case.structure(name), library.structure_rule(name)
        assert drawn.estimated
        assert (drawn.role, drawn.limit) == (rule.role, rule.limit)
        assert drawn.limit is not None


def test_no_lesion_of_a_quick_case_lies_in_a_structure_at_risk(shared_data):
    assert shared_data.is_dir()
    for number in QUICK:
        case = planning_cases.make(number)
        assert min(mm for _, mm in planning_cases.nearest(case)) > 0


@pytest.mark.parametrize("name", planning_hostile.HOSTILE)
def test_a_hostile_case_is_a_case_and_differs_from_the_plain_one(name):
    case = planning_hostile.HOSTILE[name]()
    assert case.lesion is not None
    plain = planning_hostile.plain()
    assert plain.lesion is not None
    changed = case.structures != plain.structures or case.lesion.volume_ml != plain.lesion.volume_ml
    assert changed or case.ct.grid != plain.ct.grid


def test_ways_lead_into_the_plain_case_and_none_where_there_is_no_way_in_or_no_skin():
    found = {
        name: bool(ways.ways_in(case, PROBE, ways.Rules()).ways)
        for name, case in {
            "plain": planning_hostile.plain(),
            "wrapped": planning_hostile.no_way_in(),
            "no skin": planning_hostile.no_skin(),
        }.items()
    }
    assert found == {"plain": True, "wrapped": False, "no skin": False}


def test_the_nerve_of_the_hostile_case_runs_through_its_lesion():
    case = planning_hostile.structure_inside()
    assert case.lesion is not None
    assert case.labels is not None
    nerve = case.labels.array == case.structure("sciatic_nerve").label
    assert np.count_nonzero(nerve & (case.lesion.mask.array > 0)) > 20  # 5 mm thick over 16 mm: about 40 voxels of 8 µl
