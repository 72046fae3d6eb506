"""Measuring a bench at one moment: every isotherm around every probe and around the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns.bench_result import Cut, PhantomMoment, ProbeIsotherm, ProbeMoment, WholeIsotherm
from iceball.thermal import shape
from iceball.thermal.problem import PROBE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid, Placement
    from iceball.nouns.bench import Bench
    from iceball.thermal.marching import Moment

    Field = NDArray[np.float64]

CURVE_ANGLES = 12


class Ruler:
    """Measures moments of one bench; made once, since where to look does not change."""

    def __init__(self, bench: Bench, grid: Grid) -> None:
        self.bench, self.grid = bench, grid
        self.middles = [np.mean(placement.active_ends_mm, axis=0) for placement in bench.probes]
        self.axes = [_axis(placement) for placement in bench.probes]
        self.middle = np.mean(self.middles, axis=0)
        first = self.axes[0]
        mean = np.sum([axis * np.copysign(1.0, axis @ first) for axis in self.axes], axis=0)
        self.frame = shape.frame(mean, toward=_row(np.array(self.middles)))
        probes = [placement.probe for placement in bench.probes]
        self.coldest_c = min(min(probe.gas_temperature_c, probe.handle_gas_c) for probe in probes)
        self.half_mm = 0.5 * float(np.linalg.norm(np.asarray(grid.shape) * grid.spacing_mm[0]))
        self.points = np.array([place for _, place in bench.points_mm]).reshape(-1, 3)

    def measure(self, moment: Moment) -> PhantomMoment:
        """Measure everything that is reported of ``moment``."""
        across, along = self._plane(moment, 0, 1), self._plane(moment, 2, 0)
        points = self._thermometers(moment)
        names = [name for name, _ in self.bench.points_mm]
        return PhantomMoment(
            time_s=moment.now_s,
            probes=tuple(self._probe(p, moment) for p in range(len(self.bench.probes))),
            whole=tuple(self._whole(level, moment, across) for level in self.bench.isotherms_c),
            points_c=tuple((name, float(value)) for name, value in zip(names, points, strict=True)),
            heat_w=float(moment.heat_w.sum()),
            heat_taken_j=-float(moment.energy_j[PROBE]),
            energy_residual_fraction=moment.residual_fraction,
            wall_change_k=self._wall_change(moment),
            across=self._cut(across, 0, 1),
            along=self._cut(along, 2, 0),
        )

    def row(self, moment: Moment) -> list[Field]:
        """Measure what is drawn over time: heat (P,), surface (P,), diameters (P, L), points (Q,), volumes (L,)."""
        levels = self.bench.isotherms_c
        across = [[self._diameters(p, level, moment, CURVE_ANGLES).mean() for level in levels] for p in self._probes]
        return [
            moment.heat_w.copy(),
            _surfaces(moment),
            np.array(across),
            self._thermometers(moment),
            np.array([self._volume(level, moment) for level in levels]),
        ]

    @property
    def _probes(self) -> range:
        return range(len(self.bench.probes))

    def _probe(self, p: int, moment: Moment) -> ProbeMoment:
        surface = float(_surfaces(moment)[p])
        return ProbeMoment(
            label=self.bench.probes[p].label,
            heat_w=float(moment.heat_w[p]),
            surface_c=surface if np.isfinite(surface) else None,
            isotherms=tuple(self._around(p, level, moment) for level in self.bench.isotherms_c),
        )

    def _around(self, p: int, level: float, moment: Moment) -> ProbeIsotherm:
        found = self._diameters(p, level, moment, 90)
        axis = self.axes[p]
        toward_tip, back = shape.rays(moment.temperature_c, self.grid, level, self.middles[p], [axis, -axis])
        to_tip = float(np.linalg.norm(np.asarray(self.bench.probes[p].tip_mm) - self.middles[p]))
        there = bool(np.isfinite(found).any())
        return ProbeIsotherm(
            isotherm_c=level,
            diameter_mm=_number(found.mean()),
            smallest_diameter_mm=_number(np.nanmin(found)) if there else None,
            largest_diameter_mm=_number(found.max()),
            length_mm=_number(toward_tip + back) if there else None,
            beyond_tip_mm=_number(toward_tip - to_tip) if there else None,
        )

    def _diameters(self, p: int, level: float, moment: Moment, angles: int) -> Field:
        """Diameters (angles,) [mm]; NaN where there is none, and where it would lie inside the shaft."""
        middle, axis = self.middles[p], self.axes[p]
        found = shape.diameters(moment.temperature_c, self.grid, level, middle, axis, angles=angles)
        return np.where(found > self.bench.probes[p].probe.shaft_diameter_mm, found, np.nan)

    def _whole(self, level: float, moment: Moment, across: tuple[Field, Field]) -> WholeIsotherm:
        ticks, values = across
        return WholeIsotherm(
            isotherm_c=level,
            volume_ml=self._volume(level, moment),
            section=shape.section(values, float(ticks[1] - ticks[0]), level),
        )

    def _volume(self, level: float, moment: Moment) -> float:
        return shape.volume_ml(moment.temperature_c, self.bench.spacing_mm, level)

    def _thermometers(self, moment: Moment) -> Field:
        """Temperatures (Q,) [°C], not below the coldest gas: on the axis itself a line source undercuts it."""
        return np.maximum(shape.sampled(moment.temperature_c, self.grid, self.points), self.coldest_c)

    def _plane(self, moment: Moment, first: int, second: int) -> tuple[Field, Field]:
        """Ticks (N,) [mm] and temperatures (N, N) [°C] through the middle, along two axes of the frame."""
        axes = (self.frame[first], self.frame[second])
        return shape.plane(moment.temperature_c, self.grid, self.middle, axes, self.half_mm)

    def _cut(self, plane: tuple[Field, Field], first: int, second: int) -> Cut:
        u, v = self.frame[first], self.frame[second]
        ticks, values = plane
        return Cut(
            middle_mm=_point(self.middle),
            u_axis=_point(u),
            v_axis=_point(v),
            u_mm=ticks,
            v_mm=ticks,
            temperature_c=np.maximum(values, self.coldest_c),
        )

    def _wall_change(self, moment: Moment) -> float:
        change = np.abs(moment.temperature_c - self.bench.start_c)
        return max(float(np.take(change, side, axis=axis).max()) for axis in range(3) for side in (0, -1))


def _axis(placement: Placement) -> Field:
    """Unit vector (3,) from the handle to the tip."""
    deep, shallow = (np.array(end) for end in placement.active_ends_mm)
    return (deep - shallow) / np.linalg.norm(deep - shallow)


def _surfaces(moment: Moment) -> Field:
    """Mean surface (P,) of each probe [°C], NaN where its gas is off: it then takes no heat at all."""
    return np.where(moment.heat_w == 0.0, np.nan, moment.surface_c)


def _row(middles: Field) -> Field:
    """Direction (3,) in which probes with these ``middles`` (P, 3) stand in a row; zero for one probe."""
    spread = middles - middles.mean(axis=0)
    _, sizes, ways = np.linalg.svd(spread, full_matrices=False)
    return ways[0] * sizes[0]


def _point(vector: Field) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
