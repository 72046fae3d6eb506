"""What a person drew on a case: curves of 3D Slicer (.mrk.json), and masks of single structures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from iceball.errors import InputError, MissingPart
from iceball.io._masks import read_mask, split_region
from iceball.io._models import Place, parse
from iceball.io._parts import ScanPart
from iceball.io._paths import is_file, is_there
from iceball.io._placing import place, require_inside
from iceball.nouns import Case, Curve

__all__ = ["read_curves", "read_region", "split_curve"]

DRAWN = ("Curve", "ClosedCurve", "Line")
LARGEST_BYTES = 20_000_000  # a curve of a thousand points has a thousandth of it


class _Foreign(BaseModel):
    """A file of another program, with keys in camelCase: what iceball does not need may stand in it."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True, alias_generator=to_camel)


class _Point(_Foreign):
    position: Place
    position_status: str = "defined"


class _Markup(_Foreign):
    type: str
    name: str = ""
    coordinate_system: Literal["LPS", "RAS"]
    coordinate_units: str | tuple[str, ...] = "mm"
    control_points: tuple[_Point, ...] = ()


class _Markups(_Foreign):
    markups: Annotated[tuple[_Markup, ...], Field(min_length=1)]


def read_curves(path: Path | str) -> tuple[Curve, ...]:
    """Read the curves of a markups file of 3D Slicer: open and closed curves, and lines.

    Points that were not placed are left out, and so are markups of other kinds (fiducials, planes). A curve is called
    by its own name, else by the file's.

    Parameters
    ----------
    path : Path
        A .mrk.json file; RAS is turned into LPS

    Raises
    ------
    MissingPart : if the path does not exist
    InputError : if it is no markups file in mm, or holds no curve of at least two different points
    """
    path = Path(path)
    if not is_there(path):
        raise MissingPart(f"{path} does not exist: check the path")
    if not is_file(path) or path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"curve {path.name} is no markups file of 3D Slicer: give the .mrk.json of one curve")
    content = parse(_Markups, path, "curve")
    drawn = [markup for markup in content.markups if markup.type in DRAWN]
    if not drawn:
        kinds = ", ".join(sorted({markup.type[:20] for markup in content.markups}))
        raise InputError(f"curve {path.name} holds no curve but {kinds}: draw an open or closed curve in 3D Slicer")
    stem = path.name.removesuffix(".json").removesuffix(".mrk")
    return tuple(_curve(markup, stem, number, len(drawn)) for number, markup in enumerate(drawn, start=1))


def split_curve(text: str) -> tuple[Path, str, float | None]:
    """Part FILE[:NAME][:MM] into the file, the name ("" without) and the radius [mm] (None without).

    The file's own name may hold a colon, so the longest part that is a file counts.

    Raises
    ------
    InputError : if more than a name and a number follow the file
    """
    parts = text.split(":")
    counts = [count for count in range(len(parts), 0, -1) if is_there(":".join(parts[:count]))]
    count = counts[0] if counts else 1
    rest, radius_mm = parts[count:], None
    if rest:
        try:
            radius_mm, rest = float(rest[-1]), rest[:-1]
        except ValueError:
            radius_mm = None
    if len(rest) > 1:
        raise InputError(f"curve {text!r} cannot be read: write FILE, FILE:NAME, FILE:MM or FILE:NAME:MM")
    return Path(":".join(parts[:count])), rest[0] if rest else "", radius_mm


def _curve(markup: _Markup, stem: str, number: int, count: int) -> Curve:
    name = markup.name.strip() or (stem if count == 1 else f"{stem}_{number}")
    units = {markup.coordinate_units} if isinstance(markup.coordinate_units, str) else set(markup.coordinate_units)
    if units - {"mm"}:
        raise InputError(f"curve {name!r} is in {', '.join(sorted(units))[:40]}: save it in mm")
    sign = -1.0 if markup.coordinate_system == "RAS" else 1.0
    points = tuple(
        (sign * x, sign * y, z)
        for x, y, z in (point.position for point in markup.control_points if point.position_status == "defined")
    )
    return Curve(name=name, points_mm=points, closed=markup.type == "ClosedCurve")


def read_region(path: Path | str, case: Case) -> NDArray[np.bool_]:
    """Read a mask of one structure onto the CT of ``case``: (I, J, K) True inside.

    Parameters
    ----------
    path : Path
        NIfTI, .seg.nrrd, DICOM SEG or RTSTRUCT; ``FILE#NAME`` or ``FILE#NUMBER`` picks one region of several
    case : Case
        whose CT it was drawn on

    Raises
    ------
    MissingPart : if the path does not exist
    InputError : if the file is none of these, is damaged, or marks nothing
    GeometryError : if it does not lie on the CT
    """
    path = Path(path)
    if not is_there(split_region(path)[0]):
        raise MissingPart(f"{path} does not exist: check the path")
    view: Any = case.field_of_view
    padding = np.zeros(case.ct.grid.shape, dtype=bool) if view is None else view.array == 0
    scan = ScanPart(array=case.ct.array, padding=padding, grid=case.ct.grid)
    mask = read_mask(path, "mask", scan)
    if not np.any(mask.array):
        raise InputError(f"{mask.what} is empty: no voxel is marked")
    array, _ = place(mask, scan)
    require_inside(mask, case.ct.grid)
    if not np.any(array):
        raise InputError(f"{mask.what} falls between the voxels of the CT: it is smaller than one of them")
    return array != 0
