"""Which tissues a case may hold, and which of them a label stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._factors import NOMINAL, Draw
from iceball.anatomy._recipes import BINS, FAMILIES, Pure, Recipe, make, steps
from iceball.errors import InputError
from iceball.nouns import Pocket, Tissue
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Freezing, Protection, Vasoconstriction

BY_HU, BONE, LONG_BONE, CEMENTED = -1, -2, -3, -4
# Whose marrow is mostly fat; every other bone counts as a vertebra or pelvis.
LONG_BONES = ("femur", "humerus", "tibia", "fibula", "radius", "ulna")
BONE_ROWS = ("cortical_bone", "trabecular_bone")
# Not alive and not worn away: a tumour drawn over it does not turn it into tumour.
HARD = ("pmma_cement", "metal")
BASE = ("air", "fat", "muscle", "metal", "osteolytic_lesion")
AIR, FAT, MUSCLE, METAL, LYTIC = range(5)
FIRST = {family: len(BASE) + BINS * i for i, family in enumerate(FAMILIES)}
MOST = 255  # the index of a tissue is one byte


@array_noun
class Palette:
    """The tissues of a case: air, bone in bins of matrix fraction, the organs of its labels, the fillings of pockets.

    ``recipes`` say how each of ``tissues`` is made, ``freezing`` and ``vasoconstriction`` what was chosen for all.
    ``of_label`` (L,) gives per label the tissue's number, -1 for "by HU", -2 for "bone by HU", -3 for "long bone by HU"
    or -4 for "cement where it is dense, else bone by HU"; the last entry stands for any greater label. ``is_lung`` (L,)
    is True for labels of lung, ``is_soft`` (L,) where a pocket may take the label's place. ``cement`` is the number of
    cement, 0 where no label names any; ``filling`` gives the number of each protection's filling, 0 where it has none.
    """

    tissues: tuple[Tissue, ...]
    recipes: tuple[Recipe, ...]
    of_label: NDArray[Any]
    is_lung: NDArray[Any]
    is_soft: NDArray[Any]
    cement: int = 0
    filling: tuple[int, ...] = ()
    freezing: Freezing | None = None
    vasoconstriction: Vasoconstriction | None = None

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("of_label", "is_lung", "is_soft"):
            seal_field(self, field, getattr(self, field))

    def made(self, draw: Draw) -> tuple[Tissue, ...]:
        """Make the tissues anew, with the numbers of ``draw``."""
        return tuple(_chosen(tissue, self.freezing, self.vasoconstriction) for tissue in make(self.recipes, draw))


def palette(
    case: Case,
    protections: Sequence[Protection] = (),
    freezing: Freezing | None = None,
    vasoconstriction: Vasoconstriction | None = None,
) -> Palette:
    """Choose the tissues of ``case``: one list for the whole case, whatever part of it is simulated.

    Raises
    ------
    UnknownName : if a structure or a pocket names a tissue that the library does not have
    InputError : if the case needs more tissues than a byte can number
    """
    recipes: list[Recipe] = [*map(_pure, BASE), *(step for family in FAMILIES for step in steps(family))]
    size = max((structure.label for structure in case.structures), default=0) + 2
    of_label = np.full(size, BY_HU, dtype=np.int16)
    is_lung, is_soft = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    is_soft[0] = True
    for structure in case.structures:
        name, rule = structure.tissue, library.structure_rule(structure.name)
        is_soft[structure.label] = structure.role == "way_in"
        if name is None and rule.cement:
            of_label[structure.label] = CEMENTED
        elif name in BONE_ROWS or (name is None and rule.bone):
            of_label[structure.label] = LONG_BONE if structure.name.startswith(LONG_BONES) else BONE
        elif name is not None:
            of_label[structure.label] = _number(recipes, _pure(name))
            is_lung[structure.label] = name.startswith("lung")
    cement = _number(recipes, _pure("pmma_cement")) if (of_label == CEMENTED).any() else 0
    filling = tuple(_number(recipes, _filling(each)) if isinstance(each, Pocket) else 0 for each in protections)
    if len(recipes) > MOST:
        raise InputError(f"the case names {len(recipes)} tissues, more than {MOST}: leave structures out")
    bare = Palette(
        tissues=(),
        recipes=tuple(recipes),
        of_label=of_label,
        is_lung=is_lung,
        is_soft=is_soft & (of_label == BY_HU),
        cement=cement,
        filling=filling,
        freezing=freezing,
        vasoconstriction=vasoconstriction,
    )
    return replace(bare, tissues=bare.made(NOMINAL))


def hard_numbers(palette: Palette) -> tuple[int, ...]:
    """Numbers of cement and metal in ``palette``."""
    return tuple(i for i, each in enumerate(palette.recipes) if isinstance(each, Pure) and each.row in HARD)


def _pure(row: str) -> Pure:
    library.tissue_rows(row)  # refuses an unknown name
    return Pure(row=row)


def _number(recipes: list[Recipe], recipe: Recipe) -> int:
    """Number of ``recipe``, which is added if it is not there; those of BASE keep theirs."""
    if recipe not in recipes:
        recipes.append(recipe)
    return recipes.index(recipe)


def _filling(pocket: Pocket) -> Pure:
    library.tissue_rows(pocket.filling)
    return Pure(row=pocket.filling, held_c=pocket.held_c)


def _chosen(tissue: Tissue, freezing: Freezing | None, vasoconstriction: Vasoconstriction | None) -> Tissue:
    """``tissue`` by the laws that were chosen for the whole case, where they touch it."""
    if freezing is not None and tissue.latent_heat_j_per_m3 > 0:
        tissue = replace(tissue, freezing=freezing)
    if vasoconstriction is not None and tissue.perfusion_w_per_m3_k > 0 and tissue.held_c is None:
        tissue = replace(tissue, vasoconstriction=vasoconstriction)
    return tissue
