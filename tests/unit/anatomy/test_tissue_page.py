"""Does the page of tissue from CT say what the code does?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import matplotlib.image as mpimg
import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def script():
    """Load scripts/write_hu_properties.py."""
    spec = importlib.util.spec_from_file_location("write_hu", ROOT / "scripts" / "write_hu_properties.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spread(script):
    return script.spread_of_everything()


def test_the_tables_of_the_page_are_what_the_code_says(script, spread):
    text = script.PAGE.read_text(encoding="utf-8")
    assert "| HU | matrix |" in text
    assert text == script.page(spread), "run: python scripts/write_hu_properties.py"


def test_the_picture_shows_something(script, spread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(script, "FIGURE", tmp_path / "hu.png")
    script.draw(spread)
    drawn, kept = (mpimg.imread(path) for path in (tmp_path / "hu.png", ROOT / "docs" / "images" / "hu-properties.png"))
    assert drawn.shape == kept.shape
    assert drawn[..., :3].std() > 0.05


def test_the_hu_of_the_steps_are_those_of_the_mixtures(script):
    from iceball.anatomy._recipes import steps

    for family in script.FAMILIES:
        hu = [step.hu for step in steps(family)]
        # the marrow of a vertebra is red to within 1 %, that of a long bone yellow: 1 HU
        assert script.hu_of(family) == pytest.approx(hu, abs=1.0)
