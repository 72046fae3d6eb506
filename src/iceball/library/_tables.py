"""Read the tables: TOML rows into Cited, sources.bib into Source; a row that breaks a rule is refused."""

from __future__ import annotations

import difflib
import functools
import hashlib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, TypeVar, cast

from iceball.errors import InputError, LibraryError, UnknownName
from iceball.library._sources import read_sources
from iceball.nouns import CONFIDENCES, Cited, Confidence, Source

TABLES = (
    *("tissues", "probes", "thresholds", "limits", "hu"),
    *("physics", "structures", "protections", "implants", "measures", "outlines"),
    *("questions", "screening", "scores", "sites", "ways"),
    "ensemble",
    "planning",
)
BIBLIOGRAPHY = "sources.bib"

_NUMBERS = ("value", "low", "high")
_TEXTS = ("unit", "state", "source", "confidence")
_FIELDS = (*_NUMBERS, *_TEXTS, "note")
_LIKE_ENOUGH = 0.8
_CITATION = re.compile(r"\[([a-z][a-z0-9_]*)\]")

Table = Mapping[str, Any]
_Row = TypeVar("_Row")


def _text(file: str) -> str:
    return resources.files(__package__ or "iceball.library").joinpath(file).read_text(encoding="utf-8")


@functools.cache
def sources() -> Mapping[str, Source]:
    """Return every source of the library by its key in ``sources.bib``.

    Raises
    ------
    LibraryError : if an entry lacks its title, or stands twice
    """
    return MappingProxyType(read_sources(_text(BIBLIOGRAPHY)))


@functools.cache
def digest() -> str:
    """Return twelve hex letters over the content of every table and of ``sources.bib``."""
    sha = hashlib.sha256()
    for file in (*(f"{table}.toml" for table in TABLES), BIBLIOGRAPHY):
        text = _text(file)
        sha.update(f"{file}:{len(text)}:".encode())
        sha.update(text.encode())
    return sha.hexdigest()[:12]


@functools.cache
def table(name: str) -> Table:
    """Return the table called ``name`` as plain TOML.

    Raises
    ------
    LibraryError : if the file is not TOML
    """
    return parse_table(_text(f"{name}.toml"), name)


def parse_table(text: str, name: str) -> Table:
    """Parse the TOML ``text`` of the table called ``name``.

    Raises
    ------
    LibraryError : if the text is not TOML
    """
    try:
        return MappingProxyType(tomllib.loads(text))
    except tomllib.TOMLDecodeError as broken:
        raise LibraryError(f"{name}.toml is not valid TOML: {broken}") from None


def read_rows(where: str, entries: Table, known: Mapping[str, Source], *, beside: Iterable[str]) -> Mapping[str, Cited]:
    """Read every entry of ``entries`` as a Cited, but for the plain fields ``beside`` them (``says``, ...).

    Raises
    ------
    LibraryError : if a row breaks a rule or is no row at all; the message names ``where`` and the row
    """
    rows: dict[str, Cited] = {}
    for name, entry in entries.items():
        if name in beside:
            continue
        if not isinstance(entry, dict):
            raise LibraryError(f"{where}.{name} is a bare {entry!r}: every number needs unit, spread, state and source")
        rows[name] = read_row(f"{where}.{name}", cast("Table", entry), known)
    return MappingProxyType(rows)


def read_row(where: str, row: Table, known: Mapping[str, Source]) -> Cited:
    """Read one ``row`` as a Cited; ``known`` are the sources that exist, ``where`` is table.row.quantity.

    Raises
    ------
    LibraryError : if the row lacks a field, has an unknown field, source or confidence, or a value outside its spread
    """
    if lacking := [field for field in (*_NUMBERS, *_TEXTS) if field not in row]:
        raise LibraryError(f"{where} lacks {', '.join(lacking)}: every number needs unit, spread, state and source")
    if unknown := [field for field in row if field not in _FIELDS]:
        raise LibraryError(f"{where} has an unknown field {', '.join(unknown)}; a row has: {', '.join(_FIELDS)}")
    numbers = {field: _number(where, field, row[field]) for field in _NUMBERS}
    texts = {field: _string(where, field, row[field]) for field in _TEXTS}
    note = _string(where, "note", row.get("note", " ")).strip()
    if texts["confidence"] not in CONFIDENCES:
        raise LibraryError(
            f"{where}: confidence {texts['confidence']!r} is unknown; write one of {', '.join(CONFIDENCES)}"
        )
    confidence: Confidence = texts["confidence"]
    for key in (texts["source"], *cited_in(note)):
        if key not in known:
            raise LibraryError(f"{where}: source {key!r} is not in {BIBLIOGRAPHY}{_hint(key, known)}; add it there")
    if confidence == "judgement" and not note:
        raise LibraryError(f"{where} is a judgement without its reasoning: write it in note")
    try:
        return Cited(
            **numbers,
            unit=texts["unit"],
            state=texts["state"],
            source=texts["source"],
            confidence=confidence,
            note=note,
        )
    except InputError as refused:
        raise LibraryError(f"{where}: {refused}") from None


def cited_in(note: str) -> tuple[str, ...]:
    """Return the source keys that a ``note`` names in square brackets, such as [itis_v5]."""
    return tuple(_CITATION.findall(note))


def sources_of(*rows: Cited) -> tuple[Source, ...]:
    """Return the sources that ``rows`` rest on, their own and those their notes name, each once, by key."""
    keys = {key for row in rows for key in (row.source, *cited_in(row.note))}
    return tuple(sources()[key] for key in sorted(keys))


def pick(kind: str, name: str, known: Mapping[str, _Row]) -> _Row:
    """Return what ``known`` has under ``name``; ``kind`` says what it is, for people.

    Raises
    ------
    UnknownName : if it has no such name; the message names a near match and lists all of them
    """
    if name not in known:
        raise unknown_name(kind, name, known)
    return known[name]


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Make the error for a ``name`` that no ``kind`` of the library has: a near match first, then all known names."""
    names = sorted(known)
    return UnknownName(f"no {kind} {name!r}{_hint(name, names)}; the library has: {', '.join(names)}")


def require_text(where: str, entry: Table, field: str) -> str:
    """Return the text ``field`` of ``entry``.

    Raises
    ------
    LibraryError : if it is absent or no text
    """
    if field not in entry:
        raise LibraryError(f"{where} lacks {field}")
    return _string(where, field, entry[field])


def require_fields(where: str, entry: Table, allowed: Iterable[str]) -> None:
    """Refuse an ``entry`` with a field that is not ``allowed``.

    Raises
    ------
    LibraryError : naming the unknown fields and the allowed ones
    """
    allowed = tuple(allowed)
    if unknown := [field for field in entry if field not in allowed]:
        raise LibraryError(f"{where} has an unknown field {', '.join(unknown)}; it may have: {', '.join(allowed)}")


def _hint(name: str, known: Iterable[str]) -> str:
    best = max(known, key=lambda each: _likeness(name.lower(), each), default="")
    return f" (did you mean {best!r}?)" if best and _likeness(name.lower(), best) > _LIKE_ENOUGH else ""


def _likeness(name: str, known: str) -> float:
    """How alike two names are, 0 to 2: people err late in a word, so a shared beginning counts as much as the rest."""
    shared = next((i for i, (a, b) in enumerate(zip(name, known, strict=False)) if a != b), min(len(name), len(known)))
    return difflib.SequenceMatcher(None, name, known).ratio() + shared / max(len(name), 1)


def _number(where: str, field: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LibraryError(f"{where}: {field} must be a finite number, not {value!r}")
    return float(value)


def _string(where: str, field: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise LibraryError(f"{where}: {field} must be a text, not {value!r}")
    return value
