"""What screening says of a lesion: scores, findings, and what is still to be asked."""

from __future__ import annotations

from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import noun
from iceball.nouns.fact import Fact, Origin
from iceball.nouns.finding import Finding
from iceball.provenance import Run

Verdict = Literal["candidate", "candidate with conditions", "not within the evidence", "open"]
VERDICTS: tuple[Verdict, ...] = ("candidate", "candidate with conditions", "not within the evidence", "open")


@noun
class ScoreItem:
    """One line of a score: its ``points``, None while unknown, and where the answer came from."""

    name: str
    says: str
    points: int | None
    facts: tuple[str, ...]
    origin: Origin | None


@noun
class Score:
    """A clinical score. ``total`` and ``category`` are None while an item is unknown.

    ``least`` and ``most`` are the totals that are still possible; both equal ``total`` once all is known.
    """

    name: str
    items: tuple[ScoreItem, ...]
    total: int | None
    least: int
    most: int
    category: str | None
    source: str

    def __post_init__(self) -> None:
        """Refuse a total outside what is possible."""
        if self.least > self.most or (self.total is not None and not self.least == self.total == self.most):
            raise InputError(f"{self.name}: total {self.total} does not fit the range {self.least} to {self.most}")


@noun
class Screening:
    """Whether a lesion is a candidate, and why.

    ``asks`` are the keys of the questions without an answer: while one of them could still decide, the verdict is
    "open", unless something known already puts the lesion outside the evidence.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    scores: tuple[Score, ...]
    facts: tuple[Fact, ...]
    asks: tuple[str, ...]
    run: Run

    def __post_init__(self) -> None:
        """Refuse an unknown verdict."""
        if self.verdict not in VERDICTS:
            raise InputError(f"verdict {self.verdict!r} is unknown; write one of {', '.join(VERDICTS)}")
