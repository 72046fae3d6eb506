"""What the cases are built of: their media, boxes, heat sinks, and a march with the same drive throughout.

The media are those of the physics notes, section 4: round numbers near water, soft tissue and marrow, for exactness
and not for patients.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.nouns import Tissue
from iceball.thermal.exact import MushyPhases, Phases
from iceball.thermal.marching import Leg
from iceball.thermal.materials import COLDEST_C, WARMEST_C, Curve, Table, curve, tabulate
from iceball.thermal.problem import OFF, POWER_LIMITED, PRESCRIBED, Drive, Problem, Wall, Wells
from iceball.thermal.wells import b_spline, effective_radius, kernel_width, no_wells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from iceball.thermal.marching import Moment
    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]

WATER = Phases(
    frozen_conductivity_w_per_m_k=2.22,
    frozen_capacity_j_per_m3_k=2.05e6,
    conductivity_w_per_m_k=0.56,
    capacity_j_per_m3_k=4.2e6,
    latent_heat_j_per_m3=333.6e6,
    freezing_c=0.0,
)
TISSUE = Phases(
    frozen_conductivity_w_per_m_k=2.0,
    frozen_capacity_j_per_m3_k=1.8e6,
    conductivity_w_per_m_k=0.5,
    capacity_j_per_m3_k=3.6e6,
    latent_heat_j_per_m3=250e6,
    freezing_c=-1.0,
)
MARROW = Phases(
    frozen_conductivity_w_per_m_k=0.7,
    frozen_capacity_j_per_m3_k=1.7e6,
    conductivity_w_per_m_k=0.3,
    capacity_j_per_m3_k=2.5e6,
    latent_heat_j_per_m3=90e6,
    freezing_c=-1.0,
)
MUSHY = MushyPhases(
    frozen_conductivity_w_per_m_k=2.0,
    frozen_capacity_j_per_m3_k=1.8e6,
    mushy_conductivity_w_per_m_k=1.25,
    mushy_capacity_j_per_m3_k=2.7e6,
    conductivity_w_per_m_k=0.5,
    capacity_j_per_m3_k=3.6e6,
    latent_heat_j_per_m3=250e6,
    solidus_c=-8.0,
    liquidus_c=-1.0,
)
# With ice's temperature laws and a freezing range: near the gel of the performance study (see bench/cases.py for it).
GEL = Tissue(
    name="gel",
    conductivity_w_per_m_k=0.52,
    frozen_conductivity_w_per_m_k=2.2,
    heat_capacity_j_per_m3_k=3.78e6,
    frozen_heat_capacity_j_per_m3_k=1.79e6,
    latent_heat_j_per_m3=250e6,
    solidus_c=-8.0,
    liquidus_c=-1.0,
)
ARTERIAL_C = 37.0
NEVER_FREEZES_C = -225.0
PRESCRIBED_ONLY = 1e-9  # conductance of a sink whose heat is prescribed: it must not shorten the stable step


def sharp_tissue(medium: Phases, *, over_k: float = 0.0) -> Tissue:
    """Freeze ``medium`` at one temperature, with constant properties in each phase.

    ``over_k`` spreads its latent heat over that range, centred: a voxel that holds the front then has a temperature of
    its own instead of the freezing point.
    """
    return Tissue(
        name="sharp",
        conductivity_w_per_m_k=medium.conductivity_w_per_m_k,
        frozen_conductivity_w_per_m_k=medium.frozen_conductivity_w_per_m_k,
        heat_capacity_j_per_m3_k=medium.capacity_j_per_m3_k,
        frozen_heat_capacity_j_per_m3_k=medium.frozen_capacity_j_per_m3_k,
        latent_heat_j_per_m3=medium.latent_heat_j_per_m3,
        solidus_c=medium.freezing_c - over_k / 2,
        liquidus_c=medium.freezing_c + over_k / 2,
        conductivity_ice_fraction=0.0,
        capacity_ice_fraction=0.0,
    )


def sharp(medium: Phases, *, over_k: float = 0.0) -> Curve:
    """Return the curve of ``sharp_tissue``."""
    return curve(sharp_tissue(medium, over_k=over_k))


def mushy(medium: MushyPhases) -> Curve:
    """Freeze ``medium`` over its range, constant properties in each of its three phases."""
    m, edges = medium, np.array([COLDEST_C, medium.solidus_c, medium.liquidus_c, WARMEST_C])
    capacity = (m.frozen_capacity_j_per_m3_k, m.apparent_capacity_j_per_m3_k, m.capacity_j_per_m3_k)
    k = (m.frozen_conductivity_w_per_m_k, m.mushy_conductivity_w_per_m_k, m.conductivity_w_per_m_k)
    return Curve(
        temperature_c=edges,
        enthalpy_j_per_m3=np.concatenate([[0.0], np.cumsum(capacity * np.diff(edges))]),
        potential_w_per_m=np.concatenate([[0.0], np.cumsum(k * np.diff(edges))]),
        conductivity_w_per_m_k=np.array([k[0], k[0], k[2], k[2]]),
        unfrozen_fraction=np.array([0.0, 0.0, 1.0, 1.0]),
    )


def plain(conductivity_w_per_m_k: float, capacity_j_per_m3_k: float) -> Phases:
    """Return a medium that never freezes here: the same below and above a freezing point that is not reached."""
    return Phases(
        frozen_conductivity_w_per_m_k=conductivity_w_per_m_k,
        frozen_capacity_j_per_m3_k=capacity_j_per_m3_k,
        conductivity_w_per_m_k=conductivity_w_per_m_k,
        capacity_j_per_m3_k=capacity_j_per_m3_k,
        latent_heat_j_per_m3=0.0,
        freezing_c=NEVER_FREEZES_C,
    )


def box(
    shape: tuple[int, int, int], spacing_mm: float, media: Curve | Sequence[Curve] | Table, **changes: Any
) -> Problem:
    """Fill a box with ``media``, all the first unless ``index`` says otherwise; insulated, unperfused, no probes."""
    table = media if isinstance(media, Table) else tabulate([media] if isinstance(media, Curve) else media)
    count = table.start.size
    fields: dict[str, Any] = {
        "spacing_m": spacing_mm / 1000.0,
        "table": table,
        "index": np.zeros(shape, np.uint8),
        "conducts": np.ones(count, bool),
        "perfusion": np.zeros(count),
        "metabolic": np.zeros(count),
        "arterial_c": ARTERIAL_C,
        "open_conductance": np.zeros(shape),
        "air_c": 20.0,
        "wells": no_wells(),
    }
    return Problem(**fields | changes)


def held(axis: int, side: int, at_c: float) -> Wall:
    """Hold one wall of a box at ``at_c`` [°C]."""
    return Wall(axis=axis, side=1 if side else 0, held_c=at_c)


def held_around(at_c: float) -> tuple[Wall, ...]:
    """Hold the four walls around the third axis at ``at_c`` [°C]."""
    return tuple(held(axis, side, at_c) for axis in (0, 1) for side in (0, 1))


def line(shape: tuple[int, int, int], centre: tuple[float, float], spacing_mm: float, radius_mm: float) -> Wells:
    """A probe of ``radius_mm`` [mm] along the third axis, without ends: one segment per plane, ``centre`` in voxels."""
    width = kernel_width(radius_mm, spacing_mm)
    weight = np.outer(*(_along(n, c, width / spacing_mm) for n, c in zip(shape[:2], centre, strict=True)))
    whole = np.repeat(weight[..., None], shape[2], axis=2)
    planes = [np.flatnonzero((whole > 0) & (np.arange(shape[2]) == k)) for k in range(shape[2])]
    conductance = 2 * math.pi / math.log(effective_radius(width, spacing_mm) / radius_mm)
    return _segments(planes, whole.reshape(-1), spacing_mm / 1000, conductance)


def spot(weight: Field) -> Wells:
    """One sink spread by ``weight`` (I, J, K), to be driven with the heat [W] it takes: a segment of one metre."""
    return _segments([np.flatnonzero(weight)], weight.reshape(-1) / weight.sum(), 1.0, PRESCRIBED_ONLY)


def corner_spot(shape: tuple[int, int, int], width: float) -> Wells:
    """One sink at the low corner of the box, a spline of ``width`` [voxels] folded in: an eighth of a point."""
    along = [_along(n, -0.5, width) for n in shape]
    return spot(along[0][:, None, None] * along[1][None, :, None] * along[2][None, None, :])


def drive_of(mode: int, value: float, probes: int = 1) -> Drive:
    """Drive all ``probes`` alike, at full power."""
    ones = np.ones(probes)
    return Drive(mode=np.full(probes, mode), value=ones * value, power=ones, resistance=ones)


def takes(value: Callable[[float], float]) -> Callable[[float], Drive]:
    """Drive one probe that takes ``value`` at a time [s]: heat per length [W/m]."""
    return lambda now_s: drive_of(PRESCRIBED, value(now_s))


def held_at(surface_c: float) -> Callable[[float], Drive]:
    """Drive one probe whose gas is at ``surface_c`` [°C]; without resistance that is its surface."""
    return lambda _now_s: drive_of(POWER_LIMITED, surface_c)


def resting(_now_s: float) -> Drive:
    """Drive one probe that takes no heat."""
    return drive_of(OFF, 0.0)


def off(_now_s: float) -> Drive:
    """Drive no probe."""
    return drive_of(OFF, 0.0, 0)


def run(
    engine: Engine,
    problem: Problem,
    start_c: float | Field,
    report_s: Sequence[float],
    drive: Callable[[float], Drive] = off,
) -> list[Moment]:
    """March ``problem`` from ``start_c`` [°C] under one drive to the last of ``report_s`` [s]."""
    leg = Leg(start_s=0.0, stop_s=float(report_s[-1]), freezing=True, begin=lambda _around: drive)
    return list(engine.march(problem, start_c, [leg], [float(t) for t in report_s]))


def times(stop_s: float, step_s: float) -> list[float]:
    """Return 0, ``step_s``, ... ``stop_s`` [s]."""
    return [float(t) for t in np.linspace(0.0, stop_s, round(stop_s / step_s) + 1)]


def order_of(errors: Sequence[float], ratio: float = 2.0) -> float:
    """Order of convergence of ``errors``, each on a grid ``ratio`` times finer than the one before: the mean slope."""
    if min(errors) <= 0:
        return math.nan
    return math.log(errors[0] / errors[-1]) / (math.log(ratio) * (len(errors) - 1))


def _along(count: int, centre: float, width: float) -> Field:
    """Weights (count,) of a spline of ``width`` about ``centre`` [voxels], mirrored at the low face, summing to one."""
    place = np.arange(count, dtype=np.float64)
    weight = b_spline((place - centre) / width) + b_spline((-1 - place - centre) / width)
    return weight / weight.sum()


def _segments(parts: list[NDArray[np.int64]], weight: Field, length_m: float, conductance: float) -> Wells:
    """One probe of segments that exchange with voxels ``parts``; ``weight`` (voxels,) sums to one over each."""
    ones = np.ones(len(parts))
    return Wells(
        start=np.concatenate([[0], np.cumsum([part.size for part in parts])]).astype(np.int64),
        voxel=np.concatenate(parts).astype(np.int64),
        weight=np.concatenate([weight[part] for part in parts]),
        probe=np.zeros(len(parts), np.int64),
        length_m=ones * length_m,
        conductance=ones * conductance,
        resistance=ones * 0.0,
        mix_start=np.arange(len(parts) + 1),
        material=np.zeros(len(parts), np.int64),
        share=ones,
        probes=1,
    )
