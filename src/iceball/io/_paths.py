"""What is at a path? Nothing, and no error, where no file can have such a name: too long, or with a NUL in it."""

from __future__ import annotations

import stat
from pathlib import Path


def is_there(path: Path | str) -> bool:
    """Whether there is anything at ``path``."""
    return _mode(path) != 0


def is_file(path: Path | str) -> bool:
    """Whether there is a file at ``path``."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path | str) -> bool:
    """Whether there is a folder at ``path``."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path | str) -> int:
    """Kind and permissions of what is at ``path``, 0 for nothing; Path.is_file() itself raises for long names."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0
