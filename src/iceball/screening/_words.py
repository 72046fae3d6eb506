"""Answers as people write them."""

from __future__ import annotations

from iceball import library
from iceball.library import Condition, Question
from iceball.nouns import Fact


def amount(value: float, unit: str) -> str:
    """Return a number with its unit; a bare number where it has none."""
    return f"{value:.4g}" if unit in ("", "1") else f"{value:.4g} {unit}"


def in_words(fact: Fact) -> str:
    """Return the answer of ``fact`` as people write it: "yes", "35 mm", "40 %", "lytic"."""
    asked = library.question(fact.key)
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, str):
        return dict(asked.choices).get(fact.value, fact.value)
    if asked.unit == "1" and asked.high == 1.0:
        return amount(100.0 * fact.value, "%")
    return amount(fact.value, asked.unit)


def takes(asked: Question) -> str:
    """Return what answers the question ``asked`` takes, in words: "yes or no", "0 to 10", "lytic, mixed, blastic"."""
    if asked.kind == "yes_no":
        return "yes or no"
    if asked.kind == "choice":
        return ", ".join(asked.words)
    if asked.kind == "name":
        return "a name"
    share = " or per cent" if asked.unit == "1" and asked.high == 1.0 else ""
    unit = "" if asked.unit == "1" else f" {asked.unit}"
    return f"{'a whole number ' if asked.whole else ''}{asked.low:g} to {asked.high:g}{unit}{share}"


def conditions_in_words(conditions: tuple[Condition, ...]) -> str:
    """Return tests as people write them: "inr above 1.5", "lesion_site is spine or rib and cement_planned is yes"."""
    return " and ".join(_condition(test) for test in conditions)


def when_in_words(when: tuple[tuple[Condition, ...], ...]) -> str:
    """Return where something applies: "everywhere", or the tests, alternatives parted by semicolons."""
    return "everywhere" if when == ((),) else "; or ".join(conditions_in_words(group) for group in when)


def _condition(test: Condition) -> str:
    if test.op == "known":
        return f"{test.fact} is known"
    if test.op == "is":
        words = (("yes" if word else "no") if isinstance(word, bool) else word for word in test.words)
        return f"{test.fact} is {' or '.join(words)}"
    return f"{test.fact} {test.op.replace('_', ' ')} {test.bound:.4g}"
