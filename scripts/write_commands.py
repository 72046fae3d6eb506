"""Write docs/reference/commands.md from the commands' own help, so that the two cannot disagree."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from iceball.cli import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "commands.md"
HEAD = """# Commands

<!-- Written by scripts/write_commands.py (make commands). Change the help in src/iceball/cli/, not this page. -->

Exit codes: 0 done; 1 the input was refused (one line on standard error: what, how much, what to do); 2 wrong usage;
3 done, but a finding says stop. With `--json` a command prints one JSON object on standard output and nothing else.
"""


def commands(group: Any, path: str = "iceball") -> Iterator[tuple[str, Any]]:
    """Every command under ``group`` with its full name, by name; groups before their commands."""
    for name, command in sorted(group.commands.items()):  # not as they were imported: tests import one alone
        if command.hidden:
            continue
        yield f"{path} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")


def section(name: str, command: Any) -> str:
    """One command as Markdown: its usage, its help, its arguments and options."""
    shown = [p for p in command.params if p.name != "help" and not getattr(p, "hidden", False)]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    options = [p for p in shown if p.param_type_name == "option"]
    usage = " ".join([name, *(_argument(p) for p in arguments), *(["[OPTIONS]"] if options else [])])
    if hasattr(command, "commands"):
        usage += " COMMAND"
    lines = [f"## {name}", "", "```text", usage, "```", "", *_paragraphs(command.help or "")]
    rows = [(f"`{_argument(p)}`", p) for p in arguments] + [
        (f"`{', '.join([*p.opts, *p.secondary_opts])}`", p) for p in options
    ]
    if rows:
        lines += ["", "| | what | default |", "|---|---|---|"]
        lines += [f"| {what} | {_cell(p)} | {_default(p)} |" for what, p in rows]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(section(name, command) for name, command in commands(typer.main.get_command(app)))])


def _argument(parameter: Any) -> str:
    name = (parameter.metavar or parameter.name).upper().replace("_", "-").strip("[]")
    return name if parameter.required else f"[{name}]"


def _paragraphs(text: str) -> list[str]:
    """Paragraphs of a help text, each on one line: indented text would become code in Markdown."""
    blocks = [" ".join(block.replace("\b", "").split()) for block in text.split("\n\n")]
    return [line for block in blocks if block for line in (block, "")][:-1]


def _cell(parameter: Any) -> str:
    # Typer keeps the choices in `type_descriptor` since it dropped click, in `type` before.
    kind = getattr(parameter, "type_descriptor", None) or getattr(parameter, "type", None)
    choices = getattr(kind, "choices", None) or ()
    said = [" ".join((parameter.help or "").split()), f"One of {', '.join(map(_value, choices))}." if choices else ""]
    return " ".join(part for part in said if part).replace("|", "\\|")


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if callable(value) or isinstance(value, bool) or value in (None, (), []):
        return ""
    return " ".join(map(_value, value)) if isinstance(value, list | tuple) else _value(value)


def _value(value: Any) -> str:
    return f"`{getattr(value, 'value', value)}`"


def main() -> None:
    """Write the page, or with --check only say whether it is up to date (exit code 1 if not)."""
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        raise SystemExit(0 if current == text else f"{PAGE.name} is not up to date; run: make commands")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote docs/reference/{PAGE.name}")


if __name__ == "__main__":
    main()
