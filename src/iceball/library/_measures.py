"""What measuring rests on: the rules of the measures, and what a bone's name says of its site, limb and joints."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import cast

from iceball.errors import LibraryError
from iceball.library._tables import Table, read_rows, require_fields, require_text, sources, table
from iceball.nouns import Cited
from iceball.nouns._noun import noun

SITES = (
    *("spine", "pelvis_sacrum", "long_bone", "rib", "acetabulum"),
    *("sternum", "scapula", "skull", "other"),
)
LIMBS = ("upper_limb", "lower_limb")
_FIELDS = ("site", "limb", "shaft", "joins")


@noun
class BoneRule:
    """What a bone's name says: its ``site``, its ``limb`` (None for the trunk), and the bones it meets in a joint.

    ``shaft`` True says that it is a long bone, whose cortex is unrolled about its axis.
    """

    name: str
    site: str
    limb: str | None = None
    shaft: bool = False
    joins: tuple[str, ...] = ()


@functools.cache
def measure_rules() -> Mapping[str, Cited]:
    """Return the thresholds of the measures on a lesion, by name.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return read_rows("measures", cast("Table", table("measures")["rules"]), sources(), beside=())


def bone_rule(name: str) -> BoneRule | None:
    """Return what the name of a structure says of its bone; None for what is no bone of the table.

    A name that adds a level or side to one of the table ("femur_left", "rib_right_7") has that one's rule; the longest
    beginning counts.

    Raises
    ------
    LibraryError : if the table breaks a rule
    """
    rules = _bones()
    fits = [key for key in rules if name == key or name.startswith(f"{key}_")]
    return rules[max(fits, key=len)] if fits else None


@functools.cache
def _bones() -> Mapping[str, BoneRule]:
    entries = cast("Mapping[str, Table]", table("measures")["bones"])
    rules = {name: _bone(name, entry) for name, entry in entries.items()}
    for rule in rules.values():
        if strange := [other for other in rule.joins if other not in rules]:
            raise LibraryError(f"measures.bones.{rule.name} joins {', '.join(strange)}, which the table does not have")
    return rules


def _bone(name: str, entry: Table) -> BoneRule:
    where = f"measures.bones.{name}"
    require_fields(where, entry, _FIELDS)
    site, limb = require_text(where, entry, "site"), entry.get("limb")
    if site not in SITES:
        raise LibraryError(f"{where}: site {site!r} is unknown; write one of {', '.join(SITES)}")
    if limb is not None and limb not in LIMBS:
        raise LibraryError(f"{where}: limb {limb!r} is unknown; write one of {', '.join(LIMBS)}")
    joins = tuple(str(other) for other in cast("list[str]", entry.get("joins", [])))
    return BoneRule(name=name, site=site, limb=limb, shaft=bool(entry.get("shaft", False)), joins=joins)
