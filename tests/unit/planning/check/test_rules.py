"""The table of rules: broken rows are refused, the page shows every rule, and every rule is one that is used."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import iceball
from iceball import library
from iceball.errors import LibraryError, UnknownName
from iceball.library._planning import read_planning_rules
from iceball.planning.check._found import found

SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "write_planning_rules.py"
GOOD = {
    "topic": "way",
    "severity": "caution",
    "says": "says",
    "override": "override",
    "source": "iceball_judgement",
    "confidence": "judgement",
    "note": "a reason for it",
}
ROW = {"value": 1, "unit": "mm", "low": 1, "high": 2, "state": "s", "source": "shah_2016", "confidence": "read"}


def script():
    """Load scripts/write_planning_rules.py."""
    spec = importlib.util.spec_from_file_location("write_planning_rules", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_rules_is_up_to_date():
    page = script()
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run: python scripts/write_planning_rules.py"


def test_the_page_shows_every_rule_with_its_way_on_and_every_number():
    text = script().page()
    for rule in library.planning_rules().values():
        assert f"| `{rule.key}` | {rule.severity} |" in text
        assert rule.override in text
    assert [name for name in library.planning_numbers() if f"| `{name}` |" not in text] == []


def test_every_rule_that_the_code_names_is_in_the_table_and_every_rule_is_named_by_it():
    folder = Path(iceball.__path__[0]) / "planning" / "check"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert [key for key in library.planning_rules() if f'"{key}"' not in code] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"severity": "grave"}, "severity 'grave' is unknown"),
        ({"topic": "weather"}, "topic 'weather' is unknown"),
        ({"override": None}, "lacks override"),
        ({"says": ""}, "says must be a text"),
        ({"source": "nobody_1999"}, "is not in sources.bib"),
        ({"note": ""}, "judgement without its reasoning"),
        ({"limit": ROW}, "write them in the limit"),
        ({"colour": "red"}, "unknown field colour"),
    ],
)
def test_a_broken_rule_is_refused(change, says):
    entry = {key: value for key, value in (GOOD | change).items() if value is not None}
    with pytest.raises(LibraryError, match=says):
        read_planning_rules({"some_rule": entry}, library.sources())


def test_a_limit_carries_the_evidence_and_a_rule_without_one_says_so():
    bare = {key: GOOD[key] for key in ("topic", "severity", "says", "override")}
    rule = read_planning_rules({"r": bare | {"limit": ROW}}, library.sources())["r"]
    assert (rule.evidence.source, rule.threshold.value) == ("shah_2016", 1.0)
    with pytest.raises(LibraryError, match="has no limit"):
        _ = library.planning_rule("probes_in_one_place").threshold


def test_an_unknown_rule_is_refused_with_the_known_ones():
    with pytest.raises(UnknownName, match="shaft_enters_structure"):
        found("shaft_enters", "says")
