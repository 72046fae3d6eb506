"""What is drawn: the numbers of tissue, those of the probes, and where the probes lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from iceball import anatomy, library
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Cited, Placement, Plan

Kind = Literal["tissue", "probe", "placement"]

# What is drawn first gets the best dimensions of a low-discrepancy design; nothing else hangs on this order. After
# physics README 0.4 and 0.5: frozen conductivity and latent heat of what freezes matter most.
FIRST_QUANTITIES = (
    *("frozen_conductivity_w_per_m_k", "latent_heat_j_per_kg", "conductivity_w_per_m_k", "solidus_c"),
    *("frozen_heat_capacity_j_per_kg_k", "heat_capacity_j_per_kg_k", "perfusion_ml_per_min_kg"),
)
# The groups of tissues that every palette of a case has, and how a person calls them.
GROUPS = {"matrix": "bone matrix", "marrow": "marrow", "tumour": "tumour", "soft": "soft tissue"}
PROBE_ROWS = {
    "internal_resistance_k_m_per_w": "internal resistance",
    "gas_temperature_c": "gas temperature",
    "cooling_time_s": "cooling time",
    "active_length_mm": "active length",
    "tip_to_active_mm": "dead tip",
}
# Common to all probes of one cryogen: they hang on the same gas.
COMMON_ROWS = ("gas_temperature_c", "cooling_time_s")
_QUANTITIES = {
    "density_kg_per_m3": "density",
    "heat_capacity_j_per_kg_k": "heat capacity",
    "conductivity_w_per_m_k": "conductivity",
    "perfusion_ml_per_min_kg": "perfusion",
    "metabolic_heat_w_per_kg": "metabolic heat",
    "frozen_conductivity_w_per_m_k": "frozen conductivity",
    "frozen_heat_capacity_j_per_kg_k": "frozen heat capacity",
    "latent_heat_j_per_kg": "latent heat",
    "solidus_c": "solidus",
    "liquidus_c": "liquidus",
    "conductivity_ice_fraction": "share of ice in the frozen conductivity",
    "capacity_ice_fraction": "share of ice in the frozen heat capacity",
}
_OF_BONE = {
    "arrangement": "arrangement of matrix and marrow",
    "bmd_per_hu": "CT: bone mineral per HU",
    "bmd_bias_mg_per_ml": "CT: offset of bone mineral",
    "mineral_density": "density of bone mineral",
    "mineral_in_matrix_fraction": "share of mineral in bone matrix",
    "marrow_fat_fraction": "fat in marrow",
    "red_marrow_fat_fraction": "fat in red marrow",
    "yellow_marrow_fat_fraction": "fat in yellow marrow",
    "red_marrow_water_fraction": "water in red marrow",
    "yellow_marrow_water_fraction": "water in yellow marrow",
    "matrix_water_fraction": "water in bone matrix",
    "border_outside_fraction": "what lies beyond in the bone's outermost voxels",
    **{
        f"{what}_hu": f"CT: HU of {what.replace('_', ' ')}" for what in ("red_marrow", "yellow_marrow", "fat", "muscle")
    },
    "lung_hu": "CT: HU of lung",
    "tumour_hu": "CT: HU of tumour",
}
_WAYS = ("deeper", "toward the head", "sideways")


@noun
class Input:
    """One thing that is drawn: ``key`` for programs, ``says`` for people.

    Tissue and probes go a score from -1 (the low end of the row's spread) over 0 (its value) to 1 (the high end);
    a placement goes so many millimetres.
    """

    key: str
    says: str
    kind: Kind


def inputs(plan: Plan) -> tuple[Input, ...]:
    """Return all that an ensemble of ``plan`` draws, in the order of the design's dimensions."""
    return (*_placements(plan), *_probes(plan), *_tissues())


def probe_key(placement: Placement, row: str) -> str:
    """Name the input that moves ``row`` of the probe of ``placement``."""
    owner = placement.probe.cryogen if row in COMMON_ROWS else placement.probe.name
    return f"{owner}.{row}"


def placement_keys(label: str) -> tuple[str, str, str]:
    """Name the inputs that shift the probe called ``label``: deeper, toward the head, sideways."""
    deeper, headward, sideways = (f"placement.{label}.{way.replace(' ', '_')}" for way in _WAYS)
    return deeper, headward, sideways


def ways(placement: Placement) -> NDArray[np.float64]:
    """(3, 3) unit vectors along which a probe may lie elsewhere: deeper, toward the head, sideways (LPS).

    The second is as near to the head as may be at right angles to the shaft; to the front where the shaft points
    to the head.
    """
    deeper = np.subtract(placement.tip_mm, placement.entry_mm)
    deeper = deeper / np.linalg.norm(deeper)
    # within 15 degrees of the body's axis "toward the head" says little: numerical
    up = np.array([0.0, 0.0, 1.0]) if abs(deeper[2]) < np.cos(np.radians(15.0)) else np.array([0.0, -1.0, 0.0])
    headward = up - (up @ deeper) * deeper
    headward /= np.linalg.norm(headward)
    return np.stack([deeper, headward, np.cross(deeper, headward)])


def probe_row(name: str, row: str) -> Cited | None:
    """Return the cited row of the probe called ``name``, None where it has none."""
    return library.probe_rows(name).get(row)


def _placements(plan: Plan) -> list[Input]:
    return [
        Input(key=key, says=f"probe {placement.label} lies {way}", kind="placement")
        for placement in plan.placements
        for key, way in zip(placement_keys(placement.label), _WAYS, strict=True)
    ]


def _probes(plan: Plan) -> list[Input]:
    found: dict[str, Input] = {}
    for row, words in PROBE_ROWS.items():
        for placement in plan.placements:
            key = probe_key(placement, row)
            found.setdefault(key, Input(key=key, says=f"{key.split('.')[0]}: {words}", kind="probe"))
    return list(found.values())


def _tissues() -> list[Input]:
    known = [key for key in anatomy.factors() if "." not in key or key.split(".")[0] in GROUPS]
    return [Input(key=key, says=_words(key), kind="tissue") for key in sorted(known, key=_rank)]


def _rank(key: str) -> tuple[int, int]:
    group, _, quantity = key.rpartition(".")
    if quantity in FIRST_QUANTITIES and group:
        return FIRST_QUANTITIES.index(quantity), list(GROUPS).index(group)
    return len(FIRST_QUANTITIES) + bool(group), 0


def _words(key: str) -> str:
    group, _, quantity = key.rpartition(".")
    if group:
        return f"{GROUPS[group]}: {_QUANTITIES[quantity]}"
    return _OF_BONE.get(key, f"CT: {key.replace('_', ' ')}")
