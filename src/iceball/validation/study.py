"""What a study is: measured numbers with their spread, and beside each what the model gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from iceball.nouns import Cited
from iceball.nouns._noun import noun, require_finite

if TYPE_CHECKING:
    from collections.abc import Sequence

Use = Literal["fitted", "predicted", "inferred", "another model"]
Verdict = Literal["agrees", "differs", "undecided", "fails"]
VERDICTS: tuple[Verdict, ...] = ("agrees", "differs", "undecided", "fails")
TELLING = 0.5  # a model whose own spread is wider than this, over the measured value, can agree with anything


@noun
class Comparison:
    """One measured number beside what the model gives, both in the unit of ``measured``.

    ``use`` says what the number was to the model: "fitted" to it, "predicted" without it, "inferred" from other
    measured numbers and then predicted, or no measurement but the figure of "another model". ``low`` and ``high``
    enclose the model over what the study does not state. ``demanded_fraction``: the error, over the measured value,
    that may not be passed; None where nothing is demanded.
    """

    what: str
    use: Use
    measured: Cited
    model: float
    low: float
    high: float
    demanded_fraction: float | None = None

    def __post_init__(self) -> None:
        """Refuse a model without a number: a run that found no such surface says so in a Claim."""
        require_finite(f"{self.what}: what the model gives", (self.model, self.low, self.high))

    @property
    def error(self) -> float:
        """Model minus measured, in the unit of ``measured``."""
        return self.model - self.measured.value

    @property
    def error_fraction(self) -> float:
        """Error over the measured value."""
        return self.error / abs(self.measured.value) if self.measured.value else float("inf")

    @property
    def verdict(self) -> Verdict:
        """Say "fails" beyond what is demanded, "agrees" where the spreads of both meet, else "differs".

        Where they meet only because the model's spread is wider than half of the measured value: "undecided".
        """
        if self.demanded_fraction is not None and abs(self.error_fraction) > self.demanded_fraction:
            return "fails"
        low, high = min(self.low, self.model), max(self.high, self.model)
        if low > self.measured.high or high < self.measured.low:
            return "differs"
        return "agrees" if high - low <= TELLING * abs(self.measured.value) else "undecided"


def among(
    what: str, use: Use, measured: Cited, values: Sequence[float], demanded_fraction: float | None = None
) -> Comparison:
    """Compare with ``values`` that enclose the model, in the unit of ``measured``; the first is the central one."""
    return Comparison(
        what=what,
        use=use,
        measured=measured,
        model=values[0],
        low=min(values),
        high=max(values),
        demanded_fraction=demanded_fraction,
    )


@noun
class Claim:
    """Something a study found that is no single number; ``figures`` is what the model gives for it.

    A claim that must hold and does not fails; one that need not is only reported.
    """

    says: str
    holds: bool
    figures: str
    demanded: bool = False

    @property
    def verdict(self) -> Verdict:
        """Say "agrees" if it holds, else "differs", or "fails" where it must hold."""
        if self.holds:
            return "agrees"
        return "fails" if self.demanded else "differs"


@noun
class Study:
    """One published experiment beside the model.

    ``setting`` says what was measured; ``assumed`` what the study does not state and the model had to take;
    ``agrees``, ``differs`` and ``not_compared`` are the judgement of the authors of iceball on the figures.
    """

    key: str
    title: str
    sources: tuple[str, ...]
    setting: str
    assumed: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    claims: tuple[Claim, ...]
    agrees: str
    differs: str
    not_compared: str

    @property
    def failures(self) -> tuple[str, ...]:
        """What was demanded and is not met."""
        return (
            *(comparison.what for comparison in self.comparisons if comparison.verdict == "fails"),
            *(claim.says for claim in self.claims if claim.verdict == "fails"),
        )
