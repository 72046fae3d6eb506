"""The task of a plan as points: they lie where they say, and what must stay warm is among them."""

from __future__ import annotations

import dataclasses
import functools

import asked_plans
import made_ways as made
import numpy as np
import planning_hostile
import pytest

from iceball import library
from iceball.assessment import coverage_of, sampled
from iceball.assessment.wanted import INTERFACE_MM
from iceball.errors import InputError
from iceball.nouns import Goal, Volume
from iceball.planning._scene import NEAR_MM, RISK_MM, make_scene
from iceball.planning._worth import Weights, loss, marks_of, thinned

USUAL = Weights()


def voxels_of(case, points_mm):
    index = np.rint(case.ct.grid.index_of(points_mm)).astype(int)
    return tuple(index.T)


CASES = {
    "hostile": planning_hostile.plain,
    "open": lambda: made.body(spacing_mm=(3.0, 3.0, 3.0)),
    "oblong voxels": lambda: made.body(
        made.Blob("colon", (18.0, 0.0, 0.0), (6.0, 6.0, 20.0)),
        made.Blob("spinal_cord", (0.0, 20.0, 0.0), (4.0, 4.0, 60.0)),
        spacing_mm=(1.1, 1.6, 4.0),
    ),
    "around a lesion": planning_hostile.contradictory_limits,
    "inside the lesion": planning_hostile.structure_inside,
}


@functools.cache
def case_of(name):
    return CASES[name]()


GOALS = (Goal(), Goal(margin_mm=5.0), Goal(aim="interface"))


@functools.cache
def scene_of(name, goal):
    return make_scene(case_of(name), goal)


@pytest.mark.parametrize("goal", GOALS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_the_points_of_a_target_lie_in_it_and_those_of_healthy_tissue_outside(name, goal):
    case, scene = case_of(name), scene_of(name, goal)
    target = np.asarray(scene.target.array) > 0
    assert target[voxels_of(case, scene.target_mm)].all()
    assert not target[voxels_of(case, scene.healthy_mm)].any()
    assert len(scene.target_mm) > 10
    hu = case.ct.array[voxels_of(case, scene.healthy_mm)]
    assert (hu > library.hu_rules()["gas_below_hu"].value).all()


@pytest.mark.parametrize("spacing_mm", [(2.5, 2.5, 2.5), (1.5, 1.5, 5.0)])
def test_the_target_is_read_inside_the_border_that_coverage_is_measured_in(spacing_mm):
    case = asked_plans.body(lesion_mm=8.0, bone_mm=11.0, spacing_mm=spacing_mm)
    scene = make_scene(case, Goal())
    assert len(scene.target_mm) > 100
    assert (sampled(scene.target, scene.target_mm, outside=0.0) >= 0.5).all()
    # cold by distance from the middle: the share of the points that is cold is the coverage that a run would be given
    grid = scene.target.grid
    away = np.linalg.norm(grid.position_mm(np.indices(grid.shape).reshape(3, -1).T) - scene.centre_mm, axis=1)
    cold = (10.0 * away - 105.0).reshape(grid.shape)  # -20 °C at 8.5 mm
    volume = Volume(grid=grid, array=cold, quantity="temperature_c")
    marked = float((sampled(volume, scene.target_mm, outside=37.0) <= -20.0).mean())
    told = coverage_of(scene.target, dataclasses.make_dataclass("Run", ["coldest"])(volume), -20.0)
    # two lattices of some 250 points; with the corners of the outermost voxels it was 0.075 and 0.039 off
    assert marked == pytest.approx(told, abs=0.03)


@pytest.mark.parametrize("goal", GOALS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_a_target_is_lesion_and_margin_but_never_what_must_stay_warm_nor_air(name, goal):
    case, scene = case_of(name), scene_of(name, goal)
    target, lesion = np.asarray(scene.target.array) > 0, np.asarray(case.lesion.mask.array) > 0
    if goal.aim == "interface":
        assert (lesion | ~target).all()
        return
    assert (target | ~lesion).all()
    beyond = target & ~lesion
    assert beyond.any() == (goal.margin_mm > 0)
    watched = [each.label for each in case.structures if each.role in ("at_risk", "barrier")]
    assert not np.isin(case.labels.array[beyond], watched).any()
    there, here = case.ct.grid.position_mm(np.argwhere(beyond)), case.ct.grid.position_mm(np.argwhere(lesion))
    away = [np.linalg.norm(here - each, axis=1).min() for each in there[:: max(1, len(there) // 50)]]
    assert max(away, default=0.0) <= goal.margin_mm + 1e-9


def test_the_interface_is_what_of_the_lesion_lies_near_bone():
    case, scene = case_of("open"), scene_of("open", Goal(aim="interface"))
    target = np.argwhere(np.asarray(scene.target.array) > 0)
    bone = (case.ct.array >= library.hu_rules()["bone_above_hu"].value) & ~(np.asarray(case.lesion.mask.array) > 0)
    there = case.ct.grid.position_mm(np.argwhere(bone))
    away = [np.linalg.norm(there - each, axis=1).min() for each in case.ct.grid.position_mm(target)]
    assert 0.0 < max(away) <= INTERFACE_MM
    assert 0 < len(target) < np.count_nonzero(case.lesion.mask.array)


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("hostile", "open")])
def test_risks_come_nearest_first_with_the_point_that_is_nearest_to_the_target(name):
    case, scene = case_of(name), scene_of(name, Goal())
    gaps = [risk.gap_mm for risk in scene.risks]
    assert gaps == sorted(gaps)
    watched = {each.name for each in case.structures if each.role in ("at_risk", "barrier")}
    assert {risk.name for risk in scene.risks} == watched  # all of these lie near
    target = case.ct.grid.position_mm(np.argwhere(np.asarray(scene.target.array) > 0))
    for risk in scene.risks:
        there = case.ct.grid.position_mm(np.argwhere(case.labels.array == risk.structure.label))
        away = np.array([np.linalg.norm(target - each, axis=1).min() for each in there])
        assert risk.gap_mm == pytest.approx(away.min(), abs=1e-6)
        assert risk.gap_mm <= NEAR_MM
        mine = np.array([np.linalg.norm(target - each, axis=1).min() for each in risk.points_mm])
        # the points fill the voxels: the nearest is at most half a diagonal nearer than the nearest centre
        half = np.linalg.norm(case.ct.grid.spacing_mm) / 2
        assert away.min() - half - 1e-6 <= mine.min() <= away.min() + 1e-6


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("hostile", "open")])
def test_the_points_of_a_risk_lie_in_its_voxels_and_no_two_in_one_cube(name):
    case, scene = case_of(name), scene_of(name, Goal())
    for risk in scene.risks:
        # points fill the voxels up to their faces: a hair inside them
        inside = risk.points_mm + 1e-9 * (case.ct.grid.position_mm([1, 1, 1]) - risk.points_mm)
        assert (case.labels.array[voxels_of(case, inside)] == risk.structure.label).all()
        assert len(np.unique(np.floor(risk.points_mm / RISK_MM), axis=0)) == len(risk.points_mm)


def test_a_risk_knows_the_limits_of_the_library():
    scene = scene_of("around a lesion", Goal())
    limits = {risk.name: library.limit(risk.structure.limit) for risk in scene.risks}
    for risk in scene.risks:
        limit = limits[risk.name]
        known = (limit.note_below, limit.caution_below, limit.stop_below)
        assert (risk.note_c, risk.caution_c, risk.stop_c) == tuple(None if row is None else row.value for row in known)


def test_a_case_without_a_lesion_and_a_lesion_without_bone_are_refused_with_what_to_do():
    case = case_of("open")
    with pytest.raises(InputError, match="no lesion to plan for: mark it first"):
        make_scene(dataclasses.replace(case, lesion=None), Goal())
    soft = dataclasses.replace(
        case, ct=Volume(grid=case.ct.grid, array=np.minimum(case.ct.array, np.int16(50)), quantity="hu")
    )
    with pytest.raises(InputError, match="meets bone: aim at the whole lesion"):
        make_scene(soft, Goal(aim="interface"))


# ---- the marks and the loss


def test_marks_lie_in_one_row_and_thinned_ones_keep_all_that_must_stay_warm():
    scene = scene_of("around a lesion", Goal())
    marks = marks_of(scene)
    assert (marks.points_mm[marks.target] == scene.target_mm).all()
    assert (marks.points_mm[marks.healthy] == scene.healthy_mm).all()
    for every in (1, 3, 7):
        few, index = thinned(marks, every)
        assert (few.points_mm == marks.points_mm[index]).all()
        assert (few.points_mm[few.target] == scene.target_mm[::every]).all()
        for (risk, place), (again, whole) in zip(few.risks, marks.risks, strict=True):
            assert risk is again
            assert (few.points_mm[place] == marks.points_mm[whole]).all()
        assert few.risks[-1][1].stop == len(few.points_mm)


def cold(scene, marks, *, target=-30.0, healthy=37.0, risk=37.0):
    field = np.full((1, len(marks.points_mm)), risk)
    field[:, marks.target], field[:, marks.healthy] = target, healthy
    return field


def lost(target=-30.0, healthy=37.0, risk=37.0, way=0.0, weights=USUAL):
    scene = scene_of("around a lesion", Goal())
    marks = marks_of(scene)
    return float(
        loss(scene, marks, cold(scene, marks, target=target, healthy=healthy, risk=risk), np.array([way]), weights)[0]
    )


def test_what_is_better_loses_less():
    assert lost() == 0.0
    assert lost(target=-10.0) > lost(target=-19.0) > lost(target=-21.0) > 0
    assert lost(healthy=-30.0) > lost()
    assert lost(risk=-20.0) > lost(risk=0.0) > lost()
    assert lost(way=1.0) > lost()
    assert lost(risk=-20.0, weights=Weights(stop=0.0, caution=0.0)) == 0.0
