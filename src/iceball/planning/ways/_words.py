"""Ways, and why there is none, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import Finding
from iceball.planning.ways._obstacles import JOINT, UNLABELLED_BONE, UNLABELLED_GAS, UNLABELLED_METAL
from iceball.planning.ways._trace import Why

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.planning.ways._obstacles import Obstacles
    from iceball.planning.ways._rules import Sector
    from iceball.planning.ways._way import Near, Opener

FROM: dict[Sector, str] = {
    "anterior": "from the front",
    "posterior": "from behind",
    "left": "from the left",
    "right": "from the right",
}
WHY: dict[Why, str] = {
    Why.OUT_OF_SCAN: "the tip would lie outside the body or the scan",
    Why.SECTOR: "a closed sector, or the table",
    Why.TILT: "too steep against the slices of the scan",
    Why.NO_SKIN: "the scan ends before the skin",
    Why.TOO_LONG: "farther than the probe reaches",
    Why.TWICE: "leaves the body and enters it again",
    Why.BARRIER: "too near to a barrier",
    Why.STRUCTURE: "too near to a structure at risk",
    Why.OTHER_BONE: "too near to another bone",
    Why.JOINT: "through a joint",
    Why.BONE_ANGLE: "meets bone too flatly",
}
SHORT = "too short: the active zone would reach the skin"
LOOSE = {
    UNLABELLED_BONE: "bone that no label names",
    UNLABELLED_GAS: "gas that no label names",
    UNLABELLED_METAL: "metal",
    JOINT: "the joint",
}
THROUGH = {
    "transpedicular": "through the pedicle",
    "costovertebral": "between rib and vertebra",
    "parasagittal": "beside the arch of the vertebra",
    "along the bone": "along the bone",
    "direct": "straight to the bone",
    "intercostal": "between two ribs",
}
SOURCE = "iceball_judgement"


def called(structure: str) -> str:
    """Return the name of an obstacle for people."""
    return LOOSE.get(structure, structure)


def direction(sector: Sector, outward: NDArray[np.float64]) -> str:
    """Return where a way comes from, with its lean in the slice and out of it."""
    x, y, z = outward.tolist()
    if sector in ("anterior", "posterior"):
        lean, side = np.degrees(np.arctan2(abs(x), abs(y))), "left" if x > 0 else "right"
    else:
        lean, side = np.degrees(np.arctan2(abs(y), abs(x))), "back" if y > 0 else "front"
    tilt = np.degrees(np.arcsin(np.clip(z, -1, 1)))
    words = [FROM[sector]]
    if lean >= 2:
        words.append(f"{lean:.0f}° to the {side}")
    if abs(tilt) >= 2:
        words.append(f"{abs(tilt):.0f}° from the {'head' if tilt > 0 else 'feet'}")
    return ", ".join(words)


def sentence(where: str, length_mm: float, approach: str, bone: str, near: tuple[Near, ...]) -> str:
    """Return one way in plain words."""
    beside = "nothing within 20 mm of it"
    if near:
        closest = near[0]
        beside = (
            f"nearest is {called(closest.structure)} at {closest.distance_mm:.1f} mm ({closest.asked_mm:g} mm asked)"
        )
    return f"{where}; {THROUGH[approach]}; {length_mm:.0f} mm from skin to tip; {bone}; {beside}"


def bone_words(cortex_mm: float, angle_deg: float | None, cannula: str, back_mm: float, drill: bool) -> str:
    """Return what a way needs to pass bone; ``back_mm`` infinite: the cannula must come out altogether."""
    if not cannula:
        return "no bone to pass"
    met = "" if angle_deg is None else f", bone met at {angle_deg:.0f}°"
    by = "drill" if drill else "by hand"
    cortex = f"{cortex_mm:.1f} mm of cortex" if cortex_mm else "cortex too thin to be seen on this scan"
    drawn = f"drawn back to {back_mm:.0f} mm above the tip" if np.isfinite(back_mm) else "drawn out of the body"
    return f"{cortex}{met}: {by}, {cannula} cannula {drawn} before freezing"


def none_found(obstacles: Obstacles, tally: tuple[tuple[str, int], ...], openers: tuple[Opener, ...]) -> Finding:
    """Return the finding that there is no way in: what forbids, and what alone would open one."""
    tried = max(sum(count for _, count in tally), 1)
    most = "; ".join(f"{text} ({count / tried:.0%})" for text, count in tally[:4])
    opens = " ".join(each.says for each in openers) or "No single change opens one."
    return Finding(
        rule="no_way_in",
        severity="stop",
        says=f"no straight way in keeps every rule. Of {tried} lines from open sides: {most}. {opens}",
        source=SOURCE,
        subject=obstacles.site,
    )


def no_skin(obstacles: Obstacles) -> Finding:
    """Return the finding that no skin is in view where ways could begin."""
    return Finding(
        rule="no_skin_in_view",
        severity="stop",
        says="the scan ends before the skin in every direction that is open: a way in cannot be planned on it. Take a "
        "scan that shows the skin where the probes are to enter, or open another sector.",
        source=SOURCE,
        subject=obstacles.site,
    )


def beside_the_ways(obstacles: Obstacles, labelled: bool, usual: bool) -> list[Finding]:
    """Return what a person must know of the ways that were found."""
    found = []
    if not labelled:
        says = (
            "no structure at risk is labelled in this case: the ways keep off bone, gas and metal by HU and off "
            "nothing else. Outline what is at risk first (`iceball structures`, `iceball segment`)."
        )
        found.append(Finding(rule="ways_unlabelled", severity="caution", says=says, source=SOURCE))
    if not obstacles.own:
        says = "no label says which bone the lesion lies in: neighbouring bones cannot be told from it"
        found.append(Finding(rule="ways_bone_unknown", severity="caution", says=says, source=SOURCE))
    if not usual:
        words = library.way_sites()[obstacles.site if obstacles.site in library.way_sites() else "other"].approaches
        says = f"no way in is of a kind that is usual at this site ({', '.join(words)})"
        found.append(Finding(rule="ways_unusual", severity="caution", says=says, source="recalled_clinical"))
    return found
