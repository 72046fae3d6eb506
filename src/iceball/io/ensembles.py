"""The folder of an ensemble: one small file for each member as it is done, then the answer, its table and its maps."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from iceball.ensemble import Chance, Ensemble, Influence, Input, Member, Patch, Spread
from iceball.errors import InputError
from iceball.io._atomic import refuse_occupied, write_bytes
from iceball.io._nifti import to_nifti
from iceball.io._paths import is_file
from iceball.nouns import Goal
from iceball.provenance import RESEARCH_USE, Run

__all__ = ["MemberFolder", "ensemble_document", "write_ensemble"]

IDENTITY, MEMBERS, ANSWER, TABLE = "identity.json", "members", "ensemble.json", "members.csv"


class MemberFolder:
    """Members of one ensemble, kept in ``folder`` as they are done: an interrupted run goes on where it was."""

    def __init__(self, folder: Path | str, identity: Mapping[str, str]) -> None:
        """Open ``folder`` for the members that hang on ``identity`` (``ensemble.identity``), or begin it.

        Raises
        ------
        InputError : if the folder holds something else, or members of another case, plan, seed, library, ...
        """
        self.folder = Path(folder)
        note = self.folder / IDENTITY
        if is_file(note):
            _refuse_other(note, identity)
        else:
            refuse_occupied(self.folder)
            write_bytes(note, (json.dumps(dict(identity), indent=2) + "\n").encode())

    def kept(self) -> dict[int, Member]:
        """Return the members that are there, by number; a file that cannot be read counts as not there."""
        found = (_read(path) for path in sorted((self.folder / MEMBERS).glob("*.npz")))
        return {member.number: member for member in found if member is not None}

    def keep(self, member: Member) -> None:
        """Write ``member`` in one step.

        Raises
        ------
        InputError : if the place cannot be written
        """
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **_arrays(member))
        write_bytes(self.folder / MEMBERS / f"{member.number:05d}.npz", buffer.getvalue())


def write_ensemble(ensemble: Ensemble, folder: Path | str) -> None:
    """Write ensemble.json, members.csv and probability_0.nii.gz, probability_-20.nii.gz and so on into ``folder``.

    Raises
    ------
    InputError : if the place cannot be written
    """
    folder = Path(folder)
    for level, volume in ensemble.probability.items():
        write_bytes(folder / _map_name(level), to_nifti(volume))
    write_bytes(folder / TABLE, _table(ensemble).encode())
    text = json.dumps(ensemble_document(ensemble), indent=2, ensure_ascii=False) + "\n"
    write_bytes(folder / ANSWER, text.encode())


def ensemble_document(ensemble: Ensemble) -> dict[str, Any]:
    """What ensemble.json holds: chances, distributions and influences; rows and voxels are in the files it names."""
    return {
        "format": "iceball-ensemble",
        "version": 1,
        "n": ensemble.n,
        "computed": len(ensemble.table.number),
        "goal": _plain(Goal, ensemble.goal),
        "chances": [_plain(Chance, each) for each in ensemble.chances],
        "distributions": [_plain(Spread, each) for each in ensemble.spreads],
        "influences": [_plain(Influence, each) for each in ensemble.influences],
        "inputs": [_plain(Input, each) for each in ensemble.inputs],
        "failed": [{"number": number, "why": why} for number, why in ensemble.table.failed],
        "files": {"table": TABLE, "probability": {f"{c:g}": _map_name(c) for c in ensemble.probability}},
        "notes": [*ensemble.notes, RESEARCH_USE],
        "run": _plain(Run, ensemble.run),
    }


def _plain(kind: Any, thing: Any) -> Any:
    return json.loads(TypeAdapter(kind).dump_json(thing))


def _map_name(isotherm_c: float) -> str:
    return f"probability_{isotherm_c:g}.nii.gz"


def _table(ensemble: Ensemble) -> str:
    table, text = ensemble.table, io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["number", *table.input_keys, *table.outcome_keys])
    for number, drawn, came in zip(table.number, table.inputs, table.outcomes, strict=True):
        rows.writerow([int(number), *map(_cell, drawn), *map(_cell, came)])
    return text.getvalue()


def _cell(value: float) -> str:
    return f"{float(value):.6g}" if math.isfinite(value) else ""


def _refuse_other(note: Path, identity: Mapping[str, str]) -> None:
    try:
        there = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        there = None
    if not isinstance(there, dict):
        raise InputError(f"{note} cannot be read: name another folder, or remove {note.parent} to begin anew")
    other = [what for what in dict.fromkeys([*there, *identity]) if there.get(what) != identity.get(what)]
    if other:
        told = "; ".join(f"{what} was {there.get(what)}, is {identity.get(what)}" for what in other)
        raise InputError(
            f"{note.parent} holds what was computed with another {', another '.join(other)} ({told}): "
            "name another folder, or remove this one to begin anew"
        )


def _arrays(member: Member) -> dict[str, Any]:
    bits = {f"bits_{i}": np.frombuffer(patch.bits, dtype=np.uint8) for i, patch in enumerate(member.patches)}
    return {
        "number": np.array(member.number),
        "failed": np.array(member.failed),
        "coverage_fraction": member.coverage_fraction,
        "least_margin_mm": np.array(member.least_margin_mm),
        "volume_ml": member.volume_ml,
        "coldest_c": member.coldest_c,
        "target_fraction": np.array(member.target_fraction),
        "isotherm_c": np.array([patch.isotherm_c for patch in member.patches]),
        "low": np.array([patch.low for patch in member.patches], dtype=np.int64).reshape(-1, 3),
        "shape": np.array([patch.shape for patch in member.patches], dtype=np.int64).reshape(-1, 3),
        **bits,
    }


def _read(path: Path) -> Member | None:
    """The member kept at ``path``, None where the file is damaged: it will be computed again."""
    try:
        with np.load(path, allow_pickle=False) as there:
            found = {name: there[name] for name in there.files}
        return _member(found)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _member(found: Mapping[str, Any]) -> Member:
    rows = zip(found["isotherm_c"], found["low"], found["shape"], strict=True)
    return Member(
        number=int(found["number"]),
        failed=str(found["failed"]),
        coverage_fraction=found["coverage_fraction"],
        least_margin_mm=float(found["least_margin_mm"]),
        volume_ml=found["volume_ml"],
        coldest_c=found["coldest_c"],
        target_fraction=float(found["target_fraction"]),
        patches=tuple(
            Patch(isotherm_c=float(level), low=_three(low), shape=_three(shape), bits=found[f"bits_{i}"].tobytes())
            for i, (level, low, shape) in enumerate(rows)
        ),
    )


def _three(row: Any) -> tuple[int, int, int]:
    i, j, k = (int(n) for n in row)
    return i, j, k
