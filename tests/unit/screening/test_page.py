"""The page of rules is what the tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from iceball import library

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "write_screening.py"


def script():
    """Load scripts/write_screening.py."""
    spec = importlib.util.spec_from_file_location("write_screening", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_rules_is_up_to_date():
    page = script()
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run: python scripts/write_screening.py"


def test_the_page_shows_every_rule_question_and_site():
    text = script().page()
    keys = [*(rule.key for rule in library.screening_rules()), *library.questions()]
    assert [key for key in keys if f"| `{key}` |" not in text] == []
    assert [site.says for site in library.sites().values() if f"| {site.says} |" not in text] == []
