"""What a simulation leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import Point, array_noun, noun, sealed
from iceball.nouns.space import Volume
from iceball.provenance import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@array_noun
class StructureCurve:
    """How cold one structure got: its coldest voxel (N,) and its mean (N,) at each recorded time."""

    name: str
    coldest_c: NDArray[Any]
    mean_c: NDArray[Any]
    place_mm: Point

    def __post_init__(self) -> None:
        """Seal the arrays. ``place_mm`` is where the structure was coldest over the whole run."""
        for field in ("coldest_c", "mean_c"):
            object.__setattr__(self, field, sealed(getattr(self, field)))


@array_noun
class ProbeCurve:
    """What one probe did: heat taken (N,), mean surface temperature while its gas flows (N,)."""

    label: str
    surface_c: NDArray[Any]
    heat_w: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("surface_c", "heat_w"):
            object.__setattr__(self, field, sealed(getattr(self, field)))


@array_noun
class SensorCurve:
    """What a thermometer of the plan at ``at_mm`` showed (N,) [°C]: the tissue there, linear between voxel centres."""

    label: str
    at_mm: Point
    temperature_c: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the array."""
        object.__setattr__(self, "temperature_c", sealed(self.temperature_c))


@noun
class EnergyBalance:
    """Heat into the tissue over the run, each term integrated on its own; the probes take heat: theirs is negative."""

    stored_j: float
    probe_j: float
    perfusion_j: float
    metabolic_j: float
    boundary_j: float

    @property
    def residual_fraction(self) -> float:
        """|stored - (probe + perfusion + metabolic + boundary)| over the heat taken by the probes."""
        gap = self.stored_j - (self.probe_j + self.perfusion_j + self.metabolic_j + self.boundary_j)
        scale = abs(self.probe_j)
        return abs(gap) / scale if scale > 0 else float(gap != 0.0)


@array_noun
class ThermalHistory:
    """What the recorders kept of a run.

    ``coldest`` holds the lowest temperature each voxel ever had [°C]; ``start`` the temperature before freezing;
    ``below`` maps a threshold [°C] to a Volume of the time spent below it [s]; ``time_s`` (N,) are the recorded times,
    ``ice_ml`` (N,) the volume at or below 0 °C at those times.
    """

    coldest: Volume
    start: Volume
    below: Mapping[float, Volume]
    time_s: NDArray[Any]
    ice_ml: NDArray[Any]
    structures: tuple[StructureCurve, ...]
    probes: tuple[ProbeCurve, ...]
    energy: EnergyBalance
    run: Run
    notes: tuple[str, ...] = ()
    sensors: tuple[SensorCurve, ...] = ()

    def __post_init__(self) -> None:
        """Seal the arrays; refuse volumes on different grids, and curves that are not as long as the times."""
        for volume in (self.start, *self.below.values()):
            if volume.grid != self.coldest.grid:
                raise InputError("the volumes of a history lie on different grids")
        for field in ("time_s", "ice_ml"):
            object.__setattr__(self, field, sealed(np.asarray(getattr(self, field))))
        rows = self.time_s.size
        parts = [self.ice_ml, *(part for curve in self.structures for part in (curve.coldest_c, curve.mean_c))]
        parts += [part for curve in self.probes for part in (curve.surface_c, curve.heat_w)]
        parts += [curve.temperature_c for curve in self.sensors]
        if wrong := {part.size for part in parts} - {rows}:
            raise InputError(f"a history of {rows} recorded times has curves of {sorted(wrong)} rows")


@array_noun
class LethalZone:
    """Where tissue dies by one criterion: a 0/1 label volume, and the criterion in words."""

    mask: Volume
    criterion: str

    @property
    def volume_ml(self) -> float:
        """Volume of the zone [ml]."""
        return float(np.count_nonzero(self.mask.array)) * self.mask.grid.voxel_ml
