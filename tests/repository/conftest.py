"""The house as seen from its tests: the root, the tracked files, the modules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def tracked(root: Path) -> tuple[Path, ...]:
    """Every file that git tracks or would track: new ones count before they are committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    files = tuple(root / name for name in listed.stdout.split("\0") if name and (root / name).is_file())
    assert root / "pyproject.toml" in files, "git does not list the repository's own files"
    return files


@pytest.fixture(scope="session")
def python_files(tracked: tuple[Path, ...]) -> tuple[Path, ...]:
    """Every Python file of the repository."""
    return tuple(path for path in tracked if path.suffix == ".py")
