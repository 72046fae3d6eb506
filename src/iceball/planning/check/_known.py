"""What is known of the bone and the patient: facts by key, of which an asked one goes before a measured one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from iceball.anatomy.measures import FrozenBone
    from iceball.nouns import Case, Fact

_ORDER = ("estimated", "measured", "label", "asked")  # the later goes before the earlier


@noun
class Known:
    """Facts by key; ``bone`` is the name of the lesion's bone ("": not known), ``site`` a word of the library."""

    facts: Mapping[str, Fact]
    bone: str
    site: str | None
    matrix: str

    @property
    def is_femur(self) -> bool:
        """Whether the lesion lies in a femur."""
        return self.bone.startswith("femur") or self.word("femur_part") in ("proximal", "shaft", "distal")

    def word(self, key: str) -> str | None:
        """Return the answer to a question of words; None where it has none."""
        value = self.facts[key].value if key in self.facts else None
        return value if isinstance(value, str) else None

    def says(self, key: str) -> bool | None:
        """Return the answer to a question of yes or no; None where it has none."""
        value = self.facts[key].value if key in self.facts else None
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> float | None:
        """Return the answer to a question of numbers; None where it has none."""
        value = self.facts[key].value if key in self.facts else None
        return None if isinstance(value, bool | str) or value is None else float(value)

    def axial(self, frozen: FrozenBone | None) -> tuple[float | None, str]:
        """Length of cortex along the bone [mm] that the lesion involves or the zone holds, and which of the two."""
        return _larger(self.number("cortex_axial_mm"), None if frozen is None else frozen.axial_mm)

    def around(self, frozen: FrozenBone | None) -> tuple[float | None, str]:
        """Largest share of a section's cortex that the lesion involves or the zone holds, and which of the two."""
        share = self.number("cortex_circumference_fraction")
        return _larger(share, None if frozen is None else frozen.circumference_fraction)


def known_of(case: Case, facts: Iterable[Fact]) -> Known:
    """Bring together what was measured on ``case`` and what people answered."""
    told: dict[str, Fact] = {}
    for fact in sorted((*facts, *case.facts), key=lambda fact: _ORDER.index(fact.origin)):
        told[fact.key] = fact
    answers = Known(facts=told, bone="", site=None, matrix="")
    lesion = case.lesion
    return Known(
        facts=told,
        bone=answers.word("lesion_bone") or (lesion.bone if lesion else ""),
        site=answers.word("lesion_site") or (lesion.site if lesion and lesion.site else None),
        matrix=answers.word("lesion_matrix") or (lesion.matrix if lesion else ""),
    )


def _larger(lesion: float | None, zone: float | None) -> tuple[float | None, str]:
    if zone is not None and (lesion is None or zone > lesion):
        return zone, "frozen"
    return lesion, "involved by the lesion"
