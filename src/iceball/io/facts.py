"""facts.json: what people answered about a patient; small, and written by hand where that is quicker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from iceball import library
from iceball.errors import InputError
from iceball.io._atomic import write_bytes
from iceball.io._models import parse, to_json
from iceball.nouns import Fact

__all__ = ["FACTS_JSON", "FactsFile", "read_facts", "write_facts"]

FACTS_JSON = "facts.json"


def _plain(value: Any) -> bool | float | str:
    """Refuse what is no answer in one line: pydantic would speak of each kind of the union in turn."""
    if isinstance(value, bool | str) or (isinstance(value, int | float) and abs(value) < 1e300):  # not NaN either
        return value
    raise ValueError("an answer is true or false, a number or a text")


class FactsFile(BaseModel):
    """Answers by the key of their question: true or false, a number in the question's unit, or a word.

    A number may be a text with its unit ("35 mm"). Nothing that names the patient belongs here.
    """

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    format: Literal["iceball-facts"]
    version: Literal[1]
    answers: dict[str, Annotated[bool | float | str, BeforeValidator(_plain)]]


def read_facts(path: Path | str) -> tuple[Fact, ...]:
    """Read the answers of the facts file at ``path``, each as an asked fact, in the order of the library's questions.

    Raises
    ------
    InputError : if the file is no facts file, answers a question twice, or an answer is none to its question
    UnknownName : if it answers a question that the library does not have; a near match is named
    """
    path = Path(path)
    model = parse(FactsFile, path, "facts file")
    _refuse_twice(path)
    try:
        facts = {key: library.answer(key, value) for key, value in model.answers.items()}
    except InputError as refused:
        raise type(refused)(f"facts file {path}: {refused}") from None
    return tuple(facts[key] for key in library.questions() if key in facts)


def write_facts(facts: Iterable[Fact], path: Path | str) -> None:
    """Write the asked ``facts`` to ``path`` in one step; a file already there is replaced.

    Raises
    ------
    InputError : if a fact was not asked but measured: read back it would pass for an answer; or it is no answer to
        its question, a question has two answers, or the place cannot be written
    """
    answers: dict[str, bool | float | str] = {}
    for fact in facts:
        if fact.origin != "asked":
            raise InputError(f"{fact.key} is {fact.origin}, not asked: a facts file holds only what people answered")
        library.check_fact(fact)
        if answers.setdefault(fact.key, fact.value) != fact.value:
            raise InputError(f"{fact.key} is answered twice, {answers[fact.key]!r} and {fact.value!r}: leave out one")
    ordered = {key: answers[key] for key in library.questions() if key in answers}
    write_bytes(Path(path), to_json(FactsFile(format="iceball-facts", version=1, answers=ordered)))


def _refuse_twice(path: Path) -> None:
    """JSON takes the last of two equal keys; an answer must not be dropped so."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise InputError(f"facts file {path} has {', '.join(twice)} twice: leave out the wrong one")
        return dict(pairs)

    json.loads(path.read_bytes(), object_pairs_hook=once)
