"""What took long to work out, kept in a folder, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.floating]]


class Kept:
    """Arrays by name: in ``folder``, one file each, or nowhere."""

    def __init__(self, folder: Path | None = None) -> None:
        """Keep in ``folder``, made if it is not there; None keeps nothing.

        Raises
        ------
        InputError : if the folder cannot be made
        """
        self.folder = folder
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise InputError(f"cannot keep anything in {folder}: {cause.strerror}; name another folder") from None

    def get(self, name: str) -> Arrays:
        """Return the arrays kept as ``name``, none if there are none.

        Raises
        ------
        InputError : if a file of that name is there and cannot be read
        """
        if self.folder is None or not (path := self.folder / f"{name}.npz").exists():
            return {}
        try:
            with path.open("rb") as raw, np.load(raw) as file:  # np.load leaves a file open that is no archive
                return {key: file[key] for key in file.files}
        except (OSError, ValueError, zipfile.BadZipFile) as cause:
            raise InputError(f"{path} cannot be read ({cause}): remove it, it is worked out again") from None

    def put(self, name: str, arrays: Arrays) -> None:
        """Keep ``arrays`` as ``name`` in place of what was there: whoever looks sees the old or the new.

        Raises
        ------
        InputError : if the folder cannot be written
        """
        if self.folder is None:
            return
        part: Path | None = None
        try:
            handle, found = tempfile.mkstemp(prefix=f".{name}.part-", dir=self.folder)
            part = Path(found)
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
            part.replace(self.folder / f"{name}.npz")
        except OSError as cause:
            raise InputError(f"cannot keep {name} in {self.folder}: {cause.strerror}; name another folder") from None
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
