"""The exact solutions themselves: against the numbers of the physics notes, and against the laws they solve."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from iceball.errors import InputError
from iceball.thermal import exact
from iceball.thermal.exact.lattice import lattice_kernel
from iceball.thermal.exact.steady import SQUARE
from iceball.verification._bench import MARROW, MUSHY, TISSUE, WATER

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "physics" / "benchmarks_reference.json"
MEDIA = {"WATER": WATER, "TISSUE": TISSUE, "MARROW": MARROW}
NODES = {
    "1 node": [(0, 0)],
    "2 nodes": [(0, 0), (1, 0)],
    "2x2 nodes": [(0, 0), (1, 0), (0, 1), (1, 1)],
    "plus, 5 nodes": [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)],
    "3x3 nodes": [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)],
    "4x4 minus corners (12)": [(i, j) for i in range(4) for j in range(4) if not (i in (0, 3) and j in (0, 3))],
    "5x5 minus corners (21)": [(i, j) for i in range(5) for j in range(5) if not (i in (0, 4) and j in (0, 4))],
}
BLOOD_J_PER_M3_K = 1050.0 * 3617.0
PERFUSED = {"cortical": (10, 1908), "cancellous": (30, 1178), "muscle": (36.7, 1090), "tumour": (100, 1050)}
PERFUSED["kidney"] = (3795, 1066)


def numbers_in(text: str) -> list[float]:
    """Every number of ``text``, in order."""
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?|-?\.\d+", text)]


def front_solution(row):
    """Return our solution of a case B1 to B6 of the notes."""
    medium, numbers = MEDIA[row["case"].split()[0]], numbers_in(row["case"].replace("s^.5", ""))
    makers = {
        "B1": lambda: exact.stefan(medium, wall_c=numbers[-1]),
        "B2": lambda: exact.neumann(medium, wall_c=numbers[-2], start_c=numbers[-1]),
        "B3": lambda: exact.paterson(medium, heat_w_per_m=numbers[-2], start_c=numbers[-1]),
        "B4": lambda: exact.frank(medium, strength_w_per_sqrt_s=numbers[-2], start_c=numbers[-1]),
        "B5": lambda: exact.mushy_plane(MUSHY, wall_c=numbers[-2], start_c=numbers[-1]),
        "B6": lambda: exact.mushy_line(MUSHY, heat_w_per_m=numbers[-2], start_c=numbers[-1]),
    }
    # "Q0=1.0 W/s^.5 Ti=37" also holds the 0 of Q0: only the last numbers are looked at
    return makers[row["id"]]()


def front_value(row) -> float:
    """Return our number for a row of B1 to B6."""
    solution, quantity = front_solution(row), row["quantity"]
    if quantity in ("lambda", "mu"):
        roots = solution.roots if row["id"] in ("B5", "B6") else (solution.root,)
        return roots[("lambda", "mu").index(quantity)]
    if quantity == "T(x=s/2,600s)":
        return float(solution.temperature_c(solution.front_mm(600.0) / 2, 600.0))
    numbers = numbers_in(quantity)
    if quantity.startswith("T("):
        return float(solution.temperature_c(numbers[0], numbers[1]))
    front = {"x_solidus": "solidus_mm", "R_solidus": "solidus_mm", "x_liquidus": "liquidus_mm"}
    name = front.get(quantity.split("(")[0], "liquidus_mm" if "liquidus" in quantity else "front_mm")
    return getattr(solution, name)(numbers[-1])


def steady_value(row) -> float:
    """Return our number for a row of B7 to B12."""
    case, quantity = row["case"], row["quantity"]
    if row["id"] == "B7":
        flow, density = PERFUSED[re.search(r"perfused (\w+)/", case)[1]]
        perfusion = flow * 1e-6 / 60 * density * BLOOD_J_PER_M3_K
        freeze = exact.PerfusedFreeze(
            medium=TISSUE, probe_c=numbers_in(case)[-1], arterial_c=37.0, perfusion_w_per_m3_k=perfusion
        )
        ways = {"plane": freeze.plane_mm, "cylinder": lambda: freeze.cylinder_mm(0.75)}
        return (ways | {"sphere": lambda: freeze.sphere_mm(5.0)})[quantity.split()[1]]()
    if row["id"] == "B8" and "int" in quantity:
        return exact.kirchhoff_ice_w_per_m(*numbers_in(quantity.replace("..", " ")))
    if row["id"] == "B8":  # a round bath of 15 mm is a square one of that over its conformal radius
        bath = exact.SquareBath(half_side_mm=15.0 / SQUARE, radius_mm=0.75)
        return float(bath.ice_c(numbers_in(quantity)[0], cylinder_c=-140.0, wall_c=0.0))
    if row["id"] == "B9" and "T_contact" in quantity:
        bone, metal = plain(0.32, 2.5e6), plain(15.0, 4e6)
        return exact.contact_temperature_c(bone, 37.0, metal, -100.0)
    if row["id"] == "B9":
        bath = exact.SquareBath(half_side_mm=20.0 / SQUARE, radius_mm=0.75)
        heat = bath.layered_heat_w_per_m(2.0, 0.4, 8.0, 137.0)
        return heat if quantity == "q'" else -100.0 + heat * math.log(8.0 / 0.75) / (2 * math.pi * 2.0)
    if row["id"] == "B10":
        perfusion = BLOOD_J_PER_M3_K * 36.7e-6 / 60 * 1090
        muscle = plain(0.5, 3.73e6)
        return exact.warmed_c(muscle, start_c=20.0, arterial_c=37.0, perfusion_w_per_m3_k=perfusion, time_s=600.0)
    return exact.effective_radius(NODES[case.split(": ")[1]])


def plain(conductivity: float, capacity: float) -> exact.Phases:
    """A medium without freezing."""
    return exact.Phases(
        frozen_conductivity_w_per_m_k=conductivity, frozen_capacity_j_per_m3_k=capacity,
        conductivity_w_per_m_k=conductivity, capacity_j_per_m3_k=capacity, latent_heat_j_per_m3=0.0, freezing_c=-225.0,
    )  # fmt: skip


def test_every_number_of_the_physics_notes_comes_out_of_our_formulas():
    if not REFERENCE.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "needs ../shared/physics beside the repository"
        )
    rows = json.loads(REFERENCE.read_text(encoding="utf-8"))
    assert {row["id"] for row in rows} == {f"B{n}" for n in (*range(1, 11), 12)}
    ours = [(front_value if int(row["id"][1:]) <= 6 else steady_value)(row) for row in rows]
    theirs = [row["value"] for row in rows]
    # the notes solve two equations at once to 1e-13 and integrate by quadrature; eight digits are common to both
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-7)


conductivity = st.floats(0.2, 4.0)
capacity = st.floats(1e6, 5e6)
phases = st.builds(
    exact.Phases,
    frozen_conductivity_w_per_m_k=conductivity,
    frozen_capacity_j_per_m3_k=capacity,
    conductivity_w_per_m_k=st.floats(0.2, 1.0),
    capacity_j_per_m3_k=capacity,
    latent_heat_j_per_m3=st.floats(3e7, 4e8),
    freezing_c=st.floats(-5.0, 0.0),
)


def lost_heat(medium, solution, dimension: int, time_s: float = 300.0) -> float:
    """Heat that left the medium by ``time_s``, from its temperatures: per m² (1), per m (2) or in all (3)."""
    shell = {1: lambda x: 1.0, 2: lambda x: 2 * math.pi * x, 3: lambda x: 4 * math.pi * x * x}[dimension]
    front = solution.front_mm(time_s) / 1e3
    warm = medium.capacity_j_per_m3_k * (solution.start_c - medium.freezing_c)

    def inside(x: float) -> float:
        below = medium.freezing_c - float(solution.temperature_c(x * 1e3, time_s))
        return shell(x) * (warm + medium.latent_heat_j_per_m3 + medium.frozen_capacity_j_per_m3_k * below)

    def outside(x: float) -> float:
        return (
            shell(x) * medium.capacity_j_per_m3_k * (solution.start_c - float(solution.temperature_c(x * 1e3, time_s)))
        )

    far = front + 14 * math.sqrt(medium.diffusivity * time_s)
    return quad(inside, 0, front * (1 - 1e-12), limit=200)[0] + quad(outside, front, far, limit=200)[0]


# E1 of the thawed side underflows where the root is sought: it conducts and freezes badly beside ice that does well
SLOW = exact.Phases(
    frozen_conductivity_w_per_m_k=4.0,
    frozen_capacity_j_per_m3_k=1e6,
    conductivity_w_per_m_k=0.2,
    capacity_j_per_m3_k=1477056.0,
    latent_heat_j_per_m3=3e7,
    freezing_c=0.0,
)


@given(medium=phases, heat=st.floats(100.0, 1500.0))
@example(medium=SLOW, heat=100.0)
@settings(max_examples=25)
def test_a_line_takes_the_heat_that_the_medium_loses(medium, heat):
    line = exact.paterson(medium, heat_w_per_m=heat, start_c=37.0)
    assert lost_heat(medium, line, 2) == pytest.approx(heat * 300.0, rel=1e-5)  # quadrature across a kink


@given(medium=phases, strength=st.floats(0.2, 3.0))
@settings(max_examples=25)
def test_a_point_takes_the_heat_that_the_medium_loses(medium, strength):
    point = exact.frank(medium, strength_w_per_sqrt_s=strength, start_c=37.0)
    assert lost_heat(medium, point, 3) == pytest.approx(strength * 2 / 3 * 300.0**1.5, rel=1e-5)


@given(medium=phases, wall_c=st.floats(-180.0, -10.0))
@settings(max_examples=25)
def test_a_wall_takes_the_heat_that_the_medium_loses(medium, wall_c):
    for plane in (exact.neumann(medium, wall_c=wall_c, start_c=37.0), exact.stefan(medium, wall_c=wall_c)):
        slope = (medium.freezing_c - wall_c) / math.erf(plane.root)
        effusivity = math.sqrt(medium.frozen_conductivity_w_per_m_k * medium.frozen_capacity_j_per_m3_k)
        taken = 2 * effusivity * slope * math.sqrt(300.0 / math.pi)
        assert lost_heat(medium, plane, 1) == pytest.approx(taken, rel=1e-5)


def mushy_tissue(width_k: float) -> exact.MushyPhases:
    """TISSUE, its latent heat released over ``width_k`` around its freezing point."""
    fields = {name: getattr(TISSUE, name) for name in TISSUE.__dataclass_fields__ if name != "freezing_c"}
    return exact.MushyPhases(
        **fields, mushy_conductivity_w_per_m_k=1.0, mushy_capacity_j_per_m3_k=2.7e6,
        solidus_c=TISSUE.freezing_c - width_k / 2, liquidus_c=TISSUE.freezing_c + width_k / 2,
    )  # fmt: skip


@given(width_k=st.floats(0.3, 1.0))
@settings(max_examples=10)
def test_a_narrow_mushy_zone_freezes_like_a_sharp_front(width_k):
    narrow = mushy_tissue(width_k)
    pairs = [
        (exact.mushy_plane(narrow, wall_c=-100.0, start_c=37.0), exact.neumann(TISSUE, wall_c=-100.0, start_c=37.0)),
        (
            exact.mushy_line(narrow, heat_w_per_m=500.0, start_c=37.0),
            exact.paterson(TISSUE, heat_w_per_m=500.0, start_c=37.0),
        ),
    ]
    for mushy, sharp in pairs:
        # the zone's half width against the 38 K between front and start
        assert mushy.frozen_mm(600.0) == pytest.approx(sharp.front_mm(600.0), rel=0.5 * width_k / 38)
        assert mushy.solidus_mm(600.0) < sharp.front_mm(600.0) < mushy.liquidus_mm(600.0)


def test_the_manufactured_source_closes_the_equation():
    made = exact.Manufactured(medium=TISSUE, perfusion_w_per_m3_k=2e4, arterial_c=37.0)
    x_mm, now_s, e_mm, e_s = 13.0, 77.0, 1e-2, 1e-3

    def flow(at_mm: float) -> float:
        slope = (made.temperature_c(at_mm + e_mm, now_s) - made.temperature_c(at_mm - e_mm, now_s)) / (2e-3 * e_mm)
        return float(made.conductivity_w_per_m_k(made.temperature_c(at_mm, now_s)) * slope)

    t = float(made.temperature_c(x_mm, now_s))
    rise = float(made.temperature_c(x_mm, now_s + e_s) - made.temperature_c(x_mm, now_s - e_s)) / (2 * e_s)
    conduction = (flow(x_mm + e_mm) - flow(x_mm - e_mm)) / (2e-3 * e_mm)
    perfusion = 2e4 * float(made.unfrozen(t)) * (37.0 - t)
    source = float(made.capacity_j_per_m3_k(t)) * rise - conduction - perfusion
    assert float(made.source_w_per_m3(x_mm, now_s)) == pytest.approx(source, rel=1e-5)  # differences of second order


def test_the_lattice_kernel_is_the_mean_of_its_neighbours():
    around = [(3, 1), (1, 1), (2, 2), (2, 0)]
    assert np.mean([lattice_kernel(m, n) for m, n in around]) == pytest.approx(lattice_kernel(2, 1), abs=1e-10)
    assert lattice_kernel(1, 0) == pytest.approx(1.0, abs=1e-10)  # around the origin it lies one above it
    far = 2 / math.pi * (math.log(40.0) + np.euler_gamma + 1.5 * math.log(2.0))
    assert lattice_kernel(40, 0) == pytest.approx(far, abs=1e-4)  # the next term falls as 1/r²


def test_a_spread_source_on_one_node_is_that_node():
    assert exact.effective_radius([(0, 0)], [1.0]) == pytest.approx(exact.effective_radius([(0, 0)]), rel=1e-12)


def test_a_square_looks_like_the_circle_that_the_heat_sees():
    # known from conformal mapping; 1.0787 is printed in textbooks of conduction
    assert pytest.approx(1.0787, abs=5e-5) == SQUARE


def test_the_stages_of_a_long_step_are_those_of_the_notes():
    # physics README, section 6: one second at 1 mm in frozen tissue, ice and CO2
    assert [exact.super_step_stages(1.0, limit) for limit in (0.054, 0.037, 0.0176)] == [9, 11, 15]


@given(step_s=st.floats(1e-3, 100.0), limit_s=st.floats(1e-3, 1.0))
def test_the_stages_cover_the_step_and_are_the_fewest_odd_ones(step_s, limit_s):
    def reach(stages: int) -> float:
        return limit_s * (stages**2 + stages - 2) / 4

    stages = exact.super_step_stages(step_s, limit_s)
    assert stages % 2 == 1
    assert reach(stages) >= step_s * (1 - 1e-12)
    assert stages == 3 or reach(stages - 2) < step_s * (1 + 1e-12)


@pytest.mark.parametrize(
    "solve",
    [
        lambda m: exact.stefan(m, wall_c=5.0),
        lambda m: exact.neumann(m, wall_c=5.0, start_c=37.0),
        lambda m: exact.paterson(m, heat_w_per_m=-1.0, start_c=37.0),
        lambda m: exact.frank(m, strength_w_per_sqrt_s=-1.0, start_c=37.0),
        lambda _: exact.mushy_plane(MUSHY, wall_c=-5.0, start_c=37.0),
        lambda _: exact.mushy_line(MUSHY, heat_w_per_m=500.0, start_c=-2.0),
        lambda _: exact.mushy_plane(mushy_tissue(0.01), wall_c=-100.0, start_c=37.0),
        lambda _: exact.mushy_line(mushy_tissue(0.01), heat_w_per_m=500.0, start_c=37.0),
        lambda m: exact.PerfusedFreeze(medium=m, probe_c=5.0, arterial_c=37.0, perfusion_w_per_m3_k=1e3).cylinder_mm(
            0.75
        ),
    ],
)
def test_a_case_that_freezes_nothing_or_cannot_be_resolved_is_refused(solve):
    with pytest.raises(InputError, match=r"do not enclose|does not freeze|no steady radius|too narrow"):
        solve(WATER)
