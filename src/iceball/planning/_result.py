"""What a search comes to: a few plans that trade one thing for another, and what hindered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.nouns import Assessment, Finding, Plan, Severity
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Callable


@noun
class Option:
    """One plan and what it comes to.

    ``accuracy`` says by which runs the numbers were found: "standard" at 1 mm, or "preview" at 2 mm. ``coverage`` and
    ``healthy_ml`` are of the goal's isotherm, inside and outside the target. ``coldest_c`` pairs structures that have a
    limit with their coldest temperature, ``unprotected_c`` the same without the plan's protections. ``assessment`` is
    None where the plan was not judged in full. ``holds_in`` says in how many of how many scenarios of tissue, probes
    and hands the goal is reached without a stop; None where nobody asked.
    """

    name: str
    plan: Plan
    accuracy: str
    coverage_fraction: float
    healthy_ml: float
    coldest_c: tuple[tuple[str, float], ...]
    unprotected_c: tuple[tuple[str, float], ...]
    protected_by: tuple[str, ...]
    says: str
    findings: tuple[Finding, ...] = ()
    assessment: Assessment | None = None
    holds_in: tuple[int, int] | None = None

    @property
    def verdict(self) -> Severity | str:
        """The gravest severity among the findings, "clear" where there is none above a note."""
        kinds = {finding.severity for finding in self.findings}
        return "stop" if "stop" in kinds else "caution" if "caution" in kinds else "clear"

    @property
    def stops(self) -> tuple[Finding, ...]:
        """The findings that say stop."""
        return tuple(finding for finding in self.findings if finding.severity == "stop")


@noun
class Hindrance:
    """What stands between a plan and its goal: ``kind`` is "structure", "probes" or "ways", ``name`` which one."""

    kind: str
    name: str
    says: str


@noun
class Planning:
    """The plans of a search, the recommended one first; empty where there is no way in, which ``findings`` then say.

    ``runs`` counts what the solver was asked; ``interrupted`` says that a person ended the search.
    """

    options: tuple[Option, ...]
    hindrances: tuple[Hindrance, ...]
    findings: tuple[Finding, ...]
    runs: int
    seed: int
    interrupted: bool = False

    @property
    def best(self) -> Option | None:
        """The recommended plan, None where there is none."""
        return self.options[0] if self.options else None


class Toll:
    """What tells a person how far a search has come."""

    def __init__(self, progress: Callable[[float, str], None] | None, expected: int) -> None:
        self.progress, self.expected, self.runs = progress, expected, 0
        self.last = 0.0

    def say(self, text: str) -> None:
        """Say what is being done."""
        if self.progress is not None:
            self.progress(self.last, text)

    def run(self, text: str) -> None:
        """Count a round of runs; the bar nears its end without reaching it."""
        self.runs += 1
        self.last = 0.9 * self.runs / (self.runs + 0.3 * self.expected)
        self.say(text)
