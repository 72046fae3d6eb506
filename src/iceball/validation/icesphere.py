"""IceSphere, a 1.5 mm x 22 mm argon probe: its maker's size, a bath of saline, and the lungs of patients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.validation import rig
from iceball.validation.study import Comparison, among
from iceball.validation.tables import rows, study

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceball.nouns import Tissue
    from iceball.nouns.bench_result import PhantomMoment
    from iceball.validation.study import Study

KEY, PROBE = "icesphere", "argon-17g-22mm"
CLINICAL = "3-3-7-4.2-10"  # minutes; thaws as the recording N1 has them
FRONT_MINUTES = (1, 2, 3)
LUNGS = ("lung_inflated", "tumour_soft_tissue")


def trace() -> tuple[np.ndarray, np.ndarray]:
    """Times [s] and temperatures [°C] of the shaft in a warm bath: what R' and the cooling time are fitted to."""
    found = [
        (float(name.removeprefix("at_").removesuffix("_s")), row.value) for name, row in rows(KEY, "trace").items()
    ]
    return np.array([t for t, _ in found]), np.array([value for _, value in found])


def plateaus() -> dict[str, tuple[float, float]]:
    """One late reading (time [s], temperature [°C]) of each of the other recordings."""
    return {name: (240.0, row.value) for name, row in rows(KEY, "plateaus").items()}


def shaft_c(gas_temperature_c: float, resistance_k_m_per_w: float, cooling_time_s: float) -> np.ndarray:
    """Temperatures of the shaft [°C] at the times of the trace, in saline at 30 °C."""
    start_c = rows(KEY, "assumed_values")["trace_start"].value
    return _surfaces(gas_temperature_c, resistance_k_m_per_w, cooling_time_s, (tuple(trace()[0]), start_c))


def plateau_c(gas_temperature_c: float, resistance_k_m_per_w: float, cooling_time_s: float, at_s: float) -> float:
    """Temperature of the shaft [°C] at ``at_s`` [s] in the saline of the recordings."""
    settings = ((at_s,), rows(KEY, "assumed_values")["dish_start"].value)
    return float(_surfaces(gas_temperature_c, resistance_k_m_per_w, cooling_time_s, settings)[-1])


def _surfaces(
    gas_c: float, resistance: float, cooling_s: float, settings: tuple[tuple[float, ...], float]
) -> np.ndarray:
    changed = {
        "gas_temperature_c": gas_c,
        "internal_resistance_k_m_per_w": resistance,
        "cooling_time_s": cooling_s,
    }
    probe = replace(library.probe(PROBE), **changed)
    times, start_c = settings
    bench = rig.bench(library.tissue("saline"), probe, start_c=start_c, protocol=f"freeze for {max(times):g} s")
    moments = rig.freeze(replace(bench, spacing_mm=rig.FINE_SPACING_MM, report_s=times))
    return np.array([moment.probes[0].surface_c for moment in moments], dtype=float)


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze gel, saline and lung with the calibrated probe and compare sizes."""
    gel = [_gel(start_c) for start_c in _starts()]
    progress(0.3, "gel")
    bath = _saline()
    progress(0.5, "saline")
    lungs = [_lung(tissue) for tissue in _lungs()]
    compared = [*_sizes("maker", "gel, 10 min", gel), *bath, *_sizes("lung", "lung of patients", lungs)]
    return study(KEY, compared, [])


def _starts() -> tuple[float, float]:
    """The gel's temperature at its two ends [°C]: the first is taken as central."""
    row = rows(KEY, "assumed_values")["gel_start"]
    return row.value, row.high


def _gel(start_c: float) -> PhantomMoment:
    return rig.freeze(rig.bench(library.tissue("agar_gel"), library.probe(PROBE), start_c=start_c, protocol="10"))[-1]


def _saline() -> list[Comparison]:
    start_c, probe = rows(KEY, "assumed_values")["dish_start"].value, library.probe(PROBE)
    bench = rig.bench(library.tissue("saline"), probe, start_c=start_c, protocol=f"{max(FRONT_MINUTES)}")
    moments = rig.freeze(replace(bench, report_s=tuple(60.0 * minutes for minutes in FRONT_MINUTES)))
    found: list[Comparison] = []
    for minutes, moment in zip(FRONT_MINUTES, moments, strict=True):
        front = rig.diameter_mm(moment, rig.FREEZING_EDGE_C) / 2 - probe.shaft_diameter_mm / 2
        row, what = rows(KEY)[f"front_{minutes}_min"], f"saline: front from the shaft at {minutes} min"
        found.append(among(what, "predicted", row, [front]))
    return found


def _lungs() -> list[Tissue]:
    """Lung with air, the same with the ends of its frozen conductivity, without blood, and tumour without air."""
    lung, frozen = library.tissue(LUNGS[0]), library.tissue_rows(LUNGS[0])["frozen_conductivity_w_per_m_k"]
    ends = [replace(lung, frozen_conductivity_w_per_m_k=value) for value in (frozen.low, frozen.high)]
    return [lung, *ends, replace(lung, perfusion_w_per_m3_k=0.0), library.tissue(LUNGS[1])]


def _lung(tissue: Tissue) -> PhantomMoment:
    return rig.freeze(rig.bench(tissue, library.probe(PROBE), start_c=37.0, protocol=CLINICAL))[-1]


def _sizes(row: str, where: str, moments: list[PhantomMoment]) -> list[Comparison]:
    found: list[Comparison] = []
    for side, size in (("long", rig.length_mm), ("short", rig.diameter_mm)):
        values = [size(moment, rig.FREEZING_EDGE_C) for moment in moments]
        found.append(among(f"{where}: {side} axis", "predicted", rows(KEY)[f"{row}_{side}"], values))
    return found
