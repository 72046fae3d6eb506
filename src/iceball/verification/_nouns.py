"""What a verification is made of: cases, what they check, and how it came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from iceball.nouns._noun import noun
from iceball.thermal.marching import march
from iceball.thermal.stepping import accuracy_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from iceball.thermal import Backend
    from iceball.thermal.marching import Leg, Moment
    from iceball.thermal.problem import Problem


@noun
class Engine:
    """The engine under test: a backend, and the accuracy asked of it."""

    backend: Backend
    accuracy: str = "standard"

    def __post_init__(self) -> None:
        """Refuse an accuracy that the engine does not know."""
        accuracy_named(self.accuracy)

    def march(
        self, problem: Problem, start_c: float | NDArray[np.float64], legs: Sequence[Leg], report_s: Sequence[float]
    ) -> Iterator[Moment]:
        """March ``problem`` from ``start_c`` [°C]; yield the moments at ``report_s`` [s]."""
        return march(problem, start_c, legs, report_s, accuracy=self.accuracy, backend=self.backend)


@noun
class Check:
    """One quantity of a case: what it should be, what we got, how far off, how far it may be off and why.

    ``error`` is the largest over all places and times looked at, ``expected`` and ``got`` stand where the case says.
    ``order`` is the measured order of convergence, which must reach ``least_order``; None where no grid was refined.
    """

    quantity: str
    unit: str
    expected: float
    got: float
    error: float
    tolerance: float
    reason: str
    order: float | None = None
    least_order: float | None = None

    @property
    def passed(self) -> bool:
        """Whether error and order are what they must be; never where one of them is not a number."""
        converges = self.least_order is None or (self.order is not None and self.order >= self.least_order)
        return self.error <= self.tolerance and converges


def check(quantity: str, unit: str, expected: float, got: float, tolerance: float, reason: str) -> Check:
    """Check one number: it is off by what parts it from what it should be."""
    return Check(
        quantity=quantity,
        unit=unit,
        expected=expected,
        got=got,
        error=abs(got - expected),
        tolerance=tolerance,
        reason=reason,
    )


@noun
class Case:
    """One exact case: its name, what it says, and the function that tries it on an engine.

    ``quick`` marks the cases that take seconds; ``key`` is the source of its formula.
    """

    name: str
    says: str
    run: Callable[[Engine], Sequence[Check]]
    quick: bool = False
    key: str = "iceball_physics_notes"


@noun
class Result:
    """How one case came out; ``failure`` says why it could not be finished, empty if it could."""

    name: str
    says: str
    key: str
    checks: tuple[Check, ...]
    seconds: float
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether the case was finished and every check of it holds."""
        return not self.failure and bool(self.checks) and all(check.passed for check in self.checks)


@noun
class Verification:
    """All results of one run, and what was verified."""

    results: tuple[Result, ...]
    version: str
    backend: str
    device: str
    dtype: str
    accuracy: str
    started_at: str

    @property
    def passed(self) -> bool:
        """Whether every case holds."""
        return bool(self.results) and all(result.passed for result in self.results)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the cases that do not hold."""
        return tuple(result.name for result in self.results if not result.passed)
