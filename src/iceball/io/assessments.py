"""assessment.json: the judgement of one run, for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from iceball.io._atomic import write_bytes
from iceball.nouns import Assessment

__all__ = ["write_assessment"]


def write_assessment(assessment: Assessment, path: Path | str) -> None:
    """Write ``assessment`` to ``path`` in one step, with its verdict and its Run; NaN and infinity become null.

    Raises
    ------
    InputError : if the place cannot be written
    """
    content: dict[str, Any] = {"format": "iceball-assessment", "version": 1, "verdict": assessment.verdict}
    content |= json.loads(TypeAdapter(Assessment).dump_json(assessment))
    write_bytes(Path(path), (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
