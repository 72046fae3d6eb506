"""One file of demands for every backend's solver: the whole march, not single rates. The WholeBox of numpy is right.

The fast engines step tiles with as many stages as each needs, in single precision: they differ from the specification
by the error in time of either, which grows with the step, and by rounding, which does not.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import lab
import numpy as np
import pytest

from iceball.errors import SimulationError
from iceball.nouns import Grid, Placement, Probe
from iceball.thermal import Stepping, backend_named, backend_names
from iceball.thermal.backends._numba import NumbaOperator
from iceball.thermal.engine import TRIES
from iceball.thermal.problem import OFF, POWER_LIMITED, Drive, Watch
from iceball.thermal.steady import steady_state
from iceball.thermal.wells import wells
from iceball.thermal.wholebox import WholeBox

ALL = [backend_named(name) for name in backend_names()]
EVERY = pytest.mark.parametrize("backend", ALL, ids=lambda b: b.name)
OTHERS = pytest.mark.parametrize("backend", [b for b in ALL if b.name != "numpy"], ids=lambda b: b.name)
ENGINES = pytest.mark.parametrize("backend", lab.engines(), ids=lambda b: b.name)

AIR, MUSCLE, BONE, SALINE, VESSEL, METAL = range(6)
TISSUES = (
    lab.gel(name="air", inert=True),
    lab.gel(name="muscle", perfusion_w_per_m3_k=2.5e3, metabolic_heat_w_per_m3=700.0),
    lab.gel(
        name="bone", conductivity_w_per_m_k=0.35, frozen_conductivity_w_per_m_k=0.7, latent_heat_j_per_m3=9e7,
        perfusion_w_per_m3_k=1e3,
    ),
    lab.gel(name="saline", conductivity_w_per_m_k=0.6, solidus_c=-3.0, liquidus_c=-0.5),
    lab.gel(name="vessel"),
    lab.gel(
        name="metal", conductivity_w_per_m_k=20.0, frozen_conductivity_w_per_m_k=20.0, latent_heat_j_per_m3=0.0,
        conductivity_ice_fraction=0.0, capacity_ice_fraction=0.0,
    ),
)  # fmt: skip
HELD_C = np.array([np.nan, np.nan, np.nan, np.nan, 37.0, np.nan])
WATCH = Watch(clocks_c=(0.0, -20.0, -40.0), stasis_c=-30.0)
PROBE = Probe(
    name="p", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=12.0, gas_temperature_c=-150.0,
    gas_temperature_at_handle_c=-110.0, internal_resistance_k_m_per_w=0.05, cooling_time_s=2.0,
)  # fmt: skip


@functools.cache
def patient():
    """Everything at once, at the size of several tiles along each axis, none of them a multiple of a tile.

    Patches of four tissues, metal, air pockets, a skin beyond which there is air, a wall held at 30 °C, a vessel held
    at 37 °C, two probes that cross; (problem, temperature before freezing).
    """
    shape, draw = (21, 22, 54), np.random.default_rng(7)
    index = draw.choice([MUSCLE, MUSCLE, BONE, SALINE], size=[-(-n // 5) for n in shape])
    index = index.repeat(5, 0).repeat(5, 1).repeat(5, 2)[: shape[0], : shape[1], : shape[2]].astype(np.uint8)
    index[draw.random(shape) < 0.01] = AIR
    index[12:14, 3:5, 20:30] = METAL
    index[7:9, 15:17, :] = VESSEL
    index[:, :2, :] = AIR
    opened = np.zeros(shape)
    opened[:, 2, :] = np.where(index[:, 2, :] == AIR, 0.0, 8.0e3)  # about 10 W/m²/K over a voxel of 1 mm
    opened[:, 2, :][index[:, 2, :] == VESSEL] = 0.0
    grid, conducts = Grid(shape=shape, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3), np.arange(6) != AIR
    living = conducts & np.isnan(HELD_C)
    placements = [
        Placement(label=label, probe=PROBE, tip_mm=tuple(at - 6 * along), entry_mm=tuple(at + 14 * along))
        for label, at, along in (
            ("A", np.array([9.3, 9.6, 25.2]), np.array([0.1, 0.05, 0.99]) / np.linalg.norm([0.1, 0.05, 0.99])),
            ("B", np.array([12.1, 11.4, 24.8]), np.array([-0.12, 0.3, 0.95]) / np.linalg.norm([-0.12, 0.3, 0.95])),
        )
    ]
    problem = lab.make_problem(
        shape, 1.0, *TISSUES, index=index, open_conductance=opened, held_c=HELD_C, walls=(lab.held(0, 1, 30.0),),
        wells=wells(placements, grid, index, living),
        perfusion=np.where(living, [t.perfusion_w_per_m3_k for t in TISSUES], 0.0),
    )  # fmt: skip
    return problem, steady_state(NumbaOperator(problem), problem)


def freezing(now_s: float) -> Drive:
    """A freezes; B freezes at six tenths of its power, its gas as cold along the whole shaft."""
    gas_c = -150.0 + 187.0 * np.exp(-now_s / 2.0)
    return Drive(
        mode=np.array([POWER_LIMITED] * 2), value=np.array([gas_c, gas_c]), power=np.array([1.0, 0.6]),
        resistance=np.ones(2), tilt=np.array([1.0, 0.0]),
    )  # fmt: skip


def thawing(_now_s: float) -> Drive:
    """A is off, B thaws by a heater that gives at most 300 W/m."""
    return Drive(
        mode=np.array([OFF, POWER_LIMITED]), value=np.array([0.0, 40.0]), power=np.ones(2), resistance=np.zeros(2),
        tilt=np.zeros(2), most_heat_w_per_m=np.array([np.inf, 300.0]),
    )  # fmt: skip


@functools.cache
def solved(name: str, step_s: float = 0.25, method: str = "rkl2"):
    """12 s of freezing and 6 s of thawing: how things stood after each. At the switch the drive jumps."""
    problem, start_c = patient()
    backend = lab.DoublePrecision() if name == "double precision" else backend_named(name)
    solver = backend.solver(problem, start_c, Stepping(method=method), WATCH)
    frozen = lab.solve_on(solver, freezing, steps_s=[step_s] * round(12.0 / step_s))
    thawed = lab.solve_on(solver, thawing, steps_s=[step_s] * round(6.0 / step_s))
    return frozen, replace(thawed, energy_j=frozen.energy_j + thawed.energy_j)


def apart(ours, spec, what: str = "temperature"):
    """How far two solvers are apart (n,) where tissue conducts."""
    problem, _ = patient()
    inside = problem.conducts[problem.index]
    a, b = getattr(ours.solver, what)(), getattr(spec.solver, what)()
    return np.abs(np.asarray(a, float) - np.asarray(b, float))[inside]


@OTHERS
def test_a_freeze_and_a_thaw_end_where_those_of_numpy_end(backend):
    (ours_frozen, ours), (spec_frozen, spec) = solved(backend.name), solved("numpy")
    assert spec.solver.coldest().min() < -60.0, "there should be ice"
    # 0.25 s steps: both carry an error in time where a voxel freezes through, a few hundredths of a kelvin at most
    # elsewhere; a tile at rest holds what has reached it until that is half a kelvin
    for what in ("temperature", "coldest"):
        difference = apart(ours, spec, what)
        assert np.percentile(difference, 99) < 0.03, what
        assert difference.mean() < 2e-3, what
        assert difference.max() < 1.5, what
    for threshold, clock in spec.solver.below_s().items():
        difference = np.abs(ours.solver.below_s()[threshold] - clock)
        assert difference.max() < 0.5, threshold  # s: two steps, of a voxel that lingers at the threshold
        assert difference.mean() < 1e-3, threshold
    assert apart(ours, spec, "frozen_fraction").mean() < 1e-4
    for a, b in ((ours_frozen, spec_frozen), (ours, spec)):
        scale = np.abs(b.energy_j).max()
        np.testing.assert_allclose(a.energy_j, b.energy_j, atol=1e-3 * scale)
        np.testing.assert_allclose(a.heat_w, b.heat_w, rtol=2e-3, atol=1e-6)


@OTHERS
def test_all_that_drives_the_march_is_at_work_in_it(backend):
    """What is compared above would be worth nothing if a term were idle."""
    problem, start_c = patient()
    frozen, thawed = solved(backend.name)
    assert np.all(np.abs(frozen.energy_j) > 1e-3), "probes, blood, metabolism and boundaries should be felt"
    assert start_c.min() < 36.5, "the skin should be cooler than the blood"
    assert frozen.heat_w.min() > 1.0
    assert thawed.heat_w[0] == 0.0
    most_w = -300.0 * problem.wells.length_m[problem.wells.probe == 1].sum()
    assert thawed.heat_w[1] >= most_w * 1.0001
    assert (thawed.solver.coldest() < WATCH.stasis_c).any(), "blood should have stopped somewhere"
    assert all((clock > 0).any() for clock in thawed.solver.below_s().values())


@EVERY
def test_the_shaft_s_temperature_is_known_while_its_gas_flows_and_not_otherwise(backend):
    (frozen, thawed), (spec, _) = solved(backend.name), solved("numpy")
    np.testing.assert_allclose(frozen.surface_c, spec.surface_c, atol=0.1)  # °C: from the 0.3 % of the heat above
    assert np.isnan(thawed.surface_c[0])
    _, now_c = thawed.solver.probes_now(thawing(18.0))
    assert np.isnan(now_c[0])
    assert np.isfinite(now_c[1])


@EVERY
@pytest.mark.parametrize("step_s", [0.25, 1.0])
def test_the_energy_balance_closes_to_rounding_whatever_the_step(backend, step_s):
    for part in solved(backend.name, step_s):
        assert part.residual_fraction < 1e-6  # single precision rounds at 6e-8 of a voxel; roundings mostly cancel


@ENGINES
def test_the_simple_super_steps_are_of_first_order_and_the_better_ones_far_nearer(backend):
    _, best = solved("double precision", 0.0625)
    errors = {
        (method, step_s): float(apart(solved(backend.name, step_s, method)[1], best).mean())
        for method, step_s in (("rkl1", 1.0), ("rkl1", 0.5), ("rkl1", 0.25), ("rkl2", 0.5))
    }
    assert errors["rkl1", 0.5] < 0.7 * errors["rkl1", 1.0]
    assert errors["rkl1", 0.25] < 0.7 * errors["rkl1", 0.5]
    assert errors["rkl2", 0.5] < 0.5 * errors["rkl1", 0.5]


@OTHERS
def test_one_thread_and_two_give_the_same_answer_to_the_last_bit(backend, monkeypatch):
    problem, start_c = patient()
    ends = []
    for threads in ("1", "2"):
        monkeypatch.setenv("ICEBALL_THREADS", threads)
        ends.append(lab.solve(problem, backend, start_c, freezing, steps_s=[0.25, 0.5, 1.0, 1.0], watch=WATCH))
    np.testing.assert_array_equal(ends[0].solver.temperature(), ends[1].solver.temperature())
    np.testing.assert_array_equal(ends[0].solver.coldest(), ends[1].solver.coldest())
    np.testing.assert_array_equal(ends[0].energy_j, ends[1].energy_j)
    np.testing.assert_array_equal(ends[0].heat_w, ends[1].heat_w)


@ENGINES
def test_what_the_cold_has_not_reached_stays_as_it_was_to_the_last_bit(backend):
    problem, start_c = lone_probe((40, 40, 96), tissue=lab.gel(perfusion_w_per_m3_k=2e3)), 37.0
    end = lab.solve(problem, backend, start_c, lab.gas_at(-150.0), steps_s=[0.25] * 20)
    far = np.ones(problem.index.shape, bool)
    far[8:32, 8:32, 16:80] = False  # diffusion reaches sqrt(4 alpha t) = 2 mm in 5 s
    assert end.solver.temperature().min() < 0.0
    assert np.ptp(end.solver.temperature()[far]) == 0.0
    assert end.solver.temperature()[20, 20, 0] == np.float32(37.0)
    assert end.solver.voxel_stages < 0.5 * end.solver.stages_done * problem.index.size, "rest should cost nothing"


def lone_probe(shape, tissue=None, spacing_mm=1.0, **changes):
    """A probe across the middle of a uniform box."""
    middle = np.array([(n - 1) / 2 * spacing_mm for n in shape])
    along = np.array([0.0, 0.0, 1.0])
    placed = Placement(label="A", probe=PROBE, tip_mm=tuple(middle - 6 * along), entry_mm=tuple(middle + 14 * along))
    grid = Grid(shape=shape, spacing_mm=(spacing_mm,) * 3, origin_mm=(0.0,) * 3)
    index = np.zeros(shape, np.uint8)
    made = wells([placed], grid, index, np.array([True]))
    return lab.make_problem(shape, spacing_mm, tissue or lab.gel(), wells=made, **changes)


# -- steps that fail --------------------------------------------------------------------------------------------------


class Losing:
    """A kernel whose tiles are lost the first ``times`` times that somebody looks at them."""

    def __init__(self, bound, times: float) -> None:
        self._bound, self.left, self.steps = bound, times, 0

    def __getattr__(self, name):
        return getattr(self._bound, name)

    def step(self, *what):
        self.steps += 1
        return self._bound.step(*what)

    def lowest(self, offsets):
        low = self._bound.lowest(offsets)
        if self.left > 0:
            self.left -= 1
            low[0] = np.nan
        return low


@ENGINES
@pytest.mark.parametrize(("times", "tolerance_k"), [(1, 1e-3), (TRIES, 0.3)])
def test_a_failed_step_is_taken_again_with_more_stages_and_then_in_parts(backend, times, tolerance_k):
    problem = lone_probe((24, 24, 40))
    usual = lab.solve(problem, backend, 37.0, lab.gas_at(-150.0, tau_s=2.0), steps_s=[0.25] * 8)
    solver = backend.solver(problem, 37.0, Stepping(), Watch())
    lab.solve_on(solver, lab.gas_at(-150.0, tau_s=2.0), steps_s=[0.25] * 4)
    solver.bound = Losing(solver.bound, times)
    lab.solve_on(solver, lambda now_s: lab.gas_at(-150.0, tau_s=2.0)(1.0 + now_s), steps_s=[0.25] * 4)
    assert solver.bound.steps > 4
    # more stages, or four parts of one step: the error in time of a step of 0.25 s, no more
    np.testing.assert_allclose(solver.temperature(), usual.solver.temperature(), atol=tolerance_k)
    assert np.isfinite(solver.temperature()).all()


@ENGINES
def test_a_step_that_always_fails_is_an_error_and_leaves_the_state_as_it_was(backend):
    problem = lone_probe((24, 24, 40))
    solver = backend.solver(problem, 37.0, Stepping(), Watch())
    lab.solve_on(solver, lab.gas_at(-150.0), steps_s=[0.25] * 4)
    before_c, before_j = solver.temperature().copy(), solver.stored_j()
    solver.bound = Losing(solver.bound, np.inf)
    with pytest.raises(SimulationError, match=r"the temperature blew up at 1 s even in steps of .* report this case"):
        solver.advance(1.0, 5.0, lab.gas_at(-150.0)(1.0), lab.gas_at(-150.0)(6.0))
    np.testing.assert_array_equal(solver.temperature(), before_c)
    assert solver.stored_j() == before_j


def test_the_specification_too_halves_a_step_that_is_lost_and_raises_in_the_end():
    problem = lab.make_problem((6, 6, 6), 1.0, lab.gel(), walls=(lab.held(0, 0, -100.0),))
    operator = NumbaOperator(problem)
    solver = WholeBox(problem, operator, 37.0, Stepping(), Watch())
    rate, seen = operator.rate, []

    def lossy(enthalpy, drive, alive, out):
        seen.append(1)
        made = rate(enthalpy, drive, alive, out)
        out[0, 0, 0] = np.nan
        return made

    before_c = solver.temperature().copy()
    operator.rate = lossy  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(SimulationError, match="the temperature blew up at 0 s"):
        solver.advance(0.0, 1.0, lab.off(0.0), lab.off(1.0))
    assert len(seen) >= 6
    np.testing.assert_array_equal(solver.temperature(), before_c)


@ENGINES
def test_a_fall_that_no_guess_foresaw_is_met_by_more_stages(backend):
    problem = lone_probe((24, 24, 40))
    solver = backend.solver(problem, 37.0, Stepping(), Watch())
    solver.bound = Losing(solver.bound, 0)
    lab.solve_on(solver, lab.gas_at(-150.0), steps_s=[2.0])
    assert solver.bound.steps > 1, "the first guess should not have been enough"
    assert np.isfinite(solver.temperature()).all()
    # a probe cannot make tissue colder than its gas but for the line's own undershoot; RKL steps may overshoot a little
    assert -170.0 < solver.temperature().min() < 0.0


def test_an_engine_steps_by_no_other_method():
    with pytest.raises(SimulationError, match="this backend steps by rkl1 or rkl2, not by 'euler': take 'numpy'"):
        ALL[0].solver(lone_probe((24, 24, 40)), 37.0, Stepping(method="euler"), Watch())
