"""Tissues: their cited rows, and the per-volume properties the solver needs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._limits import physics
from iceball.library._tables import Table, parse_table, pick, read_rows, require_text, sources, table, unknown_name
from iceball.nouns import Cited, Freezing, FreezingPointDepression, LinearMush, Source, Tissue, Vasoconstriction

QUANTITIES = {
    "density_kg_per_m3": "kg/m³",
    "heat_capacity_j_per_kg_k": "J/kg/K",
    "conductivity_w_per_m_k": "W/m/K",
    "perfusion_ml_per_min_kg": "mL/min/kg",
    "metabolic_heat_w_per_kg": "W/kg",
    "frozen_conductivity_w_per_m_k": "W/m/K",
    "frozen_heat_capacity_j_per_kg_k": "J/kg/K",
    "latent_heat_j_per_kg": "J/kg",
    "solidus_c": "°C",
    "liquidus_c": "°C",
    "conductivity_ice_fraction": "1",
    "capacity_ice_fraction": "1",
}

BESIDE = ("says", "inert", "gas", "freezing", "like", "held_at")
FREEZING = ("linear mush", "freezing-point depression")

_M3_PER_S_FROM_ML_PER_MIN = 1e-6 / 60.0
# No gas spreads heat faster than this, a third of what frozen tissue does at -140 °C: numerical, decision 0009.
_GAS_DIFFUSIVITY_M2_PER_S = 1e-6


@functools.cache
def tissue_names() -> tuple[str, ...]:
    """Return the names of every tissue, in the order of the table."""
    return tuple(table("tissues"))


@functools.cache
def tissue_rows(name: str) -> Mapping[str, Cited]:
    """Return the cited rows of the tissue called ``name``, by quantity.

    Raises
    ------
    UnknownName : if the library has no such tissue; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return _read(table("tissues"), name, sources())


@functools.cache
def tissue(name: str) -> Tissue:
    """Return the tissue called ``name`` as the solver needs it, per volume.

    Both phases carry the UNFROZEN density, so that mass is conserved on a fixed grid; the expansion of water on
    freezing (9 %) is neglected. Gas that conducts holds more heat than it does, so that it does not set the time step.
    Perfusion is Pennes' W = w rho rho_b c_b [W/m³/K], with w [m³/s/kg] from the row and
    rho_b, c_b from the rows of blood.

    Raises
    ------
    UnknownName : if the library has no such tissue; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return tissue_with(name, {quantity: row.value for quantity, row in tissue_rows(name).items()})


def tissue_with(name: str, values: Mapping[str, float]) -> Tissue:
    """Return the tissue called ``name`` with ``values`` (all quantities of its rows) in place of the table's.

    Blood keeps its rows: perfusion is converted with them. The rest is as in ``tissue(name)``.

    Raises
    ------
    UnknownName : if the library has no such tissue; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    tissue_rows(name)  # refuses an unknown name
    entry = _entry(table("tissues"), name)
    held_at = entry.get("held_at")
    blood = tissue_rows("blood")
    blood_j_per_m3_k = blood["density_kg_per_m3"].value * blood["heat_capacity_j_per_kg_k"].value
    density = values["density_kg_per_m3"]
    k = values["conductivity_w_per_m_k"]
    least = k / _GAS_DIFFUSIVITY_M2_PER_S if entry.get("gas") else 0.0
    perfusion_per_s = values["perfusion_ml_per_min_kg"] * _M3_PER_S_FROM_ML_PER_MIN * density
    return Tissue(
        name=name,
        conductivity_w_per_m_k=k,
        frozen_conductivity_w_per_m_k=values["frozen_conductivity_w_per_m_k"],
        heat_capacity_j_per_m3_k=max(density * values["heat_capacity_j_per_kg_k"], least),
        frozen_heat_capacity_j_per_m3_k=max(density * values["frozen_heat_capacity_j_per_kg_k"], least),
        latent_heat_j_per_m3=density * values["latent_heat_j_per_kg"],
        solidus_c=values["solidus_c"],
        liquidus_c=values["liquidus_c"],
        conductivity_ice_fraction=values["conductivity_ice_fraction"],
        capacity_ice_fraction=values["capacity_ice_fraction"],
        perfusion_w_per_m3_k=perfusion_per_s * blood_j_per_m3_k,
        metabolic_heat_w_per_m3=density * values["metabolic_heat_w_per_kg"],
        inert=bool(entry.get("inert", False)),
        freezing=freezing(entry["freezing"]),
        held_c=None if held_at is None else physics()[held_at].value,
    )


def freezing(name: str) -> Freezing:
    """Return the freezing law called ``name``: "linear mush" or "freezing-point depression".

    Raises
    ------
    UnknownName : if there is no such law; the message lists both
    """
    if name not in FREEZING:
        raise unknown_name("freezing law", name, FREEZING)
    if name == "linear mush":
        return LinearMush()
    return FreezingPointDepression(complete_c=physics()["freezing_complete_c"].value)


def vasoconstriction() -> Vasoconstriction:
    """Return the ramp by which blood leaves cold tissue, for those who choose it: no tissue of the library has it."""
    rows = physics()
    return Vasoconstriction(
        stops_c=rows["vasoconstriction_stops_c"].value, full_c=rows["vasoconstriction_full_c"].value
    )


def read_tissue(text: str, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    """Read the tissue ``name`` from the TOML ``text`` of a tissue table; ``known`` are the sources that exist.

    Raises
    ------
    UnknownName : if the table has no such tissue
    LibraryError : if a row of the table breaks a rule
    """
    return _read(parse_table(text, "tissues"), name, known)


def _entry(tissues: Table, name: str) -> Table:
    """The entry ``name``, with the rows of the tissue it is ``like`` where it has none of its own."""
    entry = pick("tissue", name, tissues)
    if "like" not in entry:
        return entry
    model = require_text(f"tissues.{name}", entry, "like")
    if model not in tissues or "like" in tissues[model]:
        raise LibraryError(f"tissues.{name} is like {model!r}, which must be a tissue with rows of its own")
    return dict(tissues[model]) | dict(entry)


def _read(tissues: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    where, entry = f"tissues.{name}", _entry(tissues, name)
    require_text(where, entry, "says")
    if (law := require_text(where, entry, "freezing")) not in FREEZING:
        raise LibraryError(f"{where}: freezing {law!r} is unknown; write one of {', '.join(FREEZING)}")
    if unknown := [field for field in entry if field not in QUANTITIES and field not in BESIDE]:
        raise LibraryError(f"{where} has an unknown field {', '.join(unknown)}; it may have: {', '.join(QUANTITIES)}")
    if (held_at := entry.get("held_at")) is not None and held_at not in physics():
        raise LibraryError(f"{where}: held_at {held_at!r} is no row of physics.toml; it has: {', '.join(physics())}")
    rows = read_rows(where, entry, known, beside=BESIDE)
    if lacking := [quantity for quantity in QUANTITIES if quantity not in rows]:
        raise LibraryError(f"{where} lacks {', '.join(lacking)}")
    for quantity, unit in QUANTITIES.items():
        if rows[quantity].unit != unit:
            raise LibraryError(f"{where}.{quantity} is in {rows[quantity].unit}; write it in {unit}")
    return MappingProxyType({quantity: rows[quantity] for quantity in QUANTITIES})
