"""How each tissue of a palette is made from rows of the library, so that it can be made again from other numbers."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.anatomy._factors import ARRANGEMENT, NOMINAL, OUTSIDE, Draw
from iceball.anatomy._fractions import Marrow, hu_of_matrix, matrix_fraction
from iceball.anatomy._mixing import mixed
from iceball.nouns import Tissue
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

BINS = 16  # of bone matrix fraction; numerical, so not in the library
MATRIX = "cortical_bone"
# What lies beyond the outermost voxel of bone, and the row of hu.toml that says how bright it is.
BESIDE = {
    "cortex beside muscle": ("muscle", "muscle_hu"),
    "cortex beside fat": ("fat", "fat_hu"),
    "cortex beside lung": ("lung_inflated", "lung_hu"),
}
# Bone with its marrow, mineral in tumour, and the outermost voxels of bone: each BINS steps of matrix.
FAMILIES = ("bone", "long bone", "lesion", *BESIDE)


@noun
class Pure:
    """The tissue of one row of the library; ``held_c`` where a plan keeps it at a temperature."""

    row: str
    held_c: float | None = None


@noun
class Mixed:
    """One step of a family: bone matrix, by ``hu``, in what the family has between the matrix."""

    name: str
    family: str
    hu: float


Recipe = Pure | Mixed


def steps(family: str) -> tuple[Mixed, ...]:
    """Give a family's steps, from no matrix to all matrix, each at the HU that the library's values ask of it."""
    filling_hu = _filling(family, NOMINAL)[1]
    shares = [i / (BINS - 1) for i in range(BINS)]
    return tuple(
        Mixed(name=f"{family}, {share:.0%} matrix", family=family, hu=hu_of_matrix(share, filling_hu))
        for share in shares
    )


def step_at(family: str, hu: NDArray[Any]) -> NDArray[Any]:
    """Which of the ``family``'s steps (...) is nearest in matrix to ``hu`` (...) [HU]."""
    return np.rint(matrix_fraction(hu, _filling(family, NOMINAL)[1]) * (BINS - 1)).astype(np.uint8)


def make(recipes: Sequence[Recipe], draw: Draw) -> tuple[Tissue, ...]:
    """Make the tissues of ``recipes`` with the numbers of ``draw``."""
    row = functools.cache(draw.tissue)
    return tuple(_pure(recipe, row) if isinstance(recipe, Pure) else _mixture(recipe, draw, row) for recipe in recipes)


def remaking(draw: Draw) -> Callable[[Tissue], Tissue]:
    """Return a function that makes any tissue of any palette again, with the numbers of ``draw``.

    What a case or a plan chose for it stays: its freezing law, vasoconstriction, the temperature it is held at. The
    function raises UnknownName for a tissue that is of no palette.
    """
    row = functools.cache(draw.tissue)

    def remade(tissue: Tissue) -> Tissue:
        step = _step_called(tissue.name)
        made = row(tissue.name) if step is None else _mixture(step, draw, row)
        return replace(made, freezing=tissue.freezing, vasoconstriction=tissue.vasoconstriction, held_c=tissue.held_c)

    return remade


@functools.cache
def _step_called(name: str) -> Mixed | None:
    """The step of a family that is called ``name``, None for a tissue of one row."""
    family = name.split(",")[0]
    return next((step for step in steps(family) if step.name == name), None) if family in FAMILIES else None


def rows_of(name: str) -> tuple[str, ...]:
    """Which rows of the library a mixture called ``name`` is made of; empty for a name of no mixture."""
    family = name.split(",")[0]
    if family not in FAMILIES:
        return ()
    return (MATRIX, *(row for row, _ in _filling(family, NOMINAL)[0]))


def _pure(recipe: Pure, row: Callable[[str], Tissue]) -> Tissue:
    tissue = row(recipe.row)
    return tissue if recipe.held_c is None else replace(tissue, held_c=recipe.held_c)


def _mixture(recipe: Mixed, draw: Draw, row: Callable[[str], Tissue]) -> Tissue:
    filling, filling_hu = _filling(recipe.family, draw)
    matrix = float(matrix_fraction(np.asarray(recipe.hu), filling_hu, draw))
    parts = [(row(MATRIX), matrix), *((row(name), (1 - matrix) * share) for name, share in filling)]
    return mixed(recipe.name, parts, draw.score(ARRANGEMENT))


def _filling(family: str, draw: Draw) -> tuple[tuple[tuple[str, float], ...], float]:
    """What lies between the matrix, as (row, share) that add up to 1, and its HU."""
    if family == "lesion":
        return (("osteolytic_lesion", 1.0),), draw.hu("tumour_hu")
    marrow = Marrow.of(draw, long_bone=family == "long bone")
    inside = (("red_marrow", 1 - marrow.yellow_fraction), ("yellow_marrow", marrow.yellow_fraction))
    if family not in BESIDE:
        return inside, marrow.hu
    row, row_hu = BESIDE[family]
    beyond = draw.hu(OUTSIDE)
    shares = ((row, beyond), *((name, (1 - beyond) * share) for name, share in inside))
    return shares, beyond * draw.hu(row_hu) + (1 - beyond) * marrow.hu
