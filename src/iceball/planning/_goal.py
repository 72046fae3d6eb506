"""What a plan is for, where a person names only part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import library
from iceball.nouns import Goal
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from iceball.nouns import Case
    from iceball.nouns.case import Intent
    from iceball.nouns.goal import Aim

# The isotherm of each intent, a row of the library's thresholds.
ISOTHERMS = {"palliation": "lethal_generic", "local_control": "lethal_certain"}


@noun
class Wish:
    """What a person names of a goal; what is left out (None) follows from the lesion, and from the intent."""

    intent: Intent | None = None
    isotherm_c: float | None = None
    margin_mm: float = 0.0
    coverage_fraction: float = 0.95
    aim: Aim = "lesion"


def goal_of(wish: Wish, case: Case | None = None) -> Goal:
    """Return the goal of a plan for ``case`` (None: of any): the lesion's intent, the isotherm of that intent.

    Raises
    ------
    InputError : if an isotherm, a margin or a share is none, or a word means nothing here

    Source: ``library.thresholds()``: "lethal_generic" for palliation, "lethal_certain" for local control.
    """
    lesion = case.lesion if case else None
    intent = wish.intent or (lesion.intent if lesion else "palliation")
    usual = library.thresholds()[ISOTHERMS[intent]].value if intent in ISOTHERMS else Goal().isotherm_c
    return Goal(
        isotherm_c=usual if wish.isotherm_c is None else wish.isotherm_c,
        margin_mm=wish.margin_mm,
        coverage_fraction=wish.coverage_fraction,
        intent=intent,
        aim=wish.aim,
    )
