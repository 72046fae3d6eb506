"""From HU to what bone holds: mineral, organic matter, fat and water."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy._factors import CALIBRATION, FILLINGS_HU, LIPID, MARROW_FAT, NOMINAL, WATER, Draw
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

FIELDS = ("matrix_fraction", "mineral_fraction", "organic_fraction", "fat_fraction", "water_fraction")
# Of the factors, those that move the fractions.
MOVING = (*CALIBRATION, *FILLINGS_HU[:2], MARROW_FAT, *LIPID, *WATER)


@array_noun
class Fractions:
    """Volume fractions of bone (...). Mineral, organic matter, fat and water add up to 1.

    ``matrix_fraction`` is bone matrix, which holds mineral, organic matter and water. ``bmd_mg_per_ml`` is the bone
    mineral density.
    """

    matrix_fraction: NDArray[Any]
    mineral_fraction: NDArray[Any]
    organic_fraction: NDArray[Any]
    fat_fraction: NDArray[Any]
    water_fraction: NDArray[Any]
    bmd_mg_per_ml: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in (*FIELDS, "bmd_mg_per_ml"):
            seal_field(self, field, getattr(self, field))


def fractions(hu: ArrayLike, *, long_bone: bool = False, draw: Draw = NOMINAL) -> Fractions:
    """Say what bone of ``hu`` holds, by volume.

    Matrix and marrow share the voxel, and each brings its HU by its share:

        HU = x HU_matrix + (1 - x) HU_marrow,  HU_matrix = (BMD_matrix - bias) / a,

    so that x = (a (HU - HU_marrow) + bias) / (BMD_matrix - a HU_marrow), between 0 and 1. The marrow is as much red and
    yellow marrow as makes its fat the expected one, which sets HU_marrow: fatty marrow does not pass for thin bone.

    Parameters
    ----------
    hu : (...) [HU]
    long_bone : marrow of the long bones of arm and leg, mostly fat; else of vertebra and pelvis
    draw : a possible patient from ``draws``; by default the library's values

    Source: physics README 1.5 (key ``iceball_physics_notes``); constants from ``library.hu_rules()``.
    """
    marrow = Marrow.of(draw, long_bone=long_bone)
    return Fractions(**_fields(matrix_fraction(np.asarray(hu, dtype=float), marrow.hu, draw), marrow, draw))


def fraction_spread(hu: ArrayLike, *, long_bone: bool = False) -> tuple[Fractions, Fractions]:
    """Give the low and the high end (...) of each of ``fractions(hu)``.

    Each number of the calibration and of the marrow goes to the ends of its spread, one at a time; what that moves is
    added in quadrature, down and up apart, and cut at none and all. So the ends are not one patient: they do not add up
    to 1. Where bone turns solid, at 1600 to 1850 HU, two numbers together give more mineral than either alone: there
    the high end of the mineral falls up to a tenth short.

    Parameters
    ----------
    hu : (...) [HU]
    long_bone : as in ``fractions``

    Source: first-order propagation of the spreads of ``library.hu_rules()``.
    """
    values = np.asarray(hu, dtype=float)
    marrows = {end: Marrow.of(end, long_bone=long_bone) for end in (NOMINAL, *_ends())}
    free = {end: _matrix(values, marrow.hu, end) for end, marrow in marrows.items()}
    inside = {end: np.clip(matrix, 0.0, 1.0) for end, matrix in free.items()}
    middle = _fields(inside[NOMINAL], marrows[NOMINAL], NOMINAL)
    lows, highs = [], []
    for moved in (inside, _shared(free)):
        fields = {end: _fields(moved[end], marrows[end], end) for end in _ends()}
        down, up = (_quadrature(fields, middle, sign) for sign in (-1.0, 1.0))
        lows.append({name: np.maximum(value - down[name], 0.0) for name, value in middle.items()})
        highs.append({name: value + up[name] for name, value in middle.items()})
    low = {name: np.minimum(*(each[name] for each in lows)) for name in middle}
    high = {name: np.maximum(*(each[name] for each in highs)) for name in middle}
    return Fractions(**low), Fractions(**high | {name: np.minimum(high[name], 1.0) for name in FIELDS})


@functools.cache
def _ends() -> tuple[Draw, ...]:
    """Each factor at its low and at its high end, the others at the library's values."""
    return tuple(Draw(scores={factor: score}) for factor in MOVING for score in (-1.0, 1.0))


def _shared(free: Mapping[Draw, NDArray[Any]]) -> dict[Draw, NDArray[Any]]:
    """Matrix (...) at each end, with moves so scaled that their sum, not each of them, is cut at none and all.

    Near none and all one number alone may move nothing, and two of them something.
    """
    middle = free[NOMINAL]
    moves = np.stack([free[end] - middle for end in _ends()])
    down, up = (np.sqrt(np.sum(part**2, axis=0)) for part in (np.minimum(moves, 0.0), np.maximum(moves, 0.0)))
    inside = np.clip(middle, 0.0, 1.0)
    less = (inside - np.clip(middle - down, 0.0, 1.0)) / down
    more = (np.clip(middle + up, 0.0, 1.0) - inside) / up
    return {end: inside + move * np.where(move < 0, less, more) for end, move in zip(_ends(), moves, strict=True)}


def _quadrature(
    fields: Mapping[Draw, Mapping[str, NDArray[Any]]], middle: Mapping[str, NDArray[Any]], sign: float
) -> dict[str, NDArray[Any]]:
    """Root of the sum of squares of what each factor moves each field up (``sign`` 1) or down (-1)."""
    squares = {name: np.zeros_like(value) for name, value in middle.items()}
    for low, high in zip(_ends()[::2], _ends()[1::2], strict=True):
        for name, value in middle.items():
            furthest = np.maximum(sign * (fields[low][name] - value), sign * (fields[high][name] - value))
            squares[name] += np.maximum(furthest, 0.0) ** 2
    return {name: np.sqrt(square) for name, square in squares.items()}


def _fields(matrix: NDArray[Any], marrow: Marrow, draw: Draw) -> dict[str, NDArray[np.float64]]:
    """Work out every field of Fractions from the ``matrix`` (...) and what it holds in ``draw``."""
    mineral = matrix * draw.hu("mineral_in_matrix_fraction")
    fat = (1 - matrix) * marrow.fat_fraction
    water = matrix * draw.hu("matrix_water_fraction") + (1 - matrix) * marrow.water_fraction
    return {
        "matrix_fraction": matrix,
        "mineral_fraction": mineral,
        "organic_fraction": 1 - mineral - fat - water,
        "fat_fraction": fat,
        "water_fraction": water,
        "bmd_mg_per_ml": mineral * draw.hu("mineral_density"),
    }


def matrix_fraction(hu: NDArray[Any], filling_hu: float, draw: Draw = NOMINAL) -> NDArray[Any]:
    """Volume fraction (...) of bone matrix in voxels of ``hu`` [HU] whose other part has ``filling_hu`` [HU]."""
    return np.clip(_matrix(hu, filling_hu, draw), 0.0, 1.0)


def _matrix(hu: NDArray[Any], filling_hu: float, draw: Draw) -> NDArray[Any]:
    slope, bias = draw.hu("bmd_per_hu"), draw.hu("bmd_bias_mg_per_ml")
    return (slope * (hu - filling_hu) + bias) / (matrix_bmd(draw) - slope * filling_hu)


def hu_of_matrix(fraction: float, filling_hu: float) -> float:
    """HU at which the library's values make ``fraction`` of the voxel bone matrix; no bias is in them."""
    slope = NOMINAL.hu("bmd_per_hu")
    return filling_hu + fraction * (matrix_bmd(NOMINAL) / slope - filling_hu)


def matrix_bmd(draw: Draw) -> float:
    """Mineral density of bone without pores [mg/ml]."""
    return draw.hu("mineral_density") * draw.hu("mineral_in_matrix_fraction")


@array_noun
class Marrow:
    """Marrow with the fat that is expected: how much of it is the library's yellow marrow, and what follows.

    All are by volume. ``fat_fraction`` and ``water_fraction`` are lipid and water, ``hu`` is its HU without trabeculae.
    """

    yellow_fraction: float
    fat_fraction: float
    water_fraction: float
    hu: float

    @classmethod
    def of(cls, draw: Draw, *, long_bone: bool) -> Marrow:
        """Mix red and yellow marrow, each with its own lipid, until the lipid is the expected one."""
        fat = draw.hu("marrow_fat_fraction_long_bone" if long_bone else "marrow_fat_fraction")
        lean, fatty = draw.hu("red_marrow_fat_fraction"), draw.hu("yellow_marrow_fat_fraction")
        yellow = min(max((fat - lean) / (fatty - lean), 0.0), 1.0)
        water = (1 - yellow) * draw.hu("red_marrow_water_fraction") + yellow * draw.hu("yellow_marrow_water_fraction")
        return cls(
            yellow_fraction=yellow,
            fat_fraction=fat,
            water_fraction=min(water, 1 - fat),
            hu=(1 - yellow) * draw.hu("red_marrow_hu") + yellow * draw.hu("yellow_marrow_hu"),
        )
