"""How places are written in messages and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iceball.nouns._noun import Point


def text(point_mm: Point) -> str:
    """Write a place: (12.0, -3.5, 40.0)."""
    return "(" + ", ".join(f"{value:.1f}" for value in point_mm) + ")"
