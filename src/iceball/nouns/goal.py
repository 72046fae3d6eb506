"""What a plan is meant to reach."""

from __future__ import annotations

import math
from typing import Literal, get_args

from iceball.errors import InputError
from iceball.nouns._noun import noun, require_fraction
from iceball.nouns.case import Intent

Aim = Literal["lesion", "interface"]


@noun
class Goal:
    """What shall freeze: at least ``coverage_fraction`` of the target by the isotherm ``isotherm_c``.

    The target is the lesion and ``margin_mm`` around it (``aim`` "lesion"), or no more than where the lesion meets bone
    ("interface"), which palliation may be content with.
    """

    isotherm_c: float = -20.0
    margin_mm: float = 0.0
    coverage_fraction: float = 0.95
    intent: Intent = "palliation"
    aim: Aim = "lesion"

    def __post_init__(self) -> None:
        """Refuse isotherms that do not freeze, margins that are none, and words that mean nothing here."""
        if not (math.isfinite(self.isotherm_c) and -100.0 <= self.isotherm_c <= 0.0):
            raise InputError(
                f"the isotherm of a goal lies between -100 and 0 °C, not at {self.isotherm_c!r} °C: "
                "write it with its sign, for example -20"
            )
        if not (math.isfinite(self.margin_mm) and 0.0 <= self.margin_mm <= 20.0):
            raise InputError(f"a margin of {self.margin_mm!r} mm is none to plan for: write 0 to 20 mm")
        require_fraction("the coverage of a goal", self.coverage_fraction)
        if self.coverage_fraction <= 0.0:
            raise InputError("a goal that covers nothing is none: write a coverage above 0, for example 0.95")
        for what, value, known in (
            ("intent", self.intent, get_args(Intent)),
            ("aim", self.aim, get_args(Aim)),
        ):
            if value not in known:
                raise InputError(f"{what} {value!r} is unknown; write one of {', '.join(known)}")
