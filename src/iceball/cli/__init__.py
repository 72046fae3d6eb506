"""The command line: ``iceball library | phantom | read | simulate | assess | report | demo``.

Nothing is imported before ``main`` runs, so that a Ctrl-C in the first second is met there too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iceball.cli._app import app

__all__ = ["app", "main"]


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
    from iceball.cli import _app, assess, bench, demo, library, phantom, read, report, simulate, validate, verify  # noqa: F401  (each registers itself)

    return _app
