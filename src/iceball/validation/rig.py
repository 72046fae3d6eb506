"""Experiments on the bench: one medium, upright probes side by side, one freeze or more, measured when asked.

How finely all of them are computed stands here, once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from iceball.nouns import read_protocol
from iceball.nouns.bench import Bench, Layer, placed
from iceball.thermal import freeze_phantom

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Probe, Tissue
    from iceball.nouns.bench_result import PhantomMoment, WholeIsotherm

SPACING_MM = 2.0  # 1 mm moves the -30 °C diameters of Littrup by up to 0.15 mm
FINE_SPACING_MM = 1.0  # where a shaft is short, or its first seconds count
ACCURACY = "standard"
FREEZING_EDGE_C = -0.5  # where gel and tissue begin to freeze: the edge of the ice as CT or the eye sees it
NEAR_MM, SPREADS, WATERY_M2_PER_S = 10.0, 2.4, 1.4e-7  # the walls stand 10 mm + 2.4 √(a t) beyond the probes
OFF_LATTICE_MM = (0.3, 0.2)  # so that no probe stands on a voxel's centre

Places = tuple[tuple[float, float], ...]


def freeze(bench: Bench) -> tuple[PhantomMoment, ...]:
    """Freeze ``bench`` and measure it at the times it reports."""
    return freeze_phantom(bench, accuracy=ACCURACY, curves=False).moments


def bench(
    tissue: Tissue,
    probe: Probe,
    places: Places = ((0.0, 0.0),),
    *,
    start_c: float,
    protocol: str,
    isotherms_c: Sequence[float] = (FREEZING_EDGE_C, -20.0, -40.0),
) -> Bench:
    """Stand a ``probe`` at each of ``places`` (x, y) [mm] in a bath of ``tissue``, centred along z, and say what to do.

    Parameters
    ----------
    start_c : temperature of the bath before, and of the blood where the tissue is perfused [°C]
    protocol : as people write it, "15" or "10-5-10"; measured at the end of each step
    isotherms_c : surfaces to measure [°C]
    """
    tip_z = -probe.active_length_mm / 2 - probe.tip_to_active_mm
    dx, dy = OFF_LATTICE_MM
    stood = [placed(chr(ord("A") + n), probe, (x + dx, y + dy, tip_z), (0, 0, -1)) for n, (x, y) in enumerate(places)]
    laid = read_protocol(protocol)
    margin = NEAR_MM + 1000.0 * SPREADS * math.sqrt(WATERY_M2_PER_S * laid.duration_s)
    (left, right), (front, back) = ((min(axis), max(axis)) for axis in zip(*places, strict=True))
    return Bench(
        layers=(Layer(medium=tissue),),
        probes=tuple(stood),
        protocol=laid,
        start_c=start_c,
        arterial_c=start_c,
        spacing_mm=SPACING_MM,
        box_size_mm=(right - left + 2 * margin, back - front + 2 * margin, probe.active_length_mm + 2 * margin),
        isotherms_c=tuple(isotherms_c),
    )


def whole(moment: PhantomMoment, isotherm_c: float) -> WholeIsotherm:
    """Return the surface at ``isotherm_c`` [°C] around all probes of ``moment``."""
    return next(surface for surface in moment.whole if surface.isotherm_c == isotherm_c)


def diameter_mm(moment: PhantomMoment, isotherm_c: float) -> float:
    """Equal-area diameter [mm] of a surface in the plane across the middle; 0 where it is not there."""
    section = whole(moment, isotherm_c).section
    return section.equal_area_diameter_mm if section else 0.0


def length_mm(moment: PhantomMoment, isotherm_c: float) -> float:
    """Length [mm] of a surface along the first probe; 0 where it is not there."""
    found = next(surface for surface in moment.probes[0].isotherms if surface.isotherm_c == isotherm_c)
    return found.length_mm or 0.0


def line(count: int, spacing_mm: float) -> Places:
    """Stand ``count`` probes in a row, ``spacing_mm`` [mm] apart."""
    return tuple((n * spacing_mm, 0.0) for n in range(count))


def triangle(side_mm: float) -> Places:
    """Stand three probes on an equilateral triangle of ``side_mm`` [mm]."""
    return ((0.0, 0.0), (side_mm, 0.0), (side_mm / 2, side_mm * math.sqrt(3) / 2))


def square(side_mm: float) -> Places:
    """Stand four probes on a square of ``side_mm`` [mm]."""
    return ((0.0, 0.0), (side_mm, 0.0), (side_mm, side_mm), (0.0, side_mm))


def rhombus(side_mm: float) -> Places:
    """Stand four probes on two equilateral triangles of ``side_mm`` [mm] that share a side."""
    return (*triangle(side_mm), (1.5 * side_mm, side_mm * math.sqrt(3) / 2))
