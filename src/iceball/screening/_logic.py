"""Does a test hold? Yes, no, or not known yet, and then for want of which answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iceball import library
from iceball.library import Condition
from iceball.nouns import Score
from iceball.nouns._noun import noun
from iceball.screening._known import Known

Conditions = tuple[Condition, ...]
When = tuple[Conditions, ...]


@noun
class Truth:
    """``holds`` is None while it is not known; ``missing`` are then the questions whose answers it waits for."""

    holds: bool | None
    missing: frozenset[str] = frozenset()


YES, NO = Truth(holds=True), Truth(holds=False)


@noun
class Reckoned:
    """A score as far as it is known: whether it ``applies``, and which answers it still waits for."""

    score: Score
    applies: Truth
    missing: frozenset[str]


Scores = Mapping[str, Reckoned]


def all_hold(truths: Iterable[Truth]) -> Truth:
    """Whether all hold: one that does not decides, whatever is unknown besides."""
    found = tuple(truths)
    if any(truth.holds is False for truth in found):
        return NO
    unknown = [truth.missing for truth in found if truth.holds is None]
    return Truth(holds=None, missing=frozenset().union(*unknown)) if unknown else YES


def any_holds(truths: Iterable[Truth]) -> Truth:
    """Whether one holds: one that does decides, whatever is unknown besides."""
    found = tuple(truths)
    if any(truth.holds is True for truth in found):
        return YES
    unknown = [truth.missing for truth in found if truth.holds is None]
    return Truth(holds=None, missing=frozenset().union(*unknown)) if unknown else NO


def where(gate: Truth, then: Truth) -> Truth:
    """``then`` where ``gate`` holds. While the gate is not known only it is asked for: the rest may never arise."""
    if gate.holds is None and then.holds is not False:
        return gate
    return then if gate.holds else NO


def applies(when: When, known: Known) -> Truth:
    """Whether the situation ``when`` is there: one of its groups of conditions.

    Of a group only the first unknown is missing: the later ones may never arise.
    """
    return any_holds(_in_turn(tuple(holds(test, known) for test in group)) for group in when)


def _in_turn(truths: tuple[Truth, ...]) -> Truth:
    whole = all_hold(truths)
    return whole if whole.holds is not None else next(truth for truth in truths if truth.holds is None)


def arises(key: str, known: Known) -> Truth:
    """Whether the question ``key`` arises at all."""
    return applies(library.question(key).when, known)


def holds(test: Condition, known: Known, scores: Scores | None = None) -> Truth:
    """Whether ``test`` holds. A question that does not arise makes it no; an answer is missing only where it does."""
    if scores is not None and test.fact in scores:
        reckoned = scores[test.fact]
        return where(reckoned.applies, _of_score(test, reckoned))
    value = known.value(test.fact)
    if value is None:
        then = Truth(holds=None, missing=frozenset({test.fact}))
    elif test.op == "known":
        then = YES
    elif test.op == "is":
        then = YES if value in test.words else NO
    else:
        then = _compared(test, float(value), float(value))
    return where(arises(test.fact, known), then)


def _of_score(test: Condition, reckoned: Reckoned) -> Truth:
    found = _compared(test, float(reckoned.score.least), float(reckoned.score.most))
    return Truth(holds=None, missing=reckoned.missing) if found.holds is None else found


def _compared(test: Condition, least: float, most: float) -> Truth:
    """Compare what lies from ``least`` to ``most`` with the bound: known once both ends say the same."""
    ends = {_beyond(test, least), _beyond(test, most)}
    return Truth(holds=ends.pop()) if len(ends) == 1 else Truth(holds=None)


def _beyond(test: Condition, value: float) -> bool:
    bound = 0.0 if test.bound is None else test.bound
    match test.op:
        case "below":
            return value < bound
        case "at_most":
            return value <= bound
        case "above":
            return value > bound
        case _:
            return value >= bound
