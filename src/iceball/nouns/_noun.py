"""What makes a class a noun: frozen, keyword-only, checked once when made."""

from __future__ import annotations

import dataclasses
import math
import typing

import numpy as np

from iceball.errors import InputError

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Point = tuple[float, float, float]

_Class = typing.TypeVar("_Class")


@typing.dataclass_transform(frozen_default=True, kw_only_default=True)
def noun(cls: type[_Class]) -> type[_Class]:
    """Make ``cls`` an immutable record with keyword-only fields, compared by value."""
    return dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)


@typing.dataclass_transform(frozen_default=True, kw_only_default=True, eq_default=False)
def array_noun(cls: type[_Class]) -> type[_Class]:
    """Make ``cls`` a noun that holds arrays: compared by identity, since arrays have no truth value."""
    return dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)(cls)


def sealed(array: NDArray[typing.Any]) -> NDArray[typing.Any]:
    """Return ``array`` as a read-only view, so that a noun holding it cannot change."""
    view = np.asarray(array).view()
    view.setflags(write=False)
    return view


def seal_field(self: object, field: str, array: NDArray[typing.Any]) -> None:
    """Store ``array`` read-only in ``field`` of the frozen noun ``self`` while it is being made."""
    object.__setattr__(self, field, sealed(array))


def require_finite(what: str, values: Iterable[float]) -> None:
    """Raise InputError if any of ``values`` is NaN or infinite; ``what`` names them."""
    for value in values:
        if not math.isfinite(value):
            raise InputError(f"{what} must be a finite number, not {value!r}")


def require_positive(what: str, value: float, unit: str) -> None:
    """Raise InputError unless ``value`` is finite and above zero; ``what`` and ``unit`` go into the message."""
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{what} must be above zero, not {value!r} {unit}")


def require_fraction(what: str, value: float) -> None:
    """Raise InputError unless ``value`` lies in [0, 1]; ``what`` names it."""
    if not 0.0 <= value <= 1.0:
        raise InputError(f"{what} must lie in [0, 1], not {value!r}")
