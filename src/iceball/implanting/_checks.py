"""What is refused before and after a lesion is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.errors import GeometryError, InputError
from iceball.implanting._crop import voxel_at
from iceball.implanting._fields import stream
from iceball.implanting._shapes import ideal_ml
from iceball.implanting._words import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.implanting._crop import Slices
    from iceball.implanting._wish import Wish
    from iceball.nouns import Case

# Numerical: what is no lesion of the size that was asked for.
LEAST_VOXELS, LEAST_FRACTION = 8, 0.05


def check_place(case: Case, wish: Wish, replace: bool) -> None:
    """Refuse a case with a lesion, and a place out of the scan or in air."""
    if case.lesion is not None and not replace:
        raise InputError(
            f"case {case.id} has a lesion already ({case.lesion.origin}): take another, or replace it (--replace)"
        )
    grid, at = case.ct.grid, text(wish.at_mm)
    if not grid.contains(wish.at_mm):
        ends = grid.position_mm(np.array([(0, 0, 0), [n - 1 for n in grid.shape]]))
        raise GeometryError(
            f"{at} mm lies outside the scan, which runs from {text(ends[0])} to {text(ends[1])} mm (LPS)"
        )
    index = voxel_at(grid, wish.at_mm)
    if case.field_of_view is not None and not case.field_of_view.array[index]:
        raise GeometryError(f"{at} mm lies on padding, where nothing was scanned: choose a place in bone")
    if (here := float(case.ct.array[index])) < library.hu_rules()["gas_below_hu"].value:
        raise GeometryError(f"{at} mm lies in air ({here:.0f} HU): choose a place in bone")


def check_made(case: Case, wish: Wish, slices: Slices, inside: NDArray[np.bool_]) -> None:
    """Refuse a lesion that is next to nothing, that the scan cuts, or that lies on metal."""
    grid = case.ct.grid
    made_ml = np.count_nonzero(inside) * grid.voxel_ml
    wanted_ml = ideal_ml(wish.shape, wish.size_mm, stream(wish.seed, "shape"))
    if np.count_nonzero(inside) < LEAST_VOXELS or made_ml < LEAST_FRACTION * wanted_ml:
        raise GeometryError(
            f"at {text(wish.at_mm)} mm there is bone for {made_ml:.2g} ml of a lesion of {wish.size_mm:g} mm "
            f"({wanted_ml:.2g} ml): the bone is too small or the voxels are too large; choose another size or place"
        )
    index = np.argwhere(inside) + [part.start for part in slices]
    cut = (index == 0).any() or (index == np.asarray(grid.shape) - 1).any()
    if case.field_of_view is not None:
        cut = cut or not case.field_of_view.array[slices][inside].all()
    if cut:
        raise GeometryError(
            f"a lesion of {wish.size_mm:g} mm at {text(wish.at_mm)} mm reaches out of the scan: move or shrink it"
        )
    densest = float(case.ct.array[slices][inside].max())
    if densest > (metal := library.hu_rules()["metal_above_hu"].value):
        raise InputError(
            f"there is metal where the lesion would be ({densest:.0f} HU, metal is above {metal:.0f}): move it"
        )
