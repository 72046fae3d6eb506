"""How every command talks: people get tables, --json gets one object, a refusal is one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import typer
import typer.main

from iceball import cli, provenance
from iceball.cli import _app, app, main
from iceball.errors import InputError
from iceball.nouns import Finding


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run ``iceball ARGUMENTS`` in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["iceball", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command that raises ``error`` and return the exit code."""
    broken = typer.Typer(pretty_exceptions_enable=False)

    @broken.command()
    def fail() -> None:
        raise error

    # What main() runs: the application with one broken command in place of the real one.
    monkeypatch.setattr(_app, "app", broken)
    return run(monkeypatch)


@pytest.mark.parametrize(
    "message",
    [
        "slice 12 is missing",
        "two\nlines\tand  gaps",
        "labels [1, 2] and [bold]markup[/bold]",
        "long " * 100,
    ],
)
def test_a_refused_input_is_one_line_on_standard_error_and_exit_code_1(message, monkeypatch, capsys):
    assert fails_with(InputError(message), monkeypatch) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.strip() == "refused: " + " ".join(message.split())


def test_a_stop_by_the_user_has_the_exit_code_of_shells_and_nothing_on_standard_output(monkeypatch, capsys):
    assert fails_with(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr().out == ""


def test_sigterm_tidies_up_as_ctrl_c_does_and_the_usual_handler_comes_back(monkeypatch, capsys):
    usual = signal.getsignal(signal.SIGTERM)
    tidied = []
    broken = typer.Typer(pretty_exceptions_enable=False)

    @broken.command()
    def wait() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            tidied.append(True)

    monkeypatch.setattr(_app, "app", broken)
    assert run(monkeypatch) == 143  # 128 + 15, as shells say it
    assert tidied == [True]
    assert "nothing half-written" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == usual


def test_what_the_system_refuses_is_one_line_too(monkeypatch, capsys):
    assert fails_with(OSError(28, "No space left on device", "run/coldest.nii.gz"), monkeypatch) == 1
    error = capsys.readouterr().err
    assert error == "refused: run/coldest.nii.gz cannot be read or written: No space left on device; check the place\n"


def test_ctrl_c_while_the_commands_are_still_being_imported_leaves_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_with_commands", interrupted)
    assert run(monkeypatch) == 130
    assert capsys.readouterr().err == "stopped by the user before anything began\n"


def test_the_command_line_imports_nothing_before_it_runs():
    loaded = "import sys, iceball.cli; print([name for name in ('typer', 'rich', 'numpy') if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_fault_of_ours_is_not_dressed_up_as_a_refusal(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        fails_with(ZeroDivisionError(), monkeypatch)


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"]])
def test_wrong_usage_has_exit_code_2_and_nothing_on_standard_output(arguments, monkeypatch, capsys):
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "No such" in printed.err


def test_the_version_is_printed(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"iceball {provenance.version()}\n"


def test_without_a_command_the_help_is_shown_and_says_research_use(monkeypatch, capsys):
    run(monkeypatch)
    assert "Research use only" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("thing", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ({-40.0: (1, None)}, {"-40.0": [1, None]}),
        (float("nan"), None),
        (np.array([1.0, np.inf]), [1.0, None]),
        (True, True),
    ],
)
def test_json_gets_plain_values_and_null_for_what_is_no_number(thing: Any, plain: Any, capsys):
    _app.print_json(thing)
    printed = capsys.readouterr()
    assert json.loads(printed.out) == plain
    assert printed.err == ""


def test_json_gets_every_field_of_a_noun(capsys):
    _app.print_json(Finding(rule="cord", severity="stop", says="−5 °C at the cord", source="s", measured=float("nan")))
    found = json.loads(capsys.readouterr().out)
    assert found["says"] == "−5 °C at the cord"
    assert found["measured"] is None
    assert set(found) == {"rule", "severity", "says", "source", "subject", "measured", "limit", "unit"}


def test_progress_goes_to_standard_error_only(capsys):
    with _app.progress("reading") as advance:
        advance(0.5, "half")
    assert capsys.readouterr().out == ""


def test_with_json_a_real_command_prints_one_object_and_nothing_else(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["iceball", "library", "limits", "--json"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code in (0, None)
    printed = capsys.readouterr()
    json.loads(printed.out)
    assert printed.err == ""


def test_every_command_can_be_asked_for_help(monkeypatch, capsys):
    for name in typer.main.get_command(app).commands:  # pyright: ignore[reportAttributeAccessIssue]
        assert run(monkeypatch, name, "--help") == 0
        assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("read", "LOCKED", "--out", "new"),
        ("read", "plain", "--out", "new", "--labels", "LOCKED"),
        ("read", "plain", "--out", "new", "--labels", "plain", "--names", "LOCKED"),
        ("read", "plain", "--out", "new", "--lesion", "LOCKED"),
        ("read", "plain", "--out", "LOCKED"),
        ("simulate", "LOCKED", "--plan", "plain", "--out", "new"),
        ("simulate", "plain", "--plan", "LOCKED", "--out", "new"),
        ("simulate", "plain", "--plan", "plain", "--out", "LOCKED"),
        ("assess", "LOCKED"),
        ("assess", "plain", "--case", "LOCKED"),
        ("report", "LOCKED"),
        ("report", "plain", "--out", "LOCKED"),
        ("report", "plain", "--case", "LOCKED"),
        ("demo", "--out", "LOCKED"),
    ],
)
def test_a_path_that_may_not_be_read_is_refused_input_and_no_wrong_usage(words, monkeypatch, tmp_path, capsys):
    allowed = os.access
    for name in ("LOCKED", "plain"):
        (tmp_path / name).write_text("none of ours")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: "LOCKED" not in str(path) and allowed(path, mode))
    assert run(monkeypatch, *words) == 1
    assert capsys.readouterr().err.count("\n") == 1
