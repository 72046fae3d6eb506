"""What an ensemble draws beside tissues and probes: how far a probe lies from its place."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from iceball.library._tables import read_rows, sources, table
from iceball.nouns import Cited


@functools.cache
def ensemble_rules() -> Mapping[str, Cited]:
    """Return the numbers of an ensemble by name: ``placement_sd_mm``.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("ensemble", table("ensemble"), sources(), beside=())
