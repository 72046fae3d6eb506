"""What a bench file holds, checked field by field, and the nouns made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from iceball import library
from iceball.errors import InputError
from iceball.io._models import Place, _Model
from iceball.nouns import Bench, Layer, Medium, Placement, Probe, Tissue, placed, read_protocol
from iceball.nouns.bench import LAWS, Law
from iceball.nouns.probe import BareEnd, InsulatedShaft

Rows = Annotated[tuple[tuple[float, float], ...], Field(min_length=1)]
Property = Annotated[
    Annotated[float, Tag("number")] | Annotated[Rows, Tag("table")],
    Discriminator(lambda value: "table" if isinstance(value, list | tuple) else "number"),
]

PROPERTIES = (*LAWS, "latent_heat_j_per_m3", "solidus_c", "liquidus_c")
FROZEN = tuple(name for name in LAWS if "frozen" in name and "unfrozen" not in name)
OF_A_BLOOD = ("perfusion_w_per_m3_k", "metabolic_heat_w_per_m3")
OF_A_SHAFT = ("diameter_mm", "active_length_mm", "tip_to_active_mm", "handle_end", "thaw_surface_c")
OF_A_GAS = ("gas_c", "internal_resistance_k_m_per_w")
IN_TIME = ("cooling_time_constant_s", "rewarming_time_constant_s")
OWN = (*OF_A_SHAFT, "surface_c", *OF_A_GAS, "gas_at_handle_c", *IN_TIME)
ENDS = {"bare": BareEnd(), "insulated shaft": InsulatedShaft()}


class MediumModel(_Model):
    """A medium by its numbers, or by the name of a ``tissue`` of the library.

    Each conductivity and heat capacity is one number or a table of [temperature [°C], value].
    """

    name: str = ""
    tissue: str | None = None
    conductivity_frozen_w_per_m_k: Property | None = None
    conductivity_unfrozen_w_per_m_k: Property | None = None
    heat_capacity_frozen_j_per_m3_k: Property | None = None
    heat_capacity_unfrozen_j_per_m3_k: Property | None = None
    latent_heat_j_per_m3: float | None = None
    solidus_c: float | None = None
    liquidus_c: float | None = None
    perfusion_w_per_m3_k: float | None = None
    metabolic_heat_w_per_m3: float | None = None

    def medium(self, where: str) -> Medium | Tissue:
        """Make the medium; ``where`` names it in the file.

        Raises
        ------
        InputError : if a field is missing, or stands beside a tissue that has it already
        """
        given = _given(self)
        blood = {name: float(given[name]) for name in OF_A_BLOOD if name in given}
        if self.tissue is not None:
            if twice := [name for name in PROPERTIES if name in given]:
                raise InputError(f"{where}: {twice[0]} contradicts tissue = {self.tissue!r}: drop one")
            return dataclasses.replace(library.tissue(self.tissue), **blood)
        lacking = [name for name in PROPERTIES if name not in given]
        if lacking:
            frozen = " (a medium without frozen properties cannot freeze)" if set(lacking) & set(FROZEN) else ""
            raise InputError(f"{where}: {_and(lacking)} {'is' if len(lacking) == 1 else 'are'} missing{frozen}")
        laws: dict[str, Law] = {name: given[name] for name in LAWS}
        return Medium(
            name=self.name or where,
            **laws,
            latent_heat_j_per_m3=given["latent_heat_j_per_m3"],
            solidus_c=given["solidus_c"],
            liquidus_c=given["liquidus_c"],
            **blood,
        )


class LayerModel(MediumModel):
    """A layer: a medium and how thick it is along z; the last may go without, up to the wall."""

    thickness_mm: float | None = None


class BenchProbeModel(_Model):
    """A probe: of the library by name, ideal (``surface_c``), or power-limited (``gas_c`` and its resistance)."""

    label: str | None = None
    probe: str | None = None
    diameter_mm: float | None = None
    active_length_mm: float | None = None
    tip_to_active_mm: float | None = None
    surface_c: float | None = None
    gas_c: float | None = None
    gas_at_handle_c: float | None = None
    internal_resistance_k_m_per_w: float | None = None
    cooling_time_constant_s: float | None = None
    thaw_surface_c: float | None = None
    rewarming_time_constant_s: float | None = None
    handle_end: Literal["bare", "insulated shaft"] | None = None
    tip_mm: Place
    direction: Place | None = None
    entry_mm: Place | None = None

    def placement(self, label: str, where: str) -> Placement:
        """Make the placed probe, called ``label``; ``where`` names it in the file.

        Raises
        ------
        InputError : if a field is missing or contradicts another
        GeometryError : if its direction has no length or its entry lies too near
        """
        probe = self._probe(label, where)
        if (self.direction is None) == (self.entry_mm is None):
            raise InputError(f"{where}: write either direction (from the handle to the tip) or entry_mm, one of them")
        if self.direction is not None:
            return placed(label, probe, self.tip_mm, self.direction)
        assert self.entry_mm is not None
        return Placement(label=label, probe=probe, entry_mm=self.entry_mm, tip_mm=self.tip_mm)

    def _probe(self, label: str, where: str) -> Probe:
        given = _given(self)
        if self.probe is not None:
            if twice := [name for name in OWN if name in given]:
                raise InputError(f"{where}: {twice[0]} contradicts probe = {self.probe!r}, which has its own: drop one")
            return library.probe(self.probe)
        if lacking := [name for name in ("diameter_mm", "active_length_mm") if name not in given]:
            raise InputError(f"{where}: {_and(lacking)} missing (or write probe = a name of the library)")
        if self.surface_c is not None and (twice := [name for name in (*OF_A_GAS, "gas_at_handle_c") if name in given]):
            raise InputError(
                f"{where}: surface_c contradicts {_and(twice)}: an ideal probe has the one, a limited one the other"
            )
        if self.surface_c is None and (lacking := [name for name in OF_A_GAS if name not in given]):
            raise InputError(f"{where}: {_and(lacking)} missing; an ideal probe has surface_c instead of both")
        return _made(label, given)


class BoxModel(_Model):
    """The box that is simulated, by its size and its middle."""

    size_mm: Place
    centre_mm: Place | None = None


class BenchFile(_Model):
    """A bench: what TOML reads as. Coordinates in mm, z along the layers; temperatures in °C."""

    format: Literal["iceball-bench"] = "iceball-bench"
    version: Literal[1] = 1
    name: str = ""
    start_c: float
    protocol: str | float
    report_s: tuple[float, ...] = ()
    isotherms_c: Annotated[tuple[float, ...], Field(min_length=1)] | None = None
    spacing_mm: float = 1.0
    walls: Literal["held", "insulated"] = "held"
    arterial_c: float | None = None
    medium: MediumModel | None = None
    layers: tuple[LayerModel, ...] = ()
    layers_from_z_mm: float | None = None
    box: BoxModel | None = None
    probes: Annotated[tuple[BenchProbeModel, ...], Field(min_length=1)]
    points_mm: dict[str, Place] = Field(default_factory=dict)

    def bench(self) -> Bench:
        """Make the bench.

        Raises
        ------
        InputError : if a field is missing or contradicts another
        """
        protocol = self.protocol if isinstance(self.protocol, str) else f"{self.protocol:g}"
        labels = [probe.label or f"{chr(ord('A') + i % 26)}{i // 26 or ''}" for i, probe in enumerate(self.probes)]
        named = zip(labels, self.probes, strict=True)
        isotherms_c = self.isotherms_c or tuple(row.value for row in library.isotherms())
        return Bench(
            layers=self._layers(),
            probes=tuple(probe.placement(label, f"probes.{i}") for i, (label, probe) in enumerate(named)),
            protocol=read_protocol(protocol),
            start_c=self.start_c,
            layers_from_z_mm=self.layers_from_z_mm or 0.0,
            arterial_c=self.arterial_c,
            walls=self.walls,
            spacing_mm=self.spacing_mm,
            box_size_mm=None if self.box is None else self.box.size_mm,
            box_centre_mm=None if self.box is None else self.box.centre_mm,
            report_s=self.report_s,
            isotherms_c=tuple(sorted(set(isotherms_c), reverse=True)),
            points_mm=tuple(self.points_mm.items()),
            name=self.name,
        )

    def _layers(self) -> tuple[Layer, ...]:
        if (self.medium is None) == (not self.layers):
            raise InputError("write either [medium] or [[layers]], one of them")
        if self.medium is not None:
            if self.layers_from_z_mm is not None:
                raise InputError("layers_from_z_mm contradicts [medium]: it says where [[layers]] begin")
            return (Layer(medium=self.medium.medium("medium")),)
        return tuple(
            Layer(medium=layer.medium(f"layers.{i}"), thickness_mm=layer.thickness_mm)
            for i, layer in enumerate(self.layers)
        )


def _made(label: str, given: dict[str, Any]) -> Probe:
    return Probe(
        name=f"bench probe {label}",
        cryogen="none named",
        shaft_diameter_mm=given["diameter_mm"],
        active_length_mm=given["active_length_mm"],
        gas_temperature_c=given["surface_c"] if "surface_c" in given else given["gas_c"],
        internal_resistance_k_m_per_w=given.get("internal_resistance_k_m_per_w", 0.0),
        cooling_time_s=given.get("cooling_time_constant_s", 0.0),
        tip_to_active_mm=given.get("tip_to_active_mm", 0.0),
        thaw_temperature_c=given.get("thaw_surface_c"),
        gas_temperature_at_handle_c=given.get("gas_at_handle_c"),
        rewarming_time_s=given.get("rewarming_time_constant_s"),
        handle_end=ENDS[given.get("handle_end", "bare")],
    )


def _given(model: _Model) -> dict[str, Any]:
    return {name: value for name in type(model).model_fields if (value := getattr(model, name)) is not None}


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
