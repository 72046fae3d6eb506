"""Does the yardstick measure: ellipsoids of the size that gel gives, placed as well as ellipsoids can be?"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import planning_hostile
import pytest

from iceball import library
from iceball.errors import GeometryError, InputError
from iceball.nouns import Goal, read_protocol
from iceball.nouns.segments import segments_apart_mm
from iceball.planning.ellipsoids import Effort, Ellipsoid, ellipsoid_of, ellipsoid_plan
from iceball.planning.ellipsoids._target import target_of
from iceball.planning.ways import Rules, for_probe, obstacles

PROBE, PROTOCOL = library.probe("argon-17g-30mm"), read_protocol("10-8-10")


@pytest.fixture(scope="module")
def plain():
    case = planning_hostile.plain()
    return case, obstacles(case, for_probe(PROBE, Rules()))


def planned(case, around, probes, **changes):
    effort = Effort(probes=probes, seconds_s=30.0, restarts=1, **changes)
    return ellipsoid_plan(case, PROBE, PROTOCOL, obstacles=around, goal=Goal(), effort=effort)


def test_the_ellipsoid_of_a_probe_is_what_its_isotherm_measures_in_gel_and_smaller_than_its_ice():
    cold, edge = ellipsoid_of(PROBE, PROTOCOL, -20.0), ellipsoid_of(PROBE, PROTOCOL, -1.0)
    # gel at 37 °C by the solver at 1 mm, as `iceball phantom` prints it: 14.6 x 34.5 mm; an engine may move tenths
    assert cold.diameter_mm == pytest.approx(14.6, abs=0.5)
    assert cold.length_mm == pytest.approx(34.5, abs=1.0)
    assert edge.diameter_mm > cold.diameter_mm
    assert edge.length_mm > cold.length_mm


def test_an_ellipsoid_without_ice_is_refused():
    with pytest.raises(InputError, match="never reaches"):
        ellipsoid_of(PROBE, read_protocol("freeze at 1% for 1 s"), -20.0)


def test_the_middle_and_the_volume_of_an_ellipsoid_follow_from_its_size():
    ball = Ellipsoid(diameter_mm=20.0, length_mm=20.0, beyond_tip_mm=4.0)
    assert ball.volume_ml == pytest.approx(4 / 3 * math.pi, rel=1e-12)
    assert ball.middle_from_tip_mm == 6.0


def test_the_points_of_a_target_stand_for_its_volume():
    case = planning_hostile.plain()
    target = target_of(case, 0.0, 10.0)
    assert case.lesion is not None
    # a lattice of 1 mm in voxels of 2 mm: each voxel holds eight points, but for the rounding at its faces
    assert len(target.inside_mm) * target.inside_ml == pytest.approx(case.lesion.volume_ml, rel=0.05)
    assert len(target_of(case, 3.0, 10.0).inside_mm) > len(target.inside_mm)


def test_a_plan_keeps_to_ways_in_keeps_its_spacing_and_covers_more_with_more_probes(plain):
    case, around = plain
    inside = target_of(case, 0.0, 10.0).inside_mm
    covered = []
    for probes in (1, 3):
        plan = planned(case, around, probes)
        assert 1 <= len(plan.placements) <= probes  # fewer where no more keep their distance
        assert plan.goal == Goal()
        active = np.array([placement.active_ends_mm for placement in plan.placements])
        for number, own in enumerate(active):
            others = np.delete(active, number, axis=0)
            if len(others):
                away = segments_apart_mm(others[:, 0], others[:, 1], *own)
                assert away.min() >= 10.0 - 0.02  # places are rounded to 0.01 mm
                assert away.min() <= 20.0 + 0.02
        covered.append(_covered(plan, inside))
    # one ellipsoid of 14.6 mm holds most of a ball of 16 mm, three hold all but what their gaps leave
    assert covered[0] > 0.6
    assert covered[1] > max(covered[0], 0.9)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another(plain):
    case, around = plain
    assert planned(case, around, 2, seed=3) == planned(case, around, 2, seed=3)
    assert planned(case, around, 2, seed=3) != planned(case, around, 2, seed=4)


def test_where_no_way_leads_in_the_plan_is_refused_in_one_line():
    case = planning_hostile.no_way_in()
    with pytest.raises(GeometryError, match="no way"):
        planned(case, obstacles(case, for_probe(PROBE, Rules())), 2)


def test_no_lesion_no_probes_and_no_time_are_refused(plain):
    case, around = plain
    with pytest.raises(InputError, match="no lesion"):
        planned(dataclasses.replace(case, lesion=None), around, 1)
    with pytest.raises(InputError, match="probes"):
        Effort(probes=0, seconds_s=1.0)
    with pytest.raises(InputError, match="time"):
        Effort(probes=1, seconds_s=0.0)


def _covered(plan, points_mm):
    size = ellipsoid_of(PROBE, PROTOCOL)
    covered = np.zeros(len(points_mm), dtype=bool)
    for placement in plan.placements:
        tip, entry = np.asarray(placement.tip_mm), np.asarray(placement.entry_mm)
        back = (entry - tip) / np.linalg.norm(entry - tip)
        relative = points_mm - tip - size.middle_from_tip_mm * back
        along = relative @ back
        across2 = (relative**2).sum(axis=1) - along**2
        covered |= (2 * along / size.length_mm) ** 2 + 4 * across2 / size.diameter_mm**2 <= 1.0
    return covered.mean()
