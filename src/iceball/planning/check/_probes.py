"""Probes among each other: how near their axes and their active zones come."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns import segments
from iceball.planning.check._found import found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Finding, Placement
    from iceball.nouns._noun import Point


def of_probes(placements: Sequence[Placement]) -> Iterator[Finding]:
    """Findings on pairs of ``placements``: shafts that run through each other or nearly, active zones near or far."""
    pairs = list(combinations(placements, 2))
    for one, other in pairs:
        yield from _shafts(one, other)
    apart = {frozenset((a.label, b.label)): _active_apart_mm(a, b) for a, b in pairs}
    for one, other in pairs:
        yield from _close(one, other, apart[frozenset((one.label, other.label))])
    for one in placements if len(placements) > 1 else ():
        nearest = min((apart[frozenset((one.label, other.label))], other.label) for other in placements if other != one)
        yield from _wide(one, *nearest)


def _shafts(one: Placement, other: Placement) -> Iterator[Finding]:
    """The whole shafts, from tip to entry."""
    radii = (one.probe.shaft_diameter_mm + other.probe.shaft_diameter_mm) / 2
    apart = segments.apart_mm(_ends(one.tip_mm, one.entry_mm), _ends(other.tip_mm, other.entry_mm))
    names = f"probes {one.label} and {other.label}"
    if apart < radii:
        yield found(
            "probes_in_one_place",
            f"The shafts of {names} run through each other: their axes come within {apart:.1f} mm, "
            f"and their radii together are {radii:.1f} mm.",
            subject=names,
            measured=apart,
            limit=radii,
            unit="mm",
        )
    elif (gap := apart - radii) < library.planning_rule("probes_nearly_touch").threshold.value:
        says = f"The shafts of {names} come within {gap:.1f} mm: as they are placed, they may meet."
        yield found("probes_nearly_touch", says, subject=names, measured=gap)


def _close(one: Placement, other: Placement, apart_mm: float) -> Iterator[Finding]:
    row = library.planning_rule("probe_spacing_close").threshold
    if apart_mm < row.value:
        names = f"probes {one.label} and {other.label}"
        says = (
            f"The active zones of {names} come within {apart_mm:.1f} mm; probes are spaced {row.low:g} to "
            f"{library.planning_rule('probe_spacing_wide').threshold.high:g} mm apart, so one of them adds little."
        )
        yield found("probe_spacing_close", says, subject=names, measured=apart_mm)


def _wide(one: Placement, apart_mm: float, nearest: str) -> Iterator[Finding]:
    if apart_mm > library.planning_rule("probe_spacing_wide").threshold.value:
        says = (
            f"The active zone of probe {one.label} lies {apart_mm:.1f} mm from the nearest other ({nearest}): "
            "the ice between them may not be cold enough."
        )
        yield found("probe_spacing_wide", says, subject=f"probe {one.label}", measured=apart_mm)


def _active_apart_mm(one: Placement, other: Placement) -> float:
    return segments.apart_mm(_ends(*one.active_ends_mm), _ends(*other.active_ends_mm))


def _ends(a: Point, b: Point) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
