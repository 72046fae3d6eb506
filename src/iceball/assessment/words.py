"""Names, times and shares as people write them."""

from __future__ import annotations


def in_words(name: str) -> str:
    """Return a structure's name as the start of a sentence: ``spinal_cord`` is "Spinal cord"."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def minutes(duration_s: float) -> str:
    """Return a time [s] as people say it: "4 min 10 s"."""
    whole, rest = divmod(round(duration_s), 60)
    return f"{whole} min {rest} s" if whole and rest else f"{whole} min" if whole else f"{rest} s"


def percent(fraction: float) -> str:
    """Return a fraction as per cent, never rounded up to 100 nor down to 0."""
    tenths = round(1000 * fraction)
    tenths = min(tenths, 999) if fraction < 1.0 else tenths
    tenths = max(tenths, 1) if fraction > 0.0 else tenths
    return f"{tenths / 10:g} %"
