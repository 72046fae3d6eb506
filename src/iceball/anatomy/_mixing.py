"""Bone as a mixture of matrix and marrow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iceball.errors import InputError
from iceball.nouns import Tissue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Freezing


def mixed(name: str, parts: Sequence[tuple[Tissue, float]]) -> Tissue:
    """Mix tissues by volume.

    Conductivity is the geometric mean; heat capacity, latent heat, perfusion and metabolic heat add up by volume.
    Solidus and liquidus are means weighted by the latent heat that each part releases there. The share of the
    conductivity that follows ice adds up by volume (the slope of the geometric mean at -40 °C); that of the heat
    capacity by its own weight, which is exact.

    Parameters
    ----------
    name : str
        of the mixture
    parts : sequence of (Tissue, volume fraction)
        fractions add up to 1

    Raises
    ------
    InputError : if the parts freeze by different laws

    Source: physics README 1.5 (key ``iceball_judgement``), DESIGN.
    """
    law = _common_law(name, parts)
    latent = sum(part.latent_heat_j_per_m3 * share for part, share in parts)
    frozen_capacity = _by_volume("frozen_heat_capacity_j_per_m3_k", parts)

    def by_latent(field: str) -> float:
        if latent == 0.0:
            return _by_volume(field, parts)
        return sum(getattr(part, field) * part.latent_heat_j_per_m3 * share for part, share in parts) / latent

    return Tissue(
        name=name,
        conductivity_w_per_m_k=_geometric("conductivity_w_per_m_k", parts),
        frozen_conductivity_w_per_m_k=_geometric("frozen_conductivity_w_per_m_k", parts),
        heat_capacity_j_per_m3_k=_by_volume("heat_capacity_j_per_m3_k", parts),
        frozen_heat_capacity_j_per_m3_k=frozen_capacity,
        latent_heat_j_per_m3=latent,
        solidus_c=by_latent("solidus_c"),
        liquidus_c=by_latent("liquidus_c"),
        conductivity_ice_fraction=_by_volume("conductivity_ice_fraction", parts),
        capacity_ice_fraction=sum(
            part.capacity_ice_fraction * part.frozen_heat_capacity_j_per_m3_k * share for part, share in parts
        )
        / frozen_capacity,
        perfusion_w_per_m3_k=_by_volume("perfusion_w_per_m3_k", parts),
        metabolic_heat_w_per_m3=_by_volume("metabolic_heat_w_per_m3", parts),
        freezing=law,
    )


def _common_law(name: str, parts: Sequence[tuple[Tissue, float]]) -> Freezing:
    laws = [part.freezing for part, _ in parts if part.latent_heat_j_per_m3 > 0] or [parts[0][0].freezing]
    if any(law != laws[0] for law in laws):
        raise InputError(
            f"{name}: {', '.join(part.name for part, _ in parts)} freeze by different laws; choose one law"
        )
    return laws[0]


def _by_volume(field: str, parts: Sequence[tuple[Tissue, float]]) -> float:
    return sum(getattr(part, field) * share for part, share in parts)


def _geometric(field: str, parts: Sequence[tuple[Tissue, float]]) -> float:
    return math.exp(sum(math.log(getattr(part, field)) * share for part, share in parts))
