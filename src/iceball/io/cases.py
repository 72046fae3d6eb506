"""The case folder: case.json and NIfTI files that 3D Slicer opens."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iceball import provenance
from iceball.errors import InputError
from iceball.io._atomic import new_folder
from iceball.io._models import (
    PSEUDONYM,
    ArrayModel,
    CaseFile,
    GridModel,
    LesionModel,
    StructureModel,
    parse,
    to_json,
)
from iceball.io._nifti import from_nifti, in_order, to_nifti
from iceball.io._paths import is_folder, is_there
from iceball.io.facts import FACTS_JSON, read_facts, write_facts
from iceball.io.fingerprints import case_fingerprint
from iceball.nouns import Case, Grid, Lesion, Quantity, Volume

__all__ = ["read_case", "stored_case_fingerprint", "write_case"]

CASE_JSON = "case.json"


def write_case(case: Case, folder: Path | str, *, like: Path | str | None = None) -> None:
    """Write ``case`` into the new ``folder``: case.json, ct.nii.gz and, where there are any, labels.nii.gz,
    lesion.nii.gz, field_of_view.nii.gz and facts.json. The same case makes the same bytes.

    Parameters
    ----------
    case : Case
        CT [HU], labels, lesion and field of view, all (I, J, K) on one grid.
    folder : Path
        A folder that does not exist yet, or is empty.
    like : Path, optional
        The folder of the case that this one was made from: what is the same is copied, which is quicker than packing.

    Raises
    ------
    InputError : if ``folder`` is occupied or cannot be written, or the case's id is no pseudonym
    """
    folder = Path(folder)
    if not re.fullmatch(PSEUDONYM, case.id):
        raise InputError(f"{case.id!r} is no pseudonym: write up to 64 letters, digits, '.', '_' or '-'")
    packed = {} if like is None else _packed(Path(like))
    with new_folder(folder) as part:
        lesion = case.lesion
        model = CaseFile(
            format="iceball-case",
            version=1,
            id=case.id,
            fingerprint=case_fingerprint(case),
            written_by=f"iceball {provenance.version()}",
            grid=GridModel.of(case.ct.grid),
            ct=store(case.ct, part / "ct.nii.gz", packed),
            labels=case.labels and store(case.labels, part / "labels.nii.gz", packed),
            structures=tuple(StructureModel.of(structure) for structure in case.structures),
            lesion=lesion
            and LesionModel(
                mask=store(lesion.mask, part / "lesion.nii.gz", packed),
                matrix=lesion.matrix,
                origin=lesion.origin,
                bone=lesion.bone,
                site=lesion.site,
                intent=lesion.intent,
            ),
            field_of_view=case.field_of_view and store(case.field_of_view, part / "field_of_view.nii.gz", packed),
            notes=case.notes,
        )
        (part / CASE_JSON).write_bytes(to_json(model))
        if case.facts:
            write_facts(case.facts, part / FACTS_JSON)


def read_case(folder: Path | str) -> Case:
    """Read the case that ``write_case`` left in ``folder``.

    Returns
    -------
    Case
        Arrays (I, J, K) on the grid of case.json; the CT [HU] is int16 where that loses nothing, else float32.

    Raises
    ------
    InputError : if a file is missing, damaged, or not the one that was written
    """
    folder = Path(folder)
    model = _model(folder)
    grid = model.grid.noun()
    lesion = model.lesion
    with ThreadPoolExecutor() as threads:  # unpacking and hashing leave the interpreter's lock alone
        ct = threads.submit(load, folder, model.ct, grid, "hu")
        labels = model.labels and threads.submit(load, folder, model.labels, grid, "label")
        mask = lesion and threads.submit(load, folder, lesion.mask, grid, "label")
        seen = model.field_of_view and threads.submit(load, folder, model.field_of_view, grid, "label")
    case = Case(
        id=model.id,
        ct=ct.result(),
        labels=labels and labels.result(),
        structures=tuple(structure.noun() for structure in model.structures),
        lesion=lesion
        and mask
        and Lesion(
            mask=mask.result(),
            matrix=lesion.matrix,
            origin=lesion.origin,
            bone=lesion.bone,
            site=lesion.site,
            intent=lesion.intent,
        ),
        field_of_view=seen and seen.result(),
        notes=model.notes,
        facts=read_facts(folder / FACTS_JSON) if is_there(folder / FACTS_JSON) else (),
    )
    if case_fingerprint(case) != model.fingerprint:
        raise InputError(f"{folder / CASE_JSON} has changed since it was written: make the case anew from its scan")
    return case


def stored_case_fingerprint(folder: Path | str) -> str:
    """Fingerprint written in the case.json of ``folder``, without reading its volumes.

    Raises
    ------
    InputError : if ``folder`` is no case folder
    """
    return _model(Path(folder)).fingerprint


def _model(folder: Path) -> CaseFile:
    if not is_folder(folder):
        raise InputError(f"case folder {folder} does not exist: make one with `iceball read`")
    if not (folder / CASE_JSON).is_file():
        raise InputError(f"{folder} is no case folder: it has no {CASE_JSON}; make one with `iceball read`")
    return parse(CaseFile, folder / CASE_JSON, "case")


def _packed(folder: Path) -> Mapping[str, Path]:
    """Files of the case in ``folder`` by the fingerprint of what they hold, with the grid that they lie on."""
    model = _model(folder)
    stored = (model.ct, model.labels, model.field_of_view, model.lesion and model.lesion.mask)
    grid = provenance.fingerprint(model.grid.noun())
    return {grid + each.fingerprint: folder / each.file for each in stored if each}


def store(volume: Volume, path: Path, packed: Mapping[str, Path] | None = None) -> ArrayModel:
    """Write ``volume`` (I, J, K) to ``path`` in the smallest type that loses nothing; return its line of the JSON.

    Of the files ``packed`` one that holds the same on the same grid is copied.
    """
    array = compact(volume)
    content = provenance.fingerprint(array)
    same = (packed or {}).get(provenance.fingerprint(volume.grid) + content)
    if same is not None:
        shutil.copyfile(same, path)
    else:
        path.write_bytes(to_nifti(Volume(grid=volume.grid, array=array, quantity=volume.quantity)))
    return ArrayModel(file=path.name, fingerprint=content)


def load(folder: Path, model: ArrayModel, grid: Grid, quantity: Quantity) -> Volume:
    """Volume (I, J, K) that ``store`` wrote into ``folder``.

    Raises
    ------
    InputError : if the file is missing or damaged, or its content has changed since
    """
    array = _native(from_nifti(folder / model.file, "volume"))
    if array.shape != tuple(grid.shape) or (quantity == "label" and array.dtype.kind not in "iub"):
        raise InputError(
            f"{folder / model.file} holds {array.dtype} of shape {array.shape}, not {quantity} on the grid "
            f"{tuple(grid.shape)} of its JSON: bring back the old files or make the folder anew"
        )
    if provenance.fingerprint(array) != model.fingerprint:
        raise InputError(
            f"{folder / model.file} has changed since it was written (fingerprint {provenance.fingerprint(array)}, "
            f"expected {model.fingerprint}): bring back the old file or make the folder anew"
        )
    return Volume(grid=grid, array=array, quantity=quantity)


def compact(volume: Volume) -> NDArray[Any]:
    """Array (I, J, K) of ``volume`` as stored: HU as int16 if lossless, labels in the smallest type, else float32."""
    array = np.asarray(volume.array)
    if volume.quantity == "label":
        largest, least = int(array.max()), int(array.min())
        kind = np.uint8 if least >= 0 and largest < 256 else np.int16 if max(largest, -least) < 2**15 else np.int32
        return array.astype(kind)
    if volume.quantity == "hu" and is_whole(array):
        return array.astype(np.int16)
    return array.astype(np.float32)


def is_whole(array: NDArray[Any]) -> bool:
    """Whether int16 holds every value of ``array`` exactly."""
    if array.dtype == np.int16:
        return True
    inside = bool(np.all((array >= -(2**15)) & (array < 2**15)))
    return inside and (array.dtype.kind in "iu" or bool(np.all(array == np.rint(array))))


def _native(array: NDArray[Any]) -> NDArray[Any]:
    return in_order(array).astype(array.dtype.newbyteorder("="), copy=False)
