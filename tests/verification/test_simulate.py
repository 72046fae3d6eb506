"""The whole verb on small patients: energy, growth of the box, protocols, refusals."""

from __future__ import annotations

from dataclasses import replace

import lab
import numpy as np
import pytest

from iceball import library, thermal
from iceball.errors import GeometryError, InputError
from iceball.nouns import Case, Grid, Lesion, Placement, Plan, Probe, Structure, Volume, read_protocol
from iceball.thermal import NumbaBackend, NumpyBackend, Stepping

PROBE = Probe(
    name="test probe",
    cryogen="argon",
    shaft_diameter_mm=1.5,
    active_length_mm=20.0,
    gas_temperature_c=-150.0,
    internal_resistance_k_m_per_w=0.13,
    cooling_time_s=4.0,
)
SPACING_MM = 2.0  # everything here holds at any spacing; coarse is quick


def patient(*, size=(60, 60, 60), back_mm=100.0):
    """A body of muscle with a block of bone, a cord and a lesion; air beyond ``back_mm`` along the second axis."""
    spacing = 2.0
    hu = np.full(size, 50.0, np.float32)
    place = np.indices(size) * spacing
    hu[20:40, 20:34, :] = 350.0
    hu[place[1] > back_mm] = -1000.0
    labels = np.zeros(size, np.uint8)
    labels[26:33, 38:43, :] = 1
    centre = np.array([60.0, 54.0, size[2]])[:, None, None, None]
    mask = (((place - centre) ** 2).sum(axis=0) < 9.0**2).astype(np.uint8)
    grid = Grid(shape=size, spacing_mm=(spacing,) * 3, origin_mm=(-60.0, -60.0, -60.0))
    return Case(
        id="test",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=(Structure(name="spinal_cord", role="at_risk", label=1, limit="spinal_cord", tissue="spinal_cord"),),
        lesion=Lesion(mask=Volume(grid=grid, array=mask, quantity="label"), matrix="lytic", origin="made by a test"),
    )


def placement(label="A", shift=(0.0, 0.0, 0.0), probe=PROBE):
    """A probe through the lesion, from behind and obliquely."""
    tip = np.array([0.3, -14.2, 0.4]) + shift
    along = np.array([0.25, 0.95, 0.2]) / np.linalg.norm([0.25, 0.95, 0.2])
    return Placement(label=label, probe=probe, tip_mm=tuple(tip), entry_mm=tuple(tip + 55 * along))


def plan(text="3-2-3", *placements):
    return Plan(placements=placements or (placement(),), protocol=read_protocol(text))


def run(case=None, plan_=None, **changes):
    return thermal.simulate(case or patient(), plan_ or plan(), **{"spacing_mm": SPACING_MM} | changes)


@pytest.fixture(scope="module")
def history():
    return run()


def test_energy_balances_with_perfusion_probes_and_a_growing_box(history):
    first = thermal._simulate.first_box(patient(), plan(), SPACING_MM).grid.shape
    assert np.prod(history.coldest.grid.shape) > np.prod(first), "the box should have grown"
    energy = history.energy
    assert energy.probe_j < 0 < energy.perfusion_j
    assert energy.metabolic_j > 0
    assert energy.boundary_j != 0
    assert energy.residual_fraction < 1e-4


def test_what_the_recorders_keep_hangs_together(history):
    assert history.time_s[0] == 0
    assert history.time_s[-1] == 8 * 60
    assert np.all(np.diff(history.time_s) > 0)
    rows = history.time_s.size
    assert all(curve.coldest_c.size == curve.mean_c.size == rows for curve in history.structures)
    assert all(curve.surface_c.size == curve.heat_w.size == rows for curve in history.probes)
    assert np.all(history.coldest.array <= history.start.array + 1e-4)
    below = history.below
    assert np.all(below[-40.0].array <= below[-20.0].array + 1e-3)
    assert np.all(below[-20.0].array <= below[0.0].array + 1e-3)
    assert below[0.0].array.max() <= 8 * 60 + 1e-3
    ever = history.coldest.array < -20.0
    assert np.all(below[-20.0].array[ever] > 0)
    assert np.all(below[-20.0].array[history.coldest.array > -20.0] == 0)
    taken = np.trapezoid(history.probes[0].heat_w, history.time_s)
    assert taken == pytest.approx(-history.energy.probe_j, rel=0.05)  # straight lines between rows of seconds


def test_nothing_happens_before_the_switch_and_the_probe_takes_no_heat_while_it_thaws(history):
    thawing = (history.time_s > 181) & (history.time_s < 299)
    assert np.all(history.probes[0].heat_w[thawing] == 0)
    assert np.all(np.isnan(history.probes[0].surface_c[thawing]))
    assert history.ice_ml[0] == 0
    assert history.structures[0].coldest_c[0] == pytest.approx(37.0, abs=1.0)


def test_the_run_says_what_went_in(history):
    settings = dict(history.run.settings)
    assert settings["spacing_mm"] == "2"
    assert settings["protocol"] == "3-2-3"
    assert {"osteolytic_lesion", "muscle", "spinal_cord", "cortical_bone", "blood"} <= set(
        settings["tissues"].split(", ")
    )
    assert history.run.backend == "numba"
    assert {"itis_v5"} <= set(history.run.sources)


def test_a_run_made_twice_is_the_same_run(history):
    again = run()
    np.testing.assert_array_equal(again.coldest.array, history.coldest.array)
    assert again.energy == history.energy


def test_both_backends_freeze_the_same_patient_alike():
    short = plan("0.5-0.2")
    ends = [run(plan_=short, spacing_mm=4.0, backend=b) for b in (None, NumpyBackend())]
    np.testing.assert_allclose(ends[0].coldest.array, ends[1].coldest.array, atol=2e-4)


def test_where_the_box_starts_does_not_matter(history, monkeypatch):
    monkeypatch.setattr(thermal.box, "MARGIN_MM", 40.0)
    wide = run()
    inner = history.coldest.grid
    offset = np.rint(wide.coldest.grid.index_of(inner.origin_mm)).astype(int)
    part = tuple(slice(max(o, 0), o + n) for o, n in zip(offset, inner.shape, strict=True))
    ours = tuple(slice(max(-o, 0), None) for o in offset)
    theirs = wide.coldest.array[part]
    mine = history.coldest.array[ours][tuple(slice(0, n) for n in theirs.shape)]
    cold = theirs < 10.0
    assert np.abs(theirs - mine)[cold].max() < 0.1  # °C: a wall moves at 0.2 K, far out where the gradient is gentle


def test_a_box_that_grows_near_the_skin_finds_the_state_at_rest_there():
    """Without freezing, whatever box is cut from the patient stays as it is, at its walls too."""
    field, box = thermal.field, thermal.box
    case = patient(back_mm=60.0)
    prepared, backend = thermal._simulate.anatomy.prepare(case), NumbaBackend()
    backdrop = thermal.backdrop.make_backdrop(prepared, 2.0, backend, lambda tissue: field.make_problem(tissue, ()))
    person = field.Patient(prepared=prepared, backend=backend, backdrop=backdrop, reach_mm=20.0)
    start = box.first_box(case, plan(), 2.0)
    setting = field.make_setting(person, plan().placements, start, field.make_surroundings(person, start))
    state = field.fresh_state(setting, [0.0])
    grown = field.make_setting(person, plan().placements, start.widened(16.0), setting.around)
    assert not setting.around.box.holds(grown.box), "the box should have outgrown its surroundings"
    state = field.moved(state, setting, grown)
    still = replace(state, enthalpy=state.enthalpy.copy())
    idle = lab.drive_of(0, 0.0, 1)
    limit = thermal.stepping.euler_limit(grown.problem, 0.0)
    for stop in range(10, 130, 10):
        done = thermal.stepping.advance(
            grown.operator, still.enthalpy, (stop - 10, stop), limit, lambda _t: idle, still.alive
        )
        still = replace(still, enthalpy=done.enthalpy)
    drift = np.abs(grown.operator.temperature(still.enthalpy) - state.start_c)
    assert state.start_c.min() < 36.0, "the skin should be in the box"
    assert drift.max() < 0.02  # °C in two minutes; it was 1.2 when walls kept the values of the coarse backdrop


def test_a_freeze_in_two_parts_is_one_freeze():
    whole, parts = run(plan_=plan("4")), run(plan_=plan("freeze for 2 min; freeze for 2 min"))
    assert parts.ice_ml[-1] == pytest.approx(whole.ice_ml[-1], rel=0.01)
    surface = parts.probes[0].surface_c
    assert np.all(np.diff(surface) < 0.1), "the gas should not start afresh at the switch"
    np.testing.assert_allclose(parts.coldest.array, whole.coldest.array, atol=0.3)  # °C: the steps differ


def test_blood_does_not_come_back_to_tissue_that_froze_deeply(history, monkeypatch):
    alive = []
    kept = thermal._simulate.advance

    def spy(operator, enthalpy, span, limit_s, driver, living, **more):
        alive.append((span, living.sum() / living.size, enthalpy.shape))
        return kept(operator, enthalpy, span, limit_s, driver, living, **more)

    monkeypatch.setattr(thermal._simulate, "advance", spy)
    run()
    dead = [(1 - share) * np.prod(box) for _, share, box in alive]
    stasis_c = library.physics()["stasis_below_c"].value
    assert dead[-1] == pytest.approx(np.count_nonzero(history.coldest.array < stasis_c), rel=0.02)
    thawing = [d for (span, _, _), d in zip(alive, dead, strict=True) if 200 <= span[0] < 300]
    assert min(thawing) > 0
    assert np.all(np.diff(thawing) >= -0.5)


def test_a_step_that_gets_colder_than_its_guess_is_taken_again(monkeypatch):
    floors = []
    kept = thermal._simulate.euler_limit
    monkeypatch.setattr(thermal._simulate, "euler_limit", lambda p, floor: floors.append(floor) or kept(p, floor))
    found = run(plan_=plan("0.5"))
    assert min(floors) <= found.coldest.array.min()
    assert len(set(floors)) > 3


def test_a_probe_that_leaves_the_body_says_how_much_of_it_takes_no_heat():
    history = run(case=patient(back_mm=56.0), plan_=plan("0.5"))
    assert any("mm of its active zone lie in gas or outside the scan and take no heat" in n for n in history.notes)


def test_nothing_is_reported_colder_than_the_gas():
    thick = replace(PROBE, shaft_diameter_mm=3.4, internal_resistance_k_m_per_w=0.0)
    history = run(plan_=plan("2", placement(probe=thick)))
    assert history.coldest.array.min() >= -150.0
    assert history.coldest.array.min() < -130.0


def test_less_power_freezes_less_and_no_power_freezes_nothing():
    volumes = [run(plan_=plan(f"freeze at {p}% for 3 min")).ice_ml.max() for p in (100, 50, 0)]
    assert volumes[0] > volumes[1] > volumes[2] == 0


def test_power_can_be_set_for_one_probe_alone():
    both = (placement("A", (-8.0, 0.0, 0.0)), placement("B", (8.0, 0.0, 0.0)))
    history = run(plan_=plan("freeze at 100% (B at 0%) for 2 min", *both))
    heat = {curve.label: curve.heat_w.max() for curve in history.probes}
    assert heat["A"] > 1
    assert heat["B"] == 0


def test_an_active_thaw_melts_faster_than_a_passive_one():
    warming = (placement(probe=replace(PROBE, thaw_temperature_c=40.0)),)
    ends = [
        run(plan_=plan(f"freeze for 3 min; {kind} for 2 min", *warming)) for kind in ("passive thaw", "active thaw")
    ]
    assert ends[1].ice_ml[-1] < 0.8 * ends[0].ice_ml[-1]
    assert ends[1].energy.residual_fraction < 1e-4


def test_an_active_thaw_of_a_probe_that_cannot_is_refused():
    with pytest.raises(InputError, match=r"probe A \(test probe\) cannot thaw actively; write 'thaw for"):
        run(plan_=plan("freeze for 1 min; active thaw for 1 min"))


def test_a_probe_outside_the_scan_is_refused():
    with pytest.raises(GeometryError, match=r"probe A: its active zone .* leaves the scan .* Move it into the scan"):
        run(plan_=plan("1", placement(shift=(500.0, 0.0, 0.0))))


def test_a_probe_in_the_air_is_refused():
    with pytest.raises(GeometryError, match=r"probe A: no part of its active zone lies in tissue .* Move it into the"):
        run(case=patient(back_mm=40.0), plan_=plan("1", placement(shift=(0.0, 20.0, 0.0))))


@pytest.mark.parametrize("spacing_mm", [0.0, -1.0, float("nan"), 50.0])
def test_a_spacing_that_makes_no_sense_is_refused(spacing_mm):
    with pytest.raises(GeometryError, match=r"is not usable; write 0\.1 to 5 mm"):
        run(spacing_mm=spacing_mm)


def test_the_cold_at_the_edge_of_the_scan_is_said():
    slab = patient(size=(60, 60, 16))  # 30 mm thick, the probe in its middle
    history = run(case=slab, plan_=plan("6", placement(shift=(0.0, 0.0, -47.0))))
    assert any("the cold reached the edge of the scan" in note for note in history.notes)


def test_a_freeze_near_the_skin_loses_heat_to_the_room_and_is_cooler_from_the_start():
    history = run(case=patient(back_mm=70.0), plan_=plan("1"))
    assert history.start.array.min() < 36.0
    assert history.energy.boundary_j < 0


def test_progress_runs_from_nothing_to_everything():
    seen = []
    run(plan_=plan("0.5"), spacing_mm=4.0, progress=lambda done, text: seen.append((done, text)))
    assert seen[0][0] == 0
    assert seen[-1][0] == 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert "freezing" in seen[-1][1]


def test_shorter_steps_move_no_isotherm_by_a_tenth_of_a_millimetre():
    fine = run(stepping=Stepping(freeze_step_s=1.0, thaw_step_s=0.5))
    coarse = run()
    temperature, other = fine.coldest.array, coarse.coldest.array
    gradient = np.sqrt(sum(g**2 for g in np.gradient(temperature, SPACING_MM)))
    for isotherm in (0.0, -20.0, -40.0):
        near = np.abs(temperature - isotherm) < 5.0
        assert (np.abs(other - temperature)[near] / gradient[near]).max() < 0.1
