"""How far the properties of each tissue may lie from their value, and possible patients drawn from that."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy._factors import Draw, factors
from iceball.errors import InputError
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.anatomy._prepared import Prepared
    from iceball.nouns import Tissue

PROPERTIES = (
    *("conductivity_w_per_m_k", "frozen_conductivity_w_per_m_k"),
    *("heat_capacity_j_per_m3_k", "frozen_heat_capacity_j_per_m3_k", "latent_heat_j_per_m3"),
    *("solidus_c", "liquidus_c", "conductivity_ice_fraction", "capacity_ice_fraction"),
    *("perfusion_w_per_m3_k", "metabolic_heat_w_per_m3"),
)
FRACTIONS = ("conductivity_ice_fraction", "capacity_ice_fraction")
TEMPERATURES = ("solidus_c", "liquidus_c")


@array_noun
class PropertySpread:
    """Value and spread of the properties of a palette's tissues: ``values``, ``low``, ``high`` (T, P).

    T runs over ``tissues``, P over ``properties``, the fields of a Tissue in its units. The spread of the voxels of a
    tissue map is ``low[tissue_map.index]``, (I, J, K, P).
    """

    tissues: tuple[str, ...]
    properties: tuple[str, ...]
    values: NDArray[Any]
    low: NDArray[Any]
    high: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("values", "low", "high"):
            seal_field(self, field, getattr(self, field))


def property_spread(prepared: Prepared) -> PropertySpread:
    """Say how far each property of each tissue of ``prepared`` may lie from its value.

    Each factor goes to the low and to the high end of its spread, one at a time: the calibration, the fat of marrow,
    the arrangement of matrix and marrow, each quantity of each group of tissues. What that moves is added in
    quadrature, down and up apart. A tissue of one row keeps the spread of that row. Draws stay within it but for a few:
    the perfusion-made heat of almost solid blastic bone, which two spreads multiply, is the worst.

    Parameters
    ----------
    prepared : Prepared
        from ``prepare(case)``

    Source: first-order propagation of the spreads of the library's rows.
    """
    values = _numbers(prepared.palette.tissues)
    down, up = np.zeros_like(values), np.zeros_like(values)
    for factor in factors():
        ends = [_numbers(prepared.palette.made(Draw(scores={factor: score}))) - values for score in (-1.0, 1.0)]
        down += np.minimum(np.minimum(*ends), 0.0) ** 2
        up += np.maximum(np.maximum(*ends), 0.0) ** 2
    low, high = values - np.sqrt(down), values + np.sqrt(up)
    for column, name in enumerate(PROPERTIES):
        if name not in TEMPERATURES:
            low[:, column] = np.maximum(low[:, column], 0.0)
        if name in FRACTIONS:
            high[:, column] = np.minimum(high[:, column], 1.0)
    names = tuple(tissue.name for tissue in prepared.palette.tissues)
    return PropertySpread(tissues=names, properties=PROPERTIES, values=values, low=low, high=high)


def draws(count: int, *, seed: int) -> tuple[Draw, ...]:
    """Draw ``count`` possible patients: how far each factor goes toward the ends of its spread.

    Each score is triangular over -1 to 1 with its peak at 0: the library's value is the likeliest and the median, and
    the ends of a spread are reached hardly ever. Every factor has a stream of its own, so a draw keeps its other scores
    when a factor is added, and its number when more are drawn.

    Parameters
    ----------
    count : how many, at least 1
    seed : the same seed gives the same patients

    Raises
    ------
    InputError : if ``count`` is less than 1

    Source: triangular density by judgement (key ``iceball_judgement``).
    """
    if count < 1:
        raise InputError(f"{count} draws are none: ask for at least 1")
    streams = {factor: np.random.default_rng([seed, zlib.crc32(factor.encode())]) for factor in factors()}
    scores = {factor: stream.triangular(-1.0, 0.0, 1.0, count) for factor, stream in streams.items()}
    return tuple(
        Draw(scores={factor: float(score[n]) for factor, score in scores.items()}, seed=seed, number=n)
        for n in range(count)
    )


def drawn(prepared: Prepared, draw: Draw) -> Prepared:
    """Return the same case with the properties that its tissues have in ``draw``; voxels keep their tissue's number.

    The factors are common to the patient: one calibration moves all bone, one fat fraction all marrow. Temperatures at
    which matter is held, gas, and the thresholds that tell one kind of matter from another are not drawn.

    Parameters
    ----------
    prepared : Prepared
        from ``prepare(case)``
    draw : one of ``draws``
    """
    return replace(prepared, palette=replace(prepared.palette, tissues=prepared.palette.made(draw)), draw=draw)


def _numbers(tissues: Sequence[Tissue]) -> NDArray[np.float64]:
    return np.array([[getattr(tissue, name) for name in PROPERTIES] for tissue in tissues])
