"""Looking up tables of enthalpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.materials import Table

    Field = NDArray[np.float64]


def look_up(table: Table, index: NDArray[np.uint8], enthalpy: Field, rows: Field) -> Field:
    """Interpolate ``rows`` (M, N) of ``table`` linearly at ``enthalpy`` (...) of material ``index`` (...)."""
    place = (enthalpy - table.start[index]) * table.inverse_step[index]
    node = np.clip(place.astype(np.int64), 0, rows.shape[1] - 2)
    left = rows[index, node]
    return left + (place - node) * (rows[index, node + 1] - left)
