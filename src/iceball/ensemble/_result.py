"""What an ensemble says: chances with their intervals, distributions, maps, and what matters most."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from iceball.ensemble._inputs import Input
from iceball.nouns import Goal, Volume
from iceball.nouns._noun import array_noun, noun, seal_field
from iceball.provenance import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@noun
class Chance:
    """How likely something is: the share of the members in which it holds, ``of`` how many, and its interval.

    ``low_fraction`` and ``high_fraction`` are the ends of Wilson's 95 % interval: what drawing only so many members
    leaves open, and nothing else. ``subject`` is the structure, "" for the target; ``limit`` the temperature [°C] or
    the coverage that ``source`` stands for.
    """

    key: str
    says: str
    probability_fraction: float
    low_fraction: float
    high_fraction: float
    of: int
    source: str
    subject: str = ""


@noun
class Spread:
    """How one outcome is distributed over the members, and what the plan gives without doubt (``nominal``).

    In ``unit``; None where nothing got as cold.
    """

    key: str
    says: str
    unit: str
    nominal: float | None
    lowest: float | None
    fifth_percentile: float | None
    median: float | None
    ninety_fifth_percentile: float | None
    highest: float | None


@noun
class Influence:
    """How one input goes with one outcome: Spearman's rank correlation, its 95 % interval.

    ``told_apart`` is False where chance alone would give as much among so many inputs.
    """

    outcome: str
    input: str
    says: str
    kind: str
    correlation: float
    low: float
    high: float
    told_apart: bool


@array_noun
class Table:
    """One row for each member: its ``number`` (N,), ``inputs`` (N, D) and ``outcomes`` (N, M), with their names.

    ``failed`` pairs the numbers of members that could not be computed with why.
    """

    number: NDArray[Any]
    input_keys: tuple[str, ...]
    inputs: NDArray[Any]
    outcome_keys: tuple[str, ...]
    outcomes: NDArray[Any]
    failed: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("number", "inputs", "outcomes"):
            seal_field(self, field, getattr(self, field))

    def outcome(self, key: str) -> NDArray[Any]:
        """Return the column (N,) of the outcome called ``key``."""
        return self.outcomes[:, self.outcome_keys.index(key)]


@array_noun
class Ensemble:
    """A plan over many possible patients, probes and hands.

    ``probability`` maps each isotherm [°C] to a Volume of fractions: in which share of the members a voxel got as cold.
    ``influences`` are sorted, the strongest of each outcome first.
    """

    goal: Goal
    n: int
    inputs: tuple[Input, ...]
    table: Table
    probability: Mapping[float, Volume]
    chances: tuple[Chance, ...]
    spreads: tuple[Spread, ...]
    influences: tuple[Influence, ...]
    notes: tuple[str, ...]
    run: Run

    def __post_init__(self) -> None:
        """Seal the maps."""
        object.__setattr__(self, "probability", MappingProxyType(dict(self.probability)))

    def chance(self, key: str) -> Chance:
        """Return the chance called ``key``, for example "covered"."""
        return next(each for each in self.chances if each.key == key)
