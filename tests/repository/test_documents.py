"""The documents say what is there, and their examples run."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import typer.main

import iceball
from iceball.cli import app

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)])
BLOCK = re.compile(r"(<!-- runs -->\n)?```python\n(.*?)```", re.DOTALL)


def commands_script():
    """Load scripts/write_commands.py."""
    spec = importlib.util.spec_from_file_location("write_commands", ROOT / "scripts" / "write_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def name_of(page: Path) -> str:
    """Return the page's path from the root, for the test's name."""
    return page.relative_to(ROOT).as_posix()


def test_the_page_of_commands_is_what_the_commands_say():
    script = commands_script()
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run: make commands"


def test_every_command_and_every_option_has_help():
    script = commands_script()
    found = list(script.commands(typer.main.get_command(app)))
    assert found
    for name, command in found:
        assert command.help, f"{name} has no help"
        without = [p.name for p in command.params if p.name != "help" and not p.help]
        assert without == [], f"{name}: these have no help"


def test_the_readme_names_every_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in typer.main.get_command(app).commands if f"iceball {name}" not in text] == []  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_name_of_iceball_in_an_example_exists(page: Path):
    for _, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        for name in re.findall(r"\biceball\.(\w+)", re.sub(r"(from|import) iceball\.\w+", "", code)):
            assert name in iceball.__all__, f"{name_of(page)}: iceball.{name}"


@pytest.mark.parametrize("page", [p for p in PAGES if "<!-- runs -->" in p.read_text(encoding="utf-8")], ids=name_of)
def test_the_examples_marked_as_running_run(page: Path):
    found = [code for marked, code in BLOCK.findall(page.read_text(encoding="utf-8")) if marked]
    assert found
    for code in found:
        exec(compile(code, name_of(page), "exec"), {"__name__": "example"})


def test_the_marked_examples_include_the_readme():
    assert "<!-- runs -->\n```python" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_somewhere(page: Path):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [
        link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link and not link.startswith("mailto:")
    ]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_changelog_has_the_current_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_decision_has_its_own_number_and_says_what_would_change_our_mind():
    pages = sorted(p for p in (ROOT / "docs" / "decisions").glob("*.md") if p.name != "index.md")
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name) for page in pages)
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        text = page.read_text(encoding="utf-8").lower()
        assert "change our mind" in text, page.name


def test_research_use_is_said_where_people_look_first():
    for name in ("README.md", "docs/index.md", "docs/intended-use.md"):
        assert "research use only" in (ROOT / name).read_text(encoding="utf-8").lower(), name
