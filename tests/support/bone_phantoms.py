"""Bones with lesions of known size, made by code: a tube with a notch, and a vertebra with a hole in its wall."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from scipy.spatial.transform import Rotation

from iceball import library
from iceball.nouns import Case, Grid, Lesion, Structure, Volume

MUSCLE_HU, MARROW_HU, CORTEX_HU, TRABECULAR_HU, LESION_HU = 55.0, -50.0, 1300.0, 180.0, 45.0
FAT_HU, AIR_HU = -100.0, -1000.0
FINE = 2  # each voxel is the mean of FINE³ points: partial volume as a scanner makes it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tube:
    """A long bone: where its axis goes, how thick it is, and the notch that a lesion cut into it.

    ``flare`` is by how much its radius grows along it [mm per mm].
    """

    axis: tuple[float, float, float] = (0.2, -0.15, 1.0)
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    outer_mm: float = 14.0
    cortex_mm: float = 5.0
    notch_mm: float = 30.0
    notch_fraction: float = 0.4
    loss_fraction: float = 1.0
    turned_deg: float = 30.0
    half_mm: float = 75.0
    flare: float = 0.0
    name: str = "femur_left"


def structure(name: str, label: int) -> Structure:
    rule = library.structure_rule(name)
    return Structure(name=name, role=rule.role, label=label, limit=rule.limit, tissue=rule.tissue)


def grid_around(half_mm, spacing_mm) -> Grid:
    shape = tuple(2 * round(h / s) + 1 for h, s in zip(half_mm, spacing_mm, strict=True))
    # Off the middle by a third of a voxel: no border of a phantom runs through the centres of voxels.
    origin = tuple(-((n - 1) / 2 - 0.31) * s for n, s in zip(shape, spacing_mm, strict=True))
    return Grid(shape=shape, spacing_mm=spacing_mm, origin_mm=origin)


def averaged(grid: Grid, look) -> np.ndarray:
    """Mean HU of each voxel over FINE³ points of ``look(points)``."""
    total = np.zeros(grid.shape, dtype=np.float32)
    centres = positions(grid)
    spots = (np.arange(FINE) - (FINE - 1) / 2) / FINE
    for shift in itertools.product(spots, repeat=3):
        total += look(centres + (np.asarray(shift) * grid.spacing_mm).astype(np.float32))
    return total / FINE**3


def positions(grid: Grid) -> np.ndarray:
    return grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1)).astype(np.float32)


def case_of(grid, hu, labels, names, mask, *, noise_hu=15.0, seed=1, matrix="lytic", bone="") -> Case:
    hu = hu + noise_hu * np.random.default_rng(seed).standard_normal(grid.shape)
    return Case(
        id="phantom",
        ct=Volume(grid=grid, array=np.rint(hu).astype(np.int16), quantity="hu"),
        labels=Volume(grid=grid, array=labels.astype(np.uint8), quantity="label") if names else None,
        structures=tuple(structure(name, label) for name, label in names.items()),
        lesion=Lesion(
            mask=Volume(grid=grid, array=mask.astype(np.uint8), quantity="label"),
            matrix=matrix,
            origin="drawn by a test",
            bone=bone,
        ),
    )


def tube_case(tube: Tube = Tube(), spacing_mm=(0.7, 0.7, 1.0), *, labelled=True, **more) -> Case:
    """A case of ``tube``: cortex around marrow in muscle, a notch of soft tissue, the notch as the lesion's mask."""
    axis = np.asarray(tube.axis) / np.linalg.norm(tube.axis)
    lean = np.tan(np.arccos(abs(axis[2])))
    side = tube.outer_mm + 8 + (lean + abs(tube.flare)) * tube.half_mm + max(map(abs, tube.centre_mm))
    grid = grid_around((side, side, tube.half_mm), spacing_mm)
    frame = _frame(axis, tube.turned_deg)

    def cylinder(points):
        x, y, t = np.moveaxis((points - np.asarray(tube.centre_mm)) @ frame.T, -1, 0)
        return np.hypot(x, y), np.arctan2(y, x), t

    def notched(r, angle, t):
        sector = (np.abs(t) <= tube.notch_mm / 2) & (np.abs(angle) <= np.pi * tube.notch_fraction)
        inner = tube.outer_mm + tube.flare * t - tube.cortex_mm
        return sector & (r >= inner - 3) & (r <= inner + tube.loss_fraction * tube.cortex_mm)

    def look(points):
        r, angle, t = cylinder(points)
        deep = tube.outer_mm + tube.flare * t - r
        hu = np.where(deep >= 0, np.where(deep > tube.cortex_mm, MARROW_HU, CORTEX_HU), MUSCLE_HU)
        return np.where(notched(r, angle, t), LESION_HU, hu)

    r, angle, t = cylinder(positions(grid))
    names = {tube.name: 75} if labelled else {}
    labels = np.where(r <= tube.outer_mm + tube.flare * t, 75, 0)
    bone = "" if labelled else tube.name
    return case_of(grid, averaged(grid, look), labels, names, notched(r, angle, t), bone=bone, **more)


def _frame(axis, turned_deg):
    """Rows: two directions across ``axis``, turned about it, and the axis."""
    first = np.cross([0.0, 1.0, 0.0], axis)
    first /= np.linalg.norm(first)
    turn = Rotation.from_rotvec(np.deg2rad(turned_deg) * axis)
    return np.stack([turn.apply(first), turn.apply(np.cross(axis, first)), axis])


def hip_case(lesion_at_mm=(0.0, 0.0, 45.0), radius_mm=8.0, spacing_mm=(1.0, 1.0, 1.0), **more) -> Case:
    """A femoral head (a ball of 22 mm) under a socket in a block of bone; the lesion is a ball, soft as muscle.

    The joint's gap is 3 mm wide, the roof lies 25 mm above the centre of the head, which is the origin.
    """
    grid = grid_around((38.0, 34.0, 78.0), spacing_mm)
    at = np.asarray(lesion_at_mm)

    def parts(points):
        x, y, z = np.moveaxis(points, -1, 0)
        r = np.linalg.norm(points, axis=-1)
        inner = np.maximum(np.abs(x) - 28, np.maximum(np.abs(y) - 26, np.maximum(z - 70, -z)))
        hip = (inner <= 0) & (r >= 25)
        shaft = (np.hypot(x - 10, y) <= 12) & (z < -10)
        return (
            hip,
            hip & ((inner > -2) | (r < 27)),
            (r <= 22) | shaft,
            np.linalg.norm(points - at, axis=-1) <= radius_mm,
        )

    def look(points):
        hip, cortex, femur, lesion = parts(points)
        hu = np.where(np.abs(points[..., 0]) < 32, MUSCLE_HU, FAT_HU)
        hu = np.where(hip | femur, TRABECULAR_HU, hu)
        return np.where(lesion & hip, LESION_HU, np.where(cortex, CORTEX_HU, hu))

    hip, _, femur, lesion = parts(positions(grid))
    labels = np.where(hip, 77, np.where(femur, 75, 0))
    return case_of(grid, averaged(grid, look), labels, {"hip_left": 77, "femur_left": 75}, lesion & hip, **more)


def balls_case(spacing_mm=(1.0, 1.0, 1.0), *, between_mm=20.0, direction=(1.0, 0.0, 0.0), names=("aorta",)) -> Case:
    """Two balls of 6 mm, ``between_mm`` from surface to surface: the lesion, and a structure of each of ``names``.

    Where there are several, they stand in a row behind one another, each as far from the one before.
    """
    along = np.asarray(direction) / np.linalg.norm(direction)
    half = 10 + (len(names) + 1) * (between_mm + 12) * 0.5
    grid = grid_around((half,) * 3, spacing_mm)
    points = positions(grid)
    start = -along * (half - 14)

    def ball(number):
        return np.linalg.norm(points - start - along * number * (between_mm + 12), axis=-1) <= 6

    labels = np.zeros(grid.shape)
    numbers = {name: 101 + i for i, name in enumerate(names)}
    for i, number in enumerate(numbers.values()):
        labels[ball(i + 1)] = number
    hu = np.where(np.abs(points[..., 0]) < half - 3, MUSCLE_HU, FAT_HU)
    return case_of(grid, hu, labels, numbers, ball(0))
