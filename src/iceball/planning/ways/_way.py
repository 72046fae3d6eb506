"""One way in, and all that were found."""

from __future__ import annotations

from iceball.nouns import Finding, Placement, Probe
from iceball.nouns._noun import Point, noun
from iceball.planning.ways._rules import Position, Sector


@noun
class Near:
    """A structure beside a way: from the outside of the instrument to it, and what it asks."""

    structure: str
    distance_mm: float
    asked_mm: float


@noun
class Way:
    """One straight way from the skin (``entry_mm``) to ``tip_mm``, LPS.

    ``clearance_mm`` is what is left beyond what the nearest structures ask. ``cortex_mm`` is the dense bone crossed,
    ``bone_angle_deg`` the angle to the bone's normal where it is met, ``bone_mm`` how far from the tip that is (None
    where no bone of the lesion is met before it), ``bone_crossed_mm`` the length in that bone before the lesion.
    ``cannula`` names the bone cannula, "" where none is needed; it must end at ``cannula_end_mm``, ``cannula_back_mm``
    above the tip. ``lesion_mm`` is the length in the lesion, of which the active zone misses ``lost_mm``.
    """

    entry_mm: Point
    tip_mm: Point
    length_mm: float
    sector: Sector
    tilt_deg: float
    approach: str
    usual: bool
    clearance_mm: float
    nearest: str
    near: tuple[Near, ...]
    cortex_mm: float
    bone_angle_deg: float | None
    bone_mm: float | None
    bone_crossed_mm: float
    drill: bool
    cannula: str
    cannula_outer_mm: float | None
    cannula_back_mm: float
    cannula_end_mm: Point
    lesion_mm: float
    lost_mm: float
    cost_mm: float
    says: str

    def placement(self, label: str, probe: Probe) -> Placement:
        """Return ``probe`` in this way, called ``label``."""
        return Placement(label=label, probe=probe, entry_mm=self.entry_mm, tip_mm=self.tip_mm)


@noun
class Opener:
    """One change, alone, that would open so many of the lines tried; ``structure`` is what would be entered, if any."""

    says: str
    lines: int
    structure: str = ""


@noun
class Ways:
    """The ways in to one lesion, the best first; and what forbids the others.

    ``biopsy`` is the way of a biopsy, None where none was asked for or there is none. ``forbids`` pairs what forbids
    lines with how many, of ``tried``; ``openers`` is only filled where there is no way.
    """

    case: str
    probe: str
    site: str
    own: tuple[str, ...]
    position: Position
    closed: tuple[Sector, ...]
    allowed: tuple[str, ...]
    reach_mm: float
    instrument_mm: float
    ways: tuple[Way, ...]
    biopsy: Way | None
    tried: int
    open_lines: int
    forbids: tuple[tuple[str, int], ...]
    openers: tuple[Opener, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
