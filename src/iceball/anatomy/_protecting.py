"""Does every protection of a plan do something where it lies?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._prepared import GAS, TISSUE, Prepared
from iceball.anatomy._tissue_map import tissue_map
from iceball.errors import InputError
from iceball.nouns import Ball, Drawn, Grid, Pocket, Sensor, WarmPad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.nouns import Case, Region


def check(prepared: Prepared) -> None:
    """Refuse protections that do nothing where they lie.

    Raises
    ------
    InputError : if a pocket finds nothing to fill, a pad no skin, or a sensor is not in the body
    UnknownName : if a region is a structure that the case does not have
    """
    taken = protected_ml(prepared)
    for protection in prepared.protections:
        if isinstance(protection, Sensor):
            _check_sensor(prepared, protection)
        elif taken[protection.label] == 0.0:
            what = "no soft tissue or gas to take the place of" if isinstance(protection, Pocket) else "no skin to warm"
            raise InputError(f"protection {protection.label!r}: there is {what} in its region. Move or enlarge it.")


def protected_ml(prepared: Prepared) -> Mapping[str, float]:
    """Volume [ml] that each protection takes by itself, by label: the filling of a pocket, the skin under a pad.

    Sensors take none. Voxels are those of the CT.

    Raises
    ------
    UnknownName : if a region is a structure that the case does not have
    """
    found: dict[str, float] = {}
    for number, protection in enumerate(prepared.protections):
        if isinstance(protection, Pocket | WarmPad):
            grid = _around(prepared.case, protection.region)
            found[protection.label] = 0.0 if grid is None else _taken(prepared, number, grid)
    return found


def _taken(prepared: Prepared, number: int, grid: Grid) -> float:
    alone = replace(
        prepared,
        protections=(prepared.protections[number],),
        palette=replace(prepared.palette, filling=(prepared.palette.filling[number],)),
    )
    found = tissue_map(alone, grid)
    if found.outside_c is None or found.film_w_per_m2_k is None:
        bare = replace(alone, protections=(), palette=replace(prepared.palette, filling=()))
        changed = found.index != tissue_map(bare, grid).index
    else:
        room = library.physics()
        changed = (found.outside_c != np.float32(room["room_air_c"].value)) | (
            found.film_w_per_m2_k != np.float32(room["skin_convection_w_per_m2_k"].value)
        )
    return float(np.count_nonzero(changed)) * grid.voxel_ml


def _around(case: Case, region: Region) -> Grid | None:
    """The part of the CT's grid that holds ``region``, two voxels to spare; None where it misses the CT."""
    ct = case.ct.grid
    if isinstance(region, Drawn):
        label = case.structure(region.structure).label
        assert case.labels is not None  # a case with structures has labels
        voxels = np.argwhere(case.labels.array == label)
        if not len(voxels):
            return None
        low, high = voxels.min(axis=0), voxels.max(axis=0)
    else:
        ends = (region.centre_mm,) if isinstance(region, Ball) else (region.start_mm, region.end_mm)
        index, reach = ct.index_of(ends), region.radius_mm / np.asarray(ct.spacing_mm)
        low, high = np.floor(index.min(axis=0) - reach), np.ceil(index.max(axis=0) + reach)
    return _part(ct, np.maximum(low - 2, 0), np.minimum(high + 2, np.asarray(ct.shape) - 1))


def _part(ct: Grid, low: NDArray[np.generic], high: NDArray[np.generic]) -> Grid | None:
    size = [int(z) - int(a) + 1 for a, z in zip(low, high, strict=True)]
    if min(size) < 1:
        return None
    x, y, z = (float(value) for value in ct.position_mm(low))
    return replace(ct, shape=(size[0], size[1], size[2]), origin_mm=(x, y, z))


def _check_sensor(prepared: Prepared, sensor: Sensor) -> None:
    ct = prepared.case.ct.grid
    at = np.floor(ct.index_of(sensor.at_mm) + 0.5).astype(int)
    if not bool(ct.contains(sensor.at_mm)) or prepared.region[tuple(at)] not in (GAS, TISSUE):
        place = ", ".join(f"{value:.0f}" for value in sensor.at_mm)
        raise InputError(f"sensor {sensor.label!r} at ({place}) mm lies outside the body on the scan. Move it inside.")
