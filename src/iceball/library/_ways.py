"""Ways in: how near to what, how steep, how far, through which cannula, and what is usual at each site."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, cast, get_args

from iceball.errors import LibraryError
from iceball.library._conditions import EVIDENCE, Evidence, read_evidence
from iceball.library._structures import structure_rule
from iceball.library._tables import Table, read_row, read_rows, require_fields, require_text, sources, table
from iceball.nouns import Cited, Structure
from iceball.nouns._noun import noun

Approach = Literal["transpedicular", "costovertebral", "parasagittal", "along the bone", "direct", "intercostal"]
UsualPosition = Literal["prone", "supine", "nearest"]


@noun
class KeepRule:
    """What an instrument keeps from one kind of structure, and whether a person may open that kind."""

    key: str
    says: str
    keep: Cited
    allow: bool


@noun
class Cannula:
    """A bone cannula: its outside and its inside."""

    name: str
    outer: Cited
    inner: Cited


@noun
class WaySite:
    """What is usual at a site: the approaches, the position, and how steeply bone may be met."""

    site: str
    position: UsualPosition
    approaches: tuple[Approach, ...]
    evidence: Evidence
    bone_angle_largest: Cited


@functools.cache
def way_rules() -> Mapping[str, Cited]:
    """Return the numbers that ways in rest on, those of the ranking too, by name.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    rows = dict(read_rows("ways.rules", _part("rules"), sources(), beside=()))
    return MappingProxyType(rows | dict(read_rows("ways.ranking", _part("ranking"), sources(), beside=())))


@functools.cache
def keep_rules() -> Mapping[str, KeepRule]:
    """Return what is kept from each kind of structure, by the kind.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return MappingProxyType({key: _keep(key, cast("Table", entry)) for key, entry in _part("keep").items()})


def keep_rule(structure: Structure) -> KeepRule | None:
    """Return what an instrument keeps from ``structure``; None where it is no obstacle by its name and role.

    The longest beginning of its name counts, else its limit, else its kind. Bones have no rule here: which of them is
    the lesion's own only the case knows. The skin is where every way begins.

    Raises
    ------
    LibraryError : if the table breaks a rule
    """
    rules, known = keep_rules(), structure_rule(structure.name)
    if structure.role not in ("at_risk", "barrier") or structure.limit == "skin":
        return None
    fits = [key for key in rules if structure.name == key or structure.name.startswith(f"{key}_")]
    if fits:
        return rules[max(fits, key=len)]
    if structure.limit is not None and structure.limit in rules:
        return rules[structure.limit]
    tissue = structure.tissue or known.tissue
    by_tissue = {"flowing_blood": "vessel", "metal": "metal", "lung_inflated": "lung"}
    if tissue in by_tissue:
        return rules[by_tissue[tissue]]
    if structure.role == "barrier":
        return rules["barrier"]
    return rules["organ" if known.known else "unknown"]


@functools.cache
def probe_reach(probe: str = "default") -> Cited:
    """Return how far below the skin the tip of ``probe`` can lie [mm]; the default where the table has no such probe.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    rows = read_rows("ways.reach", _part("reach"), sources(), beside=())
    return rows.get(probe, rows["default"])


@functools.cache
def cannulas() -> tuple[Cannula, ...]:
    """Return the bone cannulas, the thinnest first.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    found: list[Cannula] = []
    for name, entry in _part("cannulas").items():
        rows = read_rows(f"ways.cannulas.{name}", cast("Table", entry), sources(), beside=())
        if set(rows) != {"outer_mm", "inner_mm"} or rows["inner_mm"].value >= rows["outer_mm"].value:
            raise LibraryError(f"ways.cannulas.{name} needs an outer_mm and a smaller inner_mm")
        found.append(Cannula(name=name, outer=rows["outer_mm"], inner=rows["inner_mm"]))
    return tuple(sorted(found, key=lambda cannula: cannula.outer.value))


@functools.cache
def way_sites() -> Mapping[str, WaySite]:
    """Return what is usual at each site, by the word of ``lesion_site``; "other" stands for those without a row.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    return MappingProxyType({site: _site(site, cast("Table", entry)) for site, entry in _part("sites").items()})


@functools.cache
def one_bone_with() -> Mapping[str, tuple[str, ...]]:
    """Return the bones that are labelled apart from a bone but are one with it: a way may lead through them.

    Raises
    ------
    LibraryError : if a row of the table breaks a rule
    """
    found: dict[str, tuple[str, ...]] = {}
    for bone, entry in cast("Mapping[str, Table]", _part("through")).items():
        require_fields(f"ways.through.{bone}", entry, ("bones", *EVIDENCE))
        read_evidence(f"ways.through.{bone}", entry, sources())
        found[bone] = tuple(str(other) for other in cast("list[str]", entry["bones"]))
    return MappingProxyType(found)


def _part(name: str) -> Table:
    return cast("Table", table("ways")[name])


def _keep(key: str, entry: Table) -> KeepRule:
    where = f"ways.keep.{key}"
    require_fields(where, entry, ("says", "allow", "keep_mm"))
    if "keep_mm" not in entry or not isinstance(entry.get("allow"), bool):
        raise LibraryError(f"{where} needs keep_mm, and allow = true or false")
    keep = read_row(f"{where}.keep_mm", cast("Table", entry["keep_mm"]), sources())
    if keep.value <= 0:
        raise LibraryError(f"{where}.keep_mm is {keep.value:g} mm; something must be kept: write more than 0")
    return KeepRule(key=key, says=require_text(where, entry, "says"), keep=keep, allow=bool(entry["allow"]))


def _site(site: str, entry: Table) -> WaySite:
    where = f"ways.sites.{site}"
    require_fields(where, entry, ("position", "approaches", "bone_angle_largest_deg", *EVIDENCE))
    position = require_text(where, entry, "position")
    approaches = tuple(str(each) for each in cast("list[str]", entry.get("approaches", [])))
    if position not in get_args(UsualPosition):
        raise LibraryError(f"{where}: position {position!r} is unknown; write one of prone, supine, nearest")
    if strange := [each for each in approaches if each not in get_args(Approach)]:
        raise LibraryError(f"{where}: approach {strange[0]!r} is unknown; write one of {', '.join(get_args(Approach))}")
    return WaySite(
        site=site,
        position=cast("UsualPosition", position),
        approaches=cast("tuple[Approach, ...]", approaches),
        evidence=read_evidence(where, entry, sources()),
        bone_angle_largest=read_row(
            f"{where}.bone_angle_largest_deg", cast("Table", entry["bone_angle_largest_deg"]), sources()
        ),
    )
