"""One isotherm against the target: volume, coverage and signed margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.assessment import surface as surfaces
from iceball.assessment.sampling import sample, voxel_points_mm
from iceball.nouns import IsothermResult, Lesion, ThermalHistory, Volume
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PERCENTILE = 5.0


@array_noun
class Target:
    """The lesion, ready to be measured against any isotherm of one history.

    ``inside_c`` (N,) [°C] is the coldest temperature at points that fill the lesion evenly; ``border`` its surface;
    ``border_c`` (V + T,) [°C] the same at the border's vertices and triangle centroids, in that order.
    """

    border: surfaces.Surface
    inside_c: NDArray[np.float64]
    border_c: NDArray[np.float64]

    @property
    def border_mm(self) -> NDArray[np.float64]:
        """(V + T, 3) places on the border, LPS [mm]: its vertices, then its centroids."""
        return np.concatenate([self.border.vertices_mm, self.border.centroids_mm])


def target(lesion: Lesion, history: ThermalHistory) -> Target:
    """Sample the coldest temperatures of ``history`` in ``lesion`` and on its border; warm outside the box."""
    border = surfaces.mask_surface(lesion.mask)
    border_mm = np.concatenate([border.vertices_mm, border.centroids_mm])
    return Target(
        border=border,
        inside_c=_inside_c(lesion.mask, history),
        border_c=sample(history.coldest, border_mm, outside=np.inf),
    )


def coverage_of(mask: Volume, history: ThermalHistory, isotherm_c: float) -> float:
    """Share of a 0/1 ``mask`` that was ever as cold as ``isotherm_c`` [°C], measured as the lesion's coverage is."""
    return float(np.mean(_inside_c(mask, history) <= isotherm_c))


def _inside_c(mask: Volume, history: ThermalHistory) -> NDArray[np.float64]:
    """Coldest temperatures (N,) [°C] at points that fill ``mask`` evenly; warm outside the box.

    The border cuts the corners of the outermost voxels; coverage leaves out the same corners, so that an isotherm with
    a margin above zero everywhere covers everything.
    """
    finest_mm = min(history.coldest.grid.spacing_mm)
    filled_mm = voxel_points_mm(mask.grid, np.argwhere(mask.array), finest_mm=finest_mm)
    inside_mm = filled_mm[sample(mask, filled_mm, outside=0.0) >= 0.5]
    return sample(history.coldest, inside_mm, outside=np.inf)


def isotherm_result(goal: Target, history: ThermalHistory, isotherm_c: float) -> IsothermResult:
    """Volume [ml] of one isotherm, its coverage of the target and its signed margin [mm] around it.

    The margin at a place of the lesion's border is the distance to the isotherm's surface, positive where the place
    itself was colder. The least one is over vertices and centroids of the border, the 5th percentile over its area
    (DESIGN, rule 5: isotherms decide, millimetres inform).
    """
    cold = history.coldest.array <= isotherm_c
    volume_ml = float(np.count_nonzero(cold)) * history.coldest.grid.voxel_ml
    coverage = float(np.mean(goal.inside_c <= isotherm_c))
    shell = surfaces.isotherm_surface(history.coldest, isotherm_c)
    if shell is None:
        return IsothermResult(
            isotherm_c=isotherm_c,
            volume_ml=volume_ml,
            coverage_fraction=coverage,
            least_margin_mm=None,
            fifth_percentile_margin_mm=None,
            worst_place_mm=None,
        )
    places = goal.border_mm
    margin = surfaces.distance_mm(places, shell) * np.where(goal.border_c <= isotherm_c, 1.0, -1.0)
    worst = int(np.argmin(margin))
    x, y, z = (float(value) for value in places[worst])
    by_area = margin[len(goal.border.vertices_mm) :]
    return IsothermResult(
        isotherm_c=isotherm_c,
        volume_ml=volume_ml,
        coverage_fraction=coverage,
        least_margin_mm=float(margin[worst]),
        fifth_percentile_margin_mm=_percentile(by_area, goal.border.areas_mm2, _PERCENTILE),
        worst_place_mm=(x, y, z),
    )


def _percentile(values: NDArray[np.float64], weights: NDArray[np.float64], percent: float) -> float:
    """Smallest value that at least ``percent`` of the weight does not exceed."""
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(share, percent / 100.0)])
