"""Three vertebrae of boxes, with a canal, made by code: for walls, shares of the body, arches and loss of height."""

from __future__ import annotations

import dataclasses

import numpy as np
from bone_phantoms import (
    AIR_HU,
    CORTEX_HU,
    FAT_HU,
    LESION_HU,
    MUSCLE_HU,
    TRABECULAR_HU,
    averaged,
    case_of,
    grid_around,
    positions,
)
from scipy.spatial.transform import Rotation

BODY_MM = (40.0, 30.0, 28.0)  # wide, deep, high
CANAL_MM = (22.0, 16.0)  # wide, deep
ARCH_MM, SHELL_MM, DISC_MM = 9.0, 1.5, 6.0
SKIN_MM, FAT_MM = 42.0, 8.0
LEVELS = {"vertebrae_L2": -1, "vertebrae_L3": 0, "vertebrae_L4": 1}  # down is negative z: L2 lies above
NAMES = {"vertebrae_L4": 28, "vertebrae_L3": 29, "vertebrae_L2": 30, "spinal_canal": 120}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spine:
    """L2 to L4. The lesion is a box in L3, ``lesion_mm`` wide, deep and high around ``at_mm`` (left, back, up).

    The frame's origin is the middle of L3's posterior wall; x to the left, y backward, z up, all before ``tilt_deg``
    about the left axis. ``left_mm`` of the posterior wall is left where the lesion meets it; ``squeezed`` is the share
    of L3's height that is lost.
    """

    lesion_mm: tuple[float, float, float] = (14.0, 12.0, 12.0)
    at_mm: tuple[float, float, float] = (0.0, -6.0, 0.0)
    wall_left_mm: float = 0.0
    squeezed: float = 0.0
    tilt_deg: float = 0.0
    matrix: str = "lytic"


def spine_case(spine: Spine = Spine(), spacing_mm=(0.7, 0.7, 1.0), *, canal=True, half_mm=(30.0, 47.0, 55.0), **more):
    grid = grid_around(half_mm, spacing_mm)
    turn = Rotation.from_euler("x", spine.tilt_deg, degrees=True)

    def own(points):
        x, y, z = np.moveaxis((points @ turn.as_matrix().T.astype(np.float32)), -1, 0)
        return x, y, z

    def look(points):
        x, y, z = own(points)
        hu = np.where(y < SKIN_MM - FAT_MM, MUSCLE_HU, np.where(y < SKIN_MM, FAT_HU, AIR_HU))
        for name in LEVELS:
            whole, inner = _vertebra(x, y, z, name, spine)
            hu = np.where(whole, np.where(inner, TRABECULAR_HU, CORTEX_HU), hu)
        return np.where(_lesion(x, y, z, spine), LESION_HU, hu)

    x, y, z = own(positions(grid))
    labels = np.zeros(grid.shape)
    for name in LEVELS:
        labels[_vertebra(x, y, z, name, spine)[0]] = NAMES[name]
    names = dict(NAMES)
    if canal:
        labels[_canal(x, y)] = NAMES["spinal_canal"]
    else:
        names.pop("spinal_canal")
    return case_of(grid, averaged(grid, look), labels, names, _lesion(x, y, z, spine), matrix=spine.matrix, **more)


def _canal(x, y):
    return (np.abs(x) <= CANAL_MM[0] / 2) & (y > 0) & (y <= CANAL_MM[1])


def _lesion(x, y, z, spine):
    away = [np.abs(v - c) <= s / 2 for v, c, s in zip((x, y, z), spine.at_mm, spine.lesion_mm, strict=True)]
    in_wall = (y > -spine.wall_left_mm) & (y <= 0)
    return away[0] & away[1] & away[2] & ~in_wall


def _vertebra(x, y, z, name, spine):
    """Where the vertebra is, and where it is trabecular."""
    wide, deep, high = BODY_MM
    z = z + LEVELS[name] * (high + DISC_MM)
    high = high * (1 - spine.squeezed) if name == "vertebrae_L3" else high
    body = (np.abs(x) <= wide / 2) & (y <= 0) & (y >= -deep) & (np.abs(z) <= high / 2)
    inner = (np.abs(x) <= wide / 2 - SHELL_MM) & (y <= -SHELL_MM) & (y >= SHELL_MM - deep)
    inner &= np.abs(z) <= high / 2 - SHELL_MM
    outside = np.maximum(np.abs(x) - CANAL_MM[0] / 2, y - CANAL_MM[1])
    arch = (y > 0) & (outside > 0) & (outside <= ARCH_MM) & (np.abs(z) <= 9.0)
    core = arch & (outside > SHELL_MM) & (outside <= ARCH_MM - SHELL_MM) & (np.abs(z) <= 9.0 - SHELL_MM)
    return body | arch, inner | core
