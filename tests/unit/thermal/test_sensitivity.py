"""Are isotherms found where they are, is their motion that of the surface, and are runs put together rightly?"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_bench import GEL, IDEAL

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import Bench, Grid, Layer, placed, read_protocol
from iceball.thermal.isotherm import moved_mm, surface_at
from iceball.thermal.phantom_bath import bath_grid, bath_problem, bath_start
from iceball.thermal.poses import placed_at, pose_parameters
from iceball.thermal.schedule import legs
from iceball.thermal.sensitivity import Look, Parameter, sensitivities

GRID = Grid(shape=(21, 21, 21), spacing_mm=(1.0,) * 3, origin_mm=(-10.0,) * 3)
EVERYWHERE = np.ones(GRID.shape, bool)
A = placed("A", IDEAL, (0.3, 0.2, -6.0), (0.2, 0.1, -1.0))
BENCH = Bench(
    layers=(Layer(medium=GEL),),
    probes=(A,),
    protocol=read_protocol("freeze for 60 s"),
    start_c=20.0,
    spacing_mm=2.0,
    box_size_mm=(40.0, 40.0, 52.0),
    box_centre_mm=(0.0, 0.0, 0.0),
)
FREEZE = Look(grid=bath_grid(BENCH), times_s=(30.0, 60.0), isotherms_c=(0.0, -20.0), points_mm=((4.0, 0.0, 0.0),))


def cone(grid=GRID, centre=(0.0, 0.0, 0.0), *, inner=4.0, outer=1.0, radius=5.0):
    """A field that is 0 on a sphere about ``centre``, its gradient ``inner`` within and ``outer`` without."""
    places = grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1))
    out = np.linalg.norm(places - centre, axis=-1) - radius
    return np.where(out < 0, inner, outer) * out


def by_start(values):
    """The bench, at ``start_c`` of the parameters."""
    made = dataclasses.replace(BENCH, start_c=values["start"])
    problem = bath_problem(made, FREEZE.grid)
    return problem, bath_start(made, problem), legs(made.plan)


START = Parameter(name="start", unit="K", value=20.0, step=2.0)


def test_an_isotherm_is_found_where_it_is_and_looks_outward():
    surface = surface_at(cone(outer=4.0), GRID, 0.0, EVERYWHERE)
    radius = np.linalg.norm(surface.position_mm, axis=1)
    radial = surface.position_mm / radius[:, None]
    assert len(radius) > 400  # 4π 5² mm², and more than one edge of 1 mm on each mm²
    np.testing.assert_allclose(radius, 5.0, atol=0.03)  # a chord of 1 mm lies h²/8r within the sphere
    np.testing.assert_allclose((surface.outward * radial).sum(axis=1), 1.0, atol=0.02)  # central differences


def test_normals_are_those_of_the_patient_on_a_turned_grid():
    turn = (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    grid = Grid(shape=(11, 21, 21), spacing_mm=(2.0,) * 3, origin_mm=(20.0, -10.0, -20.0), direction=turn)
    field = cone(grid, (1.0, 2.0, 0.0), outer=4.0)
    surface = surface_at(field, grid, 0.0, np.ones(grid.shape, bool))
    from_centre = surface.position_mm - [1.0, 2.0, 0.0]
    cosine = (surface.outward * from_centre).sum(axis=1) / np.linalg.norm(from_centre, axis=1)
    assert cosine.min() > 0.95  # 2 mm voxels on a sphere of 5 mm; a wrong axis would give all of -1 to 1


@given(shift=st.floats(-1.2, 1.2), axis=st.integers(0, 2), outer=st.floats(1.0, 4.0))
def test_a_shift_is_measured_though_the_gradient_jumps_at_the_isotherm(shift, axis, outer):
    way = np.eye(3)[axis]
    surface = surface_at(cone(outer=outer), GRID, 0.0, EVERYWHERE)
    off = moved_mm(cone(outer=outer, centre=shift * way), GRID, surface) - shift * surface.outward @ way
    sag = shift**2 / 2 / 5.0 + 0.05  # what a sphere of 5 mm falls behind its tangent, and behind its chords
    # A straight line across the voxel that holds the kink is off by up to a quarter of the jump, both ways.
    assert np.abs(off).max() < (4.0 / outer - 1) / 2 + sag
    # Most surfaces lie elsewhere in their voxel. As -δT/|∇T| half of the shifts would be wrong by the jump itself.
    assert np.median(np.abs(off)) < 0.05 * (4.0 / outer) + sag


def test_a_surface_that_is_not_found_within_two_voxels_is_not_a_number():
    surface = surface_at(cone(radius=5.0), GRID, 0.0, EVERYWHERE)
    assert np.isnan(moved_mm(cone(radius=8.0), GRID, surface)).all()
    assert np.isfinite(moved_mm(cone(radius=6.5), GRID, surface)).all()


def test_a_wall_of_gas_is_no_isotherm():
    conducting = EVERYWHERE.copy()
    conducting[13:] = False
    surface = surface_at(np.where(conducting, cone(), 37.0), GRID, 0.0, conducting)
    assert len(surface.position_mm) > 0
    assert surface.position_mm[:, 0].max() <= 2.0  # the last voxel of tissue


def test_where_nothing_is_as_cold_there_are_no_points():
    surface = surface_at(cone(), GRID, -99.0, EVERYWHERE)
    assert surface.position_mm.shape == surface.outward.shape == (0, 3)
    assert moved_mm(cone(), GRID, surface).shape == (0,)


@pytest.fixture(scope="module")
def found():
    """The bench by its start, with what was said on the way and how often it was made."""
    said, made = [], []

    def make(values):
        made.append(values)
        return by_start(values)

    look = dataclasses.replace(FREEZE, isotherms_c=(0.0, -20.0, -139.0), measure=lambda moment: [moment.now_s, 7.0])
    one_sided = Parameter(name="unused", unit="-", value=1.0, one_sided=True)
    done = sensitivities(make, [START, one_sided], look, accuracy="reference", progress=lambda *told: said.append(told))
    return done, said, made


def test_a_two_sided_parameter_costs_two_runs_and_a_one_sided_one(found):
    done, said, made = found
    changed = [(values["start"], values["unused"]) for values in made]
    assert changed == [(20.0, 1.0), (22.0, 1.0), (18.0, 1.0), (20.0, 1.2)]
    assert [share for share, _ in said] == pytest.approx(np.arange(1, 9) / 8)  # four runs, two times each
    assert said[2][1] == "start +2 K"
    assert done.row("unused") == 1


def test_a_warmer_start_shrinks_the_ice_and_warms_the_thermometer(found):
    done, _, _ = found
    for motion in done.isotherms[:2]:  # 30 s: 0 and -20 °C
        assert np.nanmean(motion.motion_mm_per_unit[0]) < 0
        assert motion.volume_ml_per_unit[0] < 0 < motion.volume_ml
    assert (done.points_c_per_unit[0] > 0).all()
    assert done.points_c.shape == (2, 1)


def test_what_changes_nothing_has_no_effect_at_all(found):
    done, _, _ = found
    for motion in done.isotherms:
        # the same run, bit for bit; a crossing on the lattice's edge is found again to rounding
        np.testing.assert_allclose(motion.motion_mm_per_unit[1], 0.0, atol=1e-9)
        assert motion.volume_ml_per_unit[1] == 0.0
        assert np.isnan(motion.doubt_mm_per_unit[1]).all()
    assert (done.points_c_per_unit[1] == 0.0).all()


def test_what_is_measured_is_kept_with_its_derivative(found):
    done, _, _ = found
    np.testing.assert_array_equal(done.measured, [[30.0, 7.0], [60.0, 7.0]])
    assert done.measured_per_unit.shape == (2, 2, 2)
    assert (done.measured_per_unit == 0.0).all()


def test_an_isotherm_that_is_not_there_has_no_points_and_no_volume(found):
    motion = found[0].at(30.0, -139.0)
    assert motion.position_mm.shape == (0, 3)
    assert motion.motion_mm_per_unit.shape == (2, 0)
    assert (motion.volume_ml, *motion.volume_ml_per_unit) == (0.0, 0.0, 0.0)


def test_what_was_not_looked_at_is_named_with_what_was(found):
    with pytest.raises(UnknownName, match=r"-30 °C at 60 s was not looked at; there are: 0 °C at 30 s"):
        found[0].at(60.0, -30.0)
    with pytest.raises(UnknownName, match="no parameter 'k'; there are: start, unused"):
        found[0].row("k")


def test_the_doubt_of_a_straight_line_is_nothing_and_of_a_bend_its_share():
    look = dataclasses.replace(FREEZE, isotherms_c=(), times_s=(5.0,))
    value = {}

    def make(values):
        value["p"] = values["p"]
        return by_start({"start": 20.0})

    look = dataclasses.replace(look, measure=lambda _moment: [3 * value["p"], value["p"] ** 2])
    done = sensitivities(make, [Parameter(name="p", unit="-", value=2.0, step=0.5)], look, accuracy="preview")
    np.testing.assert_allclose(done.measured_per_unit[0, 0], [3.0, 4.0], rtol=1e-12)  # exact for a parabola
    np.testing.assert_allclose(done.measured_doubt_per_unit[0, 0], [0.0, 0.5], atol=1e-12)  # its step


def test_a_step_is_a_fifth_of_the_value_unless_given():
    assert Parameter(name="k", unit="W/m/K", value=-2.0).step == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"value": 0.0, "step": None}, "the step of parameter 'start' must be above zero, not 0.0 K"),
        ({"value": math.nan}, "must be a finite number"),
        ({"step": math.inf}, "must be a finite number"),
    ],
)
def test_a_parameter_that_goes_nowhere_is_refused(change, says):
    with pytest.raises(InputError, match=says):
        dataclasses.replace(START, **change)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"times_s": ()}, InputError, "times looked at must rise"),
        ({"times_s": (60.0, 30.0)}, InputError, "times looked at must rise"),
        ({"points_mm": ((99.0, 0.0, 0.0),)}, GeometryError, "outside the box: move it"),
    ],
)
def test_a_look_that_cannot_be_had_is_refused(change, error, says):
    with pytest.raises(error, match=says):
        dataclasses.replace(FREEZE, **change)


@pytest.mark.parametrize(
    ("parameters", "look", "error", "says"),
    [
        ([], FREEZE, InputError, "give at least one"),
        ([START, START], FREEZE, InputError, "share a name: start, start"),
        ([START], dataclasses.replace(FREEZE, times_s=(60.0, 61.0)), InputError, "does not hold all times"),
        ([START], dataclasses.replace(FREEZE, grid=GRID, points_mm=()), GeometryError, "must not change the box"),
    ],
)
def test_what_cannot_be_differentiated_is_refused_before_it_is_run(parameters, look, error, says):
    with pytest.raises(error, match=says):
        sensitivities(by_start, parameters, look, accuracy="preview")


def test_poses_are_named_and_the_values_move_the_probe():
    parameters = pose_parameters([A], 2.0, ("tip",))
    assert [(p.name, p.unit, p.step) for p in parameters] == [(f"A tip {axis}", "mm", 1.0) for axis in "xyz"]
    assert [p.value for p in parameters] == list(A.tip_mm)
    (moved,) = placed_at([A], {"A tip y": 1.0, "B tip x": 9.0})
    assert moved.tip_mm == (A.tip_mm[0], 1.0, A.tip_mm[2])
    assert moved.entry_mm == A.entry_mm
    with pytest.raises(UnknownName, match="no end 'hub'; there are: tip, entry"):
        pose_parameters([A], 2.0, ("hub",))
