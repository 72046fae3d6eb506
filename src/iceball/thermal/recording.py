"""Recorders: what a run keeps, instead of its whole history."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns import ProbeCurve, SensorCurve, StructureCurve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Grid, Sensor

    Field = NDArray[np.floating]
    Voxels = tuple[NDArray[np.intp], ...]


@dataclass
class Log:
    """Rows of curves while a run goes on; nouns are made of it at its end. Lists grow: the one place that changes."""

    time_s: list[float] = field(default_factory=list)
    ice_ml: list[float] = field(default_factory=list)
    coldest_c: dict[str, list[float]] = field(default_factory=dict)
    mean_c: dict[str, list[float]] = field(default_factory=dict)
    surface_c: list[NDArray[np.float64]] = field(default_factory=list)
    heat_w: list[NDArray[np.float64]] = field(default_factory=list)
    sensor_c: list[NDArray[np.float64]] = field(default_factory=list)

    def note(self, now_s: float, temperature: Field, ice_ml: float, structures: Mapping[str, Voxels]) -> None:
        """Write one row: ``temperature`` (I, J, K) [°C] at ``now_s`` [s]; ``structures`` names voxels of it."""
        for name, voxels in structures.items():
            here = temperature[voxels]
            coldest, mean = float(here.min()), float(here.mean(dtype=float))
            self.coldest_c.setdefault(name, [coldest] * len(self.time_s)).append(coldest)
            self.mean_c.setdefault(name, [mean] * len(self.time_s)).append(mean)
        self.time_s.append(now_s)
        self.ice_ml.append(ice_ml)

    def note_probes(self, heat_w: NDArray[np.float64], surface_c: NDArray[np.float64]) -> None:
        """Write heat [W] and surface temperature [°C] (P,) of the probes at the time of the last row."""
        self.surface_c.append(surface_c)
        self.heat_w.append(heat_w)

    def sensor_curves(self, sensors: Sequence[Sensor], coldest_gas_c: float) -> tuple[SensorCurve, ...]:
        """Make one curve per thermometer; none shows less than the coldest gas, as a voxel on a probe's axis may."""
        shown = np.maximum(np.array(self.sensor_c), coldest_gas_c)
        return tuple(
            SensorCurve(label=sensor.label, at_mm=sensor.at_mm, temperature_c=shown[:, n])
            for n, sensor in enumerate(sensors)
        )

    def structure_curves(
        self, coldest: Field, structures: Mapping[str, Voxels], grid: Grid
    ) -> tuple[StructureCurve, ...]:
        """Make the curves; ``coldest`` (I, J, K) [°C] says where each structure was coldest."""
        curves: list[StructureCurve] = []
        for name, voxels in structures.items():
            worst = int(np.argmin(coldest[voxels]))
            place = grid.position_mm(np.array([axis[worst] for axis in voxels]))
            curves.append(
                StructureCurve(
                    name=name,
                    coldest_c=np.array(self.coldest_c[name]),
                    mean_c=np.array(self.mean_c[name]),
                    place_mm=(float(place[0]), float(place[1]), float(place[2])),
                )
            )
        return tuple(curves)

    def probe_curves(self, labels: Sequence[str]) -> tuple[ProbeCurve, ...]:
        """Make one curve per probe."""
        surface, heat = np.array(self.surface_c), np.array(self.heat_w)
        return tuple(
            ProbeCurve(label=label, surface_c=surface[:, p], heat_w=heat[:, p]) for p, label in enumerate(labels)
        )


@dataclass(frozen=True)
class Thermometers:
    """Points in a field: the eight voxels (Q, 8) around each, and their weights (Q, 8)."""

    voxels: Voxels
    weight: NDArray[np.float64]

    def read(self, temperature: Field) -> NDArray[np.float64]:
        """Temperature (Q,) [°C] at each point of ``temperature`` (I, J, K) [°C]."""
        return (temperature[self.voxels].astype(float) * self.weight).sum(axis=1)


def thermometers(sensors: Sequence[Sensor], grid: Grid, conducts: NDArray[np.bool_]) -> Thermometers:
    """Place ``sensors`` in ``grid``: linear between voxel centres, of those that conduct where there are any.

    ``conducts`` (I, J, K): air beside the skin does not cool with it, and would show.
    """
    at = grid.index_of(np.array([sensor.at_mm for sensor in sensors]).reshape(-1, 3))
    low, corners = np.floor(at), np.array(list(itertools.product((0, 1), repeat=3)))
    share = np.abs(1 - corners - (at - low)[:, None, :]).prod(axis=2)
    place = np.clip(low[:, None, :] + corners, 0, np.array(grid.shape) - 1).astype(np.intp)
    voxels = (place[..., 0], place[..., 1], place[..., 2])
    tissue = share * conducts[voxels]
    weight = np.where(tissue.sum(axis=1, keepdims=True) > 0, tissue, share)
    return Thermometers(voxels=voxels, weight=weight / weight.sum(axis=1, keepdims=True))


def count_time_below(below_s: Mapping[float, NDArray[np.float32]], before: Field, after: Field, step_s: float) -> None:
    """Add to each clock the share of a step spent below its threshold, temperature running straight between the ends.

    Parameters
    ----------
    below_s : threshold [°C] to clock (I, J, K) [s], changed in place
    before, after : (I, J, K) temperature at the ends of the step [°C]
    step_s : its length [s]
    """
    colder, warmer = np.minimum(before, after), np.maximum(before, after)
    near = np.flatnonzero(colder < max(below_s, default=-np.inf))
    low, high = colder.reshape(-1)[near], warmer.reshape(-1)[near]
    span = np.maximum(high - low, 1e-12)
    for threshold, clock in below_s.items():
        share = np.clip((threshold - low) / span, 0.0, 1.0)
        clock.reshape(-1)[near] += (share * step_s).astype(np.float32)
