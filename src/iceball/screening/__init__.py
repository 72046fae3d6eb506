"""CHOOSE: is this lesion a candidate, and why; stability, adjuncts, and what is still to be asked."""

from iceball.screening._object import as_object
from iceball.screening._remarks import OWN_RULES, evidence_of, override_of
from iceball.screening._screen import at_stake, screen, screen_case
from iceball.screening._words import conditions_in_words, in_words, takes, when_in_words

__all__ = [
    "OWN_RULES",
    "as_object",
    "at_stake",
    "conditions_in_words",
    "evidence_of",
    "in_words",
    "override_of",
    "screen",
    "screen_case",
    "takes",
    "when_in_words",
]
