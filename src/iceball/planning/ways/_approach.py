"""What radiologists call a way: transpedicular, costovertebral, intercostal, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.planning.ways._obstacles import OWN, Obstacles
from iceball.planning.ways._trace import Traced, _looked_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case
    from iceball.planning.ways._way import Near

CANAL = ("spinal_canal", "spinal_cord", "cauda_equina")
LEVEL_MM = 15.0  # numerical: the canal is looked for this far above and below the lesion
ALONG_DEG = 60.0  # a word: what meets bone more flatly runs along it
FLAT = ("rib", "sternum", "scapula")


def canal_place(case: Case, obstacles: Obstacles) -> NDArray[np.float64] | None:
    """(3,) middle of the spinal canal at the height of the lesion, LPS [mm]; None where no label shows it."""
    if case.labels is None or obstacles.site != "spine":
        return None
    middle = obstacles.grid.index_of(obstacles.centre_mm)
    for name in CANAL:
        found = [s for s in case.structures if s.name == name]
        numbers = [n for n, each in enumerate(obstacles.all, 1) if each.name == name]
        if not found or not numbers:
            continue
        index = np.argwhere(obstacles.ranks == numbers[0])
        up = np.abs(index[:, 2] - middle[2]) * obstacles.grid.spacing_mm[2] <= LEVEL_MM
        if up.any():
            return obstacles.grid.position_mm(index[up].mean(axis=0))
    return None


def approaches(obstacles: Obstacles, traced: Traced, canal: NDArray[np.float64] | None) -> NDArray[np.str_]:
    """(N,) word for each line, as far as it follows from the lesion's bone alone."""
    words = np.full(len(traced.ok), "direct", dtype="<U16")
    if obstacles.site in FLAT:
        words[np.nan_to_num(traced.bone_angle_deg) > ALONG_DEG] = "along the bone"
    if canal is None:
        return words
    way = traced.entry_mm - traced.tip_mm
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (canal[1] - traced.tip_mm[:, 1]) / way[:, 1]
    crosses = np.isfinite(share) & (share > 0) & (share < 1)
    points = traced.tip_mm + np.where(crosses, share, 0.0)[:, None] * np.where(np.isfinite(way), way, 0.0)
    index = obstacles.grid.index_of(points).T[:, :, None].astype(np.float32)
    bone = (_looked_up(obstacles.what, index)[:, 0] & OWN) > 0
    words[crosses] = "parasagittal"
    words[crosses & bone] = "transpedicular"
    return words


def named(word: str, site: str, near: tuple[Near, ...]) -> str:
    """Return the word for a way, once what lies beside it is known."""
    rules = library.way_rules()
    ribs = [each for each in near if each.structure.startswith("rib_")]
    if site == "spine" and word == "parasagittal":
        if any(each.distance_mm <= rules["costovertebral_mm"].value for each in ribs):
            return "costovertebral"
        return word
    beside = [each for each in ribs if each.distance_mm <= rules["intercostal_mm"].value]
    return "intercostal" if word == "direct" and len(beside) > 1 else word
