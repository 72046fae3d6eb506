"""What is to be implanted, and where."""

from __future__ import annotations

from typing import Literal, get_args

from iceball.errors import InputError
from iceball.nouns import Matrix
from iceball.nouns._noun import Point, noun, require_finite, require_positive

__all__ = ["LARGEST_MM", "SHAPES", "Shape", "Wish"]

Shape = Literal["sphere", "ellipsoid", "lobulated"]
SHAPES: tuple[Shape, ...] = get_args(Shape)
MATRICES: tuple[Matrix, ...] = get_args(Matrix)

# Larger than any single bone lesion that cryoablation is asked to treat; beyond it the size is a slip of the pen.
LARGEST_MM = 80.0


@noun
class Wish:
    """A lesion to implant: its middle, LPS [mm], and the largest diameter of its ideal shape.

    ``bone`` names the structure that it shall stay in; "" takes the structure at the place or, without one, the bone
    that iceball sees there. ``seed`` draws everything that is left to chance: the same seed makes the same lesion.
    """

    at_mm: Point
    size_mm: float
    matrix: Matrix = "lytic"
    shape: Shape = "lobulated"
    seed: int = 0
    bone: str = ""

    def __post_init__(self) -> None:
        """Refuse sizes that no lesion has, unknown kinds and shapes."""
        require_finite("the place of the lesion", self.at_mm)
        require_positive("the lesion's size", self.size_mm, "mm")
        if self.size_mm > LARGEST_MM:
            raise InputError(f"the lesion's size is {self.size_mm:g} mm: write at most {LARGEST_MM:g} mm")
        if self.matrix not in MATRICES:
            raise InputError(f"matrix {self.matrix!r} is unknown; write one of {', '.join(MATRICES)}")
        if self.shape not in SHAPES:
            raise InputError(f"shape {self.shape!r} is unknown; write one of {', '.join(SHAPES)}")
        if isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            raise InputError(f"the seed is a whole number from 0 up, not {self.seed!r}")
