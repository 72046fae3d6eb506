"""One row of a cohort's table, and how it is kept on disk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from iceball import io
from iceball.nouns._noun import noun

Status = Literal["planned", "stop", "failed"]
ROW, PLAN = "row.json", "plan.json"


@noun
class Row:
    """What came of one case. ``key`` says what it hangs on: case, wish, library and version.

    ``status`` is "planned", "stop" where a finding of the plan says stop, or "failed"; ``why`` says why.
    """

    name: str
    folder: str
    key: str
    status: Status
    why: str = ""
    probes: int = 0
    coverage_fraction: float | None = None
    stops: int = 0
    cautions: int = 0
    took_s: float = 0.0


COLUMNS = tuple(field.name for field in dataclasses.fields(Row))


def keep(row: Row, folder: Path) -> None:
    """Write ``row`` into ``folder`` in one step; InputError if the place cannot be written."""
    text = json.dumps(dataclasses.asdict(row), indent=2, ensure_ascii=False) + "\n"
    io.write_bytes(folder / ROW, text.encode())


def kept(folder: Path, key: str) -> Row | None:
    """Return the row that ``folder`` holds, if it hangs on the same ``key`` and its plan is there; else None."""
    try:
        found: Any = json.loads((folder / ROW).read_text(encoding="utf-8"))
        row = Row(**found)
    except (OSError, ValueError, TypeError):
        return None
    whole = row.status == "failed" or (folder / PLAN).is_file()
    return row if row.key == key and whole else None
