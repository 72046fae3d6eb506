"""plan.json: what is to be done, in words a person can edit."""

from __future__ import annotations

from pathlib import Path

from iceball import library
from iceball.errors import InputError
from iceball.io._atomic import write_bytes
from iceball.io._models import GoalModel, PlacementModel, PlanFile, parse, to_json
from iceball.io._protection_models import protection_model, protection_noun
from iceball.nouns import Placement, Plan, Probe, read_protocol

__all__ = ["read_plan", "write_plan"]


def read_plan(path: Path | str) -> Plan:
    """Read a plan.json; each probe is looked up in the library by its name.

    Raises
    ------
    InputError : if a field is missing, unknown or wrong; the message names it
    UnknownName : if the library has no such probe
    GeometryError : if a probe is shorter than its active part
    """
    path = Path(path)
    model = parse(PlanFile, path, "plan")
    return plan_noun(model, {placed.probe: library.probe(placed.probe) for placed in model.probes})


def write_plan(plan: Plan, path: Path | str) -> None:
    """Write ``plan`` to ``path`` in one step; a plan already there is replaced.

    Raises
    ------
    InputError : if a probe is not the library's own, so that its name would not bring it back
    """
    for placement in plan.placements:
        if library.probe(placement.probe.name) != placement.probe:
            raise InputError(
                f"probe {placement.label} is called {placement.probe.name!r} but differs from the library's: "
                "a plan stores names only; add a row to the library or use the library's probe"
            )
    write_bytes(Path(path), to_json(plan_model(plan)))


def plan_model(plan: Plan) -> PlanFile:
    """What plan.json holds of ``plan``."""
    return PlanFile(
        format="iceball-plan",
        version=1,
        name=plan.name,
        case=plan.case,
        probes=tuple(
            PlacementModel(
                label=placement.label,
                probe=placement.probe.name,
                entry_mm=_floats(placement.entry_mm),
                tip_mm=_floats(placement.tip_mm),
            )
            for placement in plan.placements
        ),
        protocol=str(plan.protocol),
        notes=plan.notes,
        protections=tuple(protection_model(protection) for protection in plan.protections),
        goal=None if plan.goal is None else GoalModel.of(plan.goal),
    )


def plan_noun(model: PlanFile, probes: dict[str, Probe]) -> Plan:
    """The plan of ``model``, with ``probes`` by name."""
    return Plan(
        placements=tuple(
            Placement(label=placed.label, probe=probes[placed.probe], entry_mm=placed.entry_mm, tip_mm=placed.tip_mm)
            for placed in model.probes
        ),
        protocol=read_protocol(model.protocol),
        case=model.case,
        name=model.name,
        notes=model.notes,
        protections=tuple(protection_noun(protection) for protection in model.protections),
        goal=None if model.goal is None else model.goal.noun(),
    )


def _floats(point: tuple[float, float, float]) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
