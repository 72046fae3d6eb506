"""The least margin of an isotherm around a target, without measuring the distance of every place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.assessment import surface
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Volume

    Points = NDArray[np.float64]

CELL_MM = 4.0  # places are asked in groups of this size: numerical, any size gives the same answer
AT_ONCE = 8  # groups measured before the bound is asked again: numerical


@array_noun
class Border:
    """Places on the border of a lesion, in groups that lie together.

    ``places_mm`` (N, 3) LPS [mm]; group g holds those from ``start[g]`` to ``start[g + 1]`` (G + 1,), all within
    ``radius_mm`` (G,) of ``centre_mm`` (G, 3).
    """

    places_mm: NDArray[Any]
    start: NDArray[Any]
    centre_mm: NDArray[Any]
    radius_mm: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("places_mm", "start", "centre_mm", "radius_mm"):
            seal_field(self, field, getattr(self, field))


def grouped(places_mm: Points) -> Border:
    """Sort ``places_mm`` (N, 3) into groups."""
    cells = np.floor((places_mm - places_mm.min(axis=0)) / CELL_MM).astype(np.int64)
    _, group = np.unique(cells, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    places = places_mm[order]
    counts = np.bincount(group.ravel())
    start = np.concatenate([[0], np.cumsum(counts)])
    centre = np.add.reduceat(places, start[:-1], axis=0) / counts[:, None]
    away = np.linalg.norm(places - np.repeat(centre, counts, axis=0), axis=1)
    return Border(places_mm=places, start=start, centre_mm=centre, radius_mm=np.maximum.reduceat(away, start[:-1]))


def least_margin_mm(border: Border, places_c: NDArray[np.float64], coldest: Volume, isotherm_c: float) -> float:
    """Least signed distance [mm] of the places of ``border`` to an isotherm of ``coldest``.

    Negative where the isotherm falls short of a place. What ``assess`` calls the least margin, to the last bit: the
    distance to the nearest triangle, but only of the groups of places that a bound leaves in question. -inf where
    nothing got that cold.

    Parameters
    ----------
    border : places on the border of the lesion
    places_c : (N,) how cold they got [°C]
    coldest : the coldest temperature [°C] of every voxel
    isotherm_c : [°C]
    """
    from scipy.spatial import KDTree  # only here: slow to import

    shell = surface.isotherm_surface(coldest, isotherm_c)
    if shell is None:
        return -np.inf
    warm = places_c > isotherm_c
    sign = -1.0 if warm.any() else 1.0  # the farthest of the warm places is sought, or the nearest of the cold ones
    counted = warm if warm.any() else ~warm
    rough = np.asarray(KDTree(shell.vertices_mm).query(border.centre_mm)[0])
    # A place lies at most the radius of its group farther from the surface than its centre does, and the centre no
    # farther than from the nearest corner; nor nearer than that less the size of a triangle.
    bound = -(rough + border.radius_mm) if sign < 0 else rough - border.radius_mm - _longest_edge_mm(shell)
    order, best = np.argsort(bound, kind="stable"), np.inf
    for first in range(0, len(order), AT_ONCE):
        groups = order[first : first + AT_ONCE]
        if bound[groups[0]] >= best:
            break
        asked = np.concatenate([np.arange(int(border.start[g]), int(border.start[g + 1])) for g in groups])
        asked = asked[counted[asked]]
        if asked.size:
            best = min(best, float((sign * surface.distance_mm(border.places_mm[asked], shell)).min()))
    return best


def _longest_edge_mm(shell: surface.Surface) -> float:
    corners = shell.corners_mm
    return float(np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=-1).max(initial=0.0))
