"""Pig lung 2010: isotherms of one 2.4 mm probe in living lung, predicted with the probe as it was fitted in agar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from iceball import library
from iceball.validation import rig
from iceball.validation.study import among
from iceball.validation.tables import rows, study

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceball.nouns import Tissue
    from iceball.validation.study import Comparison, Study

KEY, PROBE = "pig_lung", "argon-13g-35mm"
PROTOCOL, START_C = "10-5-10", 37.0
LEVELS = (0.0, -20.0, -40.0)


def tissues() -> dict[str, Tissue]:
    """Return lung as the library has it, with both ends of its frozen conductivity, without blood, and soft tissue."""
    lung = library.tissue("lung_inflated")
    frozen = library.tissue_rows("lung_inflated")["frozen_conductivity_w_per_m_k"]
    return {
        "lung": lung,
        "frozen conductivity, low": replace(lung, frozen_conductivity_w_per_m_k=frozen.low),
        "frozen conductivity, high": replace(lung, frozen_conductivity_w_per_m_k=frozen.high),
        "without blood": replace(lung, perfusion_w_per_m3_k=0.0),
        "soft tissue": library.tissue("tumour_soft_tissue"),
    }


def validate(progress: Callable[[float, str], None]) -> Study:
    """Freeze lung twice and compare three diameters."""
    sizes: list[list[float]] = []
    for n, (name, tissue) in enumerate(tissues().items(), start=1):
        bench = rig.bench(tissue, library.probe(PROBE), start_c=START_C, protocol=PROTOCOL, isotherms_c=LEVELS)
        moment = rig.freeze(bench)[-1]
        sizes.append([rig.diameter_mm(moment, level) for level in LEVELS])
        progress(n / 5, name)
    compared: list[Comparison] = []
    for column, level in enumerate(LEVELS):
        values = [row[column] for row in sizes]
        what, measured = f"diameter at {level:g} °C after the second freeze", rows(KEY)[f"diameter_{abs(level):g}"]
        compared.append(among(what, "predicted", measured, values))
    return study(KEY, compared, [])
