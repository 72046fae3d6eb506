"""One bone of many: what a tumour reaches from a place without going through discs, joints and the next bone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.implanting._crop import distance_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid

Index = tuple[int, int, int]

# Numerical: how the CT is smoothed to see plates of bone, and to see what they stand out from.
SMOOTH_MM, AROUND_MM = 0.8, 4.0
# What is reached by a way not much longer than the straight one is the same bone: 1.15 times as long, and a little.
DETOUR, DETOUR_MM = 1.15, 3.0
PLATE_MM = 3.5  # a plate with what lies behind it is no thicker than this on CT
LEAST_SPEED = 1e-3  # of growth, out of bone


def own_piece(hu: NDArray[Any], bone: NDArray[np.bool_], index: Index, grid: Grid) -> NDArray[np.bool_]:
    """Keep of ``bone`` (I, J, K) what belongs to the place at ``index``; ``hu`` (I, J, K) is the CT.

    A front sets out from the place, the slower the more the bone stands out from its surroundings: by ``plate_hu``, at
    half its speed. What it reaches about straight is the same bone, and so are the plates around that. Behind a plate,
    in a disc, a joint, the next bone, it comes late.
    """
    from scipy import ndimage  # only here: slow to import

    seen, around = (
        np.asarray(ndimage.gaussian_filter(hu.astype(np.float64), np.divide(width, grid.spacing_mm)))
        for width in (SMOOTH_MM, AROUND_MM)
    )
    here = np.zeros(bone.shape, dtype=bool)
    here[index] = True
    straight = distance_mm(here, grid)
    denser = np.maximum(seen - around, 0.0) / library.implant_rows("scan")["plate_hu"].value
    speed = np.where(bone, np.maximum(1.0 / (1.0 + denser**3), LEAST_SPEED), LEAST_SPEED)
    way = _front(speed, index, grid, DETOUR * float(straight.max()) + DETOUR_MM)
    own = bone & (way <= DETOUR * straight + DETOUR_MM)
    plates = bone & (denser > 1.0) & (distance_mm(own, grid) <= PLATE_MM)
    return bone & np.asarray(ndimage.binary_dilation(own | plates), dtype=np.bool_)


def _front(speed: NDArray[np.float64], index: Index, grid: Grid, last_mm: float) -> NDArray[np.float64]:
    """(I, J, K) how long a front takes from ``index``, in mm of way at full speed; later than ``last_mm``: more."""
    import SimpleITK  # only here: slow to import

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(speed.T))
    image.SetSpacing(grid.spacing_mm)
    front = SimpleITK.FastMarching(image, trialPoints=[list(index)], stoppingValue=last_mm)
    return np.asarray(SimpleITK.GetArrayFromImage(front)).T
