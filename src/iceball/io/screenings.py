"""screening.json: what screening said of a lesion, for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iceball.io._atomic import write_bytes

__all__ = ["write_screening"]


def write_screening(said: Mapping[str, Any], path: Path | str) -> None:
    """Write what ``screening.as_object`` makes of a screening to ``path`` in one step; a file there is replaced.

    Raises
    ------
    InputError : if the place cannot be written
    """
    content = {"format": "iceball-screening", "version": 1} | dict(said)
    write_bytes(Path(path), (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
