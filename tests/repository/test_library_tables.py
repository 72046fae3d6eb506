"""The tables themselves: every source exists and is used, every number agrees with the material it came from."""

from __future__ import annotations

import csv
import typing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from iceball import library, nouns
from iceball.nouns import Cited
from iceball.validation import STUDIES, tables

MATERIAL = Path(__file__).resolve().parents[3] / "shared" / "physics" / "properties.csv"
CODE = [path.read_text(encoding="utf-8") for path in Path(library.__path__[0]).parent.rglob("*.py")]
UNITS = (
    *("_mm", "_ml", "_c", "_s", "_hu", "_j", "_w", "_fraction", "_w_per_m_k", "_w_per_m3_k", "_w_per_m3"),
    *("_j_per_m3", "_j_per_m3_k", "_k_m_per_w", "_w_per_m", "_w_per_m2_k", "_mm2", "_k"),
)
UNITLESS = {
    *("Cited.value", "Cited.low", "Cited.high", "Finding.measured", "Finding.limit"),  # their unit is a field
    "Fact.value",  # so is this one's
    "Volume.array",  # its quantity is a field
    "TissueMap.index",
    "TissueMap.open_faces",  # counts
    *("Grid.direction", "Cut.u_axis", "Cut.v_axis"),  # unit vectors
    "ThermalHistory.below",  # thresholds [°C] as keys; the volumes name their quantity
    "Step.power_by_probe",  # pairs of label and fraction
    "Clearance.below_s",
}


def every_row() -> Iterator[tuple[str, Cited]]:
    """Every cited row of the library with its place."""
    for name in library.tissue_names():
        yield from ((f"tissues.{name}.{quantity}", row) for quantity, row in library.tissue_rows(name).items())
    for name in library.probe_names():
        yield from ((f"probes.{name}.{quantity}", row) for quantity, row in library.probe_rows(name).items())
    for name in library.protection_names():
        yield from ((f"protections.{name}.{quantity}", row) for quantity, row in library.protection_rows(name).items())
    for limit in library.limits():
        steps = {"note": limit.note_below, "caution": limit.caution_below, "stop": limit.stop_below}
        yield from ((f"limits.{limit.key}.{step}", row) for step, row in steps.items() if row)
    for name in library.implant_names():
        yield from ((f"implants.{name}.{quantity}", row) for quantity, row in library.implant_rows(name).items())
    yield "limits.named_below", library.named_below()
    for group in (library.thresholds, library.hu_rules, library.physics, library.outline_rules, library.measure_rules):
        yield from ((f"{group.__name__}.{name}", row) for name, row in group().items())
    yield from ((f"ways.{name}", row) for name, row in library.way_rules().items())
    yield from ((f"ways.keep.{key}", rule.keep) for key, rule in library.keep_rules().items())
    yield from ((f"ways.sites.{site}", rule.bone_angle_largest) for site, rule in library.way_sites().items())
    yield from ((f"ways.cannulas.{each.name}", row) for each in library.cannulas() for row in (each.outer, each.inner))
    yield "ways.reach.default", library.probe_reach()
    for rule in library.screening_rules():
        yield from ((f"screening.{rule.key}.figures.{name}", row) for name, row in rule.figures.items())
        if rule.limit is not None:
            yield f"screening.{rule.key}.limit", rule.limit
    for score in library.scores():
        yield from ((f"scores.{score.name}.{name}", row) for name, row in score.rows.items())
    yield from _of_planning()


def _of_planning() -> Iterator[tuple[str, Cited]]:
    """Every row of the rules of planning and of the numbers beside them."""
    yield from ((f"planning.rules.{key}", rule.limit) for key, rule in library.planning_rules().items() if rule.limit)
    yield from ((f"planning.numbers.{name}", row) for name, row in library.planning_numbers().items())


def test_every_source_exists_and_every_source_is_used() -> None:
    used = {source.key for source in library.sources_of(*(row for _, row in every_row()))}
    used |= {"totalsegmentator_2023"}  # the numbering of structures.toml: no Cited number rests on it
    used |= {source.key for source in library.planning_sources()}  # of rules without a number
    used |= {source.key for source in library.screening_sources()}  # of rules and sites without a number
    used |= {key for study in STUDIES for key in tables.table(study)["sources"]}
    assert used == set(library.sources())


CONSTANTS = [*library.way_rules(), *library.hu_rules(), *library.physics(), *library.outline_rules()]
CONSTANTS += library.measure_rules()
CONSTANTS += [*library.planning_numbers(), *library.planning_rules()]
CONSTANTS += sorted({quantity for name in library.protection_names() for quantity in library.protection_rows(name)})
CONSTANTS += sorted({quantity for name in library.implant_names() for quantity in library.implant_rows(name)})


@pytest.mark.parametrize("name", CONSTANTS)
def test_code_reads_every_constant_since_the_report_lists_them_as_what_went_in(name: str) -> None:
    assert any(f'"{name}"' in text for text in CODE), f"nothing reads {name}: take it out of the table"


def test_every_judgement_says_why() -> None:
    # Twelve letters hold no reason; the shortest honest one is "not alive".
    unreasoned = [place for place, row in every_row() if row.confidence == "judgement" and len(row.note) < 9]
    assert unreasoned == []


def test_a_row_without_spread_says_why() -> None:
    exact = [place for place, row in every_row() if row.low == row.high and not row.note]
    assert exact == []


def test_what_was_recalled_does_not_claim_to_be_read() -> None:
    for place, row in every_row():
        if row.source.startswith("recalled") or row.source.endswith("recalled"):
            assert row.confidence == "recalled", place
        if row.source == "iceball_judgement":
            assert row.confidence == "judgement", place
        if row.source == "iceball_mixture":
            assert row.confidence == "computed", place


@pytest.mark.parametrize("name", library.tissue_names())
def test_every_tissue_freezes_over_a_range_and_shares_are_fractions(name: str) -> None:
    rows = library.tissue_rows(name)
    assert rows["solidus_c"].high <= rows["liquidus_c"].low, "sampling both spreads must keep the solidus below"
    for quantity in ("conductivity_ice_fraction", "capacity_ice_fraction"):
        assert rows[quantity].low >= 0
        assert rows[quantity].high <= 1


def numbers_without_unit() -> list[str]:
    """Fields of nouns that hold floats or arrays and whose name names no unit."""
    known = {"NDArray": np.ndarray, "Any": typing.Any}
    found = []
    for name in nouns.__all__:
        noun = getattr(nouns, name)
        if not hasattr(noun, "__dataclass_fields__"):
            continue
        hints = typing.get_type_hints(noun, localns=known) if "NDArray" in _text(noun) else typing.get_type_hints(noun)
        found += [f"{name}.{field}" for field, hint in hints.items() if _is_number(hint) and not field.endswith(UNITS)]
    return found


def _text(noun: type) -> str:
    return str(noun.__annotations__)


def _is_number(hint: object) -> bool:
    if hint is float or hint is np.ndarray or typing.get_origin(hint) is np.ndarray:
        return True
    return any(_is_number(part) for part in typing.get_args(hint))


def test_every_number_of_every_noun_names_its_unit() -> None:
    assert set(numbers_without_unit()) <= UNITLESS


def test_the_walk_over_the_nouns_finds_numbers_without_unit() -> None:
    assert {"Cited.value", "Volume.array", "Finding.measured"} <= set(numbers_without_unit())


def test_the_117_numbers_of_totalsegmentator_each_have_a_name() -> None:
    assert list(library.label_names()) == list(range(1, 118))
    assert len(set(library.label_names().values())) == 117


def test_the_vertebrae_of_the_shared_scan_have_the_numbers_its_readme_gives() -> None:
    # shared/data/abdomen_pelvis_ct/README.md: labels 26..33 = S1, L5, L4, L3, L2, L1, T12, T11
    names = [library.label_names()[number].removeprefix("vertebrae_") for number in range(26, 34)]
    assert names == ["S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11"]


@pytest.mark.parametrize("name", library.label_names().values())
def test_every_label_has_a_rule_and_left_and_right_have_the_same(name: str) -> None:
    rule = library.structure_rule(name)
    assert rule.known
    other = library.structure_rule(name.replace("left", "right"))
    if not other.known:
        assert name == "atrial_appendage_left", "the one label without a right one"
        return
    assert (rule.role, rule.limit, rule.tissue, rule.bone) == (other.role, other.limit, other.tissue, other.bone)


QUANTITY = {
    "density_kg_per_m3": ("rho", 1),
    "heat_capacity_j_per_kg_k": ("cp", 1),
    "conductivity_w_per_m_k": ("k", 1),
    "perfusion_ml_per_min_kg": ("perfusion", 1),
    "metabolic_heat_w_per_kg": ("metabolic_heat", 1),
    "frozen_conductivity_w_per_m_k": ("frozen k", 1),
    "frozen_heat_capacity_j_per_kg_k": ("frozen cp", 1),
    "latent_heat_j_per_kg": ("latent_heat", 1000),
    "solidus_c": ("T_solidus", 1),
    "liquidus_c": ("T_liquidus", 1),
}
ROW_OF = {"metal": "stainless_316", "carbon_dioxide": "co2_gas"}
# What the library corrects: the reason stands in the note of the row.
CORRECTED_SPREADS = {
    ("cortical_bone", "solidus_c"),  # -20 with the generic spread -22 to -4
    ("csf", "solidus_c"),  # -1.5 outside its spread -22 to -4
    ("cortical_bone", "conductivity_w_per_m_k"),  # a survey's 0.16 to 4.89
    ("csf", "latent_heat_j_per_kg"),  # up to 374 kJ/kg, more than pure water holds
    ("saline", "latent_heat_j_per_kg"),  # the same
}
READ_ELSEWHERE = {("saline", "liquidus_c")}  # the material's row "pbs_saline, T_freeze"


@pytest.fixture(scope="module")
def material() -> dict[tuple[str, str], list[dict[str, str]]]:
    """The rows of the material by tissue and quantity; frozen ones apart."""
    if not MATERIAL.is_file():
        pytest.skip("needs the material in ../shared/physics beside the repository")
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    with MATERIAL.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            frozen = "frozen " if line["state"] == "frozen -40C" else ""
            found.setdefault((line["tissue"], frozen + line["quantity"]), []).append(line)
    return found


def compared(material) -> Iterator[tuple[str, str, Cited, list[dict[str, str]], float]]:
    """Every tissue row that the material has too, with its lines and the factor between their units."""
    for name in library.tissue_names():
        for quantity, (short, factor) in QUANTITY.items():
            row = library.tissue_rows(name)[quantity]
            lines = [
                line
                for line in material.get((ROW_OF.get(name, name), short), [])
                if line["unit"] not in ("W/m3", "MJ/m3") and line["state"] != "T-dependent"
            ]
            if lines:
                yield name, quantity, row, lines, factor


def test_values_agree_with_the_material_unless_the_row_is_a_judgement(material) -> None:
    pairs = list(compared(material))
    assert len(pairs) > 150, "the comparison lost its rows"
    for name, quantity, row, lines, factor in pairs:
        values = [float(line["value"]) * factor for line in lines]
        if row.confidence != "judgement":
            # The library keeps six digits of the material's values.
            assert any(row.value == pytest.approx(value, rel=2e-5) for value in values), (name, quantity, values)


def test_confidence_is_never_better_than_the_material_says(material) -> None:
    worse = {"READ": ("read", "recalled", "computed", "judgement"), "RECALLED": ("recalled", "judgement")}
    worse["COMPUTED"] = ("computed", "recalled", "judgement")
    for name, quantity, row, lines, factor in compared(material):
        same = [line for line in lines if row.value == pytest.approx(float(line["value"]) * factor, rel=2e-5)]
        if same and (name, quantity) not in READ_ELSEWHERE:
            allowed = {confidence for line in same for confidence in worse[line["read_or_recalled"]]}
            assert row.confidence in allowed, (name, quantity)


def test_no_spread_is_narrower_than_the_material_says(material) -> None:
    for name, quantity, row, lines, factor in compared(material):
        if (name, quantity) in CORRECTED_SPREADS:
            assert row.note, (name, quantity)
            continue
        for line in lines:
            if line["low"] and line["high"]:
                assert row.low <= float(line["low"]) * factor, (name, quantity)
                assert row.high >= float(line["high"]) * factor, (name, quantity)
