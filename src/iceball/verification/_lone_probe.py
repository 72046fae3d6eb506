"""One oblique probe in a gel, against the axisymmetric reference with the same bare ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from iceball import provenance
from iceball.bench.agreement import ISOTHERMS_C
from iceball.nouns import Grid, Placement, Probe
from iceball.nouns._noun import noun
from iceball.thermal.marching import Leg
from iceball.thermal.materials import curve
from iceball.thermal.problem import POWER_LIMITED
from iceball.thermal.wells import wells
from iceball.verification._bench import ARTERIAL_C, GEL, box, drive_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.problem import Drive
    from iceball.verification._kept import Kept
    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]

WIDTH_MM, UNTIL_S = 80.0, 600.0
ACTIVE_MM, SHAFT_C, COOLING_S = 30.0, -140.0, 15.0
RAYS, RAY_STEP_MM = 24, 0.02
# The finest cells of the reference [mm]; a mesh grows from there as much more slowly as it is finer.
CELLS_MM, ROUGH_CELLS_MM = (0.1, 0.05), (0.2, 0.1)


@noun
class Pose:
    """Where the probe lies: its direction, and the middle of its active zone from that of the cube [mm]."""

    along: tuple[float, float, float]
    middle_mm: tuple[float, float, float]


OBLIQUE = Pose(along=(0.35, 0.22, 0.9), middle_mm=(0.37, 0.11, 0.42))  # on no symmetry of any lattice


@noun
class ProbeError:
    """How far an isotherm of one probe is from the axisymmetric reference after ten minutes.

    ``radius_mm`` and ``half_length_mm`` are the reference's; the errors are the worst of 24 rays across the middle, and
    of both ends.
    """

    accuracy: str
    diameter_mm: float
    isotherm_c: float
    radius_mm: float
    radius_error_mm: float
    radius_target_mm: float
    half_length_mm: float
    half_length_error_mm: float
    half_length_target_mm: float

    @property
    def passed(self) -> bool:
        """Whether both targets are met; never where an error is not a number."""
        across = self.radius_error_mm <= self.radius_target_mm
        return across and self.half_length_error_mm <= self.half_length_target_mm


def freeze(
    engine: Engine,
    diameter_mm: float,
    spacing_mm: float,
    pose: Pose = OBLIQUE,
    told: Callable[[float], None] = lambda _share: None,
) -> Field:
    """Freeze a cube of gel for ten minutes with a probe of ``diameter_mm``; returns its temperature (I, J, K) [°C]."""
    count = round(WIDTH_MM / spacing_mm)
    first = -(WIDTH_MM - spacing_mm) / 2
    grid = Grid(
        shape=(count, count, count),
        spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
        origin_mm=(first, first, first),
    )
    index = np.zeros(grid.shape, np.uint8)
    made = wells([_placement(diameter_mm, pose)], grid, index, np.ones(1, bool))
    problem = box(grid.shape, spacing_mm, curve(GEL), index=index, wells=made)

    def drive(now_s: float) -> Drive:
        told(now_s / UNTIL_S)
        return drive_of(POWER_LIMITED, SHAFT_C + (ARTERIAL_C - SHAFT_C) * math.exp(-now_s / COOLING_S))

    leg = Leg(start_s=0.0, stop_s=UNTIL_S, freezing=True, begin=lambda _around: drive)
    (moment,) = engine.march(problem, ARTERIAL_C, [leg], [UNTIL_S])
    return moment.temperature_c


def measure(field: Field, spacing_mm: float, pose: Pose = OBLIQUE) -> tuple[Field, Field]:
    """Radii (24, N) and half-lengths (2, N) [mm] of the isotherms in ``field`` (I, J, K) [°C]."""
    along = np.array(pose.along) / np.linalg.norm(pose.along)
    middle = (np.array(pose.middle_mm) + (WIDTH_MM - spacing_mm) / 2) / spacing_mm

    def crossings(direction: Field) -> Field:
        return _crossings(field, middle, direction, spacing_mm)

    across = np.cross(along, [0.3, 0.5, 0.8])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    angles = np.arange(RAYS) * 2 * np.pi / RAYS
    rays = [crossings(across * np.cos(a) + other * np.sin(a)) for a in angles]
    return np.array(rays), np.array([crossings(end) for end in (along, -along)])


def reference(coarse_mm: Field, fine_mm: Field) -> Field:
    """Return the limit (2, N) [mm] of what two meshes gave, the second twice as fine: they converge in second order."""
    return fine_mm + (fine_mm - coarse_mm) / 3


def solved_mm(
    diameter_mm: float, cells_mm: tuple[float, float], kept: Kept, told: Callable[[float], None]
) -> tuple[Field, Field]:
    """Radius and half-length (2, N) [mm] of the isotherms by the axisymmetric solver, on each of two meshes."""
    from iceball.thermal.exact import axisymmetric

    medium = axisymmetric.Medium(
        ku=GEL.conductivity_w_per_m_k,
        k40=GEL.frozen_conductivity_w_per_m_k,
        cu=GEL.heat_capacity_j_per_m3_k,
        c40=GEL.frozen_heat_capacity_j_per_m3_k,
        latent=GEL.latent_heat_j_per_m3,
        solidus=GEL.solidus_c,
        liquidus=GEL.liquidus_c,
    )
    setup = axisymmetric.Setup(
        radius_mm=diameter_mm / 2,
        active_mm=ACTIVE_MM,
        surface_c=SHAFT_C,
        start_c=ARTERIAL_C,
        tau_s=COOLING_S,
        until_s=UNTIL_S,
    )
    name = f"lone-probe-{provenance.fingerprint((medium, setup, cells_mm, ISOTHERMS_C, provenance.version()))}"
    if not (held := kept.get(name)):
        sizes = []
        for number, cell_mm in enumerate(cells_mm):
            told(number**2 / 10)
            solved = axisymmetric.solve(medium, setup, cell_mm, growth=1 + 0.8 * cell_mm)
            sizes.append(np.array(axisymmetric.extents(*solved, ISOTHERMS_C)))
        held = {"coarse_mm": sizes[0], "fine_mm": sizes[1]}
        kept.put(name, held)
    return held["coarse_mm"].astype(float), held["fine_mm"].astype(float)


def errors(
    accuracy: str, diameter_mm: float, found: tuple[Field, Field], expected: Field, targets_mm: tuple[float, float]
) -> list[ProbeError]:
    """Compare the radii and half-lengths ``found`` with those ``expected`` (2, N) [mm]."""
    worst = [np.abs(each - right).max(axis=0) for each, right in zip(found, expected, strict=True)]
    return [
        ProbeError(
            accuracy=accuracy,
            diameter_mm=diameter_mm,
            isotherm_c=level,
            radius_mm=float(expected[0, n]),
            radius_error_mm=float(worst[0][n]),
            radius_target_mm=targets_mm[0],
            half_length_mm=float(expected[1, n]),
            half_length_error_mm=float(worst[1][n]),
            half_length_target_mm=targets_mm[1],
        )
        for n, level in enumerate(ISOTHERMS_C)
    ]


def _placement(diameter_mm: float, pose: Pose) -> Placement:
    along, middle = np.array(pose.along) / np.linalg.norm(pose.along), np.array(pose.middle_mm)
    probe = Probe(
        name="verification",
        cryogen="argon",
        shaft_diameter_mm=diameter_mm,
        active_length_mm=ACTIVE_MM,
        gas_temperature_c=SHAFT_C,
        internal_resistance_k_m_per_w=0.0,
        cooling_time_s=COOLING_S,
    )
    tip, entry = middle - along * ACTIVE_MM / 2, middle + along * ACTIVE_MM
    return Placement(label="A", probe=probe, tip_mm=tuple(tip.tolist()), entry_mm=tuple(entry.tolist()))


def _crossings(field: Field, middle: Field, direction: Field, spacing_mm: float) -> Field:
    """Distance (N,) [mm] from ``middle`` (3,) [voxels] along ``direction`` (3,) at which each isotherm is last met."""
    steps = np.arange(0.0, WIDTH_MM / 2 - 4.0, RAY_STEP_MM)
    profile = map_coordinates(field, middle[:, None] + np.outer(direction, steps) / spacing_mm, order=1, mode="nearest")
    last = [int(np.flatnonzero(profile < level)[-1]) for level in ISOTHERMS_C]
    share = [(level - profile[i]) / (profile[i + 1] - profile[i]) for i, level in zip(last, ISOTHERMS_C, strict=True)]
    return (np.array(last) + np.array(share)) * RAY_STEP_MM
