"""The lard phantom of 2025: one argon probe each in agar with more and more lard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import LinearMush, Tissue
from iceball.validation import rig
from iceball.validation.study import Claim, among
from iceball.validation.tables import rows, study

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceball.nouns import Probe
    from iceball.validation.study import Comparison, Study

KEY, PROBE = "lard", "argon-17g-30mm"
SHARES = (0.0, 0.1, 0.4, 0.7, 1.0)  # of lard, by volume
MINUTES = (3, 6, 9)


def lard(properties: str = "value") -> Tissue:
    """Return lard by its rows; ``properties`` "low" or "high" takes that end of what conducts and melts."""
    row = rows(KEY, "lard")
    density = row["density_kg_per_m3"].value
    k, frozen_k, latent = (
        getattr(row[q], properties)
        for q in ("conductivity_w_per_m_k", "frozen_conductivity_w_per_m_k", "latent_heat_j_per_kg")
    )
    return Tissue(
        name="lard",
        conductivity_w_per_m_k=k,
        frozen_conductivity_w_per_m_k=frozen_k,
        heat_capacity_j_per_m3_k=row["heat_capacity_j_per_kg_k"].value * density,
        frozen_heat_capacity_j_per_m3_k=row["frozen_heat_capacity_j_per_kg_k"].value * density,
        latent_heat_j_per_m3=latent * density,
        solidus_c=row["solidus_c"].value,
        liquidus_c=row["liquidus_c"].value,
        conductivity_ice_fraction=0.0,
        capacity_ice_fraction=0.0,
    )


def mixture(share: float) -> Tissue:
    """Mix agar gel with a volume ``share`` of lard: geometric conductivity, heats by volume, the gel's freezing range.

    The lard's own latent heat, which it gives off over tens of degrees, is left out but in pure lard.
    """
    gel, fat = library.tissue("agar_gel"), lard()
    if share in (0.0, 1.0):
        return fat if share else gel

    def by_volume(field: str) -> float:
        return (1 - share) * getattr(gel, field) + share * getattr(fat, field)

    def geometric(field: str) -> float:
        return getattr(gel, field) ** (1 - share) * getattr(fat, field) ** share

    return replace(
        gel,
        name=f"agar with {share:.0%} lard",
        conductivity_w_per_m_k=geometric("conductivity_w_per_m_k"),
        frozen_conductivity_w_per_m_k=geometric("frozen_conductivity_w_per_m_k"),
        heat_capacity_j_per_m3_k=by_volume("heat_capacity_j_per_m3_k"),
        frozen_heat_capacity_j_per_m3_k=by_volume("frozen_heat_capacity_j_per_m3_k"),
        latent_heat_j_per_m3=(1 - share) * gel.latent_heat_j_per_m3,
        conductivity_ice_fraction=(1 - share) * gel.conductivity_ice_fraction,
        capacity_ice_fraction=(1 - share) * gel.capacity_ice_fraction,
        freezing=LinearMush(),
    )


def frozen(tissue: Tissue, probe: Probe) -> tuple[list[float], list[float]]:
    """Freeze 9 min: diameters of the ball [mm] and temperatures of the shaft [°C] at 3, 6 and 9 min."""
    start_c = rows(KEY, "assumed_values")["start"].value
    bench = rig.bench(tissue, probe, start_c=start_c, protocol=f"{max(MINUTES)}")
    moments = rig.freeze(replace(bench, report_s=tuple(60.0 * minutes for minutes in MINUTES)))
    surfaces = [moment.probes[0].surface_c for moment in moments]
    sizes = [rig.diameter_mm(moment, rig.FREEZING_EDGE_C) for moment in moments]
    return sizes, [float("nan") if surface is None else surface for surface in surfaces]


def shaft_in_lard_c(gas_temperature_c: float, resistance_k_m_per_w: float, properties: str = "value") -> float:
    """Temperature of the shaft after 9 min in pure lard [°C], for a gas [°C] and R' [K·m/W]."""
    changed = {"gas_temperature_c": gas_temperature_c, "internal_resistance_k_m_per_w": resistance_k_m_per_w}
    return frozen(lard(properties), replace(library.probe(PROBE), **changed))[1][-1]


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze every mixture and compare the trend; the gas was fitted to the shaft's temperature in pure lard."""
    probe, sizes, shafts = library.probe(PROBE), [], []
    for n, share in enumerate(SHARES):
        size, shaft = frozen(mixture(share), probe)
        sizes.append(size)
        shafts.append(shaft[-1])
        progress((n + 1) / (len(SHARES) + 2), f"{share:.0%} lard")
    ends = [frozen(lard(end), probe)[1][-1] for end in ("low", "high")]
    table = np.array(sizes)
    return study(KEY, [_shaft([shafts[-1], *ends]), *_determination(table)], [*_trend(table), _colder(shafts)])


def _shaft(values: list[float]) -> Comparison:
    return among("shaft in pure lard after 9 min", "fitted", rows(KEY)["shaft"], values, 0.04)


def _determination(table: np.ndarray) -> list[Comparison]:
    """R² of a line through diameter against share of lard, at each time."""
    found: list[Comparison] = []
    for column, minutes in enumerate(MINUTES):
        r2 = float(np.corrcoef(SHARES, table[:, column])[0, 1] ** 2)
        row = rows(KEY)[f"r2_{minutes}_min"]
        what = f"R² of diameter against lard at {minutes} min"
        found.append(among(what, "predicted", row, [r2]))
    return found


def _trend(table: np.ndarray) -> list[Claim]:
    figures = "; ".join(f"{m} min: {', '.join(f'{d:.1f}' for d in table[:, i])} mm" for i, m in enumerate(MINUTES))
    falls = bool(np.all(np.diff(table[1:], axis=0) < 0))
    largest = bool(np.all(table[:2].min(axis=0) > table[2:].max(axis=0)))
    return [
        Claim(
            says="the ball is smaller the more lard (10, 40, 70, 100 %)", holds=falls, figures=figures, demanded=True
        ),
        Claim(says="the largest balls are those of 0 and 10 % lard", holds=largest, figures=figures, demanded=True),
    ]


def _colder(shafts: list[float]) -> Claim:
    figures = ", ".join(f"{share:.0%}: {shaft:.0f} °C" for share, shaft in zip(SHARES, shafts, strict=True))
    falls = bool(np.all(np.diff(shafts) < 0))
    return Claim(says="the shaft gets colder the more lard", holds=falls, figures=figures, demanded=True)
