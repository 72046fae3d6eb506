"""Sites: the way in, what decides there, what goes with the ablation, and whether cement holds."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from iceball.errors import LibraryError
from iceball.library._conditions import EVIDENCE, Evidence, read_evidence
from iceball.library._questions import questions
from iceball.library._tables import Table, require_fields, require_text, sources, table
from iceball.nouns import Source
from iceball.nouns._noun import noun

SITE_TEXTS = ("approach", "consideration", "adjunct", "cement")
_CLASS = "bleeding_risk_class"


@noun
class SiteText:
    """One cell of the site table, with what it rests on. "not found": the sources at hand say nothing."""

    says: str
    evidence: Evidence


@noun
class Site:
    """One row of the site table. ``bleeding_risk_class`` is None where it has to be asked for."""

    key: str
    says: str
    texts: Mapping[str, SiteText]
    excluded: bool = False
    bleeding_risk_class: str | None = None
    bleeding: Evidence | None = None


@functools.cache
def sites() -> Mapping[str, Site]:
    """Return the rows of the site table by the word of ``lesion_site``.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_sites(table("sites"), sources())


def read_sites(entries: Table, known: Mapping[str, Source]) -> Mapping[str, Site]:
    """Read every site of such a table; ``known`` are the sources that exist.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return MappingProxyType({key: _site(key, entry, known) for key, entry in entries.items()})


def _site(key: str, entry: Table, known: Mapping[str, Source]) -> Site:
    where = f"sites.{key}"
    require_fields(where, entry, ("says", "excluded", _CLASS, *SITE_TEXTS))
    if key not in (words := questions()["lesion_site"].words):
        raise LibraryError(f"{where} is no answer to lesion_site; those are: {', '.join(words)}")
    excluded = bool(entry.get("excluded", False))
    if not excluded and (lacking := [text for text in SITE_TEXTS if text not in entry]):
        raise LibraryError(f"{where} lacks {', '.join(lacking)}; write 'not found' where nothing was found")
    risk = cast("Table | None", entry.get(_CLASS))
    return Site(
        key=key,
        says=require_text(where, entry, "says"),
        texts=MappingProxyType(
            {text: _text(f"{where}.{text}", entry[text], known) for text in SITE_TEXTS if text in entry}
        ),
        excluded=excluded,
        bleeding_risk_class=None if risk is None else _class(f"{where}.{_CLASS}", risk),
        bleeding=None if risk is None else read_evidence(f"{where}.{_CLASS}", risk, known),
    )


def _text(where: str, entry: Table, known: Mapping[str, Source]) -> SiteText:
    require_fields(where, entry, ("says", *EVIDENCE))
    return SiteText(says=require_text(where, entry, "says"), evidence=read_evidence(where, entry, known))


def _class(where: str, entry: Table) -> str:
    require_fields(where, entry, ("is", *EVIDENCE))
    risk = require_text(where, entry, "is")
    if risk not in (words := questions()[_CLASS].words):
        raise LibraryError(f"{where} is {risk!r}; write one of {', '.join(words)}")
    return risk
