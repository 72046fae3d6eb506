"""What a physicist's bench is: a bath or gel in layers, probes in it, and when they freeze."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Literal

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns._noun import Point, noun, require_finite, require_positive
from iceball.nouns.plan import Plan
from iceball.nouns.probe import Placement, Probe
from iceball.nouns.protocol import Protocol
from iceball.nouns.tissue import Tissue

Law = float | tuple[tuple[float, float], ...]
Walls = Literal["held", "insulated"]

LAWS = {
    "conductivity_frozen_w_per_m_k": "W/m/K",
    "conductivity_unfrozen_w_per_m_k": "W/m/K",
    "heat_capacity_frozen_j_per_m3_k": "J/m³/K",
    "heat_capacity_unfrozen_j_per_m3_k": "J/m³/K",
}
COLDEST_C, WARMEST_C = -220.0, 110.0  # what tables of enthalpy reach, with room to spare


@noun
class Medium:
    """A bath or gel by its numbers. Each of the four properties is one number, or pairs (temperature [°C], value).

    Pairs stand in rising temperature; between them the value runs in a straight line, beyond them it stays. The frozen
    ones hold at and below ``solidus_c``, the unfrozen ones at and above ``liquidus_c``; between, the latent heat is
    released evenly and conductivity and heat capacity run in a straight line from one phase to the other. Equal
    temperatures make a sharp front.
    """

    name: str
    conductivity_frozen_w_per_m_k: Law
    conductivity_unfrozen_w_per_m_k: Law
    heat_capacity_frozen_j_per_m3_k: Law
    heat_capacity_unfrozen_j_per_m3_k: Law
    latent_heat_j_per_m3: float
    solidus_c: float
    liquidus_c: float
    perfusion_w_per_m3_k: float = 0.0
    metabolic_heat_w_per_m3: float = 0.0

    def __post_init__(self) -> None:
        """Refuse properties that no matter has."""
        for field, unit in LAWS.items():
            _check_law(f"{self.name}: {field}", getattr(self, field), unit)
        for field in ("latent_heat_j_per_m3", "perfusion_w_per_m3_k", "metabolic_heat_w_per_m3"):
            value = getattr(self, field)
            require_finite(f"{self.name}: {field}", (value,))
            if value < 0:
                raise InputError(f"{self.name}: {field} cannot be negative, not {value:g}")
        require_finite(f"{self.name}: solidus_c and liquidus_c", (self.solidus_c, self.liquidus_c))
        if self.solidus_c > self.liquidus_c:
            raise InputError(
                f"{self.name}: solidus_c {self.solidus_c:g} lies above liquidus_c {self.liquidus_c:g}: a medium is "
                "solid below and liquid above; exchange the two"
            )
        if not COLDEST_C < self.solidus_c <= self.liquidus_c < WARMEST_C:
            raise InputError(f"{self.name}: the freezing range must lie within {COLDEST_C:g} and {WARMEST_C:g} °C")


@noun
class Layer:
    """A slab of one medium, ``thickness_mm`` along z; None: it goes on to the wall."""

    medium: Medium | Tissue
    thickness_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse a layer without thickness."""
        if self.thickness_mm is not None:
            require_positive(f"the thickness_mm of the layer of {self.medium.name}", self.thickness_mm, "mm")


@noun
class Bench:
    """A box of ``layers``, stacked toward rising z from ``layers_from_z_mm``, all at ``start_c``, with probes in it.

    The first layer and the last go on to the walls. ``walls`` are held at ``start_c``, or insulated. Without
    ``box_size_mm`` the box is as large as the cold needs (docs, "The box"). ``report_s`` are the times that are
    reported; without any, the end of every step of the protocol. ``points_mm`` are thermometers by name.
    """

    layers: tuple[Layer, ...]
    probes: tuple[Placement, ...]
    protocol: Protocol
    start_c: float
    layers_from_z_mm: float = 0.0
    arterial_c: float | None = None
    walls: Walls = "held"
    spacing_mm: float = 1.0
    box_size_mm: Point | None = None
    box_centre_mm: Point | None = None
    report_s: tuple[float, ...] = ()
    isotherms_c: tuple[float, ...] = (0.0, -20.0, -40.0)
    points_mm: tuple[tuple[str, Point], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse a bench that contradicts itself."""
        self._check_layers()
        self._check_box()
        for layer in self.layers:
            _check_finite(layer.medium.name, layer.medium)
        _ = self.plan  # two probes of one label, a protocol that names a probe there is not
        require_finite("start_c", (self.start_c,))
        if not COLDEST_C < self.start_c < WARMEST_C:
            raise InputError(f"start_c must lie within {COLDEST_C:g} and {WARMEST_C:g} °C, not {self.start_c:g}")
        if self.walls not in ("held", "insulated"):
            raise InputError(f"walls are 'held' (at start_c) or 'insulated', not {self.walls!r}")
        self._check_reports()

    def _check_layers(self) -> None:
        if not self.layers:
            raise InputError("a bench needs a medium: write [medium] or at least one [[layers]]")
        require_finite("layers_from_z_mm", (self.layers_from_z_mm,))
        for layer in self.layers[:-1]:
            if layer.thickness_mm is None:
                raise InputError(f"the layer of {layer.medium.name} needs a thickness_mm: only the last may go without")
        perfused = [layer.medium.name for layer in self.layers if layer.medium.perfusion_w_per_m3_k > 0]
        if perfused and self.arterial_c is None:
            raise InputError(f"{perfused[0]} is perfused: write arterial_c, the temperature of the blood [°C]")
        if self.arterial_c is not None:
            require_finite("arterial_c", (self.arterial_c,))

    def _check_box(self) -> None:
        require_positive("spacing_mm", self.spacing_mm, "mm")
        for what, values in (("box_size_mm", self.box_size_mm), ("box_centre_mm", self.box_centre_mm)):
            require_finite(what, values or ())
        if self.box_size_mm is not None and min(self.box_size_mm) <= 0:
            raise GeometryError(f"box_size_mm must be above zero along each axis, not {self.box_size_mm}")
        if self.box_centre_mm is not None and self.box_size_mm is None:
            raise InputError("box_centre_mm without box_size_mm: write both, or neither for a box of the right size")

    def _check_reports(self) -> None:
        require_finite("report_s", self.report_s)
        for time_s in self.report_s:
            if not 0 <= time_s <= self.protocol.duration_s:
                raise InputError(
                    f"report_s: {time_s:g} s lies outside the protocol, which takes {self.protocol.duration_s:g} s"
                )
        require_finite("isotherms_c", self.isotherms_c)
        for isotherm_c in self.isotherms_c:
            if isotherm_c >= self.start_c:
                raise InputError(
                    f"isotherms_c: {isotherm_c:g} °C is not below start_c ({self.start_c:g} °C): all would be inside it"
                )
        for name, place in self.points_mm:
            require_finite(f"point {name!r}", place)
        names = [name for name, _ in self.points_mm]
        if len(set(names)) != len(names):
            raise InputError(f"two points share a name: {', '.join(names)}")

    @property
    def plan(self) -> Plan:
        """The probes and the protocol."""
        return Plan(placements=self.probes, protocol=self.protocol)

    @property
    def times_s(self) -> tuple[float, ...]:
        """Times reported [s], rising: ``report_s``, or the end of every step."""
        if self.report_s:
            return tuple(sorted(set(self.report_s)))
        ends = np.cumsum([step.duration_s for step in self.protocol.steps])
        return tuple(float(end) for end in ends)


def placed(label: str, probe: Probe, tip_mm: Point, direction: Point) -> Placement:
    """Place ``probe`` with its tip at ``tip_mm`` [mm]; ``direction`` points from the entry to the tip, of any length.

    Raises
    ------
    GeometryError : if ``direction`` has no length
    InputError : if a number is not finite
    """
    require_finite(f"probe {label}: tip_mm and direction", (*tip_mm, *direction))
    length = math.hypot(*direction)
    if length == 0:
        raise GeometryError(f"probe {label}: direction {direction} has no length; write for example [0, 0, -1]")
    reach = 2 * (probe.active_length_mm + probe.tip_to_active_mm)  # only where it points matters: shafts are insulated
    x, y, z = (t - d / length * reach for t, d in zip(tip_mm, direction, strict=True))
    return Placement(label=label, probe=probe, entry_mm=(x, y, z), tip_mm=tip_mm)


def _check_finite(what: str, thing: Medium | Tissue) -> None:
    """Refuse a noun with a number that is not finite, whatever it checks itself."""
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if isinstance(value, float | int):
            require_finite(f"{what}: {field.name}", (value,))


def _check_law(what: str, law: Law, unit: str) -> None:
    if not isinstance(law, tuple):
        require_positive(what, law, unit)
        return
    if not law:
        raise InputError(f"{what} is an empty table: write pairs of temperature [°C] and value [{unit}]")
    for row in law:
        if len(row) != 2:
            raise InputError(f"{what} is a table of pairs (temperature [°C], value [{unit}]), not {row!r}")
        require_finite(f"{what}: its temperature", (row[0],))
        require_positive(f"{what} at {row[0]:g} °C", row[1], unit)
    if any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(law)):
        raise InputError(f"{what}: the temperatures of a table must rise from row to row")
