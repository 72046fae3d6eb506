"""What is known of a case once it has been looked at as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iceball.anatomy._factors import NOMINAL, Draw
from iceball.anatomy._palette import Palette
from iceball.nouns import Case, Protection
from iceball.nouns._noun import array_noun, seal_field

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_SCANNED, ROOM, GAS, TISSUE = 0, 1, 2, 3


@array_noun
class Prepared:
    """A case with its body found, its tissues chosen and its protections put in.

    ``region`` (I, J, K) uint8 on the CT: 0 not scanned, 1 the room's air, 2 gas in the body, 3 tissue. ``draw`` says
    which possible patient the tissues are of, ``NOMINAL`` where they have the library's values.
    """

    case: Case
    region: NDArray[Any]
    palette: Palette
    protections: tuple[Protection, ...] = ()
    draw: Draw = NOMINAL

    def __post_init__(self) -> None:
        """Seal the array."""
        seal_field(self, "region", self.region)
