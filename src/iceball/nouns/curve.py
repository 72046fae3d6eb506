"""A curve that somebody drew on a scan."""

from __future__ import annotations

from iceball.errors import InputError
from iceball.nouns._noun import Point, noun, require_finite


@noun
class Curve:
    """Points [mm, LPS] in order, along a nerve or a vessel. A ``closed`` curve ends where it begins."""

    name: str
    points_mm: tuple[Point, ...]
    closed: bool = False

    def __post_init__(self) -> None:
        """Refuse a curve of one place, and coordinates that are not finite."""
        for point in self.points_mm:
            require_finite(f"curve {self.name!r}", point)
        if len(set(self.points_mm)) < 2:
            raise InputError(f"curve {self.name!r} has {len(set(self.points_mm))} different points: draw at least two")
