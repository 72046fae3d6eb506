"""A lesion that iceball marked by itself, and what it saw of it."""

from __future__ import annotations

from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import Point, array_noun
from iceball.nouns.case import Lesion, Matrix
from iceball.nouns.finding import Finding
from iceball.nouns.space import Volume


@array_noun
class FoundLesion:
    """A lesion marked from a click or a box.

    ``extent_mm`` is that of the mask along left, back and head; ``soft_tissue_ml`` what of it lies outside bone;
    ``low_hu``, ``median_hu`` and ``high_hu`` the 5th, 50th and 95th percentile of the CT inside. ``findings`` say
    how far the mask can be trusted; ``start`` what a person gave.
    """

    mask: Volume
    matrix: Matrix
    volume_ml: float
    extent_mm: Point
    soft_tissue_ml: float
    low_hu: float
    median_hu: float
    high_hu: float
    findings: tuple[Finding, ...] = ()
    start: Literal["click", "box"] = "click"

    def __post_init__(self) -> None:
        """Refuse an empty mask."""
        if self.mask.quantity != "label" or not self.mask.array.any():
            raise InputError("the lesion that was found is empty: click elsewhere, or give a box")

    def lesion(self, *, matrix: Matrix | None = None, bone: str = "", site: str = "") -> Lesion:
        """Return it as the lesion of a case, which says that no expert marked it; ``matrix`` as a person sees it."""
        origin = MADE_FROM[self.start]
        return Lesion(mask=self.mask, matrix=matrix or self.matrix, origin=origin, bone=bone, site=site)


MADE_FROM = {start: f"made by iceball from a {start}, not by an expert" for start in ("click", "box")}
