"""Probes as they really lie: lines of 3D Slicer (.mrk.json), or a table (.csv)."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from iceball.errors import InputError, MissingPart
from iceball.io._paths import is_file, is_there
from iceball.io.curves import read_curves
from iceball.nouns import AchievedProbe
from iceball.nouns._noun import Point

__all__ = ["read_achieved"]

LARGEST_BYTES = 1_000_000  # a table of a hundred probes has a hundredth of it
FARTHEST_MM = 100_000.0  # a patient lies within metres of a scanner's origin
PLACES = ("entry_x", "entry_y", "entry_z", "tip_x", "tip_y", "tip_z")
COLUMNS = ("label", *PLACES)
MORE = ("probe", "space")
HOW = f"write a first row with {','.join(COLUMNS)} and, where needed, probe and space (LPS or RAS; LPS without)"


def read_achieved(path: Path | str) -> tuple[AchievedProbe, ...]:
    """Read where the probes lie: the lines of a markups file, or the rows of a table.

    A line of 3D Slicer has two points; which of them is the tip nobody knows. A table names entry and tip. All of the
    file is read, or nothing.

    Parameters
    ----------
    path : Path
        .mrk.json (RAS is turned into LPS), or .csv with label, entry_x to tip_z [mm] and perhaps probe and space

    Raises
    ------
    MissingPart : if the path does not exist
    InputError : if the file is neither, holds no probe, a probe twice, or what is no place
    """
    path = Path(path)
    if not is_there(path):
        raise MissingPart(f"{path} does not exist: check the path")
    if path.suffix.lower() == ".json":
        found = _lines(path)
    elif path.suffix.lower() == ".csv":
        found = _table(path)
    else:
        raise InputError(
            f"achieved probes {path.name}: give lines of 3D Slicer (.mrk.json) or a table (.csv), not {path.suffix!r}"
        )
    labels = [each.label for each in found]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise InputError(f"achieved probes {path.name} has {', '.join(twice)} twice: give each probe its own name")
    return found


def _lines(path: Path) -> tuple[AchievedProbe, ...]:
    found: list[AchievedProbe] = []
    for curve in read_curves(path):
        if curve.closed or len(curve.points_mm) != 2:
            raise InputError(
                f"achieved probes {path.name}: {curve.name!r} is no line of two points; a probe is straight: "
                "draw a line in 3D Slicer"
            )
        start, end = curve.points_mm
        found.append(AchievedProbe(label=curve.name, start_mm=start, end_mm=end, ordered=False))
    return tuple(found)


def _table(path: Path) -> tuple[AchievedProbe, ...]:
    if not is_file(path) or path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"achieved probes {path.name} is no table of probes; {HOW}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(cell.strip() for cell in row)
        ]
    except (UnicodeDecodeError, csv.Error) as cause:
        raise InputError(f"achieved probes {path.name} is no table: {cause}; {HOW}") from None
    if not rows:
        raise InputError(f"achieved probes {path.name} is empty; {HOW}")
    heads = [cell.strip().lower() for cell in rows[0]]
    lacking = [column for column in COLUMNS if column not in heads]
    unknown = [head for head in heads if head not in (*COLUMNS, *MORE)]
    if lacking or unknown or len(set(heads)) != len(heads):
        wrong = (
            f"lacks {', '.join(lacking)}"
            if lacking
            else f"has {', '.join(map(repr, unknown))[:80] or 'a column twice'}"
        )
        raise InputError(f"achieved probes {path.name} {wrong}; {HOW}")
    if len(rows) == 1:
        raise InputError(f"achieved probes {path.name} has no row; {HOW}")
    return tuple(_row(path.name, number, heads, row) for number, row in enumerate(rows[1:], start=2))


def _row(name: str, number: int, heads: list[str], row: list[str]) -> AchievedProbe:
    where = f"achieved probes {name}, row {number}"
    if len(row) != len(heads):
        raise InputError(
            f"{where} has {len(row)} cells, the first row {len(heads)}: decimals take a point, not a comma"
        )
    cells = {head: cell.strip() for head, cell in zip(heads, row, strict=True)}
    space = cells.get("space", "").upper() or "LPS"
    if space not in ("LPS", "RAS"):
        raise InputError(f"{where}: space {cells['space'][:20]!r} is unknown; write LPS or RAS")
    places = [_number(where, column, cells[column]) for column in PLACES]
    return AchievedProbe(
        label=cells["label"],
        probe=cells.get("probe", ""),
        start_mm=_place(places[:3], space),
        end_mm=_place(places[3:], space),
    )


def _place(numbers: list[float], space: str) -> Point:
    sign = -1.0 if space == "RAS" else 1.0
    return sign * numbers[0], sign * numbers[1], numbers[2]


def _number(where: str, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"{where}: {column} is {text[:20]!r}, no number; write mm with a point, such as -12.5"
        ) from None
    if not math.isfinite(value) or abs(value) > FARTHEST_MM:
        raise InputError(f"{where}: {column} is {text[:20]!r}, no place in a scan; write mm")
    return value
