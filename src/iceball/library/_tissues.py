"""Tissues: their cited rows, and the per-volume properties the solver needs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._tables import Table, parse_table, read_rows, require_text, sources, table, unknown_name
from iceball.nouns import Cited, Source, Tissue

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

BESIDE = ("says", "inert")

_M3_PER_S_FROM_ML_PER_MIN = 1e-6 / 60.0


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
    freezing (9 %) is neglected. Perfusion is Pennes' W = w rho rho_b c_b [W/m³/K], with w [m³/s/kg] from the row and
    rho_b, c_b from the rows of blood.

    Raises
    ------
    UnknownName : if the library has no such tissue; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    rows = tissue_rows(name)
    blood = tissue_rows("blood")
    blood_j_per_m3_k = blood["density_kg_per_m3"].value * blood["heat_capacity_j_per_kg_k"].value
    density = rows["density_kg_per_m3"].value
    perfusion_per_s = rows["perfusion_ml_per_min_kg"].value * _M3_PER_S_FROM_ML_PER_MIN * density
    return Tissue(
        name=name,
        conductivity_w_per_m_k=rows["conductivity_w_per_m_k"].value,
        frozen_conductivity_w_per_m_k=rows["frozen_conductivity_w_per_m_k"].value,
        heat_capacity_j_per_m3_k=density * rows["heat_capacity_j_per_kg_k"].value,
        frozen_heat_capacity_j_per_m3_k=density * rows["frozen_heat_capacity_j_per_kg_k"].value,
        latent_heat_j_per_m3=density * rows["latent_heat_j_per_kg"].value,
        solidus_c=rows["solidus_c"].value,
        liquidus_c=rows["liquidus_c"].value,
        conductivity_ice_fraction=rows["conductivity_ice_fraction"].value,
        capacity_ice_fraction=rows["capacity_ice_fraction"].value,
        perfusion_w_per_m3_k=perfusion_per_s * blood_j_per_m3_k,
        metabolic_heat_w_per_m3=density * rows["metabolic_heat_w_per_kg"].value,
        inert=bool(table("tissues")[name].get("inert", False)),
    )


def read_tissue(text: str, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    """Read the tissue ``name`` from the TOML ``text`` of a tissue table; ``known`` are the sources that exist.

    Raises
    ------
    UnknownName : if the table has no such tissue
    LibraryError : if a row of the table breaks a rule
    """
    return _read(parse_table(text, "tissues"), name, known)


def _read(tissues: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    if name not in tissues:
        raise unknown_name("tissue", name, tissues)
    where, entry = f"tissues.{name}", tissues[name]
    require_text(where, entry, "says")
    if unknown := [field for field in entry if field not in QUANTITIES and field not in BESIDE]:
        raise LibraryError(f"{where} has an unknown field {', '.join(unknown)}; it may have: {', '.join(QUANTITIES)}")
    rows = read_rows(where, entry, known, beside=BESIDE)
    if lacking := [quantity for quantity in QUANTITIES if quantity not in rows]:
        raise LibraryError(f"{where} lacks {', '.join(lacking)}")
    for quantity, unit in QUANTITIES.items():
        if rows[quantity].unit != unit:
            raise LibraryError(f"{where}.{quantity} is in {rows[quantity].unit}; write it in {unit}")
    return MappingProxyType({quantity: rows[quantity] for quantity in QUANTITIES})
