"""``iceball verify``: tables for people, one object with --json, exit code 3 where a case fails."""

from __future__ import annotations

import json
import sys

import pytest

from iceball import verification
from iceball.cli import main
from iceball.verification import Case, Check, IsothermError, ProbeError, Targets, _verify


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


def table(p99_mm: float) -> Targets:
    """Return a table of one isotherm and one probe."""
    row = IsothermError(
        accuracy="standard", tissues=4, phase="thaw", now_s=660.0, isotherm_c=-20.0, p99_mm=p99_mm, largest_mm=0.61,
        edges=120, held_fraction=0.62, target_mm=0.2,
    )  # fmt: skip
    probe = ProbeError(
        accuracy="standard", diameter_mm=2.1, isotherm_c=0.0, radius_mm=17.25, radius_error_mm=0.04,
        radius_target_mm=0.2, half_length_mm=26.0, half_length_error_mm=0.11, half_length_target_mm=0.4,
    )  # fmt: skip
    return Targets(
        isotherms=(row,), probes=(probe,), failures=(), walls_k=0.5, version="0", backend="native", device="cpu",
        dtype="float32", started_at="2026-11-21T00:00:00+00:00", seconds=1.0,
    )  # fmt: skip


def measures(monkeypatch, p99_mm: float) -> list:
    """Put a table in place of the measurement; returns what was asked of it."""
    asked = []

    def measure(backend, wanted, *, keep, progress):
        asked.append((backend.name, wanted.accuracies, keep))
        return table(p99_mm)

    monkeypatch.setattr(verification, "measure_targets", measure)
    return asked


def test_a_missed_target_makes_exit_code_3_and_its_row_says_so(monkeypatch, capsys):
    measures(monkeypatch, 0.25)
    assert run(monkeypatch, "--targets") == 3
    printed = " ".join(capsys.readouterr().out.split())
    assert "standard 4 660 s thaw -20 62% 0.250 0.61 0.2 MISSED" in printed
    assert "standard 2.1 0 17.25 0.040 0.2 26.00 0.110 0.4 held" in printed
    assert "1 of 2 rows miss their target" in printed


def test_targets_that_are_kept_make_exit_code_0_and_json_says_each_row(monkeypatch, capsys, tmp_path):
    asked = measures(monkeypatch, 0.19)
    assert run(monkeypatch, "--targets", "--accuracy", "standard", "--keep", str(tmp_path), "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["passed"], done["missed"]) == (True, 0)
    assert [row["passed"] for row in done["isotherms"] + done["probes"]] == [True, True]
    assert asked[0][1:] == (("standard",), tmp_path)
    assert run(monkeypatch, "--targets", "--quick") == 0
    assert asked[1][1:] == (("preview",), None)


@pytest.mark.parametrize("arguments", [("--targets", "--only", "right"), ("--keep", "somewhere")])
def test_options_that_do_not_go_together_are_wrong_usage(arguments, monkeypatch, capsys):
    assert run(monkeypatch, *arguments) == 2
    assert "--targets" in capsys.readouterr().err
