"""Steady states (B7 to B9): a freeze that perfusion stops, the k(T) of ice, two media side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.special import erf

from iceball.nouns import Tissue
from iceball.thermal.exact import PerfusedFreeze, SquareBath, contact_temperature_c, kirchhoff_ice_w_per_m
from iceball.thermal.exact.steady import ICE_W_PER_M
from iceball.thermal.materials import KELVIN, REFERENCE_K, curve
from iceball.verification._bench import (
    ARTERIAL_C,
    TISSUE,
    box,
    held,
    held_around,
    held_at,
    line,
    order_of,
    plain,
    run,
    sharp,
    spot,
    takes,
    times,
)
from iceball.verification._nouns import Check, check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.thermal.problem import Problem
    from iceball.verification._nouns import Engine

# Blood flow of kidney, the strongest there is: the freeze comes to rest within centimetres and minutes.
FREEZE = PerfusedFreeze(medium=TISSUE, probe_c=-100.0, arterial_c=ARTERIAL_C, perfusion_w_per_m3_k=2.56e5)
FIRST_ORDER = 0.75
STEADY = "half a voxel, at rest: the front has no better place than its voxel"
PROBE_MM, SPHERE_MM = 0.75, 5.0


def perfused_wall(engine: Engine) -> list[Check]:
    """B7, plane: a wall at -100 °C in strongly perfused tissue until it rests; 0.8, 0.4, 0.2 mm."""
    found = []
    for spacing_mm in (0.8, 0.4, 0.2):
        problem = _perfused((round(40 / spacing_mm), 1, 1), spacing_mm, walls=(held(0, 0, FREEZE.probe_c),))
        ends = run(engine, problem, ARTERIAL_C, [1080.0, 1200.0])
        found.append([float(m.frozen_fraction.sum()) * spacing_mm for m in ends])
    fade_per_mm = math.sqrt(FREEZE.perfusion_w_per_m3_k / TISSUE.conductivity_w_per_m_k) / 1e3
    right, half_voxel = FREEZE.plane_mm(), 0.2 / 2
    # The voxel at the front is perfused whole until it freezes, so half a voxel's blood too much: m h/2 of the heat.
    tolerance = right * fade_per_mm * half_voxel + half_voxel
    reason = "the blood of half a voxel, m h/2 of the heat and so of the depth, and half a voxel"
    return _at_rest("thickness frozen by a wall, 0.2 mm", right, found, tolerance, reason)


def perfused_cylinder(engine: Engine) -> list[Check]:
    """B7, cylinder: a 1.5 mm probe at -100 °C, the same tissue, until it rests; 2, 1, 0.5 mm."""
    found = []
    for spacing_mm in (2.0, 1.0, 0.5):
        n = round(36 / spacing_mm) + 1
        middle = (n - 1) / 2
        wells = line((n, n, 1), (middle + 0.3, middle + 0.2), spacing_mm, PROBE_MM)
        ends = run(
            engine, _perfused((n, n, 1), spacing_mm, wells=wells), ARTERIAL_C, [1080.0, 1200.0], held_at(FREEZE.probe_c)
        )
        found.append([math.sqrt(float(m.frozen_fraction.sum()) / math.pi) * spacing_mm for m in ends])
    return _at_rest("radius frozen by a cylinder, 0.5 mm", FREEZE.cylinder_mm(PROBE_MM), found, 0.25, STEADY)


def perfused_sphere(engine: Engine) -> list[Check]:
    """B7, sphere: an eighth of a shell of 5 mm that takes the exact heat, the same tissue; 2.5, 1.25, 0.625 mm."""
    found, inside_c, heat_w = [], math.nan, FREEZE.sphere_heat_w(SPHERE_MM)
    for spacing_mm in (2.5, 1.25, 0.625):
        x = (np.arange(round(20 / spacing_mm)) + 0.5) * spacing_mm
        r = np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2)
        wells = spot(np.maximum(spacing_mm - np.abs(r - SPHERE_MM), 0.0))
        problem = _perfused((x.size, x.size, x.size), spacing_mm, wells=wells)
        ends = run(engine, problem, ARTERIAL_C, [1350.0, 1500.0], takes(lambda _now_s: heat_w / 8))
        found.append([(6 * float(m.frozen_fraction.sum()) / math.pi) ** (1 / 3) * spacing_mm for m in ends])
        inside_c = float(ends[-1].temperature_c[r < SPHERE_MM / 2].mean())
    front = _at_rest("radius frozen by a sphere, 0.625 mm", FREEZE.sphere_mm(SPHERE_MM), found, 0.3125, STEADY)
    reason = "a twentieth of the 99 K below freezing: the shell is drawn in voxels an eighth of its radius"
    return [*front, check("temperature inside the sphere, 0.625 mm", "°C", FREEZE.probe_c, inside_c, 5.0, reason)]


def ice_cylinder(engine: Engine) -> list[Check]:
    """B8: a 1.5 mm probe at -140 °C in the middle of a square of ice whose sides are at 0 °C; 1 mm, k = 606/T_K."""
    ice = Tissue(
        name="ice",
        conductivity_w_per_m_k=ICE_W_PER_M / KELVIN,
        frozen_conductivity_w_per_m_k=ICE_W_PER_M / REFERENCE_K,
        heat_capacity_j_per_m3_k=1e6,
        frozen_heat_capacity_j_per_m3_k=1e6,
        latent_heat_j_per_m3=0.0,
        solidus_c=0.5,
        liquidus_c=0.5,
        capacity_ice_fraction=0.0,
    )
    n, spacing_mm = 31, 1.0
    bath = SquareBath(half_side_mm=n * spacing_mm / 2, radius_mm=PROBE_MM)
    wells = line((n, n, 1), (n // 2, n // 2), spacing_mm, PROBE_MM)
    problem = box((n, n, 1), spacing_mm, curve(ice), wells=wells, walls=held_around(0.0))
    end = run(engine, problem, 0.0, [600.0], held_at(-140.0))[-1]
    heat = bath.heat_w_per_m(kirchhoff_ice_w_per_m(-140.0, 0.0))
    got_heat = float(end.heat_w[0]) / (spacing_mm / 1e3)
    one = "1 in 100: the radius in the well is a mean over places in the voxel"
    checks = [check("heat into the probe", "W/m", heat, got_heat, 0.01 * heat, one)]
    angle = np.arange(64) * 2 * np.pi / 64
    for r_mm in (5.0, 10.0):
        place = [n // 2 + r_mm * np.cos(angle), n // 2 + r_mm * np.sin(angle)]
        # The mean of a potential over a ring does not see the square's corners, and ln T_K is the potential of ice.
        log = map_coordinates(np.log(end.temperature_c[:, :, 0] + KELVIN), place, order=3)
        right, got = float(bath.ice_c(r_mm, cylinder_c=-140.0, wall_c=0.0)), math.exp(float(log.mean())) - KELVIN
        reason = "1 in 100 of the 30 to 70 K there, as for the heat"
        checks.append(check(f"temperature at {r_mm:g} mm, mean over the ring", "°C", right, got, 0.3, reason))
    return checks


def two_layers(engine: Engine) -> list[Check]:
    """B9: a probe at -100 °C in a cylinder of 8 mm, k = 2, in a square, k = 0.4, at 37 °C; 2, 1, 0.5 mm."""
    bath, errors, heats = SquareBath(half_side_mm=20.0, radius_mm=PROBE_MM), [], []
    heat = bath.layered_heat_w_per_m(2.0, 0.4, 8.0, 137.0)
    for spacing_mm in (2.0, 1.0, 0.5):
        x = (np.arange(round(40 / spacing_mm)) + 0.5) * spacing_mm - 20.0
        r, n = np.hypot(x[:, None], x[None, :])[..., None], x.size
        wells = line((n, n, 1), ((n - 1) / 2, (n - 1) / 2), spacing_mm, PROBE_MM)
        media = [sharp(plain(2.0, 4e5)), sharp(plain(0.4, 4e5))]
        index = (r > 8.0).astype(np.uint8)
        problem = box((n, n, 1), spacing_mm, media, index=index, wells=wells, walls=held_around(37.0))
        end = run(engine, problem, 37.0, [600.0], held_at(-100.0))[-1]
        heats.append(float(end.heat_w[0]) / (spacing_mm / 1e3))
        inner = -100.0 + heat / (2 * math.pi * 2.0) * np.log(r / PROBE_MM)
        outer = 37.0 - heat / (2 * math.pi * 0.4) * np.log(bath.outer_mm / r)
        off_c = end.temperature_c - np.where(index == 0, inner, outer)
        errors.append([float(off_c[(r > low) & (r < high)].mean()) for low, high in ((4, 7), (9, 12))])
    staircase = "the round boundary is a staircase of voxels"
    ends_c = [float(-100.0 + heat / (4 * math.pi) * np.log(5.5 / PROBE_MM))]
    ends_c.append(float(37.0 - heat / (0.8 * math.pi) * np.log(bath.outer_mm / 10.5)))
    return [
        check("heat into the probe, 0.5 mm", "W/m", heat, heats[-1], 0.02 * heat, f"{staircase}: 2 in 100 of the heat"),
        *(
            check(
                f"mean temperature {where}, 0.5 mm", "°C", at_c, at_c + off_c, 0.7, f"{staircase}: 5 in 1000 of 137 K"
            )
            for where, at_c, off_c in zip(("4 to 7 mm", "9 to 12 mm"), ends_c, errors[-1], strict=True)
        ),
    ]


def contact(engine: Engine) -> list[Check]:
    """B9: bone at 37 °C touches metal at -100 °C, half-spaces, 60 s; 1, 0.5, 0.25 mm."""
    bone, metal = plain(0.32, 2.5e6), plain(15.0, 4e6)
    touching = contact_temperature_c(bone, 37.0, metal, -100.0)
    errors, got = [], math.nan
    for spacing_mm in (1.0, 0.5, 0.25):
        n = round(120 / spacing_mm)
        x = (np.arange(n) + 0.5) * spacing_mm - 30.0
        index = (x > 0).astype(np.uint8)[:, None, None]
        start = np.where(index == 0, 37.0, -100.0)
        problem = box((n, 1, 1), spacing_mm, [sharp(bone), sharp(metal)], index=index)
        temperature = run(engine, problem, start, times(60.0, 5.0))[-1].temperature_c.reshape(-1)
        left = touching + (37.0 - touching) * erf(-x / 2e3 / math.sqrt(bone.diffusivity * 60.0))
        right = touching + (-100.0 - touching) * erf(x / 2e3 / math.sqrt(metal.diffusivity * 60.0))
        errors.append(float(np.abs(temperature - np.where(x < 0, left, right)).max()))
        sides = temperature[index.reshape(-1).argmax() - 1 :][:2]
        got = float((0.32 * sides[0] + 15.0 * sides[1]) / 15.32)
    return [
        Check(
            quantity="contact temperature; error anywhere at 60 s, 0.25 mm",
            unit="°C",
            expected=touching,
            got=got,
            error=errors[-1],
            tolerance=0.5,
            reason="a 250th of the 123 K between bone and contact; the start is a jump",
            order=order_of(errors),
            least_order=FIRST_ORDER,
        )
    ]


def _perfused(shape: tuple[int, int, int], spacing_mm: float, **changes: Any) -> Problem:
    perfusion = np.array([FREEZE.perfusion_w_per_m3_k])
    return box(shape, spacing_mm, sharp(TISSUE), perfusion=perfusion, **changes)


def _at_rest(
    what: str, right_mm: float, found: Sequence[Sequence[float]], tolerance: float, reason: str
) -> list[Check]:
    """Check the extents [mm] ``found`` on ever finer grids, each at nine tenths of the time and at its end."""
    errors = [abs(end - right_mm) for _, end in found]
    before, end = found[-1]
    front = Check(
        quantity=what,
        unit="mm",
        expected=right_mm,
        got=end,
        error=errors[-1],
        tolerance=tolerance,
        reason=reason,
        order=order_of(errors),
        least_order=FIRST_ORDER,
    )
    moved = "a tenth of the tolerance: what still moves is not at rest"
    return [front, check("its move over the last tenth of the time", "mm", 0.0, end - before, tolerance / 10, moved)]
