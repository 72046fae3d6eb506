"""JSON schemas of the files iceball writes, made from the models that read them.

``python -m iceball.io.schemas docs/reference/schemas`` brings the ones in the documentation up to date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from iceball.io._atomic import write_bytes
from iceball.io._bench_models import BenchFile
from iceball.io._models import CaseFile, PlanFile
from iceball.io._phantom_models import PhantomFile
from iceball.io._run_models import RunFile
from iceball.io.facts import FactsFile

__all__ = ["schemas", "write_schemas"]

_MODELS = {
    "bench": BenchFile,
    "case": CaseFile,
    "facts": FactsFile,
    "phantom": PhantomFile,
    "plan": PlanFile,
    "run": RunFile,
}


def schemas() -> Mapping[str, str]:
    """Return the text of each schema (JSON Schema 2020-12) by file name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        f"{name}.schema.json": json.dumps(dialect | model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for name, model in _MODELS.items()
    }


def write_schemas(folder: Path) -> None:
    """Write every schema into ``folder``.

    Raises
    ------
    InputError : if the place cannot be written
    """
    for name, text in schemas().items():
        write_bytes(Path(folder) / name, text.encode())


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
