"""One field for all that a way keeps off: the power distance to the nearest obstacle, and which it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Numerical: squared distances are kept as whole numbers of 1/64 mm², rounded to the safe side, with the number of the
# obstacle in the lowest byte: one minimum then finds both.
_PER_MM2, _NUMBERS = 64, 256
WINDOW_MM = 12.0  # distances are found up to here; what is farther off is as good as far


def keeping(
    ranks: NDArray[np.uint8], asked_mm: NDArray[np.float64], spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Find how well each voxel's centre keeps off every obstacle.

    The field is the least of d² - a² over all voxels of all obstacles: d the distance from the centre to the voxel as a
    box, a what its obstacle asks. It is not negative where every distance is kept. Less the square of the position it
    is concave (it is a least of linear functions), so that between the centres it lies at most h²/4 for each axis of
    spacing h below the straight line between them: that makes the thinned field safe (see ``_trace``).

    Parameters
    ----------
    ranks : (i, j, k) number of the obstacle in each voxel, 0 for none
    asked_mm : (n,) what each number asks, ascending; that of number 0 is not used [mm]
    spacing_mm : of the voxels [mm]

    Returns
    -------
    (i, j, k) field [mm²], at most ``WINDOW_MM``², and (i, j, k) number of the obstacle that it is of, 0 where none is
    near

    Source: geometry; the sum over the axes lets each be done on its own.
    """
    far_mm2 = WINDOW_MM**2
    ask = -np.ceil(np.asarray(asked_mm) ** 2 * _PER_MM2).astype(np.int32) * _NUMBERS
    ask += np.arange(len(ask), dtype=np.int32)
    ask[0] = int(far_mm2 * _PER_MM2) * _NUMBERS
    field = ask[ranks]
    reach_mm = float(np.sqrt(far_mm2 + float(np.max(asked_mm)) ** 2))
    for axis, spacing in enumerate(spacing_mm):
        field = _along(field, axis, spacing, reach_mm)
    nearest = (field & (_NUMBERS - 1)).astype(np.uint8)
    return (field >> 8).astype(np.float32) / np.float32(_PER_MM2), nearest


def _along(field: NDArray[np.int32], axis: int, spacing_mm: float, reach_mm: float) -> NDArray[np.int32]:
    """Spread the minimum along one axis: a voxel k away has its box (k - 1/2) spacings off."""
    found, shifted = field.copy(), np.empty_like(field)
    for k in range(1, field.shape[axis]):
        gap_mm = (k - 0.5) * spacing_mm
        if gap_mm > reach_mm:
            break
        cost = int(gap_mm**2 * _PER_MM2) * _NUMBERS
        here = tuple(slice(None, -k) if a == axis else slice(None) for a in range(3))
        there = tuple(slice(k, None) if a == axis else slice(None) for a in range(3))
        part = shifted[here]
        np.add(field[there], cost, out=part)
        np.minimum(found[here], part, out=found[here])
        np.add(field[here], cost, out=part)
        np.minimum(found[there], part, out=found[there])
    return found
