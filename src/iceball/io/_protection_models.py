"""What plan.json holds of protections, checked field by field."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from iceball.nouns import Ball, Capsule, Drawn, Pocket, Protection, Region, Sensor, WarmPad

# A patient lies within metres of a scanner's origin: a number beyond is a slip of the pen, or overflows later.
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000)]
Place = tuple[Coordinate, Coordinate, Coordinate]
Text = Annotated[str, Field(min_length=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class BallModel(_Model):
    """All within a radius of a point, LPS [mm]."""

    kind: Literal["ball"]
    centre_mm: Place
    radius_mm: float


class CapsuleModel(_Model):
    """All within a radius of a line, LPS [mm]."""

    kind: Literal["capsule"]
    start_mm: Place
    end_mm: Place
    radius_mm: float


class DrawnModel(_Model):
    """A structure of the case by its name."""

    kind: Literal["drawn"]
    structure: Text


RegionModel = Annotated[BallModel | CapsuleModel | DrawnModel, Field(discriminator="kind")]


class PocketModel(_Model):
    """Fluid or gas let in; ``filling`` is a tissue of the library, ``held_c`` null unless it is kept circulating.

    ``pushes`` names structures whose part in the region it moves by ``push_mm``.
    """

    kind: Literal["pocket"]
    label: Text
    filling: Text
    region: RegionModel
    held_c: float | None = None
    pushes: tuple[Text, ...] = ()
    push_mm: Place = (0.0, 0.0, 0.0)


class WarmPadModel(_Model):
    """What the skin in the region meets instead of the room's air."""

    kind: Literal["warm pad"]
    label: Text
    region: RegionModel
    outside_c: float
    film_w_per_m2_k: float


class SensorModel(_Model):
    """A thermometer."""

    kind: Literal["sensor"]
    label: Text
    at_mm: Place


ProtectionModel = Annotated[PocketModel | WarmPadModel | SensorModel, Field(discriminator="kind")]

_REGIONS: dict[str, tuple[type, type]] = {
    "ball": (Ball, BallModel),
    "capsule": (Capsule, CapsuleModel),
    "drawn": (Drawn, DrawnModel),
}
_PROTECTIONS: dict[str, tuple[type, type]] = {
    "pocket": (Pocket, PocketModel),
    "warm pad": (WarmPad, WarmPadModel),
    "sensor": (Sensor, SensorModel),
}


def protection_model(protection: Protection) -> PocketModel | WarmPadModel | SensorModel:
    """Model of ``protection``."""
    return _model(_PROTECTIONS, protection)


def protection_noun(model: PocketModel | WarmPadModel | SensorModel) -> Protection:
    """The protection of ``model``; InputError if it is none."""
    fields = {name: getattr(model, name) for name in type(model).model_fields if name != "kind"}
    if "region" in fields:
        fields["region"] = _region(fields["region"])
    return _PROTECTIONS[model.kind][0](**fields)


def _region(model: Any) -> Region:
    fields = {name: getattr(model, name) for name in type(model).model_fields if name != "kind"}
    return _REGIONS[model.kind][0](**fields)


def _model(kinds: dict[str, tuple[type, type]], thing: Any) -> Any:
    kind, model = next((kind, model) for kind, (noun, model) in kinds.items() if isinstance(thing, noun))
    fields = {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    if "region" in fields:
        fields["region"] = _model(_REGIONS, fields["region"])
    return model(kind=kind, **{name: _plain(value) for name, value in fields.items()})


def _plain(value: Any) -> Any:
    """Whole numbers are numbers too, and a place may come as numpy's."""
    if isinstance(value, tuple):
        return tuple(part if isinstance(part, str) else float(part) for part in value)
    return float(value) if isinstance(value, int) else value
