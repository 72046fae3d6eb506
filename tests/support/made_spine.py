"""A spine of known canal, made by code, and what else lies around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceball.nouns import Case, Grid, Volume

SOFT, MARROW, CORTEX, DISC, CORD, FAT = 50, 160, 700, 80, 30, -100
LEVEL_MM, BODY_MM = 32.0, 25.0  # from one vertebra to the next, and the height of its body


@dataclass(frozen=True)
class Spine:
    """A case, and the (I, J, K) canal that was drawn into it."""

    case: Case
    canal: np.ndarray


def make_spine(
    *,
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 2.0),
    canal_mm: float = 8.0,
    bend_mm: float = 0.0,
    noise_hu: float = 0.0,
    seed: int = 0,
    height_mm: float = 100.0,
) -> Spine:
    """Vertebrae with cortex, marrow, pedicles, arches and discs, on a line that bends by ``bend_mm`` sideways."""
    size = (90.0, 100.0, height_mm)
    shape = tuple(round(a / s) for a, s in zip(size, spacing_mm, strict=True))
    x, y, z = np.meshgrid(*[np.arange(n) * s for n, s in zip(shape, spacing_mm, strict=True)], indexing="ij")
    x = x - 45.0 - bend_mm * np.sin(np.pi * z / height_mm)
    y = y - 60.0  # the canal's middle; the back is at larger y
    up = z % LEVEL_MM
    hu = np.full(shape, float(SOFT))
    hu[y > 34] = FAT
    hu[y > 37] = -1000
    body = np.hypot(x / 20.0, (y + canal_mm + 15.0) / 15.0)
    inside = np.hypot(x, y) < canal_mm
    vertebra = up < BODY_MM
    end = (up < 2.0) | ((up > BODY_MM - 2.0) & vertebra)
    hu[body < 1] = DISC
    hu[(body < 1) & vertebra] = MARROW
    hu[(body < 1) & vertebra & ((body > 0.87) | end)] = CORTEX
    ring = (np.hypot(x, y) < canal_mm + 5.0) & (y > -canal_mm)
    pedicle = (up > 10.0) & vertebra
    hu[ring & pedicle] = CORTEX
    arch = up < LEVEL_MM - 3.0  # the arches and their joints reach down behind the discs
    hu[ring & arch & (y > 0.3 * canal_mm)] = CORTEX
    hu[(np.abs(x) < 3) & (y > 0) & (y < canal_mm + 22) & arch] = CORTEX
    hu[inside] = CORD
    if noise_hu:
        hu += np.random.default_rng(seed).normal(0.0, noise_hu, shape)
    grid = Grid(shape=shape, spacing_mm=spacing_mm, origin_mm=(-45.0, -60.0, 0.0))
    ct = Volume(grid=grid, array=hu.astype(np.int16), quantity="hu")
    return Spine(case=Case(id="spine", ct=ct), canal=inside)


def make_shaft(spacing_mm: float = 1.5) -> Case:
    """A femur's shaft in muscle: a closed ring of cortex around fat, as long as the scan is high."""
    shape = (60, 60, 60)
    x, y, _ = np.meshgrid(*[np.arange(n) * spacing_mm - 45.0 for n in shape], indexing="ij")
    hu = np.full(shape, SOFT)
    away = np.hypot(x, y)
    hu[away < 14] = 1200
    hu[away < 7] = FAT
    hu[away > 42] = -1000
    grid = Grid(shape=shape, spacing_mm=(spacing_mm,) * 3, origin_mm=(0.0, 0.0, 0.0))
    return Case(id="shaft", ct=Volume(grid=grid, array=hu.astype(np.int16), quantity="hu"))
