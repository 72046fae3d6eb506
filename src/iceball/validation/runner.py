"""Run the studies: one verb, validate(names) -> Studies."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from iceball.errors import UnknownName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from iceball.validation.study import Study

    Progress = Callable[[float, str], None]

STUDIES = ("littrup", "ideal", "lard", "magalov", "icesphere", "pig_lung", "spine")


def validate(names: Sequence[str] = (), *, progress: Progress | None = None) -> tuple[Study, ...]:
    """Run the studies called ``names``, all without any; ``progress`` is called with the share done and a text.

    Raises
    ------
    UnknownName : if there is no such study; the message lists those there are
    """
    if unknown := [name for name in names if name not in STUDIES]:
        raise UnknownName(f"no study {', '.join(map(repr, unknown))}; there are: {', '.join(STUDIES)}")
    chosen = tuple(name for name in STUDIES if not names or name in names)
    found: list[Study] = []
    for n, name in enumerate(chosen):

        def advance(done: float, text: str, n: int = n, name: str = name) -> None:
            if progress is not None:
                progress((n + done) / len(chosen), f"{name}: {text}")

        found.append(importlib.import_module(f"iceball.validation.{name}").validate(advance))
    return tuple(found)
