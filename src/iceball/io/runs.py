"""The run folder: run.json with curves, plan and provenance, and one NIfTI file per recorded volume."""

from __future__ import annotations

import os
from pathlib import Path

from iceball.errors import InputError
from iceball.io._atomic import new_folder
from iceball.io._models import GridModel, parse, to_json
from iceball.io._paths import is_file, is_folder
from iceball.io._run_models import (
    BelowModel,
    EnergyModel,
    ProbeCurveModel,
    ProbeModel,
    RunFile,
    RunModel,
    SensorCurveModel,
    StructureCurveModel,
    array,
    sealed_by,
)
from iceball.io.cases import load, read_case, store, stored_case_fingerprint
from iceball.io.fingerprints import case_fingerprint
from iceball.io.plans import plan_model, plan_noun
from iceball.nouns import Case, Plan, ThermalHistory
from iceball.nouns._noun import array_noun

__all__ = ["StoredRun", "read_run", "read_run_case", "write_run"]

RUN_JSON = "run.json"
UNSEALED = "0" * 12


@array_noun
class StoredRun:
    """A run read back: the history, the plan it followed, and which case it was made on."""

    history: ThermalHistory
    plan: Plan
    folder: Path
    case_path: Path
    case_fingerprint: str


def write_run(history: ThermalHistory, plan: Plan, case_folder: Path | str, folder: Path | str) -> None:
    """Write ``history`` into the new ``folder``: run.json, coldest.nii.gz, start.nii.gz, below_-40.nii.gz and so on.

    Parameters
    ----------
    history : ThermalHistory
        Volumes (I, J, K) on the simulation's grid; temperatures [°C] and times [s] are stored as float32.
    plan : Plan
        Copied into run.json, with its probes as they are now.
    case_folder : Path
        The case it was made on; its relative path and fingerprint are stored.
    folder : Path
        A folder that does not exist yet, or is empty.

    Raises
    ------
    InputError : if ``folder`` is occupied or ``case_folder`` is no case folder
    """
    folder, case_folder = Path(folder), Path(case_folder)
    fingerprint = stored_case_fingerprint(case_folder)
    probes = {placement.probe.name: placement.probe for placement in plan.placements}
    with new_folder(folder) as part:
        below = [
            BelowModel(threshold_c=float(t), volume=store(volume, part / f"below_{t:g}.nii.gz"))
            for t, volume in sorted(history.below.items())
        ]
        model = RunFile(
            format="iceball-run",
            version=1,
            fingerprint=UNSEALED,
            run=RunModel.of(history.run),
            case_folder=_relative(case_folder, folder),
            case_fingerprint=fingerprint,
            plan=plan_model(plan),
            probes=tuple(ProbeModel.of(probe) for probe in probes.values()),
            grid=GridModel.of(history.coldest.grid),
            coldest=store(history.coldest, part / "coldest.nii.gz"),
            start=store(history.start, part / "start.nii.gz"),
            below=tuple(below),
            time_s=tuple(float(t) for t in history.time_s),
            ice_ml=tuple(float(v) for v in history.ice_ml),
            structure_curves=tuple(StructureCurveModel.of(curve) for curve in history.structures),
            probe_curves=tuple(ProbeCurveModel.of(curve) for curve in history.probes),
            sensor_curves=tuple(SensorCurveModel.of(curve) for curve in history.sensors),
            energy=EnergyModel.of(history.energy),
            notes=history.notes,
        )
        (part / RUN_JSON).write_bytes(to_json(model.model_copy(update={"fingerprint": sealed_by(model)})))


def read_run(folder: Path | str) -> StoredRun:
    """Read the run that ``write_run`` left in ``folder``; its case is not read (see ``read_run_case``).

    Raises
    ------
    InputError : if ``folder`` is no run folder, or a file is missing, damaged or changed
    """
    folder = Path(folder)
    if not is_file(folder / RUN_JSON):
        raise InputError(f"{folder} is no run folder: it has no {RUN_JSON}; make one with `iceball simulate`")
    model = parse(RunFile, folder / RUN_JSON, "run")
    grid = model.grid.noun()
    probes = {probe.name: probe.noun() for probe in model.probes}
    if missing := sorted({placed.probe for placed in model.plan.probes} - set(probes)):
        raise InputError(f"run {folder / RUN_JSON} is refused: probes: it lacks {', '.join(missing)}")
    if sealed_by(model) != model.fingerprint:
        raise InputError(
            f"{folder / RUN_JSON} has changed since it was written: bring back the old one or simulate again "
            f"(it was written by iceball {model.run.version})"
        )
    history = ThermalHistory(
        coldest=load(folder, model.coldest, grid, "temperature_c"),
        start=load(folder, model.start, grid, "temperature_c"),
        below={item.threshold_c: load(folder, item.volume, grid, "time_s") for item in model.below},
        time_s=array(model.time_s),
        ice_ml=array(model.ice_ml),
        structures=tuple(curve.noun() for curve in model.structure_curves),
        probes=tuple(curve.noun() for curve in model.probe_curves),
        energy=model.energy.noun(),
        run=model.run.noun(),
        notes=model.notes,
        sensors=tuple(curve.noun() for curve in model.sensor_curves),
    )
    return StoredRun(
        history=history,
        plan=plan_noun(model.plan, probes),
        folder=folder,
        case_path=Path(os.path.normpath(folder.resolve() / model.case_folder)),
        case_fingerprint=model.case_fingerprint,
    )


def read_run_case(stored: StoredRun, case_folder: Path | str | None = None) -> Case:
    """Read the case that ``stored`` was made on, from ``case_folder`` or from where it lay then.

    Raises
    ------
    InputError : if the case has moved, or is another one than the run was made on
    """
    folder = Path(case_folder) if case_folder is not None else stored.case_path
    if not is_folder(folder):
        raise InputError(f"the case of this run is not at {folder} any more: say where it is with --case FOLDER")
    case = read_case(folder)
    found = case_fingerprint(case)
    if found != stored.case_fingerprint:
        raise InputError(
            f"{folder} holds another case (fingerprint {found}) than this run was made on "
            f"({stored.case_fingerprint}): give the right one with --case FOLDER or simulate again"
        )
    return case


def _relative(case_folder: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(case_folder.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive on Windows: there is no relative path
        return case_folder.resolve().as_posix()
