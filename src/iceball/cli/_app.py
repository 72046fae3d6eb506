"""The one Typer application, and how every command talks: tables for people, one JSON object with --json."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from iceball import provenance
from iceball.errors import IceballError

app = typer.Typer(
    name="iceball",
    help=f"Plan, simulate and judge cryoablation of bone metastases. {provenance.RESEARCH_USE}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
err = Console(stderr=True)

# Path arguments say readable=False: else Typer calls a file that may not be read wrong usage; it is refused input (1).
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]

EXIT_REFUSED, EXIT_STOP, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 3, 130, 143


def plain(thing: Any) -> Any:
    """Turn nouns, arrays and mappings into what JSON can hold; NaN and infinity become null."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, Mapping):
        return {str(key): plain(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray | np.generic):
        return plain(thing.tolist())
    if isinstance(thing, tuple | list):
        return [plain(item) for item in thing]
    if isinstance(thing, float) and not np.isfinite(thing):
        return None
    return thing


def print_json(thing: Any) -> None:
    """Print ``thing`` as one JSON object on standard output."""
    sys.stdout.write(json.dumps(plain(thing), indent=2, ensure_ascii=False) + "\n")


@contextmanager
def progress(title: str) -> Iterator[Any]:
    """Show a bar on standard error, where that is a terminal; yields ``advance(done_fraction, text)``."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(title, total=1.0, text="")

        def advance(done_fraction: float, text: str = "") -> None:
            bar.update(task, completed=done_fraction, text=text)

        yield advance


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        out.print(f"iceball {provenance.version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        out.print(context.get_help())


def main() -> None:
    """Run the command line: a refused input is one line on standard error and exit code 1."""
    usual = signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except IceballError as refused:
        _refuse(str(refused))
    except OSError as cause:  # what no command foresaw: a full disk, a name the system does not take
        _refuse(f"{cause.filename or 'a file'} cannot be read or written: {cause.strerror or cause}; check the place")
    except SystemExit as done:
        if done.code in (EXIT_INTERRUPTED, EXIT_TERMINATED):  # Typer has turned Ctrl-C into this, without a word
            err.print("stopped by the user; nothing half-written was left behind")
        raise
    finally:
        signal.signal(signal.SIGTERM, usual)


def _terminate(number: int, frame: object) -> None:
    """Leave as after Ctrl-C, tidying up on the way: without this, SIGTERM would end Python where it stands."""
    raise SystemExit(EXIT_TERMINATED)


def _refuse(text: str) -> None:
    err.print(f"[bold red]refused:[/] {_escaped(text)}", highlight=False, soft_wrap=True, emoji=False)
    raise SystemExit(EXIT_REFUSED) from None


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("[", r"\[")
