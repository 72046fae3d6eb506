"""What probes and a grid must keep to before anything is computed."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError
from iceball.nouns.segments import apart_mm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Grid, Placement

VOXELS_PER_ACTIVE_LENGTH = 3
COARSEST_MM = 4.0  # there −40 °C around a 1.5 mm probe is 4 mm too short (docs/reference/bench-format.md)


def check_probes(placements: Sequence[Placement], grid: Grid) -> None:
    """Refuse probes that leave ``grid`` (mm), that are too short for it, or two that are in one place.

    Raises
    ------
    GeometryError : if any of them is so
    """
    check_spacing(placements, grid.spacing_mm[0])
    check_apart(placements)
    low, high = grid.position_mm(np.zeros(3)), grid.position_mm(np.asarray(grid.shape) - 1)
    for placement in placements:
        ends = np.array(placement.active_ends_mm)
        if not np.all(grid.contains(ends)):
            raise GeometryError(
                f"probe {placement.label}: its active zone, {_text(*ends)}, leaves the grid, {_text(low, high)}. "
                "Move the probe inward or make the grid larger."
            )


def check_spacing(placements: Sequence[Placement], spacing_mm: float) -> None:
    """Refuse a ``spacing_mm`` [mm] above 4 mm, or that leaves a probe fewer than three voxels along its active zone.

    The heat of a line source is spread over a spline of at least one voxel to each side of it, beyond its ends too:
    the zone becomes weaker and longer than it is. With fewer than three voxels along it the spline is as long as the
    zone; above 4 mm even a long probe misses the widest of the accuracy targets, 2 mm of half-length.

    Raises
    ------
    GeometryError : if the grid is too coarse for a probe
    """
    if spacing_mm > COARSEST_MM * (1 + 1e-9):
        raise GeometryError(
            f"voxels of {spacing_mm:g} mm are too coarse for a probe: its heat is spread over two of them or more, "
            f"and the length of the ice comes out wrong by millimetres. Write a spacing of {COARSEST_MM:g} mm or less."
        )
    for placement in placements:
        finest = placement.probe.active_length_mm / VOXELS_PER_ACTIVE_LENGTH
        if spacing_mm > finest * (1 + 1e-9):
            raise GeometryError(
                f"probe {placement.label}: its active zone of {placement.probe.active_length_mm:g} mm is shorter than "
                f"{VOXELS_PER_ACTIVE_LENGTH} voxels of {spacing_mm:g} mm. Write a spacing of {finest:.2g} mm or less."
            )


def check_apart(placements: Sequence[Placement]) -> None:
    """Refuse two probes in one place: axes, from tip to the end of the active zone, closer than both radii together.

    Raises
    ------
    GeometryError : if two probes are in one place
    """
    for one, other in combinations(placements, 2):
        least = (one.probe.shaft_diameter_mm + other.probe.shaft_diameter_mm) / 2
        apart = apart_mm(
            (np.array(one.tip_mm), np.array(one.active_ends_mm[1])),
            (np.array(other.tip_mm), np.array(other.active_ends_mm[1])),
        )
        if apart < least:
            raise GeometryError(
                f"probes {one.label} and {other.label} are in one place: their axes come within {apart:.2f} mm, their "
                f"radii together are {least:.2f} mm. Move one of them."
            )


def _text(*points: NDArray[np.float64]) -> str:
    return " to ".join("(" + ", ".join(f"{value:.1f}" for value in point) + ")" for point in points) + " mm"
