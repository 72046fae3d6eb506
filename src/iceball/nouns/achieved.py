"""A probe as it really lies, seen on a scan after it was placed."""

from __future__ import annotations

from iceball.errors import InputError
from iceball.nouns._noun import Point, noun, require_finite


@noun
class AchievedProbe:
    """A straight line along a shaft, LPS [mm]: the probe called ``label``, of the kind ``probe`` where that is told.

    ``ordered`` says that the line runs from the entry to the tip; else nobody knows which end is which.
    """

    label: str
    start_mm: Point
    end_mm: Point
    probe: str = ""
    ordered: bool = True

    def __post_init__(self) -> None:
        """Refuse a line without name, length or place."""
        if not self.label.strip():
            raise InputError("an achieved probe needs a label, such as the plan's: A, B, ...")
        require_finite(f"achieved probe {self.label}", (*self.start_mm, *self.end_mm))
        if self.start_mm == self.end_mm:
            raise InputError(f"achieved probe {self.label}: its line begins and ends in one place; mark entry and tip")
