"""Answers: is this one that the question takes? One line says what is wrong with it."""

from __future__ import annotations

import difflib
import math
import re

from iceball.errors import InputError
from iceball.library._questions import Question, question
from iceball.nouns import Fact

_YES, _NO = ("yes", "y", "true"), ("no", "n", "false")
_COMMA = re.compile(r"[+-]?\d+,\d+(\D.*)?")
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*)")


def answer(key: str, value: bool | float | str) -> Fact:
    """Return the fact that a person answered ``value`` to the question ``key``.

    A number may be a text with its unit ("35 mm"); a share also per cent ("40 %"). yes and no are true and false, or
    the words.

    Raises
    ------
    UnknownName : if the library has no such question; the message names a near match
    InputError : if the question takes no such answer: wrong kind, out of its range, another unit
    """
    asked = question(key)
    if isinstance(value, str) and not value.isprintable():  # it would be sent to the terminal as it is
        raise InputError(f"{key} takes {_takes(asked)} in letters that can be printed, not {value!r}")
    return Fact(key=key, value=_value(asked, value), origin="asked", unit=asked.unit)


def check_fact(fact: Fact) -> None:
    """Refuse a ``fact`` that is no answer to the question of its key, whoever gave it.

    A fact holds the answer itself, no text that says it: no rule would know "yes" for true, or "SKULL" for "skull".

    Raises
    ------
    UnknownName : if the library has no such question
    InputError : if the question takes no such answer, the fact holds it as a text, or is in another unit
    """
    asked = question(fact.key)
    meant = _value(asked, fact.value)
    if fact.value != meant:
        raise InputError(f"{fact.key} is the text {fact.value!r}: write {meant!r}, or read it with library.answer")
    if fact.unit not in ("", asked.unit):
        raise InputError(f"{fact.key} is in {fact.unit!r}: give it in {asked.unit or 'no unit'}")


def _value(asked: Question, value: bool | float | str) -> bool | float | str:
    if asked.kind == "yes_no":
        return _yes_no(asked, value)
    if asked.kind == "number":
        return _number(asked, value)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{asked.key} takes {_takes(asked)}, not {value!r}")
    return _choice(asked, value.strip()) if asked.kind == "choice" else value.strip()


def _yes_no(asked: Question, value: bool | float | str) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else value
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise InputError(f"{asked.key} takes yes or no, not {value!r}")


def _choice(asked: Question, word: str) -> str:
    for known in asked.words:
        if word.lower() == known.lower():
            return known
    near = difflib.get_close_matches(word.lower(), [known.lower() for known in asked.words], 1)
    hint = next((f" (did you mean {known!r}?)" for known in asked.words if near and known.lower() == near[0]), "")
    raise InputError(f"{asked.key} takes no {word!r}{hint}; it takes: {', '.join(asked.words)}")


def _number(asked: Question, value: bool | float | str) -> float:
    if isinstance(value, bool):
        raise InputError(f"{asked.key} takes {_takes(asked)}, not {'yes' if value else 'no'}")
    number = _with_unit(asked, value) if isinstance(value, str) else _float(value)
    low, high = asked.low or 0.0, asked.high or math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise InputError(f"{asked.key} takes {_takes(asked)}, not {number:g}: check the number and its unit")
    if asked.whole and number != round(number):
        raise InputError(f"{asked.key} takes a whole number, not {number:g}")
    return number


def _with_unit(asked: Question, text: str) -> float:
    if _COMMA.fullmatch(text.strip()):
        raise InputError(f"{asked.key} is written with a point, not with a comma as in {text!r}")
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{asked.key} takes {_takes(asked)}, not {text!r}")
    number, unit = float(found[1]), found[2].strip()
    if unit == "%" and asked.unit == "1" and asked.high == 1.0:
        return number / 100.0
    if unit not in ("", asked.unit, *asked.also):
        raise InputError(f"{asked.key} is asked in {_unit(asked) or 'no unit'}, not in {unit!r}: convert it")
    return number


def _float(value: float) -> float:
    """``value`` as a float; a whole number that no float can hold is as good as infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _takes(asked: Question) -> str:
    if asked.kind == "number":
        unit = _unit(asked)
        return f"a number from {asked.low:g} to {asked.high:g}{f' {unit}' if unit else ''}"
    if asked.kind == "yes_no":
        return "yes or no"
    return "one of " + ", ".join(asked.words) if asked.kind == "choice" else "a text"


def _unit(asked: Question) -> str:
    return "" if asked.unit == "1" else asked.unit
