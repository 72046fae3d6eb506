"""Where tissue dies: a ThermalHistory and a criterion give a LethalZone."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from iceball.errors import InputError, UnknownName
from iceball.nouns import LethalZone, ThermalHistory, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ColderThan", "ColderThanFor", "Criterion", "lethal_zone"]


class Criterion(Protocol):
    """A rule of when tissue is dead. ``str(criterion)`` says it in words."""

    def dead(self, history: ThermalHistory) -> NDArray[np.bool_]:
        """Return (I, J, K) True where the rule holds on the history's grid."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ColderThan:
    """Dead wherever tissue was ever at or below ``threshold_c`` [°C]."""

    threshold_c: float

    def __post_init__(self) -> None:
        """Refuse a threshold that is not a number."""
        _require_threshold(self.threshold_c)

    def dead(self, history: ThermalHistory) -> NDArray[np.bool_]:
        """Return (I, J, K) True where the coldest temperature is at or below the threshold."""
        return np.asarray(history.coldest.array <= self.threshold_c)

    def __str__(self) -> str:
        """Return the rule in words."""
        return f"at or below {self.threshold_c:g} °C at any time"


@dataclasses.dataclass(frozen=True, slots=True)
class ColderThanFor:
    """Dead only where tissue spent at least ``duration_s`` [s] in all below ``threshold_c`` [°C].

    The history must have recorded that threshold: the time is not guessed from another.
    """

    threshold_c: float
    duration_s: float

    def __post_init__(self) -> None:
        """Refuse a threshold that is not a number and a duration that is not above zero."""
        _require_threshold(self.threshold_c)
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise InputError(
                f"a lethal duration must be above zero, not {self.duration_s!r} s; for any time at all use ColderThan"
            )

    def dead(self, history: ThermalHistory) -> NDArray[np.bool_]:
        """Return (I, J, K) True where the time below the threshold reaches the duration.

        Raises
        ------
        UnknownName : if the history did not record the time below this threshold
        """
        for threshold_c, time_s in history.below.items():
            if math.isclose(threshold_c, self.threshold_c, abs_tol=1e-9):
                return np.asarray(time_s.array >= self.duration_s)
        known = ", ".join(f"{c:g}" for c in sorted(history.below)) or "none"
        raise UnknownName(
            f"the run did not record the time below {self.threshold_c:g} °C; it recorded: {known} °C. "
            "Choose one of these or simulate again with that threshold."
        )

    def __str__(self) -> str:
        """Return the rule in words."""
        return f"below {self.threshold_c:g} °C for at least {self.duration_s:g} s"


def lethal_zone(history: ThermalHistory, criterion: Criterion) -> LethalZone:
    """Mark where tissue dies by ``criterion``, on the grid of the history.

    Thresholds and where they come from are in ``library.thresholds()``; none is a default here, since which of them
    kills bone metastases is not settled.

    Parameters
    ----------
    history : what the simulation kept
    criterion : ColderThan, ColderThanFor, or any other rule with the same two methods

    Raises
    ------
    UnknownName : if the criterion needs a threshold that the history did not record
    """
    dead = criterion.dead(history).astype(np.uint8)
    return LethalZone(mask=Volume(grid=history.coldest.grid, array=dead, quantity="label"), criterion=str(criterion))


def _require_threshold(threshold_c: float) -> None:
    if not math.isfinite(threshold_c):
        raise InputError(f"a lethal threshold must be a finite temperature, not {threshold_c!r} °C")
