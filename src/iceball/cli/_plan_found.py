"""What ``iceball plan`` found, and where it goes: one file for each plan, nothing of anybody's taken away."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from iceball.errors import IceballError, InputError
from iceball.nouns import SEVERITIES

if TYPE_CHECKING:
    from iceball.nouns import Case, Finding, Goal
    from iceball.planning import Option, Planning


@dataclasses.dataclass
class Found:
    """A search and its findings; ``files`` pairs each plan's name with its file, once written."""

    folder: Path
    case: Case
    goal: Goal
    fingerprint: str
    planning: Planning
    stability: tuple[Finding, ...]
    took_s: float
    files: dict[str, Path] = dataclasses.field(default_factory=dict)
    figure: Path | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is said of the recommended plan, or of there being none: each once, the gravest first."""
        best = self.planning.best
        said = (*self.planning.findings, *(best.findings if best else ()), *self.stability)
        return tuple(sorted(dict.fromkeys(said), key=lambda finding: -SEVERITIES.index(finding.severity)))

    @property
    def verdict(self) -> str:
        """The gravest severity among the findings, "clear" where there is none above a note."""
        kinds = {finding.severity for finding in self.findings}
        return "stop" if "stop" in kinds else "caution" if "caution" in kinds else "clear"

    def write(self, target: Path, *, replace: bool) -> None:
        """Write the recommended plan to ``target`` and the others beside it; nothing where there is none."""
        from iceball import io

        if self.planning.best is None:
            return
        places = {option.name: _beside(target, option) for option in self.planning.options[1:]}
        places[self.planning.best.name] = target
        old = _made_before(target) if replace else []
        for option in reversed(self.planning.options):  # the recommended one last: where it lies, all are there
            io.write_plan(dataclasses.replace(option.plan, case=self.fingerprint), places[option.name])
        for path in old:
            if path not in places.values():
                path.unlink(missing_ok=True)
        self.files = {option.name: places[option.name] for option in self.planning.options}

    def draw(self, target: Path, picture: bytes | None) -> None:
        """Write ``picture`` to ``target`` where there is one."""
        from iceball import io

        if picture is not None:
            io.write_bytes(target, picture)
            self.figure = target


def refuse_taken(target: Path, figure: Path | None, *, replace: bool) -> None:
    """Refuse places that hold something, before anything is computed.

    Raises
    ------
    InputError : if a plan or figure lies there and is not to be replaced, or a place can hold no such file
    """
    for path, suffix in ((target, ".json"), (figure, ".png")):
        if path is None:
            continue
        if path.suffix.lower() != suffix:
            raise InputError(f"{path} is written as {suffix[1:].upper()}: name a file that ends in {suffix}")
        if path.is_dir():
            raise InputError(f"{path} is a folder: name a file that ends in {suffix}")
        if path.exists() and not replace:
            raise InputError(f"{path} exists: name another file, or say --replace")
    if not replace and (old := _made_before(target)):
        raise InputError(f"{old[0]} exists, an alternative of an earlier search: name another file, or say --replace")


def _beside(target: Path, option: Option) -> Path:
    return target.with_name(f"{target.stem}.{_slug(option.name)}.json")


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _made_before(target: Path) -> list[Path]:
    """Alternatives of an earlier search beside ``target``: plans whose name is that of their file."""
    from iceball import io

    found = []
    for path in sorted(target.parent.glob(f"{target.stem}.*.json")):
        try:
            ours = path.name == f"{target.stem}.{_slug(io.read_plan(path).name)}.json"
        except IceballError:  # somebody's own: lines of 3D Slicer, for example
            continue
        if ours:
            found.append(path)
    return found
