"""Probes on a grid: a line source spread by a cubic B-spline, coupled by a well index.

A 1.5 mm probe on 1 mm voxels under-cools by up to a third when it is drawn into voxels (physics README, B12). Instead
each segment of the active zone exchanges q' = A [Σ w_i Θ_i(T_i) - Θ(T_s)] with A = 2π / ln(r_eff/R) and the weights w
of a cubic B-spline of width h: r_eff is what the discrete Poisson problem on the same grid sees as the radius of that
kernel. The ends of the active zone are bare: the tissue beyond them is tissue (docs/decisions/0003).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import GeometryError
from iceball.thermal.problem import Wells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Grid, Placement

# r_eff / h of the B-spline on the 2-D lattice, mean over sub-voxel offsets, by kernel width h / dx: solved by
# tests/verification/test_wells.py, which derives it again; performance.md prints 0.789, 0.815 and 0.854.
WIDTHS = (1.0, 1.1, 1.19, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
EFFECTIVE_RADII = (0.7891, 0.8047, 0.8154, 0.8212, 0.8375, 0.8474, 0.8536, 0.8608, 0.8647, 0.8686, 0.8714)
# By how many R the line goes on beyond each end of the active zone, by r_eff / R: it then takes the heat of a cylinder
# with cold, flat ends (worked out again by tests/verification/test_wells.py; the probe's length does not enter).
RADII_SEEN = (1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
REACHES = (0.02, 0.13, 0.21, 0.28, 0.42, 0.53, 0.71, 0.86, 1.11, 1.51, 1.85)
KERNEL_OVER_RADIUS = 1.25  # r_eff stays a quarter above R: the logarithm must not vanish (performance.md)
SEGMENTS_PER_VOXEL = 2
NEGLIGIBLE = 1e-6  # of a segment's largest weight


def kernel_width(radius_m: float, spacing_m: float) -> float:
    """Width h [m] of the B-spline for a probe of ``radius_m`` on voxels of ``spacing_m``: at least one voxel."""
    return max(spacing_m, KERNEL_OVER_RADIUS * radius_m / EFFECTIVE_RADII[0])


def effective_radius(width_m: float, spacing_m: float) -> float:
    """Radius [m] that the discrete Poisson problem sees for a kernel of ``width_m`` (physics README, B12)."""
    return width_m * float(np.interp(width_m / spacing_m, WIDTHS, EFFECTIVE_RADII))


def end_reach(radius_m: float, spacing_m: float) -> float:
    """Length [m] by which the line of a probe of ``radius_m`` goes on beyond each end of the active zone.

    A spline takes less heat at its ends than the cold, flat end of a cylinder does: isotherms would end 0.1 to 0.3 mm
    short of the axisymmetric reference (docs/reference/accuracy.md).
    """
    seen = effective_radius(kernel_width(radius_m, spacing_m), spacing_m) / radius_m
    return radius_m * float(np.interp(seen, RADII_SEEN, REACHES))


def line_length_mm(placement: Placement, spacing_mm: float) -> float:
    """Length [mm] of the line that stands for the active zone of ``placement``: with what goes on beyond its ends."""
    probe = placement.probe
    return probe.source_length_mm + 2 * end_reach(probe.shaft_diameter_mm / 2, spacing_mm)


def b_spline(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic B-spline of unit width at distance ``x`` (...), zero from 2 on."""
    x = np.abs(x)
    return np.where(x < 1, 2 / 3 - x**2 + x**3 / 2, np.where(x < 2, (2 - x) ** 3 / 6, 0.0))


def wells(placements: Sequence[Placement], grid: Grid, index: NDArray[np.uint8], conducts: NDArray[np.bool_]) -> Wells:
    """Cut the active zones of ``placements`` into segments and weigh the voxels around each.

    Parameters
    ----------
    placements : the probes, in the order in which drives name them
    grid : the box, isotropic
    index : (I, J, K) material of each voxel
    conducts : (M,) whether a material takes part; voxels that do not get no weight

    Raises
    ------
    GeometryError : if an active zone leaves the box, or lies wholly where nothing conducts
    """
    if not placements:
        return no_wells()
    parts = [part for p, placement in enumerate(placements) for part in _segments(p, placement, grid, index, conducts)]
    voxels, weights = [part[1] for part in parts], [part[2] for part in parts]
    mixes = [_mix(index, v, w) for v, w in zip(voxels, weights, strict=True)]
    kinds = [np.array([part[0], *part[3:]]) for part in parts]
    columns = np.array(kinds).reshape(-1, 5).T
    return Wells(
        start=_starts(voxels),
        voxel=_joined(voxels, np.int64),
        weight=_joined(weights, np.float64),
        probe=columns[0].astype(np.int64),
        length_m=np.ascontiguousarray(columns[1]),
        conductance=np.ascontiguousarray(columns[2]),
        resistance=np.ascontiguousarray(columns[3]),
        offset_k=np.ascontiguousarray(columns[4]),
        mix_start=_starts([m for m, _ in mixes]),
        material=_joined([m for m, _ in mixes], np.int64),
        share=_joined([s for _, s in mixes], np.float64),
        probes=len(placements),
    )


def no_wells() -> Wells:
    """Return the wells of a patient without probes."""
    whole, real, one = np.zeros(0, np.int64), np.zeros(0), np.zeros(1, np.int64)
    return Wells(
        start=one,
        voxel=whole,
        weight=real,
        probe=whole,
        length_m=real,
        conductance=real,
        resistance=real,
        mix_start=one,
        material=whole,
        share=real,
        probes=0,
    )


_Segment = tuple[int, "NDArray[np.int64]", "NDArray[np.float64]", float, float, float, float]


def _segments(
    number: int, placement: Placement, grid: Grid, index: NDArray[np.uint8], conducts: NDArray[np.bool_]
) -> list[_Segment]:
    dx = grid.spacing_mm[0]
    radius, probe = placement.probe.shaft_diameter_mm / 2, placement.probe
    width = kernel_width(radius, dx)
    conductance = 2 * math.pi / math.log(effective_radius(width, dx) / radius)
    length_mm = line_length_mm(placement, dx)
    deep, shallow = (grid.index_of(end) for end in placement.source_ends_mm)
    beyond = (shallow - deep) * (length_mm / probe.source_length_mm - 1) / 2
    deep, shallow = deep - beyond, shallow + beyond
    count = max(1, math.ceil(SEGMENTS_PER_VOXEL * length_mm / dx))
    length = length_mm / count / 1000.0
    warmer = probe.handle_gas_c - probe.gas_temperature_c
    found: list[_Segment] = []
    for s in range(count):
        centre = deep + (shallow - deep) * (s + 0.5) / count
        voxel, weight = _spread(centre, width / dx, placement, grid)
        inside = conducts[index.reshape(-1)[voxel]]
        if weight[inside].sum() < 0.5:  # mostly gas or outside the patient: an insulated stretch takes no heat
            continue
        voxel, weight = voxel[inside], weight[inside] / weight[inside].sum()
        offset = warmer * (s + 0.5) / count
        found.append((number, voxel, weight, length, conductance, probe.internal_resistance_k_m_per_w, offset))
    if not found:
        raise GeometryError(
            f"probe {placement.label}: no part of its active zone lies in tissue that conducts. Move it into the body."
        )
    return found


def _spread(
    centre: NDArray[np.float64], width: float, placement: Placement, grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Flat voxels (n,) and weights (n,) of one segment; ``centre`` and ``width`` in voxels."""
    low, high = np.ceil(centre - 2 * width).astype(int), np.floor(centre + 2 * width).astype(int)
    if np.any(low < 0) or np.any(high >= grid.shape):
        raise GeometryError(
            f"probe {placement.label}: its active zone comes within {2 * width * grid.spacing_mm[0]:.1f} mm of the "
            "edge of what was scanned. Move the probe inward or scan a larger field."
        )
    axes = [np.arange(a, z + 1) for a, z in zip(low, high, strict=True)]
    along = [b_spline((axis - c) / width) for axis, c in zip(axes, centre, strict=True)]
    weight = along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :]
    flat = np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), grid.shape)
    keep = weight > NEGLIGIBLE * weight.max()
    return flat[keep].astype(np.int64), weight[keep] / weight[keep].sum()


def _mix(
    index: NDArray[np.uint8], voxel: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    share = np.asarray(np.bincount(index.reshape(-1)[voxel], weights=weight), dtype=float)
    material = np.flatnonzero(share).astype(np.int64)
    return material, share[material]


def _starts(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([part.size for part in parts])]).astype(np.int64)


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.asarray(part, dtype=dtype) for part in parts]) if parts else np.zeros(0, dtype=dtype)
