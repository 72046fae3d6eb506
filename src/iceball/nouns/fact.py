"""What is known of the patient, the lesion and the scan, each thing with where it came from."""

from __future__ import annotations

from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import noun, require_finite

Origin = Literal["measured", "estimated", "label", "asked"]
ORIGINS: tuple[Origin, ...] = ("measured", "estimated", "label", "asked")


@noun
class Fact:
    """One answer to one question of the library: yes or no, a number with its ``unit``, or a word.

    ``origin`` says who answered: ``measured`` on the CT, ``estimated`` where the measure rests on an outline that
    iceball guessed, ``label`` where a name of the case says so, ``asked`` where a person did. ``note`` says how.
    """

    key: str
    value: bool | float | str
    origin: Origin
    unit: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown origin, an empty word and a number that is none."""
        if self.origin not in ORIGINS:
            raise InputError(f"origin {self.origin!r} is unknown; write one of {', '.join(ORIGINS)}")
        if isinstance(self.value, str) and not self.value.strip():
            raise InputError(f"fact {self.key!r} is an empty text: leave it out where it is not known")
        if not isinstance(self.value, bool | str):
            require_finite(f"fact {self.key!r}", (self.value,))
