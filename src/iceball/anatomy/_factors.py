"""What is uncertain about tissue, as factors that one draw of a whole patient shares."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

from iceball import library
from iceball.errors import InputError
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iceball.nouns import Cited, Tissue

# Numbers of the mapping from HU that are drawn; thresholds are not: they say what a voxel is, not how much it holds.
CALIBRATION = ("bmd_per_hu", "bmd_bias_mg_per_ml", "mineral_density", "mineral_in_matrix_fraction")
FILLINGS_HU = ("red_marrow_hu", "yellow_marrow_hu", "fat_hu", "muscle_hu", "lung_hu", "tumour_hu")
LIPID = ("red_marrow_fat_fraction", "yellow_marrow_fat_fraction")
WATER = ("red_marrow_water_fraction", "yellow_marrow_water_fraction", "matrix_water_fraction")
OUTSIDE = "border_outside_fraction"
# Age and disease move the fat of all marrow the same way, so both priors follow one factor.
MARROW_FAT = "marrow_fat_fraction"
SAME_FACTOR = {"marrow_fat_fraction_long_bone": MARROW_FAT}
# Where between series (-1), geometric mean (0) and parallel (1) the parts of a mixture conduct.
ARRANGEMENT = "arrangement"

# Tissues whose numbers come from one model or one table are off together: one factor per quantity for each group.
GROUPS = {
    "matrix": ("cortical_bone",),
    "marrow": ("red_marrow", "yellow_marrow", "trabecular_bone"),
    "tumour": ("osteolytic_lesion", "osteoblastic_lesion", "tumour_soft_tissue"),
    "soft": (
        *("muscle", "fat", "skin", "cartilage", "spinal_cord", "nerve", "csf", "blood", "flowing_blood"),
        *("liver", "kidney", "spleen", "prostate", "lung_inflated"),
    ),
}


@array_noun
class Draw:
    """One possible patient: how far, from -1 to 1, each factor goes toward the low or high end of its spread.

    A factor that is not in ``scores`` stays at the library's value. ``seed`` and ``number`` say where it came from.
    """

    scores: Mapping[str, float]
    seed: int | None = None
    number: int | None = None

    def __post_init__(self) -> None:
        """Refuse scores beyond the spread."""
        for factor, score in self.scores.items():
            if not -1.0 <= score <= 1.0:
                raise InputError(f"factor {factor} goes {score!r} of the way; a score lies between -1 and 1")
        object.__setattr__(self, "scores", MappingProxyType(dict(self.scores)))

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process as a plain dictionary: a read-only one cannot."""
        return _draw, (dict(self.scores), self.seed, self.number)

    def score(self, factor: str) -> float:
        """Return how far ``factor`` goes, 0 where nothing was drawn."""
        return self.scores.get(factor, 0.0)

    def hu(self, name: str) -> float:
        """Return the number ``name`` of hu.toml in this draw."""
        return at(library.hu_rules()[name], self.score(SAME_FACTOR.get(name, name)))

    def tissue(self, name: str) -> Tissue:
        """Return the tissue called ``name`` of the library in this draw; inert matter and gas stay as they are."""
        plain = library.tissue(name)
        group = group_of(name)
        rows = library.tissue_rows(name)
        moved = {quantity: self.score(f"{group}.{quantity}") for quantity in rows}
        if plain.inert or not any(moved.values()):
            return plain
        return library.tissue_with(name, {quantity: at(row, moved[quantity]) for quantity, row in rows.items()})


def _draw(scores: dict[str, float], seed: int | None, number: int | None) -> Draw:
    return Draw(scores=scores, seed=seed, number=number)


NOMINAL = Draw(scores={})


def at(row: Cited, score: float) -> float:
    """Return the value of ``row`` that lies ``score`` of the way to its high (1) or low (-1) end."""
    end = row.high if score > 0 else row.low
    return row.value + abs(score) * (end - row.value)


@functools.cache
def group_of(tissue: str) -> str:
    """Return the group whose factors the rows of ``tissue`` follow; its own name where it stands alone."""
    return next((group for group, names in GROUPS.items() if tissue in names), tissue)


@functools.cache
def factors() -> tuple[str, ...]:
    """Return the name of every factor, in a fixed order."""
    groups = dict.fromkeys(group_of(name) for name in library.tissue_names() if not library.tissue(name).inert)
    quantities = tuple(library.tissue_rows("muscle"))
    rows = [f"{group}.{quantity}" for group in groups for quantity in quantities]
    return (*CALIBRATION, *FILLINGS_HU, MARROW_FAT, *LIPID, *WATER, OUTSIDE, ARRANGEMENT, *rows)
