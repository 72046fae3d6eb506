"""Numbers that carry their source."""

from __future__ import annotations

from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import noun

Confidence = Literal["read", "recalled", "computed", "judgement"]
CONFIDENCES: tuple[Confidence, ...] = ("read", "recalled", "computed", "judgement")


@noun
class Source:
    """Where a number comes from: one entry of ``library/sources.bib``."""

    key: str
    kind: str
    title: str
    author: str = ""
    year: str = ""
    doi: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Return one line for people: author, year, title, doi."""
        parts = [
            self.author,
            f"({self.year})" if self.year else "",
            f"{self.title}.",
            f"doi:{self.doi}" if self.doi else "",
        ]
        return " ".join(part for part in parts if part)


@noun
class Cited:
    """One value with everything a reader needs to judge it. Its unit is a field, so its name has none.

    ``low`` and ``high`` are the spread; ``note`` says who gave the spread where nobody published one.
    """

    value: float
    unit: str
    low: float
    high: float
    state: str
    source: str
    confidence: Confidence
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a value outside its own spread, and an unknown confidence."""
        if self.confidence not in CONFIDENCES:
            raise InputError(f"confidence {self.confidence!r} is unknown; write one of {', '.join(CONFIDENCES)}")
        if not self.low <= self.value <= self.high:
            raise InputError(f"value {self.value:g} {self.unit} lies outside its spread {self.low:g} to {self.high:g}")
