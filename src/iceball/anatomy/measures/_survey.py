"""What measuring yields: facts, and what could not be measured with the reason why."""

from __future__ import annotations

import dataclasses

from iceball.nouns import Fact
from iceball.nouns._noun import noun
from iceball.nouns.fact import Origin

OF_THE_SCAN = ("slice_spacing_mm",)  # nothing else is known without the lesion's mask
ON_THE_MASK = ("lesion_matrix",)  # the case says it, but iceball found it from the mask's HU


@noun
class Gap:
    """A fact that was left out, and why: a number that cannot be known is never made up."""

    key: str
    why: str


@noun
class Survey:
    """All that the CT says of a lesion: the ``facts``, and the ``gaps`` where it says nothing."""

    facts: tuple[Fact, ...]
    gaps: tuple[Gap, ...]


@dataclasses.dataclass
class Notebook:
    """Collects facts and gaps while a lesion is measured.

    ``guessed`` is True where iceball made the lesion's mask: whatever rests on it is then an estimate.
    """

    guessed: bool = False
    facts: list[Fact] = dataclasses.field(default_factory=list)
    gaps: list[Gap] = dataclasses.field(default_factory=list)

    def put(self, key: str, value: bool | float | str, origin: Origin, *, unit: str = "", note: str = "") -> None:
        """Write down a fact. Numbers keep two decimals, more would be noise; a share four: rules cut it at thirds."""
        if not isinstance(value, bool | str):
            value = round(float(value), 4 if unit == "1" else 2)
        if self.guessed and key in ON_THE_MASK and origin == "label":
            origin = "estimated"
        if self.guessed and key not in OF_THE_SCAN and origin == "measured":
            origin = "estimated"
        self.facts.append(Fact(key=key, value=value, origin=origin, unit=unit, note=note))

    def leave(self, why: str, *keys: str) -> None:
        """Write down that ``keys`` could not be measured."""
        self.gaps.extend(Gap(key=key, why=why) for key in keys)

    def survey(self) -> Survey:
        """Return what was collected."""
        return Survey(facts=tuple(self.facts), gaps=tuple(self.gaps))
