"""Every number that went into a run, with its spread, its source and how far it is to be trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from iceball import library
from iceball.nouns import Assessment, Cited, Finding, Plan, Source, ThermalHistory
from iceball.nouns._noun import noun
from iceball.provenance import Run

UNSURE = ("recalled", "judgement")
_KEY = re.compile(r"\[([a-z][a-z0-9_]+)\]")


@noun
class InputRow:
    """One number of the library, and what it is called there."""

    quantity: str
    cited: Cited

    @property
    def unsure(self) -> bool:
        """Whether the value was only recalled, or judged by the authors of this package."""
        return self.cited.confidence in UNSURE


@noun
class InputTable:
    """The numbers of one thing: a tissue, a probe, a limit. ``remark`` says what is missing, where something is."""

    title: str
    rows: tuple[InputRow, ...]
    remark: str = ""


@noun
class Reference:
    """A source as the report numbers it; ``line`` is what a reader needs to find it."""

    number: int
    key: str
    line: str


def input_tables(plan: Plan, history: ThermalHistory, assessment: Assessment) -> tuple[InputTable, ...]:
    """Tables of every number used: limits, lethal thresholds, probes, tissues, CT rules, surroundings.

    Raises
    ------
    UnknownName : if a clearance names a limit that the library does not have
    """
    return (
        *_limits(assessment),
        _table("Isotherms shown", {k: c for k, c in library.thresholds().items() if c in library.isotherms()}),
        *_probes(plan),
        *_means(plan),
        *_tissues(history),
        _table("Reading tissue from CT", library.hu_rules()),
        _table("Body and room", library.physics()),
    )


def pieces(note: str) -> list[str]:
    """Split a note at the source keys it names in brackets: text at even places, keys at odd ones."""
    return _KEY.split(note)


def cited_keys(findings: tuple[Finding, ...], tables: tuple[InputTable, ...], run: Run) -> tuple[str, ...]:
    """Keys of every source the report names, each once, in the order in which a reader meets them."""
    known = library.sources()
    keys = [finding.source for finding in findings]
    for row in (row for table in tables for row in table.rows):
        keys += [row.cited.source, *pieces(row.cited.note)[1::2]]
    return tuple(key for key in dict.fromkeys([*keys, *run.sources]) if key in known or key in run.sources)


def references(keys: tuple[str, ...]) -> tuple[Reference, ...]:
    """Number the sources in the order of ``keys``; a key that the library lacks is shown as it stands."""
    known = library.sources()
    return tuple(
        Reference(number=i, key=key, line=_line(known[key]) if key in known else f"{key} (not in this library)")
        for i, key in enumerate(keys, start=1)
    )


def _line(source: Source) -> str:
    return f"{source}{f' {source.note}.' if source.note else ''}".replace("..", ".")


def _table(title: str, rows: Mapping[str, Cited], remark: str = "") -> InputTable:
    return InputTable(
        title=title, rows=tuple(InputRow(quantity=_words(k), cited=c) for k, c in rows.items()), remark=remark
    )


def _words(quantity: str) -> str:
    """Return a row's name for people: the unit that ends it has a column of its own."""
    for unit in ("_j_per_m3_k", "_j_per_kg_k", "_j_per_kg", "_w_per_m2_k", "_w_per_m_k", "_k_m_per_w", "_ml_per_min_kg",
                 "_w_per_kg", "_kg_per_m3", "_hu", "_mm", "_c", "_s"):  # fmt: skip
        if quantity.endswith(unit):
            quantity = quantity.removesuffix(unit)
            break
    return quantity.replace("_", " ")


def _limits(assessment: Assessment) -> Iterator[InputTable]:
    for key in dict.fromkeys(c.limit for c in assessment.clearances if c.limit):
        limit = library.limit(key)
        steps = {"note below": limit.note_below, "caution below": limit.caution_below, "stop below": limit.stop_below}
        yield _table(f"Limit: {_words(key)}", {name: row for name, row in steps.items() if row is not None})
    if any(c.limit is None for c in assessment.clearances):
        yield _table("Structures without a limit", {"named in the findings below": library.named_below()})


def _probes(plan: Plan) -> Iterator[InputTable]:
    for name in dict.fromkeys(placement.probe.name for placement in plan.placements):
        if name in library.probe_names():
            yield _table(f"Probe: {name}", library.probe_rows(name))
        else:
            yield InputTable(title=f"Probe: {name}", rows=(), remark="Made by hand: it is not in the library.")


def _means(plan: Plan) -> Iterator[InputTable]:
    for name in dict.fromkeys(name for each in plan.protections for name in library.means_of(each)):
        yield _table(f"Protection: {_words(name)}", library.protection_rows(name))


def _tissues(history: ThermalHistory) -> Iterator[InputTable]:
    names = [name.strip() for name in dict(history.run.settings).get("tissues", "").split(",") if name.strip()]
    if not names:
        yield InputTable(title="Tissues", rows=(), remark="The run does not say which tissues it used.")
    for name in names:
        if name in library.tissue_names():
            yield _table(f"Tissue: {_words(name)}", library.tissue_rows(name))
        else:
            yield InputTable(title=f"Tissue: {name}", rows=(), remark="It is not in the library under this name.")
