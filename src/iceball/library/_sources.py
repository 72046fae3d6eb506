"""Read sources.bib with pybtex into Source nouns."""

from __future__ import annotations

from typing import Any, cast

from pybtex import database, exceptions  # pyright: ignore[reportMissingTypeStubs]

from iceball.errors import LibraryError
from iceball.nouns import Source


def read_sources(text: str) -> dict[str, Source]:
    """Read BibTeX ``text`` into sources by key.

    Raises
    ------
    LibraryError : if the text is not BibTeX, an entry lacks its title, or a key stands twice
    """
    try:
        data = cast("Any", database).parse_string(text, "bibtex")
    except exceptions.PybtexError as broken:
        raise LibraryError(f"sources.bib is not valid: {broken}") from None
    return {key: _source(key, entry) for key, entry in data.entries.items()}


def _source(key: str, entry: Any) -> Source:
    fields = {name.lower(): _plain(str(value)) for name, value in entry.fields.items()}
    if not fields.get("title"):
        raise LibraryError(f"sources.bib: entry {key!r} lacks its title")
    authors = [_plain(str(person)) for person in entry.persons.get("author", [])]
    more = " et al." if authors[-1:] == ["others"] else ""
    return Source(
        key=key,
        kind=str(entry.type),
        title=fields["title"],
        author="; ".join(authors[:-1] if more else authors) + more,
        year=fields.get("year", ""),
        doi=fields.get("doi", ""),
        note=fields.get("note", ""),
    )


def _plain(text: str) -> str:
    return " ".join(text.replace("{", "").replace("}", "").replace("\\&", "&").split())
