"""Probes: their cited rows and the nouns made of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._tables import Table, parse_table, pick, read_rows, require_text, sources, table
from iceball.nouns import (
    BareEnd,
    Cited,
    HandleEnd,
    Heater,
    HeldShaft,
    InsulatedShaft,
    Probe,
    Source,
    ThawLaw,
    WarmGas,
)

REQUIRED = {
    "shaft_diameter_mm": "mm",
    "active_length_mm": "mm",
    "gas_temperature_c": "°C",
    "internal_resistance_k_m_per_w": "K·m/W",
    "cooling_time_s": "s",
    "tip_to_active_mm": "mm",
}
OPTIONAL = {
    "thaw_temperature_c": "°C",
    "gas_temperature_at_handle_c": "°C",
    "rewarming_time_s": "s",
    "thaw_heat_w_per_m": "W/m",
}
REQUIRED_BESIDE = ("says", "cryogen")
BESIDE = (*REQUIRED_BESIDE, "thaw_by", "handle_end")
THAW_BY: Mapping[str, ThawLaw] = {"held shaft": HeldShaft(), "warm gas": WarmGas()}
HANDLE_ENDS: Mapping[str, HandleEnd] = {"bare": BareEnd(), "insulated shaft": InsulatedShaft()}


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
    rows, entry = probe_rows(name), table("probes")[name]

    def given(quantity: str) -> float | None:
        return rows[quantity].value if quantity in rows else None

    return Probe(
        name=name,
        cryogen=require_text(f"probes.{name}", entry, "cryogen"),
        shaft_diameter_mm=rows["shaft_diameter_mm"].value,
        active_length_mm=rows["active_length_mm"].value,
        gas_temperature_c=rows["gas_temperature_c"].value,
        internal_resistance_k_m_per_w=rows["internal_resistance_k_m_per_w"].value,
        cooling_time_s=rows["cooling_time_s"].value,
        tip_to_active_mm=rows["tip_to_active_mm"].value,
        thaw_temperature_c=given("thaw_temperature_c"),
        gas_temperature_at_handle_c=given("gas_temperature_at_handle_c"),
        rewarming_time_s=given("rewarming_time_s"),
        thaw_law=_thaw_law(f"probes.{name}", entry, given("thaw_heat_w_per_m")),
        handle_end=_handle_end(f"probes.{name}", entry),
    )


def _handle_end(where: str, entry: Table) -> HandleEnd:
    """What the row ``handle_end`` chooses, bare where it is left out (decision 0003)."""
    if (end := entry.get("handle_end", "bare")) not in HANDLE_ENDS:
        raise LibraryError(f"{where}: handle_end {end!r} is unknown; write one of {', '.join(HANDLE_ENDS)}")
    return HANDLE_ENDS[end]


def _thaw_law(where: str, entry: Table, heat_w_per_m: float | None) -> ThawLaw:
    """What the row ``thaw_by`` chooses: "held shaft" (where it is left out), "warm gas" or "heater"."""
    if (by := entry.get("thaw_by", "held shaft")) == "heater":
        if heat_w_per_m is None:
            raise LibraryError(f"{where} thaws by a heater but lacks thaw_heat_w_per_m")
        return Heater(heat_w_per_m=heat_w_per_m)
    if by not in THAW_BY or heat_w_per_m is not None:
        raise LibraryError(
            f"{where}: thaw_by {by!r} will not do; write 'held shaft', 'warm gas', or 'heater' with thaw_heat_w_per_m"
        )
    return THAW_BY[by]


def read_probe(text: str, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    """Read the probe ``name`` from the TOML ``text`` of a probe table; ``known`` are the sources that exist.

    Raises
    ------
    UnknownName : if the table has no such probe
    LibraryError : if a row of the table breaks a rule
    """
    return _read(parse_table(text, "probes"), name, known)


def _read(probes: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    where, entry, units = f"probes.{name}", pick("probe", name, probes), REQUIRED | OPTIONAL
    for field in REQUIRED_BESIDE:
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
