"""What is known: one answer per question, and which answers were set aside for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Fact, Origin
from iceball.nouns._noun import noun

# A person's answer is used before the name of a label, that before a measurement, that before an estimate: a person can
# see what a measurement got wrong, and must be able to put it right. What was set aside becomes a finding.
BEFORE: tuple[Origin, ...] = ("asked", "label", "measured", "estimated")
SITE, BONE, FEMUR_PART, MIRELS_SITE, BLEEDING = (
    *("lesion_site", "lesion_bone", "femur_part", "mirels_site"),
    "bleeding_risk_class",
)


@noun
class Known:
    """The facts in use by key, and those ``aside``: other answers to the same questions."""

    facts: Mapping[str, Fact]
    aside: tuple[Fact, ...] = ()

    def value(self, key: str) -> bool | float | str | None:
        """The answer to the question ``key``, None while there is none."""
        fact = self.facts.get(key)
        return None if fact is None else fact.value

    def with_fact(self, fact: Fact) -> Known:
        """The same, but for ``fact`` in the place of its key."""
        return Known(facts=MappingProxyType({**self.facts, fact.key: fact}), aside=self.aside)


def gather(facts: Iterable[Fact]) -> Known:
    """Take the surest answer to each question, and what follows from the answers; the order of ``facts`` is nothing.

    Raises
    ------
    UnknownName : if a fact answers no question of the library
    InputError : if a fact is no answer to its question, or one origin gives two answers
    """
    ranked: dict[str, dict[Origin, Fact]] = {}
    for fact in facts:
        library.check_fact(fact)
        other = ranked.setdefault(fact.key, {}).setdefault(fact.origin, fact)
        if other.value != fact.value:
            raise InputError(
                f"{fact.key} is {fact.origin} twice, as {other.value!r} and {fact.value!r}: leave out the wrong one"
            )
    used: dict[str, Fact] = {}
    aside: list[Fact] = []
    for key in (key for key in library.questions() if key in ranked):
        best, *rest = (ranked[key][origin] for origin in BEFORE if origin in ranked[key])
        used[key] = best
        aside += [fact for fact in rest if fact.value != best.value]
    return Known(facts=MappingProxyType(_with_what_follows(used)), aside=tuple(aside))


def _with_what_follows(used: dict[str, Fact]) -> dict[str, Fact]:
    """Add what other answers settle: the part of the femur, and the bleeding-risk class that the site stands for."""
    if (part := _femur_part(used)) is not None:
        used[FEMUR_PART] = part
    if (risk := _bleeding(used)) is not None:
        used[BLEEDING] = risk
    return used


def _femur_part(used: Mapping[str, Fact]) -> Fact | None:
    place = used.get(SITE)
    if FEMUR_PART in used or (place is not None and place.value != "long_bone"):
        return None
    bone, site = used.get(BONE), used.get(MIRELS_SITE)
    if bone is not None and is_femur(bone) is False:
        return Fact(key=FEMUR_PART, value="none", origin=bone.origin, note=f"the bone is {bone.value}")
    if site is not None and site.value == "trochanteric":
        return Fact(key=FEMUR_PART, value="proximal", origin=site.origin, note="the lesion lies at the trochanters")
    return None


def is_femur(bone: Fact) -> bool | None:
    """Whether the ``bone`` is a femur, by its name; None where the name is that of no long bone of the library."""
    rule = library.bone_rule(str(bone.value).lower().replace(" ", "_"))
    return None if rule is None or rule.site != "long_bone" else rule.name == "femur"


def _bleeding(used: Mapping[str, Fact]) -> Fact | None:
    site = used.get(SITE)
    row = None if site is None else library.sites().get(str(site.value))
    if row is None or row.bleeding_risk_class is None or BLEEDING in used:
        return None
    return Fact(key=BLEEDING, value=row.bleeding_risk_class, origin="label", note=f"default of the site {row.says!r}")
