"""Where the target is and where it is not, as points: what ellipsoids are counted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case

# Numerical: so many points fill a target, if they then lie between 1 and 3 mm apart; what lies around it, which only
# breaks ties, is filled coarsely.
POINTS, FINEST_MM, COARSEST_MM = 3000, 1.0, 3.0


@array_noun
class Target:
    """``inside_mm`` (N, 3) points of the target, ``around_mm`` (M, 3) of what lies around, LPS [mm].

    ``inside_ml`` and ``around_ml`` are the volumes that one point of each stands for [ml].
    """

    inside_mm: NDArray[np.float64]
    around_mm: NDArray[np.float64]
    inside_ml: float
    around_ml: float


def target_of(case: Case, margin_mm: float, reach_mm: float) -> Target:
    """Fill the lesion of ``case`` and ``margin_mm`` around it with points, and ``reach_mm`` around that [mm].

    Raises
    ------
    InputError : if the case has no lesion
    """
    from scipy import ndimage  # only here: slow to import

    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion to cover: mark one first")
    grid, mask = case.ct.grid, case.lesion.mask.array > 0
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    more = [int(np.ceil((margin_mm + 1.0) / spacing)) for spacing in grid.spacing_mm]
    near = np.pad(mask[box], [(n, n) for n in more])
    away = np.asarray(ndimage.distance_transform_edt(~near, sampling=grid.spacing_mm))
    wanted = away <= margin_mm
    ml = float(np.count_nonzero(wanted)) * grid.voxel_ml
    step_mm = float(np.clip((1000.0 * ml / POINTS) ** (1 / 3), FINEST_MM, COARSEST_MM))
    first = np.array([part.start for part in box]) - more
    voxels_mm = grid.position_mm(np.argwhere(wanted) + first)

    def within(points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
        index = np.rint(grid.index_of(points_mm)).astype(int) - first
        on = np.asarray(((index >= 0) & (index < wanted.shape)).all(axis=1))
        last = np.asarray(wanted.shape) - 1
        return on & wanted[tuple(np.clip(index, 0, last).T)]

    fine, coarse = _lattice(voxels_mm, step_mm, step_mm), _lattice(voxels_mm, COARSEST_MM, reach_mm)
    return Target(
        inside_mm=fine[within(fine)],
        around_mm=coarse[~within(coarse)],
        inside_ml=step_mm**3 / 1000.0,
        around_ml=COARSEST_MM**3 / 1000.0,
    )


def _lattice(around_mm: NDArray[np.float64], step_mm: float, reach_mm: float) -> NDArray[np.float64]:
    """(N, 3) points ``step_mm`` apart in the box around (M, 3) points, ``reach_mm`` larger on every side."""
    low, high = around_mm.min(axis=0) - reach_mm, around_mm.max(axis=0) + reach_mm
    axes = [np.arange(a, b + step_mm, step_mm) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
