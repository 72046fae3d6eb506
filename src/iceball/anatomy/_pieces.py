"""Connected pieces of a mask: numbered, and the largest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def numbered(mask: NDArray[np.bool_], neighbours: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int32], int]:
    """(I, J, K) number of the connected piece that each voxel is part of, and how many there are."""
    from scipy import ndimage  # only here: slow to import

    label: Any = ndimage.label  # its stubs do not know that it returns a pair here
    return label(mask, neighbours)


def largest_piece(mask: NDArray[np.bool_], neighbours: NDArray[np.bool_] | None = None) -> NDArray[np.bool_] | None:
    """(I, J, K) the piece with the most voxels; None where ``mask`` is empty."""
    pieces, count = numbered(mask, neighbours)
    if count == 0:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()
