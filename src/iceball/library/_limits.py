"""Safety limits, lethal thresholds, and the constants that anatomy and the solver read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal, cast

from iceball.errors import LibraryError
from iceball.library._tables import (
    Table,
    pick,
    read_row,
    read_rows,
    require_fields,
    require_text,
    sources,
    table,
)
from iceball.nouns import Cited, Source
from iceball.nouns._noun import noun

LimitKind = Literal["cord and nerve", "hollow organ", "skin"]
KINDS: tuple[LimitKind, ...] = ("cord and nerve", "hollow organ", "skin")
STEPS = ("note_below", "caution_below", "stop_below")
BESIDE = ("kind", "says")
NAMED_BELOW = "named_below"


@noun
class Limit:
    """How cold one kind of structure may get: below each value [°C] the finding is a note, a caution or a stop.

    A step that is None has no limit: such a structure never gets a finding of that severity from this rule.
    """

    key: str
    kind: LimitKind
    says: str
    note_below: Cited | None = None
    caution_below: Cited | None = None
    stop_below: Cited | None = None

    def __post_init__(self) -> None:
        """Refuse a limit without any step, of an unknown kind, or whose graver step lies above a milder one."""
        if self.kind not in KINDS:
            raise LibraryError(f"limits.{self.key}: kind {self.kind!r} is unknown; write one of {', '.join(KINDS)}")
        steps = [row for row in (self.note_below, self.caution_below, self.stop_below) if row is not None]
        if not steps:
            raise LibraryError(f"limits.{self.key} has no step; write at least one of {', '.join(STEPS)}")
        values = [row.value for row in steps]
        if values != sorted(values, reverse=True):
            raise LibraryError(f"limits.{self.key}: note, caution and stop must fall in temperature, not {values}")

    @property
    def values_c(self) -> tuple[float, ...]:
        """Every temperature of this limit, warmest first [°C]."""
        steps = (self.note_below, self.caution_below, self.stop_below)
        return tuple(row.value for row in steps if row is not None)


@functools.cache
def limits() -> tuple[Limit, ...]:
    """Return every safety limit, in the order of the table.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_limits(table("limits"), sources())


def limit(key: str) -> Limit:
    """Return the safety limit called ``key``, for example "spinal_cord".

    Raises
    ------
    UnknownName : if the library has no such limit; the message lists the known ones
    LibraryError : if a row of the table breaks a rule
    """
    return pick("limit", key, {found.key: found for found in limits()})


@functools.cache
def named_below() -> Cited:
    """Return the temperature [°C] below which a structure without a limit is named in the findings. It is no limit.

    Raises
    ------
    LibraryError : if the row breaks a rule or is not in °C
    """
    row = read_row(f"limits.{NAMED_BELOW}", table("limits")[NAMED_BELOW], sources())
    return _in_c(f"limits.{NAMED_BELOW}", row)


@functools.cache
def thresholds() -> Mapping[str, Cited]:
    """Return the lethal thresholds [°C] by name; ``isotherms()`` says which of them are reported.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("thresholds", table("thresholds"), sources(), beside=("reported",))


@functools.cache
def isotherms() -> tuple[Cited, ...]:
    """Return the thresholds that every report shows, warmest first: the visible ice edge first.

    Raises
    ------
    LibraryError : if the table reports a threshold it does not have, or a row breaks a rule
    """
    names = cast("list[str]", table("thresholds")["reported"])
    if missing := [name for name in names if name not in thresholds()]:
        raise LibraryError(f"thresholds.reported names {', '.join(missing)}; the table has: {', '.join(thresholds())}")
    return tuple(sorted((thresholds()[name] for name in names), key=lambda row: -row.value))


@functools.cache
def hu_rules() -> Mapping[str, Cited]:
    """Return the Hounsfield thresholds and mapping constants that anatomy uses, by name.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("hu", table("hu"), sources(), beside=())


@functools.cache
def physics() -> Mapping[str, Cited]:
    """Return the constants of the solver's surroundings by name: room, skin, arterial blood, stasis.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("physics", table("physics"), sources(), beside=())


def read_limits(entries: Table, known: Mapping[str, Source]) -> tuple[Limit, ...]:
    """Read every limit of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return tuple(_limit(key, entry, known) for key, entry in entries.items() if key != NAMED_BELOW)


def _in_c(where: str, row: Cited) -> Cited:
    if row.unit != "°C":
        raise LibraryError(f"{where} is in {row.unit}; write it in °C")
    return row


def _limit(key: str, entry: Table, known: Mapping[str, Source]) -> Limit:
    where = f"limits.{key}"
    require_fields(where, entry, (*BESIDE, *STEPS))
    rows = read_rows(where, entry, known, beside=BESIDE)
    for step, row in rows.items():
        _in_c(f"{where}.{step}", row)
    return Limit(
        key=key,
        kind=cast("LimitKind", require_text(where, entry, "kind")),
        says=require_text(where, entry, "says"),
        note_below=rows.get("note_below"),
        caution_below=rows.get("caution_below"),
        stop_below=rows.get("stop_below"),
    )
