"""What is worked out once per case, on the CT's own grid, so that no box of a simulation can change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._body import body
from iceball.anatomy._palette import Palette, palette
from iceball.nouns import Case
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_SCANNED, ROOM, GAS, TISSUE = 0, 1, 2, 3


@array_noun
class Prepared:
    """A case with its body found and its tissues chosen.

    ``region`` (I, J, K) uint8 on the CT: 0 not scanned, 1 the room's air, 2 gas in the body, 3 tissue.
    """

    case: Case
    region: NDArray[Any]
    palette: Palette

    def __post_init__(self) -> None:
        """Seal the array."""
        seal_field(self, "region", self.region)


def prepare(case: Case) -> Prepared:
    """Find the body on the CT of ``case`` and mix the tissues it may hold. Seconds for a whole scan: do it once.

    Gas is what lies in the body below ``library.hu_rules()["gas_below_hu"]`` and is not labelled as lung.

    Raises
    ------
    InputError : if there is no body on the CT
    UnknownName : if a structure names a tissue that the library does not have

    Source: physics README 1.5, DESIGN.
    """
    choice = palette(case)
    inside = body(case.ct, case.field_of_view)
    gas = case.ct.array < library.hu_rules()["gas_below_hu"].value
    if case.labels is not None:
        lung = choice.is_lung[np.minimum(case.labels.array, choice.is_lung.size - 1)]
        inside |= lung
        gas &= ~lung
    region = np.where(inside, np.where(gas, np.uint8(GAS), np.uint8(TISSUE)), np.uint8(ROOM))
    if case.field_of_view is not None:
        region[case.field_of_view.array == 0] = NOT_SCANNED
    return Prepared(case=case, region=region, palette=choice)
