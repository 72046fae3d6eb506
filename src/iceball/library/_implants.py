"""Implanted lesions: how they look on CT, with the cited rows behind it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from iceball.errors import LibraryError
from iceball.library._tables import Table, pick, read_rows, require_text, sources, table
from iceball.nouns import Cited, Source

SCAN = "scan"
UNITS = {"hu": "HU", "mm": "mm", "fraction": "1"}


@functools.cache
def implant_names() -> tuple[str, ...]:
    """Return the names of every group of rows, in the order of the table: the kinds of lesion, and ``scan``."""
    return tuple(table("implants"))


@functools.cache
def implant_rows(name: str) -> Mapping[str, Cited]:
    """Return the cited rows of the kind of lesion called ``name``, by quantity; ``scan`` has those of the CT.

    Raises
    ------
    UnknownName : if the library has no such kind; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return read_implant(table("implants"), name, sources())


def read_implant(entries: Table, name: str, known: Mapping[str, Source]) -> Mapping[str, Cited]:
    """Read the group ``name`` out of ``entries``; ``known`` are the sources that exist.

    Raises
    ------
    UnknownName : if there is no such group
    LibraryError : if a row breaks a rule, or is not in the unit that its name ends in
    """
    where, entry = f"implants.{name}", pick("implant", name, entries)
    require_text(where, entry, "says")
    rows = read_rows(where, entry, known, beside=("says",))
    for quantity, row in rows.items():
        if row.unit != (unit := UNITS.get(quantity.rpartition("_")[2])):
            raise LibraryError(f"{where}.{quantity} is in {row.unit}; its name says {unit or 'no unit'}")
    return MappingProxyType(dict(rows))
