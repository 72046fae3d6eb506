"""How a source is printed: its key, then what was seen of it. A field that nobody saw is left out."""

from __future__ import annotations

from typing import Any

from pybtex.plugin import register_plugin
from pybtex.richtext import Tag, Text
from pybtex.style import FormattedEntry
from pybtex.style.formatting import toplevel
from pybtex.style.formatting.unsrt import Style, date
from pybtex.style.template import field, optional, sentence

NAME = "what_was_seen"


class WhatWasSeen(Style):
    """One form for every kind of source, as ``str(Source)`` has it: author, year, title, journal, note, DOI."""

    def format_entry(self, label: str, entry: Any, bib_data: Any = None) -> FormattedEntry:
        """Format ``entry`` with the fields it has."""
        template = toplevel[
            optional[sentence[self.format_names("author")]],
            optional[sentence[date]],
            sentence[field("title")],
            optional[sentence[field("journal")]],
            optional[sentence[field("note")]],
            self.format_web_refs(entry),
        ]
        said = template.format_data({"entry": entry, "style": self, "bib_data": bib_data})
        return FormattedEntry(entry.key, Text(Tag("tt", entry.key), ": ", said), label)


def setup(app: Any) -> dict[str, bool]:
    """Make the style known to pybtex."""
    register_plugin("pybtex.style.formatting", NAME, WhatWasSeen)
    return {"parallel_read_safe": True}
