"""A bench file (TOML), and what comes of a bench as one JSON object."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from iceball.errors import InputError
from iceball.io._bench_models import BenchFile
from iceball.io._models import _one_line
from iceball.io._phantom_models import PhantomFile
from iceball.nouns import Bench, PhantomResult

__all__ = ["phantom_document", "read_bench"]


def read_bench(path: Path | str) -> Bench:
    """Read a bench from the TOML file ``path``; the format is in docs/reference/bench-format.md.

    Raises
    ------
    InputError : if the file cannot be read, a field is missing, unknown or wrong, or two contradict each other; one
        line that names the file and the field
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
        content = tomllib.loads(text)
        return BenchFile.model_validate_json(json.dumps(content, default=str)).bench()
    except OSError as cause:
        raise InputError(f"bench {path} cannot be read: {cause.strerror or cause}; check the path") from None
    except UnicodeDecodeError as cause:
        raise InputError(f"bench {path} is refused: byte {cause.start} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as cause:
        raise InputError(f"bench {path} is refused: it is no TOML: {cause}") from None
    except ValidationError as cause:
        raise InputError(f"bench {path} is refused: {_one_line(cause)}") from None
    except InputError as cause:
        raise type(cause)(f"bench {path} is refused: {cause}") from None


def phantom_document(result: PhantomResult) -> dict[str, Any]:
    """What ``iceball phantom --json`` prints of ``result``: plain values, its schema is phantom.schema.json."""
    return PhantomFile.of(result).model_dump(mode="json")
