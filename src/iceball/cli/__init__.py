"""The command line: ``iceball COMMAND``, each command in a module of its name.

Nothing is imported before ``main`` runs, so that a Ctrl-C in the first second is met there too.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iceball.cli._app import app

__all__ = ["app", "main"]

COMMANDS = (
    "assess", "bench", "check", "cohort", "demo", "ensemble", "implant", "lesion", "library", "measure", "phantom",
    "plan", "read", "report", "screen", "segment", "simulate", "structures", "validate", "verify", "ways",
)  # fmt: skip


def main() -> None:
    """Run the command line: a refused input is one line on standard error and exit code 1."""
    try:
        _with_commands().main()
    except KeyboardInterrupt:  # before Typer was there to turn it into an exit code
        sys.stderr.write("stopped by the user before anything began\n")
        raise SystemExit(130) from None


def __getattr__(name: str) -> Any:
    """Give ``app``, with every command, to whoever asks for it."""
    if name == "app":
        return _with_commands().app
    raise AttributeError(name)


def _with_commands() -> Any:
    """Return ``_app``; each command puts itself on it when it is imported."""
    for name in COMMANDS:
        import_module(f"iceball.cli.{name}")
    return import_module("iceball.cli._app")
