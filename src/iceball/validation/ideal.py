"""The table of ideal probes: an isothermal shaft in gel, computed by another program with other ends."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

from iceball import library
from iceball.nouns import Cited, Probe
from iceball.validation import rig
from iceball.validation.study import Comparison
from iceball.validation.tables import rows, study, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceball.nouns.bench import Bench
    from iceball.validation.study import Study

KEY, FILE = "ideal", "ideal.csv"
MINUTES = "10"
DEMANDED_DIAMETER = 0.06  # half a digit of the smallest number is 0.03, and both programs have a grid
SHORT_MM = 15.0  # a shorter shaft is computed finely: ends are all there is of it

Row = dict[str, str]


def cases() -> dict[str, list[Row]]:
    """Return the rows of the table, one list per case."""
    found: dict[str, list[Row]] = {}
    for row in csv.DictReader(text(FILE).splitlines()):
        found.setdefault(row["case"], []).append(row)
    return found


def setting(case: list[Row]) -> Bench:
    """Set up the bench of one case: R' = 0 makes the shaft as cold as its gas."""
    first, assumed = case[0], rows(KEY, "assumed_values")
    probe = Probe(
        name=first["case"],
        cryogen="none: an ideal shaft",
        shaft_diameter_mm=float(first["shaft_mm"]),
        active_length_mm=float(first["active_mm"]),
        gas_temperature_c=float(first["surface_c"]),
        internal_resistance_k_m_per_w=0.0,
        cooling_time_s=assumed["cooling_time"].value,
    )
    density = library.tissue_rows("agar_gel")["density_kg_per_m3"].value
    gel = replace(library.tissue("agar_gel"), latent_heat_j_per_m3=assumed["latent_heat"].value * density)
    levels = [float(row["isotherm_c"]) for row in case]
    bench = rig.bench(gel, probe, start_c=float(first["start_c"]), protocol=MINUTES, isotherms_c=levels)
    return replace(bench, spacing_mm=rig.FINE_SPACING_MM) if probe.active_length_mm < SHORT_MM else bench


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze every case and compare diameters and lengths."""
    compared: list[Comparison] = []
    table = cases()
    for n, (name, case) in enumerate(table.items(), start=1):
        compared += compare(case)
        progress(n / len(table), name)
    return study(KEY, compared, [])


def compare(case: list[Row]) -> list[Comparison]:
    """Freeze one case and compare its diameters and lengths."""
    moment, found = rig.freeze(setting(case))[-1], []
    for row in case:
        level = float(row["isotherm_c"])
        for field, size in (("diameter_mm", rig.diameter_mm), ("length_mm", rig.length_mm)):
            value, side = size(moment, level), field.removesuffix("_mm")
            found.append(
                Comparison(
                    what=f"{row['case']}: {side} at {0 if level > -1 else level:g} °C",
                    use="another model",
                    measured=_cited(row, field),
                    model=value,
                    low=value,
                    high=value,
                    demanded_fraction=DEMANDED_DIAMETER if side == "diameter" else None,
                )
            )
    return found


def _cited(row: Row, field: str) -> Cited:
    value, half = float(row[field]), rows(KEY, "assumed_values")["rounding"].value
    return Cited(
        value=value,
        unit="mm",
        low=value - half,
        high=value + half,
        state=f"{row['case']}, {MINUTES} min",
        source="iceball_physics_notes",
        confidence="computed",
        note="spread: as it is printed",
    )
