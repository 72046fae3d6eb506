"""The measured numbers: one TOML file per study, every row with unit, spread, state, source and confidence."""

from __future__ import annotations

import functools
import json
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from iceball import library
from iceball.errors import LibraryError
from iceball.library._tables import parse_table, read_rows, require_text
from iceball.validation.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iceball.nouns import Cited
    from iceball.validation.study import Claim, Comparison

CALIBRATION = "calibration.json"
TEXTS = ("title", "setting", "agrees", "differs", "not_compared")


@functools.cache
def table(key: str) -> Mapping[str, Any]:
    """Return the table of the study called ``key`` as plain TOML."""
    return parse_table(text(f"{key}.toml"), key)


@functools.cache
def rows(key: str, group: str = "measured") -> Mapping[str, Cited]:
    """Return the cited rows of one ``group`` of the study called ``key``.

    Raises
    ------
    LibraryError : if a row breaks a rule of the library's tables
    """
    if group not in table(key):
        raise LibraryError(f"{key}.toml has no group {group!r}; it has: {', '.join(table(key))}")
    return read_rows(f"{key}.{group}", table(key)[group], library.sources(), beside=())


def study(key: str, comparisons: list[Comparison], claims: list[Claim]) -> Study:
    """Return the study called ``key``: its texts from the table, with what the model gave.

    Raises
    ------
    LibraryError : if the table lacks a text or names a source that does not exist
    """
    entry = table(key)
    texts = {field: " ".join(require_text(key, entry, field).split()) for field in TEXTS}
    sources = tuple(entry.get("sources", ()))
    if not sources or (unknown := [source for source in sources if source not in library.sources()]):
        raise LibraryError(
            f"{key}.toml needs sources that stand in sources.bib; unknown: {unknown if sources else 'all'}"
        )
    return Study(
        key=key,
        sources=sources,
        assumed=tuple(entry.get("assumed", ())),
        comparisons=tuple(comparisons),
        claims=tuple(claims),
        **texts,
    )


def calibration() -> Mapping[str, Any]:
    """Return what ``python -m iceball.validation.calibrate`` found: parameters, residuals, variants."""
    return MappingProxyType(json.loads(text(CALIBRATION)))


def text(file: str) -> str:
    """Return the text of one ``file`` of the studies' data."""
    return resources.files("iceball.validation").joinpath("data").joinpath(file).read_text(encoding="utf-8")
