"""The part of the patient that is simulated: a box around the target, as wide as the cold may reach."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.nouns import Grid
from iceball.nouns._noun import noun
from iceball.thermal.wells import kernel_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Plan

    Voxel = tuple[int, int, int]

MARGIN_MM = 12.0


@noun
class Box:
    """A block ``low`` to ``high`` (voxels, high excluded) of a lattice laid through the whole scan.

    All boxes of a run lie on one lattice.
    """

    lattice: Grid
    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @property
    def grid(self) -> Grid:
        """The grid of the box."""
        origin = self.lattice.position_mm(self.low)
        shape = tuple(int(z - a) for a, z in zip(self.low, self.high, strict=True))
        return Grid(
            shape=(shape[0], shape[1], shape[2]),
            spacing_mm=self.lattice.spacing_mm,
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
            direction=self.lattice.direction,
        )

    def cut_walls(self) -> NDArray[np.bool_]:
        """(I, J, K) True in the outermost voxels of each wall that cuts through the scan, not at its own edge."""
        walls = np.zeros(self.grid.shape, dtype=bool)
        for axis in range(3):
            layers = np.moveaxis(walls, axis, 0)
            layers[0] |= self.low[axis] > 0
            layers[-1] |= self.high[axis] < self.lattice.shape[axis]
        return walls

    def widened(self, by_mm: float) -> Box:
        """Return the box that is ``by_mm`` [mm] larger on every side, as far as the scan goes."""
        by = math.ceil(by_mm / self.lattice.spacing_mm[0])
        return _clipped(self.lattice, np.array(self.low) - by, np.array(self.high) + by)

    def part(self, low: NDArray[np.generic], high: NDArray[np.generic]) -> Box:
        """Return the part of this box between voxels ``low`` and ``high`` (excluded) of the lattice."""
        return _clipped(self.lattice, np.maximum(low, self.low), np.minimum(high, self.high))

    def inside(self, larger: Box) -> tuple[slice, slice, slice]:
        """Where this box lies in a ``larger`` one of the same lattice."""
        parts = [slice(a - b, z - b) for a, z, b in zip(self.low, self.high, larger.low, strict=True)]
        return parts[0], parts[1], parts[2]


def first_box(case: Case, plan: Plan, spacing_mm: float) -> Box:
    """Lay the lattice of ``spacing_mm`` [mm] through the scan; cut the box around lesion, probes and thermometers.

    Raises
    ------
    GeometryError : if an active zone lies outside the scan
    """
    lattice = lattice_of(case.ct.grid, spacing_mm)
    points: list[NDArray[np.float64]] = []
    for placement in plan.placements:
        ends = lattice.index_of(np.array(placement.active_ends_mm))
        if not np.all(lattice.contains(np.array(placement.active_ends_mm))):
            raise GeometryError(
                f"probe {placement.label}: its active zone ({_text(placement.active_ends_mm)}) leaves the scan "
                f"({_text(lattice.position_mm([np.zeros(3), np.array(lattice.shape) - 1]))}). Move it into the scan."
            )
        reach = 2.5 * kernel_width(placement.probe.shaft_diameter_mm / 2, spacing_mm)
        points += [ends - reach / spacing_mm, ends + reach / spacing_mm]
    margin = MARGIN_MM / spacing_mm
    points = [np.vstack(points).min(axis=0) - margin, np.vstack(points).max(axis=0) + margin]
    if case.lesion is not None:
        voxels = np.argwhere(case.lesion.mask.array)
        corners = lattice.index_of(case.ct.grid.position_mm([voxels.min(axis=0), voxels.max(axis=0)]))
        points += [corners.min(axis=0), corners.max(axis=0)]
    points += [lattice.index_of(np.array(sensor.at_mm)) for sensor in plan.sensors]
    return _clipped(lattice, np.floor(np.min(points, axis=0)), np.ceil(np.max(points, axis=0)) + 1)


def lesion_box(case: Case, spacing_mm: float, margin_mm: float) -> Box:
    """Lay the lattice of ``spacing_mm`` [mm] through the scan; cut the box ``margin_mm`` [mm] around the lesion.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: mark it first (iceball lesion)")
    lattice, voxels = lattice_of(case.ct.grid, spacing_mm), np.argwhere(case.lesion.mask.array)
    corners = lattice.index_of(case.ct.grid.position_mm([voxels.min(axis=0), voxels.max(axis=0)]))
    margin = margin_mm / spacing_mm
    return _clipped(lattice, np.floor(corners.min(axis=0) - margin), np.ceil(corners.max(axis=0) + margin) + 1)


def lattice_of(ct: Grid, spacing_mm: float) -> Grid:
    """Lay an isotropic grid of ``spacing_mm`` [mm] through all of ``ct``, from its first voxel on.

    Raises
    ------
    GeometryError : if the spacing is not usable
    """
    if not (math.isfinite(spacing_mm) and 0.1 <= spacing_mm <= 5.0):
        raise GeometryError(f"a spacing of {spacing_mm!r} mm is not usable; write 0.1 to 5 mm (1 is the default)")
    counts = [
        max(1, math.floor((n - 1) * s / spacing_mm + 1e-6) + 1) for n, s in zip(ct.shape, ct.spacing_mm, strict=True)
    ]
    return Grid(
        shape=(counts[0], counts[1], counts[2]),
        spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
        origin_mm=ct.origin_mm,
        direction=ct.direction,
    )


def _clipped(lattice: Grid, low: NDArray[np.generic], high: NDArray[np.generic]) -> Box:
    a = np.maximum(low, 0).astype(int)
    z = np.minimum(high, lattice.shape).astype(int)
    return Box(lattice=lattice, low=(int(a[0]), int(a[1]), int(a[2])), high=(int(z[0]), int(z[1]), int(z[2])))


def _text(points: object) -> str:
    rows = np.asarray(points, dtype=float)
    return " to ".join("(" + ", ".join(f"{value:.0f}" for value in row) + ") mm" for row in rows)
