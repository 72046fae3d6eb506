"""Which number of a label volume means which structure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Structure

_NUMBER, _NAME = ("id", "label"), ("name", "structure")
HOW = 'write a table with the columns id (or label) and name (or structure), or JSON like {"1": "liver"}'


def read_names(path: Path) -> Mapping[int, str]:
    """Read a table of label numbers and names: CSV with a header, or JSON (an object, or a list of rows).

    Raises
    ------
    InputError : if the table is missing, lacks a column, or names a number or a structure twice
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        pairs = _from_json(json.loads(text)) if path.suffix.lower() == ".json" else _from_csv(text)
        names = [(int(number), str(name).strip()) for number, name in pairs]
    except OSError as cause:
        raise InputError(f"names table {path} cannot be read: {cause.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, csv.Error) as cause:
        raise InputError(f"names table {path.name} is no table of label names ({cause}): {HOW}") from None
    for index, what in ((0, "number"), (1, "name")):
        column = [pair[index] for pair in names]
        if twice := sorted({str(item) for item in column if column.count(item) > 1}):
            raise InputError(f"names table {path.name} has a {what} twice: {', '.join(twice[:5])}")
    if not names or not all(name and number > 0 for number, name in names):
        raise InputError(f"names table {path.name} needs numbers from 1 on, each with a name: {HOW}")
    return dict(names)


def _from_csv(text: str) -> list[tuple[Any, Any]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    return [_pair(row) for row in rows]


def _from_json(content: Any) -> list[tuple[Any, Any]]:
    if isinstance(content, dict):
        return list(content.items())
    return [_pair(row) for row in content]


def _pair(row: Mapping[str, Any]) -> tuple[Any, Any]:
    columns = {str(key).strip().lower(): value for key, value in row.items()}
    number = next((columns[key] for key in _NUMBER if key in columns), None)
    name = next((columns[key] for key in _NAME if key in columns), None)
    if number is None or name is None:
        raise KeyError(f"columns found: {', '.join(columns)}")
    return number, name


def structures_of(numbers: Iterable[int], names: Mapping[int, str], what: str) -> tuple[Structure, ...]:
    """Name each label number that occurs, by ``names``, with role and limit from the library.

    Raises
    ------
    InputError : if a number has no name
    """
    numbers = sorted(numbers)
    if nameless := [number for number in numbers if number not in names]:
        listed = ", ".join(map(str, nameless[:8])) + (", ..." if len(nameless) > 8 else "")
        raise InputError(
            f"{what} holds numbers without a name ({len(nameless)}: {listed}): give a table with --names FILE"
        )
    structures = tuple(_structure(number, names[number]) for number in numbers)
    called = [structure.name for structure in structures]
    if twice := sorted({name for name in called if called.count(name) > 1}):
        raise InputError(f"{what} name two labels {', '.join(twice)}: each structure needs a name of its own")
    return structures


def _structure(number: int, name: str) -> Structure:
    """Free text such as "Vertebrae L1" becomes the library's vertebrae_L1; names the library lacks stay as they are."""
    plain = "_".join(name.lower().split())
    plain = {known.lower(): known for known in library.label_names().values()}.get(plain, plain)
    rule = library.structure_rule(name)
    if not rule.known and library.structure_rule(plain).known:
        name, rule = plain, library.structure_rule(plain)
    return Structure(name=name, role=rule.role, label=number, limit=rule.limit, tissue=rule.tissue)
