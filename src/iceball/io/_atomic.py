"""Write to a temporary name, then rename: whoever looks sees the whole thing or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iceball.errors import InputError


def refuse_occupied(folder: Path) -> None:
    """Refuse an output folder that could hold somebody's work.

    Raises
    ------
    InputError : if ``folder`` is a file, a folder that is not empty, or cannot be looked into
    """
    try:
        occupied = folder.is_symlink() or folder.exists()
        here = folder.is_dir() and folder.samefile(Path.cwd())
        held = sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
    except OSError as cause:
        raise InputError(f"output folder {folder} cannot be used: {cause.strerror}; name another") from None
    if held:
        raise InputError(
            f"output folder {folder} exists and is not empty ({held} inside): name a new folder or empty it"
        )
    if here:
        raise InputError(f"output folder {folder} is where you are: name a new folder, it takes the place of the old")
    if occupied and not folder.is_dir():
        raise InputError(f"output folder {folder} is no folder but a file or a dead link: name a new folder")


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``folder``, renamed to it at the end, removed if anything goes wrong.

    Raises
    ------
    InputError : if ``folder`` is occupied or cannot be written
    """
    refuse_occupied(folder)
    named, folder = folder, Path(os.path.realpath(folder))  # "." and a link to an empty folder have no sibling
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
    except OSError as cause:
        raise InputError(f"cannot write beside {named}: {cause.strerror}; choose another place") from None
    try:
        yield part
        part.chmod(0o777 & ~_umask())  # mkdtemp makes folders that only their owner can read
        refuse_occupied(folder)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as cause:
        raise InputError(f"cannot write {named}: {cause.strerror or cause}; choose another place") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)  # nothing is there any more where all went well


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` by way of a temporary sibling; a file already there is replaced in one step.

    Raises
    ------
    InputError : if the place cannot be written
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.part-", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except OSError as cause:
        raise InputError(f"cannot write {path}: {cause.strerror}; choose another place") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
