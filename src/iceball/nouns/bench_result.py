"""What a bench leaves behind: sizes of its isotherms, temperatures, heat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns._noun import Point, array_noun, noun, seal_field
from iceball.nouns.bench import Bench
from iceball.nouns.space import Grid, Volume
from iceball.provenance import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@noun
class Section:
    """A plane cut through the inside of a surface. For several pieces the calipers are those of all together.

    ``mean_caliper_mm`` is the width averaged over all directions; a caliper lies across hollows, so of a lobed shape
    the three differ: equal-area <= mean caliper <= largest caliper.
    """

    area_mm2: float
    equal_area_diameter_mm: float
    largest_caliper_mm: float
    smallest_caliper_mm: float
    mean_caliper_mm: float
    pieces: int


@noun
class ProbeIsotherm:
    """One isotherm around one probe. None: the surface is not there, or inside the shaft.

    ``diameter_mm`` is the mean over angles of the diameter across the middle of the active length, ``smallest`` and
    ``largest`` its extremes. ``length_mm`` is measured along the probe's axis, ``beyond_tip_mm`` from its tip on. Where
    the ice of a neighbour has merged with that of the probe, all of them run on to the far side of it.
    """

    isotherm_c: float
    diameter_mm: float | None
    smallest_diameter_mm: float | None
    largest_diameter_mm: float | None
    length_mm: float | None
    beyond_tip_mm: float | None


@noun
class ProbeMoment:
    """One probe at one time: heat it takes [W], mean temperature of its surface [°C], None where its gas is off."""

    label: str
    heat_w: float
    surface_c: float | None
    isotherms: tuple[ProbeIsotherm, ...]


@noun
class WholeIsotherm:
    """One isotherm around all probes: its volume, and its cut by the plane across the middle of the active lengths."""

    isotherm_c: float
    volume_ml: float
    section: Section | None


@array_noun
class Cut:
    """Temperatures (U, V) [°C] on a plane, NaN beyond the box.

    They lie at ``u_mm`` (U,) and ``v_mm`` (V,) from ``middle_mm`` along the unit vectors ``u_axis`` and ``v_axis``.
    """

    middle_mm: Point
    u_axis: Point
    v_axis: Point
    u_mm: NDArray[Any]
    v_mm: NDArray[Any]
    temperature_c: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("u_mm", "v_mm", "temperature_c"):
            seal_field(self, field, getattr(self, field))

    def flat(self, place_mm: Point) -> tuple[float, float, float]:
        """Where ``place_mm`` [mm] lies: along u, along v, and in front of the plane [mm]."""
        from_middle = np.asarray(place_mm) - self.middle_mm
        u, v = np.asarray(self.u_axis), np.asarray(self.v_axis)
        return float(from_middle @ u), float(from_middle @ v), float(from_middle @ np.cross(u, v))


@array_noun
class PhantomMoment:
    """The bench at one time. ``points_c`` are its thermometers by name [°C].

    ``across`` is cut across the middle of the probes, ``along`` holds their mean axis, tip to the right.
    ``energy_residual_fraction`` is the energy not accounted for over the largest term; ``wall_change_k`` how far the
    outermost voxels are from the start.
    ``temperature`` is the whole field, where it was asked for.
    """

    time_s: float
    probes: tuple[ProbeMoment, ...]
    whole: tuple[WholeIsotherm, ...]
    points_c: tuple[tuple[str, float], ...]
    heat_w: float
    heat_taken_j: float
    energy_residual_fraction: float
    wall_change_k: float
    across: Cut
    along: Cut
    temperature: Volume | None = None


@array_noun
class PhantomCurves:
    """Over time, for drawing: ``time_s`` (N,), and per probe (P, N) heat [W] and surface [°C], NaN where off.

    ``diameter_mm`` (P, L, N) is the mean diameter of each isotherm around each probe, NaN where there is none.
    ``points_c`` (Q, N) are the thermometers [°C], ``volume_ml`` (L, N) that of each isotherm [ml].
    """

    time_s: NDArray[Any]
    heat_w: NDArray[Any]
    surface_c: NDArray[Any]
    diameter_mm: NDArray[Any]
    points_c: NDArray[Any]
    volume_ml: NDArray[Any]

    def __post_init__(self) -> None:
        """Seal the arrays."""
        for field in ("time_s", "heat_w", "surface_c", "diameter_mm", "points_c", "volume_ml"):
            seal_field(self, field, getattr(self, field))


@array_noun
class PhantomResult:
    """A bench that has been run: what was measured at each time reported, curves, and what made it."""

    bench: Bench
    grid: Grid
    moments: tuple[PhantomMoment, ...]
    curves: PhantomCurves
    run: Run
    notes: tuple[str, ...] = ()
