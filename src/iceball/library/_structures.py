"""Structures: what a segmentation's names mean to the rules and to the tissue map."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import cast

from iceball.errors import LibraryError
from iceball.library._limits import limit
from iceball.library._tables import Table, require_fields, table
from iceball.library._tissues import tissue_names
from iceball.nouns import Role
from iceball.nouns._noun import noun

ROLES: tuple[Role, ...] = ("target", "at_risk", "barrier", "way_in")
_FIELDS = ("number", "role", "limit", "tissue", "bone", "cement")


@noun
class StructureRule:
    """What a structure's name means: its role, its safety limit and its tissue, each None where there is none.

    ``tissue`` None leaves the choice to the CT; ``bone`` True says that it is bone, split by HU into cortex and
    marrow; ``cement`` True that what is dense in it is cement and the rest bone. ``known`` is False for a name that the
    table does not have.
    """

    name: str
    role: Role
    limit: str | None = None
    tissue: str | None = None
    bone: bool = False
    cement: bool = False
    known: bool = True


def structure_rule(name: str) -> StructureRule:
    """Return the rule of the structure called ``name``.

    A name that only adds a level or side to a hand-drawn one ("nerve_root_L5_left") gets that one's rule. A name that
    the table does not have is at risk, without limit and without tissue: never a borrowed limit.

    Raises
    ------
    LibraryError : if the table breaks a rule
    """
    rules, drawn = _rules()
    if name in rules:
        return rules[name]
    for known in sorted(drawn, key=len, reverse=True):
        if name.startswith(f"{known}_"):
            base = rules[known]
            return replace(base, name=name)
    return StructureRule(name=name, role="at_risk", known=False)


@functools.cache
def label_names() -> Mapping[int, str]:
    """Return the 117 numbers and names of the "total" task of TotalSegmentator v2 [totalsegmentator_2023].

    Raises
    ------
    LibraryError : if a number stands twice
    """
    numbers: dict[int, str] = {}
    for name, entry in _entries("total").items():
        number = entry.get("number")
        if not isinstance(number, int) or number in numbers:
            raise LibraryError(f"structures.total.{name}: number {number!r} is missing or stands twice")
        numbers[number] = name
    return MappingProxyType(dict(sorted(numbers.items())))


@functools.cache
def _rules() -> tuple[Mapping[str, StructureRule], tuple[str, ...]]:
    total, drawn = _entries("total"), _entries("drawn")
    if twice := set(total) & set(drawn):
        raise LibraryError(f"structures: {', '.join(sorted(twice))} stands in both total and drawn")
    rules = {name: _rule(name, entry) for name, entry in (total | drawn).items()}
    return MappingProxyType(rules), tuple(drawn)


def _entries(group: str) -> dict[str, Table]:
    return dict(cast("Mapping[str, Table]", table("structures")[group]))


def _rule(name: str, entry: Table) -> StructureRule:
    where = f"structures.{name}"
    require_fields(where, entry, _FIELDS)
    role = entry.get("role")
    if role not in ROLES:
        raise LibraryError(f"{where}: role {role!r} is unknown; write one of {', '.join(ROLES)}")
    if (tissue := entry.get("tissue")) is not None and tissue not in tissue_names():
        raise LibraryError(f"{where}: tissue {tissue!r} is not in tissues.toml; it has: {', '.join(tissue_names())}")
    if (key := entry.get("limit")) is not None:
        limit(str(key))
    bone, cement = bool(entry.get("bone", False)), bool(entry.get("cement", False))
    return StructureRule(name=name, role=role, limit=key, tissue=tissue, bone=bone, cement=cement)
