"""The small patient with a vertebra, a cord and a vessel on his labels: for tests of what is said of a plan."""

from __future__ import annotations

import dataclasses

import numpy as np
import small_patient

from iceball import library
from iceball.nouns import Case, Placement, Plan, Structure, Volume, read_protocol

PROBE = library.probe("argon-17g-30mm")
CORD, BONE, VESSEL = 1, 2, 3


def structure(name: str, label: int) -> Structure:
    rule = library.structure_rule(name)
    return Structure(name=name, role=rule.role, label=label, limit=rule.limit, tissue=rule.tissue)


def patient(*, bone="vertebrae_L1", matrix="lytic", skip=()) -> Case:
    """The lesion's middle lies at (0, -6, 0) mm, its radius is 9; the cord behind it, a vessel in front; skin at y = 40.

    ``skip`` names structures that are left out.
    """
    case = small_patient.patient()
    assert case.labels is not None
    assert case.lesion is not None
    labels = np.array(case.labels.array)
    labels[20:40, 20:34, :] = BONE
    labels[26:33, 10:16, :] = VESSEL
    named = {"spinal_cord": CORD, bone: BONE, "aorta": VESSEL}
    return dataclasses.replace(
        case,
        labels=Volume(grid=case.labels.grid, array=labels, quantity="label"),
        structures=tuple(structure(name, number) for name, number in named.items() if name not in skip),
        lesion=dataclasses.replace(case.lesion, matrix=matrix, bone=bone),
    )


def placement(label="A", *, tip=(12.0, -16.0, 0.0), outward=(0.05, 1.0, 0.0), length_mm=56.0, probe=PROBE) -> Placement:
    """A probe from the skin of the back, to the left of the cord."""
    way = np.asarray(outward) / np.linalg.norm(outward)
    entry = np.asarray(tip) + length_mm * way
    return Placement(
        label=label,
        probe=probe,
        entry_mm=(float(entry[0]), float(entry[1]), float(entry[2])),
        tip_mm=(float(tip[0]), float(tip[1]), float(tip[2])),
    )


def plan(*placements: Placement, protocol="10-8-10", **more) -> Plan:
    return Plan(placements=placements or (placement(),), protocol=read_protocol(protocol), **more)
