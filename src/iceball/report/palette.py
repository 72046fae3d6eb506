"""Colours that stay apart for colour-blind eyes and on grey CT: from the set of Okabe and Ito (2008)."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["INK", "LESION", "LINES", "PROBE", "PROTECTION", "STRUCTURE", "STRUCTURE_TEXT", "isotherm_colours"]

INK = "#1c2733"
LESION = "#ff5db1"
STRUCTURE = "#35d6a4"
STRUCTURE_TEXT = "#a8ffe3"
PROBE = "#ffffff"
PROTECTION = "#b6ff3b"
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9")

# From light to dark as from warm to cold: told apart by lightness alone, so also in a grey print.
_ISOTHERMS = ("#9be1ff", "#ffe14d", "#ff7a1a", "#c77dff", "#e8e8e8")


def isotherm_colours(isotherms_c: Sequence[float]) -> dict[float, str]:
    """One colour for each isotherm [°C], the warmest first; a sixth begins anew."""
    ordered = sorted(isotherms_c, reverse=True)
    return {level: _ISOTHERMS[i % len(_ISOTHERMS)] for i, level in enumerate(ordered)}
