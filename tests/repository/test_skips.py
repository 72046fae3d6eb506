"""A skip in CI is a failure: the rule of tests/conftest.py, checked on reports made by hand."""

from __future__ import annotations

import importlib.util
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture
def rules(root, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The root conftest as a module, with CI=true."""
    spec = importlib.util.spec_from_file_location("root_conftest", root / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "IN_CI", True)
    return module


def skipped(reason: str) -> SimpleNamespace:
    """Return a report of a skipped test, as far as the rule looks at it."""
    return SimpleNamespace(
        skipped=True, outcome="skipped", nodeid="tests/unit/test_x.py::test_y", longrepr=("test_x.py", 1, reason)
    )


def test_a_skip_fails_in_ci_and_says_why(rules: ModuleType):
    report = rules._without_skips(skipped("Skipped: needs the real CT data"))
    assert report.outcome == "failed"
    assert "test_y was skipped" in report.longrepr
    assert "needs the real CT data" in report.longrepr


def test_an_agreed_skip_stays_a_skip_in_ci(rules: ModuleType):
    assert rules._without_skips(skipped("Skipped: needs a GPU with 4 GB")).outcome == "skipped"


def test_a_skip_stays_a_skip_on_a_developers_machine(rules: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "IN_CI", False)
    assert rules._without_skips(skipped("Skipped: needs the real CT data")).outcome == "skipped"


def test_a_test_that_ran_is_left_alone(rules: ModuleType):
    report = SimpleNamespace(skipped=False, outcome="passed", longrepr=None)
    assert rules._without_skips(report).outcome == "passed"
