"""Ways to compute: native, compiled when iceball was installed; numba; numpy, the readable specification; a GPU."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from iceball.errors import UnknownName
from iceball.thermal.backends import cuda
from iceball.thermal.backends.native import available, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from iceball.thermal.problem import Backend

__all__ = ["backend_named", "backend_names", "default_backend"]

# Where each is found, the default first; imported when asked for: numba alone takes as long as all the rest.
_ALL = {
    "native": ("native", "NativeBackend"),
    "numba": ("_numba", "NumbaBackend"),
    "numpy": ("_numpy", "NumpyBackend"),
    "cuda": ("cuda", "CudaBackend"),  # last: never a default
}
_PRESENT: dict[str, Callable[[], bool]] = {"native": available, "cuda": cuda.available}


def backend_names() -> tuple[str, ...]:
    """Return the names of the backends that can be used here, the default first."""
    return tuple(_usable())


def _usable() -> Iterator[str]:
    """One after the other: no driver of a GPU is woken for the first."""
    return (name for name in _ALL if name not in _PRESENT or _PRESENT[name]())


def default_backend() -> Backend:
    """Return the fastest backend of this installation: they all solve the same equation (docs/decisions/0010)."""
    return backend_named(next(_usable()))


def backend_named(name: str) -> Backend:
    """Return the backend called ``name``.

    Raises
    ------
    UnknownName : if there is none of that name, or it cannot be used here; no other takes its place
    """
    if name == "native":
        load()
    if name not in _ALL:
        raise UnknownName(f"no backend {name!r}; this installation has: {', '.join(backend_names())}")
    module, made = _ALL[name]
    return getattr(import_module(f"{__name__}.{module}"), made)()
