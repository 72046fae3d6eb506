"""Probes: their cited rows and the nouns made of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._tables import Table, parse_table, read_rows, require_text, sources, table, unknown_name
from iceball.nouns import Cited, Probe, Source

REQUIRED = {
    "shaft_diameter_mm": "mm",
    "active_length_mm": "mm",
    "gas_temperature_c": "°C",
    "internal_resistance_k_m_per_w": "K·m/W",
    "cooling_time_s": "s",
    "tip_to_active_mm": "mm",
}
OPTIONAL = {"thaw_temperature_c": "°C"}
BESIDE = ("says", "cryogen")


@functools.cache
def probe_names() -> tuple[str, ...]:
    """Return the names of every probe, in the order of the table."""
    return tuple(table("probes"))


@functools.cache
def probe_rows(name: str) -> Mapping[str, Cited]:
    """Return the cited rows of the probe called ``name``, by quantity.

    Raises
    ------
    UnknownName : if the library has no such probe; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return _read(table("probes"), name, sources())


@functools.cache
def probe(name: str) -> Probe:
    """Return the probe called ``name``, for example "argon-17g-30mm".

    Raises
    ------
    UnknownName : if the library has no such probe; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    rows = probe_rows(name)
    thaw = rows.get("thaw_temperature_c")
    return Probe(
        name=name,
        cryogen=require_text(f"probes.{name}", table("probes")[name], "cryogen"),
        shaft_diameter_mm=rows["shaft_diameter_mm"].value,
        active_length_mm=rows["active_length_mm"].value,
        gas_temperature_c=rows["gas_temperature_c"].value,
        internal_resistance_k_m_per_w=rows["internal_resistance_k_m_per_w"].value,
        cooling_time_s=rows["cooling_time_s"].value,
        tip_to_active_mm=rows["tip_to_active_mm"].value,
        thaw_temperature_c=None if thaw is None else thaw.value,
    )


def read_probe(text: str, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    """Read the probe ``name`` from the TOML ``text`` of a probe table; ``known`` are the sources that exist.

    Raises
    ------
    UnknownName : if the table has no such probe
    LibraryError : if a row of the table breaks a rule
    """
    return _read(parse_table(text, "probes"), name, known)


def _read(probes: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    if name not in probes:
        raise unknown_name("probe", name, probes)
    where, entry, units = f"probes.{name}", probes[name], REQUIRED | OPTIONAL
    for field in BESIDE:
        require_text(where, entry, field)
    if unknown := [field for field in entry if field not in units and field not in BESIDE]:
        raise LibraryError(f"{where} has an unknown field {', '.join(unknown)}; it may have: {', '.join(units)}")
    rows = read_rows(where, entry, known, beside=BESIDE)
    if lacking := [quantity for quantity in REQUIRED if quantity not in rows]:
        raise LibraryError(f"{where} lacks {', '.join(lacking)}")
    for quantity, row in rows.items():
        if row.unit != units[quantity]:
            raise LibraryError(f"{where}.{quantity} is in {row.unit}; write it in {units[quantity]}")
    return MappingProxyType({quantity: rows[quantity] for quantity in units if quantity in rows})
