"""What the JSON files hold, checked field by field. Only the edges of the program know these classes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from iceball.errors import InputError
from iceball.io._protection_models import ProtectionModel
from iceball.nouns import Goal, Grid, Structure

Point = tuple[float, float, float]
# A patient lies within metres of a scanner's origin: a number beyond is a slip of the pen, or overflows later.
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000)]
Place = tuple[Coordinate, Coordinate, Coordinate]
Direction = tuple[float, float, float, float, float, float, float, float, float]
Count = Annotated[int, Field(ge=1)]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
MaybeFingerprint = Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.+-]+\.nii\.gz$")]
PSEUDONYM = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class GridModel(_Model):
    """A regular grid in DICOM LPS; ``direction`` row by row, its columns are the axes' unit vectors."""

    shape: tuple[Count, Count, Count]
    spacing_mm: Point
    origin_mm: Point
    direction: Direction

    @classmethod
    def of(cls, grid: Grid) -> GridModel:
        """Model of ``grid``."""
        return cls(**_plain_numbers(grid))

    def noun(self) -> Grid:
        """The grid; GeometryError if it is none."""
        return Grid(shape=self.shape, spacing_mm=self.spacing_mm, origin_mm=self.origin_mm, direction=self.direction)


class ArrayModel(_Model):
    """One NIfTI file of the folder and the fingerprint of its array."""

    file: FileName
    fingerprint: Fingerprint


class StructureModel(_Model):
    """A named region of the label volume; ``limit`` and ``tissue`` are keys of the library, or null.

    ``estimated`` says that nobody drew it.
    """

    name: Annotated[str, Field(min_length=1)]
    role: Literal["target", "at_risk", "barrier", "way_in"]
    label: Count
    limit: str | None = None
    tissue: str | None = None
    estimated: bool = False

    @classmethod
    def of(cls, structure: Structure) -> StructureModel:
        """Model of ``structure``."""
        return cls(**{field: getattr(structure, field) for field in cls.model_fields})

    def noun(self) -> Structure:
        """The structure."""
        return Structure(**self.model_dump())


class LesionModel(_Model):
    """The lesion's 0/1 mask and what is known of it; ``origin`` says who made the mask."""

    mask: ArrayModel
    matrix: Literal["lytic", "blastic", "mixed"]
    origin: str
    bone: str = ""
    site: str = ""
    intent: Literal["palliation", "local_control"] = "palliation"


class CaseFile(_Model):
    """case.json of a case folder."""

    format: Literal["iceball-case"]
    version: Literal[1]
    id: Annotated[str, Field(pattern=PSEUDONYM)]
    fingerprint: Fingerprint
    written_by: str
    grid: GridModel
    ct: ArrayModel
    labels: ArrayModel | None = None
    structures: tuple[StructureModel, ...] = ()
    lesion: LesionModel | None = None
    field_of_view: ArrayModel | None = None
    notes: tuple[str, ...] = ()


class PlacementModel(_Model):
    """One probe of the library and where it lies, from the skin (entry) to the tip, LPS [mm]."""

    label: Annotated[str, Field(min_length=1)]
    probe: Annotated[str, Field(min_length=1)]
    entry_mm: Place
    tip_mm: Place


class GoalModel(_Model):
    """What the plan is meant to reach."""

    isotherm_c: Annotated[float, Field(ge=-100, le=0)]
    margin_mm: Annotated[float, Field(ge=0, le=20)] = 0.0
    coverage_fraction: Annotated[float, Field(gt=0, le=1)] = 0.95
    intent: Literal["palliation", "local_control"] = "palliation"
    aim: Literal["lesion", "interface"] = "lesion"

    @classmethod
    def of(cls, goal: Goal) -> GoalModel:
        """Model of ``goal``."""
        return cls(**{field: getattr(goal, field) for field in cls.model_fields})

    def noun(self) -> Goal:
        """The goal."""
        return Goal(**self.model_dump())


class PlanFile(_Model):
    """plan.json: probes by their library name, the protocol as text, what is protected from the cold, and the goal."""

    format: Literal["iceball-plan"]
    version: Literal[1]
    name: str = ""
    case: MaybeFingerprint = ""
    probes: Annotated[tuple[PlacementModel, ...], Field(min_length=1)]
    protocol: Annotated[str, Field(min_length=1)]
    notes: tuple[str, ...] = ()
    protections: tuple[ProtectionModel, ...] = ()
    goal: GoalModel | None = None


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse(model: type[ModelT], path: Path, what: str) -> ModelT:
    """Read ``path`` as JSON into ``model``.

    Raises
    ------
    InputError : one line that names the file, the field and what is wrong with it
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as cause:
        raise InputError(f"{what} {path} cannot be read: {cause.strerror or cause}; check the path") from None
    except ValidationError as cause:
        raise InputError(f"{what} {path} is refused: {_one_line(cause)}") from None


def to_json(model: BaseModel) -> bytes:
    """UTF-8 JSON of ``model``, two spaces deep, with a newline at the end."""
    return (model.model_dump_json(indent=2) + "\n").encode()


def _one_line(cause: ValidationError) -> str:
    errors = cause.errors(include_url=False, include_context=False)
    first = errors[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole file"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    given = "" if first["type"] in ("missing", "json_invalid") else f", not {_short(first['input'])}"
    return f"{field}: {first['msg']}{given}{more}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _plain_numbers(grid: Grid) -> dict[str, Any]:
    return {
        "shape": tuple(int(n) for n in grid.shape),
        "spacing_mm": tuple(float(x) for x in grid.spacing_mm),
        "origin_mm": tuple(float(x) for x in grid.origin_mm),
        "direction": tuple(float(x) for x in grid.direction),
    }
