"""Which tissues a case may hold, and which of them a label stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._mixing import mixed
from iceball.nouns import Tissue
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case

BINS = 16  # of bone matrix fraction; numerical, so not in the library
BY_HU, BONE, LONG_BONE = -1, -2, -3
# Whose marrow is mostly fat; every other bone counts as a vertebra or pelvis.
LONG_BONES = ("femur", "humerus", "tibia", "fibula", "radius", "ulna")
BONE_ROWS = ("cortical_bone", "trabecular_bone")
AIR, FAT, MUSCLE, METAL, LYTIC, BLASTIC, FIRST_BONE = range(7)
FIRST_LONG_BONE = FIRST_BONE + BINS
BASE = ("air", "fat", "muscle", "metal", "osteolytic_lesion", "osteoblastic_lesion")


@array_noun
class Palette:
    """The tissues of a case, air first, then bone in bins of matrix fraction, then the organs that its labels name.

    ``of_label`` (L,) gives per label the tissue's number, -1 for "by HU", -2 for "bone by HU" or -3 for "long bone by
    HU"; the last entry stands for any greater label. ``is_lung`` (L,) is True for labels of lung.
    """

    tissues: tuple[Tissue, ...]
    of_label: NDArray[Any]
    is_lung: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        seal_field(self, "of_label", self.of_label)
        seal_field(self, "is_lung", self.is_lung)


def palette(case: Case) -> Palette:
    """Choose the tissues of ``case``: one list for the whole case, whatever part of it is simulated.

    Raises
    ------
    UnknownName : if a structure names a tissue that the library does not have
    """
    bones = [*_bone_bins("bone", "marrow_fat_fraction"), *_bone_bins("long bone", "marrow_fat_fraction_long_bone")]
    tissues = [*map(library.tissue, BASE), *bones]
    numbers: dict[str, int] = {}
    size = max((structure.label for structure in case.structures), default=0) + 2
    of_label = np.full(size, BY_HU, dtype=np.int16)
    is_lung = np.zeros(size, dtype=bool)
    for structure in case.structures:
        name = structure.tissue
        if name in BONE_ROWS or (name is None and library.structure_rule(structure.name).bone):
            of_label[structure.label] = LONG_BONE if structure.name.startswith(LONG_BONES) else BONE
        if name is None or name in BONE_ROWS:
            continue
        if name not in numbers:
            numbers[name] = len(tissues)
            tissues.append(library.tissue(name))
        of_label[structure.label] = numbers[name]
        is_lung[structure.label] = name.startswith("lung")
    return Palette(tissues=tuple(tissues), of_label=of_label, is_lung=is_lung)


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
