"""Protections: what warms the skin or a space, with the cited rows behind it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._tables import Table, pick, read_rows, require_text, sources, table, unknown_name
from iceball.nouns import Cited, Pocket, Protection, Region, Source, WarmPad

UNITS = {"outside_c": "°C", "film_w_per_m2_k": "W/m²/K", "held_c": "°C", "push_mm": "mm"}
PAD = ("outside_c", "film_w_per_m2_k")
IRRIGATION, DISSECTION = "warm_irrigation", "dissection"
KINDS = (set(PAD), {"held_c"}, {"push_mm"})


@functools.cache
def protection_names() -> tuple[str, ...]:
    """Return the names of every means of warming, in the order of the table."""
    return tuple(table("protections"))


@functools.cache
def protection_rows(name: str) -> Mapping[str, Cited]:
    """Return the cited rows of the means of warming called ``name``, by quantity.

    Raises
    ------
    UnknownName : if the library has no such means; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return _read(table("protections"), name, sources())


def warm_pad(name: str, *, label: str, region: Region) -> WarmPad:
    """Return the pad called ``name``, for example "saline_glove", laid on the skin in ``region``.

    Raises
    ------
    UnknownName : if the library has no such pad; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    pads = [each for each in protection_names() if set(PAD) <= set(protection_rows(each))]
    if name not in pads:
        raise unknown_name("pad", name, pads)
    rows = protection_rows(name)
    return WarmPad(
        label=label, region=region, outside_c=rows["outside_c"].value, film_w_per_m2_k=rows["film_w_per_m2_k"].value
    )


def irrigation(*, label: str, region: Region) -> Pocket:
    """Return a pocket of saline that is kept flowing through ``region``, so that it stays warm."""
    return Pocket(label=label, filling="saline", region=region, held_c=protection_rows(IRRIGATION)["held_c"].value)


def dissection_push_mm() -> float:
    """Return how far a dissection moves a structure [mm]."""
    return protection_rows(DISSECTION)["push_mm"].value


def means_of(protection: Protection) -> tuple[str, ...]:
    """Return the names of the means of warming whose numbers ``protection`` has: a plan keeps numbers, not names."""
    return tuple(
        name
        for name in protection_names()
        if name != DISSECTION
        and all(getattr(protection, quantity, None) == row.value for quantity, row in protection_rows(name).items())
    ) + ((DISSECTION,) if isinstance(protection, Pocket) and protection.pushes else ())


def _read(entries: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    where, entry = f"protections.{name}", pick("protection", name, entries)
    require_text(where, entry, "says")
    rows = read_rows(where, entry, known, beside=("says",))
    if set(rows) not in KINDS:
        raise LibraryError(f"{where} has {', '.join(rows)}; it needs {' and '.join(PAD)}, or held_c or push_mm alone")
    for quantity, row in rows.items():
        if row.unit != UNITS[quantity]:
            raise LibraryError(f"{where}.{quantity} is in {row.unit}; write it in {UNITS[quantity]}")
    return MappingProxyType(dict(rows))
