"""``iceball verify``: tables for people, one object with --json, exit code 3 where a case fails."""

from __future__ import annotations

import json
import sys

import pytest

from iceball.cli import main
from iceball.verification import Case, Check, _verify


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run ``iceball verify ARGUMENTS`` in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["iceball", "verify", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture(autouse=True)
def two_cases(monkeypatch):
    """Put one case that holds and one that does not in place of the real ones."""

    def one(error):
        return Check(
            quantity="front [mm] of a [red] line", unit="mm", expected=12.5, got=12.5 + error, error=error,
            tolerance=0.1, reason="half a voxel", order=1.25, least_order=0.75,
        )  # fmt: skip

    cases = (
        Case(name="right", says="it holds", run=lambda _: [one(0.01)], quick=True),
        Case(name="wrong", says="it fails", run=lambda _: [one(0.2)]),
    )
    monkeypatch.setattr(_verify, "CASES", cases)
    monkeypatch.setattr(_verify, "case_names", lambda: ("right", "wrong"))


def test_a_case_that_fails_makes_exit_code_3_and_is_named(monkeypatch, capsys):
    assert run(monkeypatch) == 3
    printed = capsys.readouterr().out
    assert "1 of 2 cases failed: wrong" in printed
    assert "right it holds · holds" in printed
    assert "wrong it fails · FAILS" in printed
    assert "half a voxel" in printed
    assert "12.700 mm" in printed
    assert "1.25 (≥ 0.75)" in printed
    assert "[red]" in printed, "what stands in brackets is text, not markup"


def test_cases_that_hold_make_exit_code_0(monkeypatch, capsys):
    assert run(monkeypatch, "--quick") == 0
    assert "all 1 cases hold" in capsys.readouterr().out
    assert run(monkeypatch, "--only", "right") == 0


def test_json_is_one_object_and_nothing_else_also_where_a_case_fails(monkeypatch, capsys):
    assert run(monkeypatch, "--json", "--backend", "numpy") == 3
    done = json.loads(capsys.readouterr().out)
    assert (done["backend"], done["passed"], done["failed"]) == ("numpy", False, ["wrong"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "B99"), "no case 'B99'; there are: right, wrong"),
        (("--backend", "abacus"), "no backend 'abacus'"),
        (("--accuracy", "perfect"), "no accuracy 'perfect'"),
    ],
)
def test_what_is_not_there_is_refused(arguments, said, monkeypatch, capsys):
    assert run(monkeypatch, *arguments) == 1
    assert said in capsys.readouterr().err
