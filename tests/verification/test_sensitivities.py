"""Are the derivatives of a freeze right? Against shifts, exact fronts, a freeze at rest, and the scaling of time."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import small_patient
from scipy.optimize import brentq

from iceball.bench import cases
from iceball.nouns import Grid
from iceball.thermal import exact
from iceball.thermal.backends import default_backend
from iceball.thermal.field import make_setting
from iceball.thermal.marching import Leg
from iceball.thermal.materials import curve
from iceball.thermal.poses import pose_parameters, posed
from iceball.thermal.sensitivity import Look, Parameter, sensitivities
from iceball.thermal.wells import wells
from iceball.verification._bench import GEL, TISSUE, box, held_at, line, sharp, takes

LEVEL_C, START_C, STOP_S = -20.0, 37.0, 300.0


def one_leg(drive, stop_s=STOP_S):
    """A freeze under one drive."""
    return [Leg(start_s=0.0, stop_s=stop_s, freezing=True, begin=lambda _around: drive)]


def grid_of(shape, spacing_mm):
    """The lattice of a box around the origin."""
    origin = tuple(-(n - 1) / 2 * spacing_mm for n in shape)
    return Grid(shape=shape, spacing_mm=(spacing_mm,) * 3, origin_mm=origin)


def slope(function, at, step):
    """Central difference of a smooth function: its error is that of the third derivative times step squared."""
    return (function(at + step) - function(at - step)) / (2 * step)


def mean_motion(motion, row):
    """Mean [mm per unit] over the points of a round surface."""
    return float(np.nanmean(motion.motion_mm_per_unit[row]))


@pytest.mark.parametrize("way", [(1.0, 0.0, 0.0), (2 / 3, 1 / 3, 2 / 3)])
def test_probes_that_are_shifted_take_their_isotherms_with_them(way):
    case = cases.BenchCase(name="shift", says="", spacing_mm=2.0, width_mm=80.0, stop_s=600.0)
    problem = cases.problem_of(case)

    def make(values):
        by = values["shift"] * np.array(way)
        moved = [
            dataclasses.replace(p, entry_mm=tuple(p.entry_mm + by), tip_mm=tuple(p.tip_mm + by))
            for p in cases.placements_of(case)
        ]
        lines = wells(moved, case.grid, problem.index, problem.conducts)
        return dataclasses.replace(problem, wells=lines), START_C, cases.legs_of(case)

    look = Look(grid=case.grid, times_s=(600.0,))
    done = sensitivities(make, [Parameter(name="shift", unit="mm", value=0.0, step=1.0)], look, accuracy="preview")
    # Measured at half a voxel of 2 mm, docs/concepts/sensitivities.md: 0.09, 0.03 and 0.04 along x; what is asked is
    # twice that along x, since an oblique shift does not repeat the lattice. Half as good would steer a planner too.
    for level, largest in ((0.0, 0.3), (-20.0, 0.15), (-40.0, 0.15)):
        motion = done.at(600.0, level)
        off = np.abs(motion.motion_mm_per_unit[0] - motion.outward @ np.array(way))
        assert np.percentile(off, 99) < largest
        # Half of what up and down disagree by is no bound: measured, 83 to 100 in 100 of the errors lie below it.
        assert np.mean(off < motion.doubt_mm_per_unit[0] + 0.02) > 0.75
        # A shift makes no ice: at most 1 in 1000 of the volume per mm.
        assert abs(motion.volume_ml_per_unit[0]) < 2e-3 * motion.volume_ml


def paterson_mm(heat_w_per_m, conductivity_share=1.0):
    """Radius [mm] of the -20 °C isotherm of Paterson's line, the ice conducting so many times better."""
    medium = dataclasses.replace(
        TISSUE, frozen_conductivity_w_per_m_k=TISSUE.frozen_conductivity_w_per_m_k * conductivity_share
    )
    known = exact.paterson(medium, heat_w_per_m=heat_w_per_m, start_c=START_C)
    return brentq(lambda r: float(known.temperature_c(r, STOP_S)) - LEVEL_C, 0.1, known.front_mm(STOP_S))


def test_around_a_line_sink_the_motion_is_patersons():
    shape, heat = (61, 61, 3), 500.0
    lines = line(shape, (30.3, 30.2), 1.0, 0.75)

    def make(values):
        medium = dataclasses.replace(
            TISSUE, frozen_conductivity_w_per_m_k=TISSUE.frozen_conductivity_w_per_m_k * values["ice"]
        )
        problem = box(shape, 1.0, sharp(medium, over_k=2.0), wells=lines)
        return problem, START_C, one_leg(takes(lambda _now_s: values["heat"]))

    parameters = [
        Parameter(name="heat", unit="W/m", value=heat, step=0.1 * heat),
        Parameter(name="ice", unit="of its value", value=1.0, step=0.1),
    ]
    look = Look(grid=grid_of(shape, 1.0), times_s=(STOP_S,), isotherms_c=(LEVEL_C,))
    motion = sensitivities(make, parameters, look, accuracy="reference").at(STOP_S, LEVEL_C)
    # 1 in 100: over its step the true curve bends by 0.6 in 1000, and 400 points average out what the lattice does to
    # each (2 in 100 of the motion by the ice).
    assert mean_motion(motion, 0) == pytest.approx(slope(paterson_mm, heat, 1.0), rel=0.01)
    by_ice = slope(lambda share: paterson_mm(heat, share), 1.0, 1e-3)
    assert mean_motion(motion, 1) == pytest.approx(by_ice, rel=0.01)


def rest_mm(probe_c, perfusion):
    """Radius [mm] at which a perfused freeze comes to rest."""
    freeze = exact.PerfusedFreeze(medium=TISSUE, probe_c=probe_c, arterial_c=37.0, perfusion_w_per_m3_k=perfusion)
    return freeze.cylinder_mm(0.75)


def test_at_rest_the_frozen_radius_answers_to_probe_and_blood_as_the_exact_one():
    n, spacing_mm, probe_c, perfusion = 49, 0.75, -100.0, 2.56e5
    shape = (n, n, 1)
    lines = line(shape, (n / 2 - 0.2, n / 2 - 0.3), spacing_mm, 0.75)

    def make(values):
        problem = box(shape, spacing_mm, sharp(TISSUE, over_k=2.0), wells=lines, perfusion=[values["blood"]])
        return problem, 37.0, one_leg(held_at(values["probe"]), 1200.0)

    look = Look(
        grid=grid_of(shape, spacing_mm),
        times_s=(1200.0,),
        isotherms_c=(),
        measure=lambda moment: [math.sqrt(moment.frozen_fraction.sum() / math.pi) * spacing_mm],
    )
    parameters = [
        Parameter(name="probe", unit="°C", value=probe_c, step=20.0),
        Parameter(name="blood", unit="W/m³/K", value=perfusion, step=0.3 * perfusion),
    ]
    done = sensitivities(make, parameters, look)
    right = [
        (rest_mm(probe_c + 20, perfusion) - rest_mm(probe_c - 20, perfusion)) / 40,
        (rest_mm(probe_c, 1.3 * perfusion) - rest_mm(probe_c, 0.7 * perfusion)) / (0.6 * perfusion),
    ]
    # The front is held back by the blood of half a voxel (iceball verify, B7): 0.25 mm of 6.2, or 4 in 100, of what the
    # probe does, and more than twice that of what blood does.
    by_probe, by_blood = done.measured_per_unit[:, 0, 0]
    assert by_probe == pytest.approx(right[0], rel=0.04)
    assert by_blood == pytest.approx(right[1], rel=0.12)


def test_conducting_better_is_the_same_as_storing_less():
    spacing_mm, n = 2.0, 36
    shape, case = (n, n, n), cases.BenchCase(name="scale", says="", spacing_mm=2.0, width_mm=72.0, probes=1)
    grid = case.grid

    def make(values):
        k, stored = values["conducting"], values["storing"]
        tissue = dataclasses.replace(
            GEL,
            conductivity_w_per_m_k=GEL.conductivity_w_per_m_k * k,
            frozen_conductivity_w_per_m_k=GEL.frozen_conductivity_w_per_m_k * k,
            heat_capacity_j_per_m3_k=GEL.heat_capacity_j_per_m3_k * stored,
            frozen_heat_capacity_j_per_m3_k=GEL.frozen_heat_capacity_j_per_m3_k * stored,
            latent_heat_j_per_m3=GEL.latent_heat_j_per_m3 * stored,
        )
        problem = box(shape, spacing_mm, curve(tissue))
        lines = wells(cases.placements_of(case), grid, problem.index, problem.conducts)
        return dataclasses.replace(problem, wells=lines), START_C, one_leg(held_at(-140.0), 600.0)

    parameters = [Parameter(name=name, unit="of its value", value=1.0, step=0.1) for name in ("conducting", "storing")]
    look = Look(grid=grid, times_s=(600.0,), points_mm=((8.0, 0.0, 0.0),))
    done = sensitivities(make, parameters, look)
    # An ideal probe in a medium without blood knows only k t / C: both are time, one forward, one back. What parts them
    # is the bend between 1.1 and 1/1.1, 1 in 100, and the steps in time, which are not scaled: 3 in 100.
    for motion in done.isotherms:
        forward, back = motion.motion_mm_per_unit
        assert np.nanmean(forward) > 0.3  # mm for twice the conduction: there is something to compare
        assert np.sqrt(np.nanmean((forward + back) ** 2)) < 0.04 * np.sqrt(np.nanmean(forward**2))
        assert -motion.volume_ml_per_unit[1] == pytest.approx(motion.volume_ml_per_unit[0], rel=0.02)
    assert -done.points_c_per_unit[1, 0, 0] == pytest.approx(done.points_c_per_unit[0, 0, 0], rel=0.04)


def test_in_a_case_the_ice_follows_the_probe():
    case, plan = small_patient.patient(), small_patient.plan("freeze for 120 s")
    setting = make_setting(case, plan, 2.0, default_backend())
    look = Look(grid=setting.box.grid, times_s=(120.0,), isotherms_c=(-20.0,))
    make = posed(setting.problem, setting.start_c, look.grid, plan)
    done = sensitivities(make, pose_parameters(plan.placements, 2.0)[1::3], look, accuracy="preview")
    assert [parameter.name for parameter in done.parameters] == ["A tip y", "A entry y"]
    motion = done.isotherms[0]
    shift, ahead = motion.motion_mm_per_unit.sum(axis=0), motion.outward[:, 1]
    # In three tissues and at 2 mm no isotherm keeps its shape; the ice as a whole goes where the probe goes.
    followed = np.nansum(shift * ahead) / np.sum(ahead**2)
    assert followed == pytest.approx(1.0, abs=0.25)
