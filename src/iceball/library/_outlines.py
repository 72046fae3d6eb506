"""What outlining without a label rests on: sizes of canal, roots, skin, lung."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from iceball.library._tables import read_rows, sources, table
from iceball.nouns import Cited


@functools.cache
def outline_rules() -> Mapping[str, Cited]:
    """Return the sizes that estimates of structures rest on, by name.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("outlines", table("outlines"), sources(), beside=())
