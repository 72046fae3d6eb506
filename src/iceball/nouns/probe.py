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
class HeldShaft:
    """Active thaw: the shaft itself has the thaw temperature, whatever heat that takes."""


@noun
class WarmGas:
    """Active thaw: a gas that warms as it expands (helium) has the thaw temperature, behind the internal resistance."""


@noun
class Heater:
    """Active thaw: a heater gives ``heat_w_per_m`` until the shaft has the thaw temperature, then holds it."""

    heat_w_per_m: float

    def __post_init__(self) -> None:
        """Refuse a heater without heat."""
        require_positive("the heat of an electric thaw", self.heat_w_per_m, "W/m")


ThawLaw = HeldShaft | WarmGas | Heater


@noun
class BareEnd:
    """The active zone ends in a cold end face with tissue beyond it (decision 0003)."""


@noun
class InsulatedShaft:
    """An insulated shaft goes on where the active zone ends: no cold end face, and no heat along the shaft.

    Every isotherm then ends ``SHADOW_RADII`` shaft radii nearer: the line source is shortened by as much. That number
    is computed, by tests/verification/test_probe_ends.py: 0.69 to 0.87 over media, times, lengths and radii.
    """


HandleEnd = BareEnd | InsulatedShaft
SHADOW_RADII = 0.78


@noun
class Probe:
    """One cryoprobe: its shaft, its active length and how it takes heat.

    The surface is power-limited: T_s = T_gas + internal_resistance_k_m_per_w * q', q' [W/m] the heat into the probe per
    length. ``gas_temperature_c`` holds along the whole active zone, or at its tip end where
    ``gas_temperature_at_handle_c`` gives that of the other end: straight between. The gas approaches its temperature
    with ``cooling_time_s``. ``tip_to_active_mm`` is the dead length between the tip and the active zone.

    ``thaw_temperature_c`` is what an active thaw aims at, None where the probe cannot; it is neared with
    ``rewarming_time_s`` (None: as in cooling), and ``thaw_law`` says what is at that temperature. ``handle_end`` is
    what lies behind the active zone, toward the handle; its tip end is bare.
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
    gas_temperature_at_handle_c: float | None = None
    rewarming_time_s: float | None = None
    thaw_law: ThawLaw = HeldShaft()
    handle_end: HandleEnd = BareEnd()

    def __post_init__(self) -> None:
        """Refuse impossible sizes and temperatures."""
        require_positive(f"{self.name}: shaft diameter", self.shaft_diameter_mm, "mm")
        require_positive(f"{self.name}: active length", self.active_length_mm, "mm")
        for gas_c in (self.gas_temperature_c, self.handle_gas_c):
            if not -220.0 <= gas_c < 0:
                raise InputError(f"{self.name}: a gas at {gas_c:g} °C does not freeze; it must lie in [-220, 0)")
        if self.thaw_temperature_c is not None and not 0 < self.thaw_temperature_c <= 100:
            raise InputError(f"{self.name}: a shaft at {self.thaw_temperature_c:g} °C does not thaw; write 0 to 100")
        lengths = (self.internal_resistance_k_m_per_w, self.cooling_time_s, self.tip_to_active_mm, self.thaw_time_s)
        if not all(math.isfinite(value) and value >= 0 for value in lengths):
            raise InputError(f"{self.name}: resistance, cooling time, rewarming time and tip length cannot be negative")
        if self.thaw_temperature_c is None and (self.rewarming_time_s is not None or self.thaw_law != HeldShaft()):
            raise InputError(f"{self.name}: a thaw is described, but no thaw_temperature_c is given: give one")
        if self.source_length_mm <= 0:
            raise InputError(
                f"{self.name}: an active zone of {self.active_length_mm:g} mm is all in the shaft's shadow"
            )

    @property
    def handle_gas_c(self) -> float:
        """Gas at the handle end of the active zone [°C]."""
        given = self.gas_temperature_at_handle_c
        return self.gas_temperature_c if given is None else given

    @property
    def source_length_mm(self) -> float:
        """Length of the line that stands for the active zone [mm]: shorter where an insulated shaft shadows its end."""
        shadow_mm = SHADOW_RADII * self.shaft_diameter_mm / 2 if isinstance(self.handle_end, InsulatedShaft) else 0.0
        return self.active_length_mm - shadow_mm

    @property
    def thaw_time_s(self) -> float:
        """Time constant with which an active thaw nears its temperature [s]."""
        return self.cooling_time_s if self.rewarming_time_s is None else self.rewarming_time_s


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
        return self._ends(self.probe.active_length_mm)

    @property
    def source_ends_mm(self) -> tuple[Point, Point]:
        """Both ends of the line that stands for the active zone, the deep one first, LPS [mm]."""
        return self._ends(self.probe.source_length_mm)

    def _ends(self, length_mm: float) -> tuple[Point, Point]:
        tip, entry = np.asarray(self.tip_mm), np.asarray(self.entry_mm)
        back = (entry - tip) / np.linalg.norm(entry - tip)
        deep = tip + back * self.probe.tip_to_active_mm
        shallow = deep + back * length_mm
        return tuple(map(float, deep)), tuple(map(float, shallow))  # pyright: ignore[reportReturnType]
