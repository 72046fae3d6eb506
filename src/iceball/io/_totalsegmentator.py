"""Run TotalSegmentator where it is installed with its weights, and read what it leaves."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from iceball import library
from iceball.errors import GeometryError, InputError, MissingPart
from iceball.io._names import structures_of
from iceball.io._nifti import closest_to_lps, read_nifti, to_nifti
from iceball.nouns import Case, Structure, Volume

PROGRAM = "TotalSegmentator"
# Folders that the weights of the task "total" lie in, by model: totalsegmentator/map_tasks_config.py of version 2.18.
WEIGHTS: Mapping[str, tuple[int, ...]] = {"fast": (297,), "full": (291, 292, 293, 294, 295)}
USUAL_S: Mapping[str, float] = {"fast": 120.0, "full": 900.0}  # on a laptop's CPU; for the bar only
LOOK_S = 0.2
GRACE_S = 5.0

Model = Literal["fast", "full"]
Device = Literal["cpu", "gpu"]
Progress = Callable[[float, str], None]


def totalsegmentator_missing(model: Model = "fast") -> str | None:
    """Say what ``run_totalsegmentator`` lacks on this machine, and how to bring it; None where nothing is lacking.

    Parameters
    ----------
    model : "fast" (3 mm) or "full" (1.5 mm)
    """
    if _program() is None:
        return (
            "TotalSegmentator is not installed: run `pip install 'iceball[segment]' torch` (torch in the same command, "
            "or pip may replace a CPU build of it)"
        )
    folder, lacking = _weights(model)
    if not lacking:
        return None
    task = "total_fast" if model == "fast" else "total"
    return (
        f"TotalSegmentator is installed but its weights are not: no {', '.join(f'Dataset{n}_*' for n in lacking)} in "
        f"{folder}; run `totalseg_download_weights -t {task}` where there is a network, and copy that folder here or "
        "name another with TOTALSEG_WEIGHTS_PATH"
    )


def run_totalsegmentator(
    case: Case,
    *,
    model: Model = "fast",
    device: Device = "cpu",
    replace: bool = False,
    limit_s: float = 3600.0,
    progress: Progress | None = None,
) -> Case:
    """Return ``case`` with the labels of TotalSegmentator's task "total".

    Labels that the case has already are kept, voxel by voxel and name by name, unless ``replace``; what iceball
    estimated gives way. The CT goes to the program as a temporary NIfTI file; it may not report its use to anybody.

    Parameters
    ----------
    case : Case
        CT [HU]
    model : "fast" (3 mm) or "full" (1.5 mm)
    device : "cpu" or "gpu"
    replace : whether its labels take the place of those of the case
    limit_s : after so long it is ended [s]
    progress : callable, optional
        called with the share done (0 to 1) and a word on what is being done

    Raises
    ------
    MissingPart : if the program or its weights are not here
    InputError : if it fails, takes too long, or leaves no labels
    GeometryError : if its labels do not lie on the CT
    """
    if (lacking := totalsegmentator_missing(model)) is not None:
        raise MissingPart(lacking)
    tell = progress or (lambda done_fraction, text: None)
    with tempfile.TemporaryDirectory(prefix="iceball-segment-") as part:
        tell(0.01, "writing the CT")
        folder = Path(part)
        (folder / "ct.nii.gz").write_bytes(to_nifti(case.ct))
        _run(_command(folder, model, device), folder, model, limit_s, tell)
        tell(0.96, "reading the labels")
        labels = _read(folder / "labels.nii.gz", case)
    return merged(case, labels, model, replace=replace)


def _program() -> str | None:
    beside = Path(sys.executable).parent / PROGRAM
    return shutil.which(PROGRAM) or (str(beside) if os.access(beside, os.X_OK) else None)


def _weights(model: Model) -> tuple[Path, list[int]]:
    """Where the weights are looked for, as TotalSegmentator does it, and which are not there."""
    home = Path(os.environ.get("TOTALSEG_HOME_DIR") or Path.home() / ".totalsegmentator")
    folder = Path(os.environ.get("TOTALSEG_WEIGHTS_PATH") or home / "nnunet" / "results")
    return folder, [number for number in WEIGHTS[model] if not any(folder.glob(f"Dataset{number}_*"))]


def _command(folder: Path, model: Model, device: Device) -> list[str]:
    command = [str(_program()), "-i", str(folder / "ct.nii.gz"), "-o", str(folder / "labels.nii.gz")]
    command += ["--ml", "--task", "total", "--device", device]
    return [*command, "--fast"] if model == "fast" else command


def _run(command: list[str], folder: Path, model: Model, limit_s: float, tell: Progress) -> None:
    """Run ``command`` to its end; it and what it started are ended with us, or at the limit."""
    environment = os.environ | {"TOTALSEG_WEIGHTS_PATH": str(_weights(model)[0]), "TOTALSEG_HOME_DIR": str(folder)}
    # TotalSegmentator reports its use to its makers unless this file says no; patients' data stay home
    silent = {"totalseg_id": "iceball", "send_usage_stats": False, "prediction_counter": 0}
    (folder / "config.json").write_text(json.dumps(silent), encoding="utf-8")
    began = time.monotonic()
    with (folder / "said.txt").open("wb") as said:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment, start_new_session=True
            )
        except OSError as cause:
            raise InputError(f"{PROGRAM} could not be started: {cause.strerror or cause}; install it anew") from None
        try:
            while process.poll() is None:
                passed = time.monotonic() - began
                if passed > limit_s:
                    raise InputError(f"{PROGRAM} was not done after {limit_s:g} s and was ended: allow it more time")
                tell(0.05 + 0.9 * (1.0 - math.exp(-passed / USUAL_S[model])), f"TotalSegmentator ({passed:.0f} s)")
                time.sleep(LOOK_S)
        finally:
            _end(process)
    if process.returncode != 0:
        raise InputError(f"{PROGRAM} failed ({process.returncode}): {_last_line(folder / 'said.txt')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and those it started."""
    for deadly in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, deadly)
            process.wait(timeout=GRACE_S)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            continue


def _last_line(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _read(path: Path, case: Case) -> NDArray[np.int32]:
    """(I, J, K) numbers of the labels on the CT's grid."""
    if not path.is_file():
        raise InputError(f"{PROGRAM} ended well but left no labels: run it by hand on the CT to see why")
    array, grid = closest_to_lps(*read_nifti(path, "labels of TotalSegmentator"))
    if not grid.same_place_as(case.ct.grid):
        raise GeometryError(
            f"the labels of {PROGRAM} ({' × '.join(map(str, array.shape))} voxels) do not lie on the CT "
            f"({' × '.join(map(str, case.ct.grid.shape))}): its version may not fit this one"
        )
    if array.dtype.kind == "f" and np.any(array != np.rint(array)):
        raise InputError(f"the labels of {PROGRAM} hold fractions: its version may not fit this one")
    labels = array.astype(np.int32)
    if not labels.any():
        raise InputError(f"{PROGRAM} found nothing on this CT: every voxel is 0")
    return labels


def merged(case: Case, found: NDArray[np.int32], model: Model, *, replace: bool = False) -> Case:
    """Return ``case`` with the labels ``found`` (I, J, K), numbered as TotalSegmentator does.

    Raises
    ------
    InputError : if a number has no name
    """
    numbers = [int(number) for number in np.unique(found) if number]
    new = structures_of(numbers, library.label_names(), f"the labels of {PROGRAM}")
    labels = np.zeros(case.ct.grid.shape, dtype=np.int32)
    if case.labels is not None:
        labels[...] = case.labels.array
    drawn = [structure for structure in case.structures if not structure.estimated]
    known = {structure.name for structure in drawn}
    taken = new if replace else tuple(structure for structure in new if structure.name not in known)
    fixed = np.zeros(1, dtype=np.int32) if replace else np.array([s.label for s in drawn], dtype=np.int32)
    if replace:
        labels[np.isin(labels, [s.label for s in case.structures if s.name in {n.name for n in taken}])] = 0
    free = (found != 0) & ~np.isin(labels, fixed[fixed > 0])
    top = max([int(labels.max()), *(s.label for s in case.structures), *library.label_names()])
    used = {s.label for s in case.structures if not (replace and s.name in {n.name for n in taken})}
    used |= set(np.unique(labels[labels != 0]).tolist())  # a number without a name is not lent to a structure
    placed = []
    for structure in taken:
        number = structure.label
        if number in used:
            top += 1
            number = top
        labels[free & (found == structure.label)] = number
        placed.append(dataclasses.replace(structure, label=number))
    return _with(case, labels, tuple(placed), model, left=len(new) - len(taken))


def _with(case: Case, labels: NDArray[np.int32], placed: tuple[Structure, ...], model: Model, left: int) -> Case:
    there = set(np.unique(labels).tolist())
    names = {structure.name for structure in placed}
    old = tuple(s for s in case.structures if s.name not in names and s.label in there)
    new = tuple(s for s in placed if s.label in there)
    try:
        version = f" {importlib.metadata.version(PROGRAM)}"
    except importlib.metadata.PackageNotFoundError:
        version = ""
    kept = f"; {left} of its structures were labelled already and are as they were" if left else ""
    note = f"labels by TotalSegmentator{version}, task total, {model} model: {len(new)} structures{kept}"
    array = labels.astype(np.min_scalar_type(int(labels.max())))
    return dataclasses.replace(
        case,
        labels=Volume(grid=case.ct.grid, array=array, quantity="label"),
        structures=(*old, *new),
        notes=(*case.notes, note),
    )
