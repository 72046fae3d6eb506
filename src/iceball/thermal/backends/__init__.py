"""Ways to compute: numpy, the readable specification, and numba, the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.errors import UnknownName
from iceball.thermal.backends._numba import NumbaBackend
from iceball.thermal.backends._numpy import NumpyBackend

if TYPE_CHECKING:
    from iceball.thermal.problem import Backend

__all__ = ["NumbaBackend", "NumpyBackend", "backend_named", "backend_names"]

_ALL: dict[str, type[NumbaBackend] | type[NumpyBackend]] = {"numba": NumbaBackend, "numpy": NumpyBackend}


def backend_names() -> tuple[str, ...]:
    """Return the names of the backends, the default first."""
    return tuple(_ALL)


def backend_named(name: str) -> Backend:
    """Return the backend called ``name``.

    Raises
    ------
    UnknownName : if there is none of that name; no other takes its place
    """
    if name not in _ALL:
        raise UnknownName(f"no backend {name!r}; this installation has: {', '.join(_ALL)}")
    return _ALL[name]()
