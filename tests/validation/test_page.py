"""The page of the docs is what the script writes: its calibration is the library's, no study is missing."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from iceball.cli.validate import as_plain
from iceball.validation import STUDIES, tables, validate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_validation", ROOT / "scripts" / "write_validation.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_study_and_says_of_each_what_its_table_says(script: ModuleType):
    page = script.PAGE.read_text(encoding="utf-8")
    for key in STUDIES:
        study = tables.study(key, [], [])
        for text in (study.title, study.setting, study.agrees, study.differs, study.not_compared):
            assert text in page, (
                f"{key}: run iceball validate --json > v.json; python scripts/write_validation.py v.json"
            )


def test_the_page_has_the_calibration_that_is_kept(script: ModuleType):
    page = script.PAGE.read_text(encoding="utf-8")
    assert page.startswith(script.HEAD)
    assert "\n".join(script.calibration()) in page


def test_the_section_of_a_study_is_written_from_what_the_command_prints(script: ModuleType):
    (study,) = validate(["spine"])
    printed = json.loads(json.dumps(as_plain(study))) | {"library": "x"}
    section = "\n".join(script.section(printed))
    assert section.startswith("\n## Canine spine 2024")
    assert "| 4 of 4; the warmest at -8 °C | agrees |" in section
