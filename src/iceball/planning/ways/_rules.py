"""What a person may choose about ways in, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Probe
from iceball.nouns._noun import noun, require_positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

Sector = Literal["anterior", "posterior", "left", "right"]
Position = Literal["prone", "supine", "left_lateral", "right_lateral"]
SECTORS: tuple[Sector, ...] = get_args(Sector)
POSITIONS: tuple[Position, ...] = get_args(Position)
# The side that lies on the table: x is left, y is back (LPS)
ON_TABLE: dict[Position, Sector] = {
    "prone": "anterior",
    "supine": "posterior",
    "left_lateral": "left",
    "right_lateral": "right",
}
OUT_OF: dict[Sector, tuple[float, float, float]] = {
    "anterior": (0.0, -1.0, 0.0),
    "posterior": (0.0, 1.0, 0.0),
    "left": (1.0, 0.0, 0.0),
    "right": (-1.0, 0.0, 0.0),
}


@noun
class Rules:
    """What is chosen about ways in; None leaves it to the site, the probe or the library.

    ``position`` is how the patient lies: the side on the table is closed. ``forbidden`` sectors are closed as well;
    where ``only`` names any, all others are. ``allowed`` structures, by name, are no obstacles: bowel, lung, pleura,
    organs, other bones; never cord, nerves, vessels or metal. ``reach_mm`` is how deep the probe's tip can lie under
    the skin, ``instrument_mm`` the diameter of the widest thing on the way, probe or cannula.
    """

    position: Position | None = None
    forbidden: tuple[Sector, ...] = ()
    only: tuple[Sector, ...] = ()
    allowed: tuple[str, ...] = ()
    biopsy: bool = False
    reach_mm: float | None = None
    instrument_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse positions and sectors that nobody knows, and sizes that are none."""
        if self.position is not None and self.position not in POSITIONS:
            raise InputError(f"position {self.position!r} is unknown; write one of {', '.join(POSITIONS)}")
        for sector in (*self.forbidden, *self.only):
            if sector not in SECTORS:
                raise InputError(f"sector {sector!r} is unknown; write one of {', '.join(SECTORS)}")
        if not set(SECTORS) - set(self.forbidden) or (self.only and not set(self.only) - set(self.forbidden)):
            raise InputError("every sector is forbidden: leave at least one open")
        for what, value in (("the reach of a probe", self.reach_mm), ("the instrument", self.instrument_mm)):
            if value is not None:
                require_positive(what, value, "mm")

    def closed(self, position: Position) -> tuple[Sector, ...]:
        """Return the sectors that are closed to a patient who lies in ``position``."""
        shut = {*self.forbidden, ON_TABLE[position]}
        return tuple(sector for sector in SECTORS if sector in shut or (self.only and sector not in self.only))


USUAL = Rules()  # nothing chosen: all by the site, the probe and the library


def for_probe(probe: Probe, rules: Rules) -> Rules:
    """Return ``rules`` with the reach of ``probe``, and the bone cannula that holds it as the widest thing on the way.

    Raises
    ------
    InputError : if the library has no cannula that is wide enough
    """
    import dataclasses

    reach_mm = library.probe_reach(probe.name).value if rules.reach_mm is None else rules.reach_mm
    wide_mm = cannula_for(probe).outer.value if rules.instrument_mm is None else rules.instrument_mm
    return dataclasses.replace(rules, reach_mm=reach_mm, instrument_mm=wide_mm)


def cannula_for(probe: Probe) -> library.Cannula:
    """Return the thinnest bone cannula of the library that ``probe`` slides through.

    Raises
    ------
    InputError : if there is none
    """
    play_mm = library.way_rules()["cannula_play_mm"].value
    for cannula in library.cannulas():
        if cannula.inner.value >= probe.shaft_diameter_mm + play_mm:
            return cannula
    widest = library.cannulas()[-1]
    raise InputError(
        f"{probe.name} is {probe.shaft_diameter_mm:g} mm thick, and the widest bone cannula of the library, "
        f"{widest.name}, is {widest.inner.value:g} mm inside: choose a thinner probe"
    )


def sector_of(outward: NDArray[np.float64]) -> NDArray[np.int8]:
    """(N,) number in ``SECTORS`` of the side that (N, 3) directions out of the patient, LPS, point to."""
    x, y = outward[:, 0], outward[:, 1]
    sideways = np.where(x > 0, SECTORS.index("left"), SECTORS.index("right"))
    upright = np.where(y > 0, SECTORS.index("posterior"), SECTORS.index("anterior"))
    return np.where(np.abs(x) > np.abs(y), sideways, upright).astype(np.int8)
