"""What run.json holds, checked field by field."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from iceball import provenance
from iceball.io._models import ArrayModel, Fingerprint, GridModel, PlanFile, Point, _Model
from iceball.nouns import (
    BareEnd,
    EnergyBalance,
    Heater,
    HeldShaft,
    InsulatedShaft,
    MakerIsotherm,
    Probe,
    ProbeCurve,
    SensorCurve,
    StructureCurve,
    ThawLaw,
    WarmGas,
)
from iceball.provenance import Run

Curve = tuple[float | None, ...]
Pair = tuple[str, str]


class RunModel(_Model):
    """What produced the result."""

    version: str
    inputs: tuple[Pair, ...]
    backend: str
    device: str
    dtype: str
    seed: int | None
    library: str
    sources: tuple[str, ...]
    started_at: str
    settings: tuple[Pair, ...] = ()

    @classmethod
    def of(cls, run: Run) -> RunModel:
        """Model of ``run``."""
        return cls(**fields_of(run))

    def noun(self) -> Run:
        """The run."""
        return Run(**fields_of(self))


class EnergyModel(_Model):
    """Heat into the tissue, term by term [J]."""

    stored_j: float
    probe_j: float
    perfusion_j: float
    metabolic_j: float
    boundary_j: float

    @classmethod
    def of(cls, energy: EnergyBalance) -> EnergyModel:
        """Model of ``energy``."""
        return cls(**{name: float(value) for name, value in fields_of(energy).items()})

    def noun(self) -> EnergyBalance:
        """The balance."""
        return EnergyBalance(**fields_of(self))


class MakerIsothermModel(_Model):
    """Size of one isotherm as the maker prints it."""

    isotherm_c: float
    width_mm: float
    length_mm: float
    source: str


class ThawLawModel(_Model):
    """What an active thaw holds at its temperature: the shaft, the gas behind its resistance, or a heater [W/m]."""

    by: Literal["held shaft", "warm gas", "heater"]
    heat_w_per_m: float | None = None

    @classmethod
    def of(cls, law: ThawLaw) -> ThawLawModel:
        """Model of ``law``."""
        if isinstance(law, Heater):
            return cls(by="heater", heat_w_per_m=float(law.heat_w_per_m))
        return cls(by="held shaft" if isinstance(law, HeldShaft) else "warm gas")

    def noun(self) -> ThawLaw:
        """The law; InputError if a heater lacks its heat."""
        if self.by == "heater":
            return Heater(heat_w_per_m=self.heat_w_per_m or 0.0)
        return HeldShaft() if self.by == "held shaft" else WarmGas()


class ProbeModel(_Model):
    """A probe as it was when the run was made, whatever the library says today."""

    name: str
    cryogen: str
    shaft_diameter_mm: float
    active_length_mm: float
    gas_temperature_c: float
    internal_resistance_k_m_per_w: float
    cooling_time_s: float
    tip_to_active_mm: float = 0.0
    thaw_temperature_c: float | None = None
    maker_isotherms: tuple[MakerIsothermModel, ...] = ()
    gas_temperature_at_handle_c: float | None = None
    rewarming_time_s: float | None = None
    thaw_law: ThawLawModel = ThawLawModel(by="held shaft")
    handle_end: Literal["bare", "insulated shaft"] = "bare"

    @classmethod
    def of(cls, probe: Probe) -> ProbeModel:
        """Model of ``probe``."""
        isotherms = tuple(MakerIsothermModel(**fields_of(isotherm)) for isotherm in probe.maker_isotherms)
        end = "insulated shaft" if isinstance(probe.handle_end, InsulatedShaft) else "bare"
        models = {"maker_isotherms": isotherms, "thaw_law": ThawLawModel.of(probe.thaw_law), "handle_end": end}
        fields: dict[str, Any] = fields_of(probe) | models
        return cls(**fields)

    def noun(self) -> Probe:
        """The probe."""
        isotherms = tuple(MakerIsotherm(**fields_of(isotherm)) for isotherm in self.maker_isotherms)
        end = InsulatedShaft() if self.handle_end == "insulated shaft" else BareEnd()
        nouns = {"maker_isotherms": isotherms, "thaw_law": self.thaw_law.noun(), "handle_end": end}
        fields: dict[str, Any] = fields_of(self) | nouns
        return Probe(**fields)


class StructureCurveModel(_Model):
    """How cold one structure got at each recorded time [°C]; null where nothing was recorded."""

    name: str
    coldest_c: Curve
    mean_c: Curve
    place_mm: Point

    @classmethod
    def of(cls, curve: StructureCurve) -> StructureCurveModel:
        """Model of ``curve``."""
        place = (float(curve.place_mm[0]), float(curve.place_mm[1]), float(curve.place_mm[2]))
        return cls(name=curve.name, coldest_c=listed(curve.coldest_c), mean_c=listed(curve.mean_c), place_mm=place)

    def noun(self) -> StructureCurve:
        """The curve."""
        return StructureCurve(
            name=self.name, coldest_c=array(self.coldest_c), mean_c=array(self.mean_c), place_mm=self.place_mm
        )


class ProbeCurveModel(_Model):
    """What one probe did at each recorded time: surface [°C], heat taken [W]; null where nothing was recorded."""

    label: str
    surface_c: Curve
    heat_w: Curve

    @classmethod
    def of(cls, curve: ProbeCurve) -> ProbeCurveModel:
        """Model of ``curve``."""
        return cls(label=curve.label, surface_c=listed(curve.surface_c), heat_w=listed(curve.heat_w))

    def noun(self) -> ProbeCurve:
        """The curve."""
        return ProbeCurve(label=self.label, surface_c=array(self.surface_c), heat_w=array(self.heat_w))


class SensorCurveModel(_Model):
    """What one thermometer showed at each recorded time [°C]."""

    label: str
    at_mm: Point
    temperature_c: Curve

    @classmethod
    def of(cls, curve: SensorCurve) -> SensorCurveModel:
        """Model of ``curve``."""
        x, y, z = (float(value) for value in curve.at_mm)
        return cls(label=curve.label, at_mm=(x, y, z), temperature_c=listed(curve.temperature_c))

    def noun(self) -> SensorCurve:
        """The curve."""
        return SensorCurve(label=self.label, at_mm=self.at_mm, temperature_c=array(self.temperature_c))


class BelowModel(_Model):
    """Time spent below a threshold [s], as a volume."""

    threshold_c: float
    volume: ArrayModel


class RunFile(_Model):
    """run.json of a run folder. ``case_folder`` is relative to the run folder, with forward slashes.

    ``fingerprint`` is that of everything else in the file.
    """

    format: Literal["iceball-run"]
    version: Literal[1]
    fingerprint: Fingerprint
    run: RunModel
    case_folder: Annotated[str, Field(min_length=1)]
    case_fingerprint: Fingerprint
    plan: PlanFile
    probes: tuple[ProbeModel, ...]
    grid: GridModel
    coldest: ArrayModel
    start: ArrayModel
    below: tuple[BelowModel, ...]
    time_s: tuple[float, ...]
    ice_ml: tuple[float, ...]
    structure_curves: tuple[StructureCurveModel, ...]
    probe_curves: tuple[ProbeCurveModel, ...]
    sensor_curves: tuple[SensorCurveModel, ...] = ()
    energy: EnergyModel
    notes: tuple[str, ...] = ()


def sealed_by(model: RunFile) -> str:
    """Fingerprint of all that ``model`` holds but its own fingerprint.

    What is as it is by default is left out: a field that a later version adds does not break the seal of older runs.
    """
    return provenance.fingerprint(model.model_dump(exclude={"fingerprint"}, exclude_defaults=True))


def fields_of(thing: Any) -> dict[str, Any]:
    """Fields of a noun or model by name, one level deep; numbers of numpy become Python's."""
    if dataclasses.is_dataclass(thing):
        names = [field.name for field in dataclasses.fields(thing)]
    else:
        names = list(type(thing).model_fields)
    return {name: _plain(getattr(thing, name)) for name in names}


def listed(values: Any) -> Curve:
    """Turn an array (N,) into numbers, None where one is not finite."""
    return tuple(float(value) if np.isfinite(value) else None for value in np.asarray(values, dtype=float))


def array(values: Curve) -> Any:
    """Turn numbers into an array (N,), NaN where one is None."""
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
