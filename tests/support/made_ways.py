"""Bodies made by code for ways in: a round trunk in air, a lesion in its bone, and whatever is put around it."""

from __future__ import annotations

import dataclasses

import numpy as np

from iceball import library
from iceball.nouns import Case, Grid, Lesion, Probe, Structure, Volume

SOFT_HU, BONE_HU, AIR_HU = 50, 260, -1000
PROBE = Probe(
    name="test probe",
    cryogen="argon",
    shaft_diameter_mm=1.5,
    active_length_mm=20.0,
    gas_temperature_c=-150.0,
    internal_resistance_k_m_per_w=0.13,
    cooling_time_s=30.0,
    tip_to_active_mm=3.0,
)
OWN = "vertebrae_L2"
FAR_MM = 30.0  # from the line: what is farther aside is no test of anything, and counts as infinitely far


@dataclasses.dataclass(frozen=True)
class Blob:
    """An ellipsoid called ``name``: its centre and half axes [mm], LPS, the lesion's centre at (0, 0, 0)."""

    name: str
    centre_mm: tuple[float, float, float]
    half_mm: tuple[float, float, float]
    hu: float | None = None


def body(
    *blobs: Blob,
    spacing_mm=(2.0, 2.0, 2.0),
    half_mm=(75.0, 55.0),
    height_mm=100.0,
    middle_mm=(0.0, -15.0),
    lesion_mm=8.0,
    bone_mm=14.0,
    own: str | None = OWN,
    margin_mm=12.0,
    site="",
) -> Case:
    """An elliptic trunk of ``half_mm`` about ``middle_mm``, a round bone in it and a round lesion in that."""
    grid = _grid(spacing_mm, half_mm, height_mm, middle_mm, margin_mm)
    x, y, z = np.moveaxis(grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
    hu = np.full(grid.shape, AIR_HU, dtype=np.int16)
    hu[((x - middle_mm[0]) / half_mm[0]) ** 2 + ((y - middle_mm[1]) / half_mm[1]) ** 2 < 1] = SOFT_HU
    labels = np.zeros(grid.shape, dtype=np.uint8)
    away = np.sqrt(x**2 + y**2 + z**2)
    hu[away < bone_mm] = BONE_HU
    structures = []
    if own is not None:
        labels[away < bone_mm] = 1
        structures.append(structure(own, 1))
    for number, blob in enumerate(blobs, 2):
        place = sum(((a - c) / h) ** 2 for a, c, h in zip((x, y, z), blob.centre_mm, blob.half_mm, strict=True)) < 1
        labels[place] = number
        if blob.hu is not None:
            hu[place] = blob.hu
        structures.append(structure(blob.name, number))
    mask = (away < lesion_mm).astype(np.uint8)
    hu[mask > 0] = SOFT_HU
    return Case(
        id="made",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label") if structures else None,
        structures=tuple(structures),
        lesion=Lesion(
            mask=Volume(grid=grid, array=mask, quantity="label"), matrix="lytic", origin="made by a test", site=site
        ),
    )


def _grid(spacing_mm, half_mm, height_mm, middle_mm, margin_mm) -> Grid:
    low = np.array([middle_mm[0] - half_mm[0] - margin_mm, middle_mm[1] - half_mm[1] - margin_mm, -height_mm / 2])
    high = np.array([middle_mm[0] + half_mm[0] + margin_mm, middle_mm[1] + half_mm[1] + margin_mm, height_mm / 2])
    shape = tuple(int(np.ceil(n)) for n in (high - low) / spacing_mm)
    return Grid(shape=shape, spacing_mm=spacing_mm, origin_mm=tuple(low.tolist()))


def structure(name: str, label: int) -> Structure:
    """A structure with the role, limit and tissue that the library gives its name."""
    rule = library.structure_rule(name)
    return Structure(name=name, role=rule.role, label=label, limit=rule.limit, tissue=rule.tissue)


def asked_mm(case: Case, radius_mm: float, own: tuple[str, ...] = (OWN,)) -> dict[str, float]:
    """What the way's axis keeps from each structure by the library's rows [mm]; from its ``own`` bone nothing."""
    found = {}
    for each in case.structures:
        rule = library.keep_rule(each)
        if rule is not None:
            found[each.name] = rule.keep.value + radius_mm
        elif library.structure_rule(each.name).bone and each.name not in own:
            found[each.name] = library.keep_rules()["other_bone"].keep.value + radius_mm
    return found


def true_mm(case: Case, name: str, entry_mm, tip_mm, *, step_mm: float = 0.25) -> float:
    """Least distance [mm] from the line to the structure's voxels as boxes, those of the lesion left out: brute force.

    The line is looked at every ``step_mm``, so the answer may be too large by step²/8 over the distance.
    """
    index = np.argwhere((case.labels.array == case.structure(name).label) & (case.lesion.mask.array == 0))
    if not len(index):
        return float("inf")
    grid = case.ct.grid
    spacing = np.asarray(grid.spacing_mm)
    ends = grid.index_of(np.stack([entry_mm, tip_mm])) * spacing
    long = float(np.linalg.norm(ends[1] - ends[0]))
    points = ends[0] + np.linspace(0.0, 1.0, int(long / step_mm) + 2)[:, None] * (ends[1] - ends[0])
    along = (ends[1] - ends[0]) / long
    centres = index * spacing - ends[0]
    aside = np.linalg.norm(centres - (centres @ along)[:, None] * along, axis=1)
    centres = centres[aside <= FAR_MM] + ends[0]
    best = np.inf
    for start in range(0, len(points), 64):
        gap = np.maximum(np.abs(points[start : start + 64, None] - centres) - spacing / 2, 0.0)
        best = min(best, float((gap**2).sum(axis=-1).min(initial=np.inf)))
    return float(np.sqrt(best))
