"""Probes and where they lie."""

from __future__ import annotations

import math

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns._noun import Point, noun, require_finite, require_positive


@noun
class MakerIsotherm:
    """Size of one isotherm as the maker prints it: for validation, never for planning."""

    isotherm_c: float
    width_mm: float
    length_mm: float
    source: str


@noun
class Probe:
    """One cryoprobe: its shaft, its active length and how it takes heat.

    The surface is power-limited: T_s = gas_temperature_c + internal_resistance_k_m_per_w * q', q' [W/m] the heat into
    the probe per length. The gas approaches its temperature with ``cooling_time_s``. ``tip_to_active_mm`` is the dead
    length between the tip and the active zone. ``thaw_temperature_c`` is the shaft while thawing actively, None where
    the probe cannot.
    """

    name: str
    cryogen: str
    shaft_diameter_mm: float
    active_length_mm: float
    gas_temperature_c: float
    internal_resistance_k_m_per_w: float
    cooling_time_s: float
    tip_to_active_mm: float = 0.0
    thaw_temperature_c: float | None = None
    maker_isotherms: tuple[MakerIsotherm, ...] = ()

    def __post_init__(self) -> None:
        """Refuse impossible sizes and temperatures."""
        require_positive(f"{self.name}: shaft diameter", self.shaft_diameter_mm, "mm")
        require_positive(f"{self.name}: active length", self.active_length_mm, "mm")
        if not -220.0 <= self.gas_temperature_c < 0:
            raise InputError(
                f"{self.name}: a gas at {self.gas_temperature_c:g} °C does not freeze; it must lie in [-220, 0)"
            )
        if self.thaw_temperature_c is not None and not 0 < self.thaw_temperature_c <= 100:
            raise InputError(f"{self.name}: a shaft at {self.thaw_temperature_c:g} °C does not thaw; write 0 to 100")
        if self.internal_resistance_k_m_per_w < 0 or self.cooling_time_s < 0 or self.tip_to_active_mm < 0:
            raise InputError(f"{self.name}: resistance, cooling time and tip length cannot be negative")


@noun
class Placement:
    """A probe in the patient, from the skin (``entry_mm``) to ``tip_mm``, LPS; people call it ``label``: A, B, ..."""

    label: str
    probe: Probe
    entry_mm: Point
    tip_mm: Point

    def __post_init__(self) -> None:
        """Refuse a placement shorter than the probe's active part."""
        require_finite(f"probe {self.label}: entry and tip", (*self.entry_mm, *self.tip_mm))
        reach = math.dist(self.entry_mm, self.tip_mm)
        needed = self.probe.active_length_mm + self.probe.tip_to_active_mm
        if reach < needed:
            raise GeometryError(
                f"probe {self.label} ({self.probe.name}): entry and tip are {reach:.1f} mm apart, less than its "
                f"active part ({needed:g} mm). Move the entry outward."
            )

    @property
    def active_ends_mm(self) -> tuple[Point, Point]:
        """Both ends of the active zone, the deep one first, LPS [mm]."""
        tip, entry = np.asarray(self.tip_mm), np.asarray(self.entry_mm)
        back = (entry - tip) / np.linalg.norm(entry - tip)
        deep = tip + back * self.probe.tip_to_active_mm
        shallow = deep + back * self.probe.active_length_mm
        return tuple(map(float, deep)), tuple(map(float, shallow))  # pyright: ignore[reportReturnType]
