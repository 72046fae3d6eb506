"""The exception tree. Nonsense raises one of these; a clinical shortfall is a Finding instead.

IceballError
├── InputError          a file, folder or value that is refused
│   ├── GeometryError   positions, grids or frames that do not fit together
│   └── UnknownName     a name the library or the case does not have
├── LibraryError        a table of the library breaks its own rules
├── MissingPart         a backend, an optional package or a file is absent; never replaced by another
└── SimulationError     the solver could not go on
"""

from __future__ import annotations


class IceballError(Exception):
    """Something this package refuses to do; the message says what, how much and what to do."""


class InputError(IceballError):
    """A file, folder or value that is refused."""


class GeometryError(InputError):
    """Positions, grids or frames of reference that do not fit together."""


class UnknownName(InputError):
    """A name that the library or the case does not have; the message lists the known ones."""


class LibraryError(IceballError):
    """A table of the library breaks its own rules."""


class MissingPart(IceballError):
    """A backend, an optional package or a file is absent. It is never replaced by another."""


class SimulationError(IceballError):
    """The solver could not go on."""
