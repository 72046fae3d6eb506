"""Where a result comes from: the Run, and fingerprints of what went into it."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import typing
from collections.abc import Mapping

import numpy as np

RESEARCH_USE = "Research use only. iceball is not a medical device and must not guide the care of a patient."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What produced a result. ``inputs`` pairs a name with the fingerprint of what was read."""

    version: str
    inputs: tuple[tuple[str, str], ...]
    backend: str
    device: str
    dtype: str
    seed: int | None
    library: str
    sources: tuple[str, ...]
    started_at: str
    settings: tuple[tuple[str, str], ...] = ()


def version() -> str:
    """Return the installed version of iceball."""
    return importlib.metadata.version("iceball")


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def fingerprint(thing: object) -> str:
    """Same content, same twelve letters: works for any noun, array or plain value without knowing it.

    Dictionaries are hashed by sorted key; arrays by shape, type and content; a Run is left out, so that the same
    result made twice has the same fingerprint.
    """
    digest = hashlib.sha256()
    _feed(digest, thing)
    return digest.hexdigest()[:12]


def _feed(digest: typing.Any, thing: object) -> None:
    if isinstance(thing, Run):
        return
    if isinstance(thing, np.generic):
        thing = thing.item()
    if isinstance(thing, np.ndarray):
        digest.update(f"array{thing.shape}{thing.dtype.str}".encode())
        digest.update(np.ascontiguousarray(thing).data)
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        digest.update(type(thing).__name__.encode())
        for field in dataclasses.fields(thing):
            digest.update(f"|{field.name}=".encode())
            _feed(digest, getattr(thing, field.name))
    elif isinstance(thing, Mapping):
        for key in sorted(thing, key=str):
            digest.update(f"|{key!r}:".encode())
            _feed(digest, thing[key])
    elif isinstance(thing, tuple | list):
        digest.update(f"[{len(thing)}".encode())
        for item in thing:
            digest.update(b",")
            _feed(digest, item)
    else:
        digest.update(json.dumps(thing).encode())
