"""A mushy zone between two fronts (B5 from a wall, B6 from a line): isotherms and frozen volume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.thermal.exact import mushy_line, mushy_plane
from iceball.verification._bench import MUSHY, box, held, line, mushy, order_of, run, takes, times
from iceball.verification._nouns import Check

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.marching import Moment
    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]

NEARLY_SECOND_ORDER = 1.3  # no staircase here; the kinks at solidus and liquidus keep it below two
STOP_S = 300.0
HEAT_W_PER_M = 500.0


def mushy_wall(engine: Engine) -> list[Check]:
    """B5: a wall at -100 °C, tissue that freezes from -1 to -8 °C, a start at 37 °C; 0.8, 0.4, 0.2 mm."""
    exact = mushy_plane(MUSHY, wall_c=-100.0, start_c=37.0)
    means, error, moments, spacing_mm = [], math.nan, [], math.nan
    for spacing_mm in (0.8, 0.4, 0.2):
        n = round(60 / spacing_mm)
        problem = box((n, 1, 1), spacing_mm, mushy(MUSHY), walls=(held(0, 0, -100.0),))
        moments = run(engine, problem, 37.0, times(STOP_S, 10.0))
        late = [m for m in moments if m.now_s > 60.0]
        errors = [abs(m.frozen_fraction.sum() * spacing_mm - exact.frozen_mm(m.now_s)) for m in late]
        means.append(float(np.mean(errors)))
        error = float(max(errors))
    end, temperature = moments[-1], moments[-1].temperature_c.reshape(-1)
    place = (np.arange(temperature.size) + 0.5) * spacing_mm
    frozen = _frozen_check(exact.frozen_mm(STOP_S), float(end.frozen_fraction.sum()) * spacing_mm, error, means, 0.1)
    found = [float(np.interp(c, temperature, place)) for c in (MUSHY.solidus_c, MUSHY.liquidus_c)]
    right = [exact.solidus_mm(STOP_S), exact.liquidus_mm(STOP_S)]
    return [
        frozen,
        *(
            _isotherm(f"{name} at {STOP_S:g} s, 0.2 mm", here, got, 0.1)
            for name, here, got in zip(("solidus", "liquidus"), right, found, strict=True)
        ),
    ]


def mushy_sink(engine: Engine) -> list[Check]:
    """B6: a line that takes 500 W/m beside a voxel's centre, the same tissue; 2, 1, 0.5 mm."""
    exact = mushy_line(MUSHY, heat_w_per_m=HEAT_W_PER_M, start_c=37.0)
    means, error, moments, spacing_mm = [], math.nan, [], math.nan
    for spacing_mm in (2.0, 1.0, 0.5):
        n = round(88 / spacing_mm) + 1
        middle = (n - 1) / 2
        wells = line((n, n, 1), (middle + 0.3, middle + 0.2), spacing_mm, 0.75)
        problem = box((n, n, 1), spacing_mm, mushy(MUSHY), wells=wells)
        moments = run(engine, problem, 37.0, times(STOP_S, 10.0), takes(lambda _now_s: HEAT_W_PER_M))
        late = [m for m in moments if m.now_s > 60.0]
        errors = [abs(_disc_mm(m.frozen_fraction, spacing_mm) - exact.frozen_mm(m.now_s)) for m in late]
        means.append(float(np.mean(errors)))
        error = float(max(errors))
    end = moments[-1]
    frozen = _frozen_check(exact.frozen_mm(STOP_S), _disc_mm(end.frozen_fraction, spacing_mm), error, means, 0.25)
    return [
        frozen,
        _isotherm(f"solidus at {STOP_S:g} s, 0.5 mm", exact.solidus_mm(STOP_S), _within(end, MUSHY.solidus_c), 0.25),
        _isotherm(f"liquidus at {STOP_S:g} s, 0.5 mm", exact.liquidus_mm(STOP_S), _within(end, MUSHY.liquidus_c), 0.25),
    ]


def _within(end: Moment, isotherm_c: float) -> float:
    """Radius [mm] of a disc as large as what is colder than ``isotherm_c`` on a plane four times as fine."""
    from scipy.ndimage import zoom  # only here: slow to import

    spacing_mm, fold = 88 / (end.temperature_c.shape[0] - 1), 4
    fine = np.asarray(zoom(end.temperature_c[:, :, 0], fold, order=1, grid_mode=True, mode="nearest"))
    return math.sqrt(np.count_nonzero(fine < isotherm_c) / math.pi) * spacing_mm / fold


def _frozen_check(right: float, got: float, error: float, means: list[float], tolerance: float) -> Check:
    return Check(
        quantity=f"frozen extent at {STOP_S:g} s, {2 * tolerance:g} mm (mushy zone by its frozen fraction)",
        unit="mm",
        expected=right,
        got=got,
        error=error,
        tolerance=tolerance,
        reason="half a voxel",
        order=order_of(means),
        least_order=NEARLY_SECOND_ORDER,
    )


def _isotherm(what: str, right: float, got: float, tolerance: float) -> Check:
    return Check(
        quantity=what,
        unit="mm",
        expected=right,
        got=got,
        error=abs(got - right),
        tolerance=tolerance,
        reason="half a voxel: the place of an isotherm between two voxels",
    )


def _disc_mm(frozen: Field, spacing_mm: float) -> float:
    return math.sqrt(float(frozen.sum()) / math.pi) * spacing_mm
