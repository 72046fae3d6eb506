"""Where the patient is on the CT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._pieces import largest_piece, numbered
from iceball.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Volume

# Half the widest bridge that is cut between the patient and what he lies on: numerical, so not in the library.
BRIDGE_MM = 3.0


def body(ct: Volume, field_of_view: Volume | None = None) -> NDArray[np.bool_]:
    """Tell the patient from the room and the table: (I, J, K) True in the patient, gas in the body included.

    What is denser than gas is thinned by 3 mm in the slice, so that the table and sheets come off; the largest
    connected piece is kept and grown back; enclosed gas (lungs, bowel) is filled slice by slice along K. Gas that the
    border of the scan cuts is the room's where enough of it reads as room air, else it is lung. (The foam of a mattress
    reads as lung: where a patch shows nothing but foam behind the skin, it counts as gas.)

    Parameters
    ----------
    ct : Volume
        (I, J, K) [HU]
    field_of_view : Volume, optional
        (I, J, K) 0/1; what was not scanned is not body

    Raises
    ------
    InputError : if nothing on the CT is denser than gas

    Source: DESIGN; thresholds from ``library.hu_rules()``.
    """
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    dense = ct.array > rules["gas_below_hu"].value
    if field_of_view is not None:
        dense &= field_of_view.array.astype(bool)
    core = largest_piece(_in_slice(dense, ct, ndimage.minimum_filter1d))
    if core is None:
        core = largest_piece(dense)
    if core is None:
        raise InputError(
            f"no body on the CT: nothing is denser than gas (brightest voxel {float(ct.array.max()):g} HU); "
            "check that the array is in HU"
        )
    grown = _in_slice(core, ct, ndimage.maximum_filter1d) & dense
    closed = np.asarray(ndimage.binary_closing(np.pad(grown, 1, mode="edge"), _IN_SLICE), dtype=np.bool_)
    airy = ct.array < rules["room_air_below_hu"].value
    return _filled(closed[1:-1, 1:-1, 1:-1] | grown, airy, rules["room_air_share_fraction"].value)


_IN_SLICE = np.zeros((3, 3, 3), dtype=bool)
_IN_SLICE[:, 1, 1] = _IN_SLICE[1, :, 1] = True


def _in_slice(mask: NDArray[np.bool_], ct: Volume, extreme: Any) -> NDArray[np.bool_]:
    """Thin or grow ``mask`` within each slice by BRIDGE_MM; the border of the array counts as more of the same."""
    result = mask.view(np.uint8)
    for axis in (0, 1):
        reach = int(BRIDGE_MM / ct.grid.spacing_mm[axis])
        if 0 < reach < mask.shape[axis]:
            result = extreme(result, size=2 * reach + 1, axis=axis, mode="nearest")
    return result.astype(bool)


def _filled(mask: NDArray[np.bool_], airy: NDArray[np.bool_], room_fraction: float) -> NDArray[np.bool_]:
    """Fill, slice by slice, each background piece that keeps off its slice's border, and what is hardly ``airy``.

    A piece that the border cuts is the room's, and stays open, if at least ``room_fraction`` of it is ``airy``.
    """
    pieces, count = numbered(~mask, _IN_SLICE)
    reaches = np.zeros(count + 1, dtype=bool)
    for rim in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        reaches[np.unique(rim)] = True
    reaches[0] = False
    blocks, count = numbered(reaches[pieces], None)
    size = np.bincount(blocks.ravel(), minlength=count + 1)
    room = np.bincount(blocks[airy], minlength=count + 1) >= room_fraction * size
    room[0] = False
    return ~room[blocks]
