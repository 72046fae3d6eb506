"""Scores: the points of each item, and the totals that are still possible."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

from iceball import library
from iceball.library import ScoreItemRule, ScoreOption, ScoreRule
from iceball.nouns import Fact, Origin, Score, ScoreItem
from iceball.nouns._noun import noun
from iceball.screening._known import Known
from iceball.screening._logic import Reckoned, all_hold, applies, holds

# The least sure first: an item is only as sure as its least sure answer.
LEAST_SURE: tuple[Origin, ...] = ("estimated", "measured", "label", "asked")


@noun
class _Item:
    item: ScoreItem
    least: int
    most: int
    missing: frozenset[str]


def reckon(known: Known) -> dict[str, Reckoned]:
    """Every score of the library, as far as the answers go, by name."""
    return {rule.name: _reckoned(rule, known) for rule in library.scores()}


def _reckoned(rule: ScoreRule, known: Known) -> Reckoned:
    items = [_item(item, known) for item in rule.items]
    least, most = sum(each.least for each in items), sum(each.most for each in items)
    low, high = rule.category(least), rule.category(most)
    score = Score(
        name=rule.name,
        items=tuple(each.item for each in items),
        total=least if least == most else None,
        least=least,
        most=most,
        category=low.name if low == high else None,
        source=rule.evidence.source,
    )
    missing = frozenset[str]().union(*(each.missing for each in items))
    return Reckoned(score=score, applies=applies(rule.when, known), missing=missing)


def _item(rule: ScoreItemRule, known: Known) -> _Item:
    truths = [(option, all_hold(holds(test, known) for test in option.tests)) for option in rule.options]
    sure = next((option for option, truth in truths if truth.holds), None)
    # The first option that holds ends the search; before it, those that may still hold are possible.
    before = list(takewhile(lambda pair: pair[0] is not sure, truths))
    open_ones = [(option, truth) for option, truth in before if truth.holds is None]
    possible = [option for option, _ in open_ones] + ([sure] if sure else [])
    missing = frozenset[str]().union(*(truth.missing for _, truth in open_ones))
    if not possible:  # an answer that the score does not have: all its points stay possible, the question open
        possible, missing = list(rule.options), frozenset(rule.facts)
    points = sorted(option.points for option in possible)
    settled = points[0] == points[-1]
    looked_at = _looked_at(rule.options, sure)
    return _Item(
        item=ScoreItem(
            name=rule.says,
            says=(sure or possible[0]).says if settled else f"{points[0]} to {points[-1]} points: not known",
            points=points[0] if settled else None,
            facts=looked_at,
            origin=_origin(known.facts[key] for key in looked_at if key in known.facts) if settled else None,
        ),
        least=points[0],
        most=points[-1],
        missing=frozenset() if settled else missing,
    )


def _looked_at(options: tuple[ScoreOption, ...], sure: ScoreOption | None) -> tuple[str, ...]:
    """The facts that were looked at until an option held, each once; all of them while none does."""
    passed = list(options) if sure is None else list(options[: options.index(sure) + 1])
    return tuple(dict.fromkeys(test.fact for option in passed for test in option.tests))


def _origin(facts: Iterable[Fact]) -> Origin | None:
    origins = {fact.origin for fact in facts}
    return next((origin for origin in LEAST_SURE if origin in origins), None)
