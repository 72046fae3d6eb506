"""The whole patient before freezing, coarsely: what the tissue beyond a box is like.

A box of the simulation is a cut through a patient whose skin is cooler than the core. The field before freezing is
first found coarsely on the whole scan; each box then takes its wall temperatures from there, so that a box that grows
meets the state it would have had from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy
from iceball.nouns._noun import array_noun
from iceball.thermal.box import lattice_of
from iceball.thermal.steady import TOLERANCE, steady_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Grid, TissueMap
    from iceball.thermal.problem import Backend, Problem

COARSE_MM = 4.0


@array_noun
class Backdrop:
    """Temperature before freezing (I, J, K) [°C] on a coarse grid over the whole scan."""

    grid: Grid
    start_c: NDArray[np.float64]

    def at(self, grid: Grid) -> NDArray[np.float64]:
        """Temperature [°C] at the voxels of ``grid`` (I, J, K), linear between coarse voxels."""
        from scipy.ndimage import map_coordinates  # only here: slow to import

        first = self.grid.index_of(grid.origin_mm)
        step = grid.spacing_mm[0] / self.grid.spacing_mm[0]
        axes = [first[a] + step * np.arange(grid.shape[a]) for a in range(3)]
        return map_coordinates(self.start_c, np.meshgrid(*axes, indexing="ij"), order=1, mode="nearest")


def make_backdrop(
    prepared: Prepared,
    spacing_mm: float,
    backend: Backend,
    problem_of: Callable[[TissueMap], Problem],
    tolerance: float = TOLERANCE,
    within: Grid | None = None,
) -> Backdrop:
    """Find the state before freezing on the whole scan, at 4 mm or ``spacing_mm`` [mm] where that is coarser.

    ``problem_of`` turns tissue into a problem without probes. ``within`` is the part of the scan to look at instead of
    all of it: what lies a few centimetres away tells nothing here, blood sees to that.
    """
    grid = within or lattice_of(prepared.case.ct.grid, max(COARSE_MM, spacing_mm))
    problem = problem_of(anatomy.tissue_map(prepared, grid))
    start_c = steady_state(backend.operator(problem), problem, tolerance=tolerance)
    outside = ~problem.conducts[problem.index]
    if outside.any() and not outside.all():  # air takes the value of the nearest tissue: skin must not be blurred
        from scipy.ndimage import distance_transform_edt  # only here: slow to import

        nearest = np.asarray(distance_transform_edt(outside, return_distances=False, return_indices=True))
        start_c = start_c[tuple(nearest)]
    return Backdrop(grid=grid, start_c=start_c)
