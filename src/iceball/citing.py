"""Which sources a result rests on."""

from __future__ import annotations

from typing import Protocol

from iceball import library
from iceball.errors import UnknownName
from iceball.nouns import Source
from iceball.provenance import Run

__all__ = ["citations"]


class HasRun(Protocol):
    """Anything that carries its Run: a ThermalHistory, an Assessment."""

    @property
    def run(self) -> Run:
        """What produced the result."""
        ...


def citations(result: HasRun) -> tuple[Source, ...]:
    """Return the sources that ``result`` used, each once, in the order of their keys.

    Parameters
    ----------
    result : anything with a ``run``, such as a ThermalHistory or an Assessment

    Raises
    ------
    UnknownName : if the result names a source that the installed library does not have
    """
    known = library.sources()
    keys = sorted(set(result.run.sources))
    if unknown := [key for key in keys if key not in known]:
        raise UnknownName(
            f"the result names sources that this library lacks: {', '.join(unknown)}; "
            f"it was made with library {result.run.library}, this is {library.digest()}: install that version"
        )
    return tuple(known[key] for key in keys)
