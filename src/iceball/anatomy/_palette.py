"""Which tissues a case may hold, and which of them a label stands for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._mixing import mixed
from iceball.nouns import Pocket, Tissue
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Case, Freezing, Protection, Vasoconstriction

BINS = 16  # of bone matrix fraction; numerical, so not in the library
BY_HU, BONE, LONG_BONE, CEMENTED = -1, -2, -3, -4
# Whose marrow is mostly fat; every other bone counts as a vertebra or pelvis.
LONG_BONES = ("femur", "humerus", "tibia", "fibula", "radius", "ulna")
BONE_ROWS = ("cortical_bone", "trabecular_bone")
AIR, FAT, MUSCLE, METAL, LYTIC, BLASTIC, FIRST_BONE = range(7)
FIRST_LONG_BONE = FIRST_BONE + BINS
BASE = ("air", "fat", "muscle", "metal", "osteolytic_lesion", "osteoblastic_lesion")


@array_noun
class Palette:
    """The tissues of a case: air, bone in bins of matrix fraction, the organs of its labels, the fillings of pockets.

    ``of_label`` (L,) gives per label the tissue's number, -1 for "by HU", -2 for "bone by HU", -3 for "long bone by HU"
    or -4 for "cement where it is dense, else bone by HU"; the last entry stands for any greater label. ``is_lung`` (L,)
    is True for labels of lung, ``is_soft`` (L,) where a pocket may take the label's place. ``cement`` is the number of
    cement, 0 where no label names any; ``filling`` gives the number of each protection's filling, 0 where it has none.
    """

    tissues: tuple[Tissue, ...]
    of_label: NDArray[Any]
    is_lung: NDArray[Any]
    is_soft: NDArray[Any]
    cement: int = 0
    filling: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("of_label", "is_lung", "is_soft"):
            seal_field(self, field, getattr(self, field))


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
    """
    bones = [*_bone_bins("bone", "marrow_fat_fraction"), *_bone_bins("long bone", "marrow_fat_fraction_long_bone")]
    tissues = [*map(library.tissue, BASE), *bones]
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
            of_label[structure.label] = _number(tissues, library.tissue(name))
            is_lung[structure.label] = name.startswith("lung")
    cement = _number(tissues, library.tissue("pmma_cement")) if (of_label == CEMENTED).any() else 0
    filling = tuple(_number(tissues, _filling(each)) if isinstance(each, Pocket) else 0 for each in protections)
    return Palette(
        tissues=tuple(_chosen(tissue, freezing, vasoconstriction) for tissue in tissues),
        of_label=of_label,
        is_lung=is_lung,
        is_soft=is_soft & (of_label == BY_HU),
        cement=cement,
        filling=filling,
    )


def _number(tissues: list[Tissue], tissue: Tissue) -> int:
    """Number of ``tissue``, which is added if it is not there; those of BASE keep theirs."""
    if tissue not in tissues:
        tissues.append(tissue)
    return tissues.index(tissue)


def _filling(pocket: Pocket) -> Tissue:
    return replace(library.tissue(pocket.filling), held_c=pocket.held_c)


def _chosen(tissue: Tissue, freezing: Freezing | None, vasoconstriction: Vasoconstriction | None) -> Tissue:
    """``tissue`` by the laws that were chosen for the whole case, where they touch it."""
    if freezing is not None and tissue.latent_heat_j_per_m3 > 0:
        tissue = replace(tissue, freezing=freezing)
    if vasoconstriction is not None and tissue.perfusion_w_per_m3_k > 0 and tissue.held_c is None:
        tissue = replace(tissue, vasoconstriction=vasoconstriction)
    return tissue


def _bone_bins(name: str, fat_rule: str) -> list[Tissue]:
    """Bone from all marrow to all matrix in BINS equal steps, its marrow mixed from red and yellow by ``fat_rule``."""
    fat_fraction = library.hu_rules()[fat_rule].value
    matrix = library.tissue("cortical_bone")
    marrow = mixed(
        "marrow", [(library.tissue("red_marrow"), 1 - fat_fraction), (library.tissue("yellow_marrow"), fat_fraction)]
    )
    fractions = [i / (BINS - 1) for i in range(BINS)]
    return [mixed(f"{name}, {share:.0%} matrix", [(matrix, share), (marrow, 1 - share)]) for share in fractions]


def matrix_fraction(hu: NDArray[Any]) -> NDArray[Any]:
    """Volume fraction of bone matrix, [0, 1], from HU (...).

    BMD = a HU; mineral fraction = BMD / density of mineral; matrix = mineral fraction / mineral share of the matrix.

    Source: physics README 1.5; constants from ``library.hu_rules()``.
    """
    rules = library.hu_rules()
    mineral = rules["bmd_per_hu"].value * hu / rules["mineral_density"].value
    return np.clip(mineral / rules["mineral_in_matrix_fraction"].value, 0.0, 1.0)
