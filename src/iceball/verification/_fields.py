"""Smooth fields (B10, B11) and the limit of no perfusion: second order in space, first order in perfusion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.thermal.exact import GaussianSpot, Manufactured, warmed_c
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C, Curve, Table, tabulate
from iceball.verification._bench import (
    ARTERIAL_C,
    MUSHY,
    TISSUE,
    box,
    held,
    mushy,
    order_of,
    plain,
    run,
    sharp,
    times,
)
from iceball.verification._nouns import Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]

SECOND_ORDER = 1.8  # of two; what is left is the coarsest grid's own
MUSCLE = plain(0.5, 3.73e6)
MUSCLE_W_PER_M3_K = 1050.0 * 3617.0 * 36.7e-6 / 60 * 1090.0  # blood's density and capacity, 36.7 ml/min/kg, density
MAKING = Manufactured(medium=TISSUE, perfusion_w_per_m3_k=2e4, arterial_c=ARTERIAL_C)


def perfused_field(engine: Engine) -> list[Check]:
    """B10: muscle at 20 °C everywhere, warmed by blood of 37 °C for 600 s."""
    right = warmed_c(MUSCLE, start_c=20.0, arterial_c=37.0, perfusion_w_per_m3_k=MUSCLE_W_PER_M3_K, time_s=600.0)
    problem = box((4, 4, 4), 1.0, sharp(MUSCLE), perfusion=np.array([MUSCLE_W_PER_M3_K]))
    got = run(engine, problem, 20.0, [600.0])[-1].temperature_c
    worst = float(got.flat[np.argmax(np.abs(got - right))])
    return [
        Check(
            quantity="temperature at 600 s",
            unit="°C",
            expected=right,
            got=worst,
            error=abs(worst - right),
            tolerance=0.01,
            reason="a thousandth of the 17 K it rises: room for single precision",
        )
    ]


def gaussian_spot(engine: Engine) -> list[Check]:
    """B10: an eighth of a warm spot of 5 mm that spreads and fades in perfused muscle for 300 s; 3, 1.5, 0.75 mm."""
    spot = GaussianSpot(
        medium=MUSCLE, arterial_c=37.0, peak_k=-20.0, width_mm=5.0, perfusion_w_per_m3_k=MUSCLE_W_PER_M3_K
    )
    errors, got = [], math.nan
    for spacing_mm in (3.0, 1.5, 0.75):
        x = (np.arange(round(45 / spacing_mm)) + 0.5) * spacing_mm
        r = np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2)
        perfusion = np.array([MUSCLE_W_PER_M3_K])
        problem = box((x.size, x.size, x.size), spacing_mm, sharp(MUSCLE), perfusion=perfusion)
        end = run(engine, problem, spot.temperature_c(r, 0.0), times(300.0, 10.0))[-1].temperature_c
        right = spot.temperature_c(r, 300.0)
        errors.append(float(np.abs(end - right).max()))
        got = float(end[0, 0, 0] - right[0, 0, 0]) + float(spot.temperature_c(0.0, 300.0))
    return [
        Check(
            quantity="temperature of the middle; error anywhere at 300 s, 0.75 mm",
            unit="°C",
            expected=float(spot.temperature_c(0.0, 300.0)),
            got=got,
            error=errors[-1],
            tolerance=0.02,
            reason="a thousandth of the 20 K it started with",
            order=order_of(errors),
            least_order=SECOND_ORDER,
        )
    ]


def manufactured(engine: Engine) -> list[Check]:
    """B11: a chosen field in a medium that freezes smoothly, along each axis for 60 s; 32, 64, 128 cells."""
    return [_along_axis(engine, axis) for axis in range(3)]


def no_perfusion(engine: Engine) -> list[Check]:
    """Perfusion to zero: what it changes in a freeze falls in proportion with it; 400, 200, 100 W/m³/K."""
    ends: list[Field] = []
    for perfusion in (0.0, 400.0, 200.0, 100.0):
        problem = box((120, 1, 1), 0.5, mushy(MUSHY), perfusion=np.array([perfusion]), walls=(held(0, 0, -100.0),))
        ends.append(run(engine, problem, 20.0, times(300.0, 10.0))[-1].temperature_c)
    changes = [float(np.abs(end - ends[0]).mean()) for end in ends[1:]]
    largest = float(np.abs(ends[-1] - ends[0]).max())
    most = 100.0 * 300.0 / MUSHY.frozen_capacity_j_per_m3_k * (ARTERIAL_C - MUSHY.solidus_c)
    return [
        Check(
            quantity="largest change by 100 W/m³/K in 300 s",
            unit="°C",
            expected=0.0,
            got=largest,
            error=largest,
            tolerance=most,
            reason="the heat that blood of 37 °C brings to tissue at its solidus in that time, in what has just frozen",
            order=order_of(changes),
            least_order=0.9,
        )
    ]


def _along_axis(engine: Engine, axis: int) -> Check:
    table, errors, got, right = _smooth(), [], math.nan, math.nan
    for n in (32, 64, 128):
        shape = tuple(n if a == axis else 1 for a in range(3))
        x = ((np.arange(n) + 0.5) * MAKING.length_mm / n).reshape(shape)
        problem = box(
            (shape[0], shape[1], shape[2]),
            MAKING.length_mm / n,
            table,
            perfusion=np.array([MAKING.perfusion_w_per_m3_k]),
            source=lambda now_s, x=x: MAKING.source_w_per_m3(x, now_s),
            walls=(held(axis, 0, MAKING.mean_c), held(axis, 1, MAKING.mean_c)),
        )
        end = run(engine, problem, MAKING.temperature_c(x, 0.0), times(60.0, 0.5))[-1].temperature_c
        exact = MAKING.temperature_c(x, 60.0)
        errors.append(float(np.abs(end - exact).max()))
        right, got = float(exact.flat[n // 2]), float(end.flat[n // 2])
    return Check(
        quantity=f"axis {axis}: temperature of the middle; error anywhere at 60 s, 128 cells",
        unit="°C",
        expected=right,
        got=got,
        error=errors[-1],
        tolerance=0.01,
        reason="smooth throughout: a thousandth of the field's 12 K",
        order=order_of(errors),
        least_order=SECOND_ORDER,
    )


def _smooth() -> Table:
    """Table of the medium of B11: enthalpy and potential integrated on a fine grid."""
    t = np.arange(-60.0, 60.0, 0.005)
    middle = 0.5 * (t[1:] + t[:-1])

    def integral(f: Callable[..., Any]) -> Field:
        return np.concatenate([[0.0], np.cumsum(f(middle) * 0.005)])

    made = Curve(
        temperature_c=t,
        enthalpy_j_per_m3=integral(MAKING.capacity_j_per_m3_k),
        potential_w_per_m=integral(MAKING.conductivity_w_per_m_k),
        conductivity_w_per_m_k=MAKING.conductivity_w_per_m_k(t),
        unfrozen_fraction=MAKING.unfrozen(t),
    )
    table = tabulate([made], nodes=1 << 16)  # its interpolation must not blur a second-order error
    surface = np.arange(table.surface_potential.shape[1]) * SURFACE_STEP_C + COLDEST_C
    fields = {name: getattr(table, name) for name in table.__dataclass_fields__}
    return Table(**fields | {"surface_potential": np.interp(surface, t, made.potential_w_per_m)[None]})
