"""What lattice and time steps do by themselves: the well's radius (B12), long steps (B13)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.thermal.exact import SquareBath, effective_radius, super_step_stages
from iceball.thermal.wells import EFFECTIVE_RADII, WIDTHS, b_spline
from iceball.verification._bench import box, held_around, held_at, line, plain, run, sharp
from iceball.verification._nouns import Check, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]

SINGLE_NODE = math.exp(-np.euler_gamma - 1.5 * math.log(2.0))
PLACES = ((0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (0.5, 0.0), (0.25, 0.0), (0.5, 0.25))  # of a line in its voxel
ICE = plain(2.0, 1.8e6)


def lattice_radius(engine: Engine) -> list[Check]:
    """B12: the radius that the lattice gives a spline, and the heat of a 1.5 mm probe wherever it lies in its voxel."""
    checks = [
        check("one held node: r_eff in voxels", "", SINGLE_NODE, effective_radius([(0, 0)]), 1e-9, "an exact number")
    ]
    rows = "the table of wells.py has four digits, its mean over places in the voxel two in a thousand"
    for width, tabled in list(zip(WIDTHS, EFFECTIVE_RADII, strict=True))[:5:2]:
        exact = float(np.mean([_spline_radius(width, place) for place in PLACES])) / width
        checks.append(check(f"spline of {width:g} voxels: r_eff over its width", "", exact, tabled, 2e-3, rows))
    bath, n = SquareBath(half_side_mm=15.5, radius_mm=0.75), 31
    heat = bath.heat_w_per_m(2.0 * 100.0)
    found = [_heat(engine, n, place) for place in PLACES]
    worst = max(found, key=lambda got: abs(got - heat))
    reason = "1 in 100: r_eff varies by a little with the place in the voxel, the table holds its mean"
    return [*checks, check("heat of a probe, worst place in its voxel, 1 mm", "W/m", heat, worst, 0.01 * heat, reason)]


def long_steps(engine: Engine) -> list[Check]:
    """B13: waves on 128 cells of 0.25 mm decay as they must in steps of many times Euler's stable one, in 60 s."""
    n, spacing_m, calls = 128, 0.25e-3, [0]
    shape = (n, 1, 1)
    waves = {k: np.cos(np.pi * k * (np.arange(n) + 0.5) / n).reshape(shape) for k in (1, 4, n // 2, n - 1)}

    def nothing(_now_s: float) -> Field:
        calls[0] += 1
        return np.zeros(shape)

    start = -50.0 + 5.0 * sum(waves.values())
    moments = run(engine, box(shape, spacing_m * 1e3, sharp(ICE), source=nothing), start, [30.0, 60.0])
    end = moments[-1].temperature_c
    checks = []
    for k, wave in waves.items():
        rate = 4 * ICE.diffusivity / spacing_m**2 * math.sin(math.pi * k / (2 * n)) ** 2
        right, got = 5.0 * math.exp(-rate * 60.0), 2.0 / n * float((end * wave).sum())
        reason = "2 in 1000 of the 5 K it began with: the error of long steps, and rounding in single precision"
        checks.append(check(f"wave {k} after 60 s", "K", right, got, 0.01, reason))
    limit_s = spacing_m**2 / (2 * ICE.diffusivity)
    euler, stages = 60.0 / limit_s, 60.0 / 5.0 * super_step_stages(5.0, limit_s)
    reason = "half of Euler's own count: else long steps would not pay"
    spare = max(float(calls[0]) - stages, 0.0)
    return [
        *checks,
        Check(
            quantity=f"evaluations of the right-hand side in 60 s (Euler: {euler:.0f})",
            unit="",
            expected=float(stages),
            got=float(calls[0]),
            error=spare,
            tolerance=euler / 2 - stages,
            reason=reason,
        ),
    ]


def _spline_radius(width: float, place: tuple[float, float]) -> float:
    """Radius [voxels] of a spline of ``width`` [voxels] at ``place`` in its voxel, by the lattice's kernel."""
    reach = math.ceil(2 * width) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weight = b_spline((x - place[0]) / width) * b_spline((y - place[1]) / width)
    near = weight > 0
    return effective_radius(np.stack([x[near], y[near]], axis=1), weight[near] / weight.sum())


def _heat(engine: Engine, n: int, place: tuple[float, float]) -> float:
    """Heat into a 1.5 mm probe at -100 °C [W/m] at rest in a square of ``n`` voxels of 1 mm, walls at 0 °C."""
    wells = line((n, n, 1), (n // 2 + place[0], n // 2 + place[1]), 1.0, 0.75)
    problem = box((n, n, 1), 1.0, sharp(plain(2.0, 1e6)), wells=wells, walls=held_around(0.0))
    end = run(engine, problem, 0.0, [250.0], held_at(-100.0))[-1]
    return float(end.heat_w[0]) / 1e-3
