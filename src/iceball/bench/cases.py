"""The problems that are timed: one cube of tissue, three ideal probes, 10-8-10, on three lattices.

The same domain, probes, tissues and protocol in all of them; they differ in the voxel and in one or four tissues. They
follow section 0 of the project's performance study, whose medium, probes and shapes they keep.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.errors import InputError, UnknownName
from iceball.nouns import Grid, Placement, Probe, Tissue
from iceball.nouns._noun import noun, require_positive
from iceball.thermal.marching import Leg
from iceball.thermal.materials import curve, tabulate
from iceball.thermal.problem import OFF, POWER_LIMITED, Drive, Problem
from iceball.thermal.wells import wells

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.marching import Driver

SURFACE_C = -160.0
PROTOCOL = ((True, 600.0), (False, 480.0), (True, 600.0))  # 10-8-10: freezing?, duration [s]
# Ring of probes 15 mm apart around this point, tilted outward; the point lies on no symmetry of any lattice.
MIDDLE_MM = (0.71, 0.87, 0.63)
RING_MM, TURN, TILT = 15.0 / math.sqrt(3), 0.2, 0.1
SHAFT_MM, ACTIVE_MM = 1.5, 35.0
# Shapes of the four-tissue cube, from its centre [mm]; in this order, a later one covers an earlier one.
TUMOUR_MM, TUMOUR_RADIUS_MM = (0.5, 0.5, 0.5), 18.0
FAT_BELOW_MM = -38.0
VESSEL_MM, VESSEL_RADIUS_MM = (16.5, 0.5), 3.0
VESSEL_PERFUSION_W_PER_M3_K = 60e3


@noun
class BenchCase:
    """One problem to be timed: a cube ``width_mm`` wide in voxels of ``spacing_mm``.

    ``tissues`` is 1 (the gel) or 4; ``probes`` 1 to 3. ``cut`` cuts each voxel in so many along each edge and keeps the
    tissue map of ``spacing_mm``: the same problem on a finer lattice, for convergence. ``active_mm`` is the length of
    the active zones; fat lies below ``fat_below_mm``. ``protocol`` is freezing?, duration [s] of each leg, ``stop_s``
    ends it early. ``accuracy`` is the one it is timed at.
    """

    name: str
    says: str
    spacing_mm: float
    tissues: int = 1
    probes: int = 3
    width_mm: float = 128.0
    active_mm: float = ACTIVE_MM
    fat_below_mm: float = FAT_BELOW_MM
    cut: int = 1
    protocol: tuple[tuple[bool, float], ...] = PROTOCOL
    stop_s: float = 1680.0
    accuracy: str = "standard"

    def __post_init__(self) -> None:
        """Refuse a cube that its voxels do not fill, and what the protocol or the tissues do not have."""
        # lists, where it was written as JSON for another process
        object.__setattr__(self, "protocol", tuple((bool(freezing), float(s)) for freezing, s in self.protocol))
        require_positive("the voxel of a bench case", self.spacing_mm, "mm")
        require_positive("the end of a bench case", self.stop_s, "s")
        voxels = self.width_mm / self.spacing_mm
        if abs(voxels - round(voxels)) > 1e-9 or voxels < 1:
            raise InputError(f"voxels of {self.spacing_mm:g} mm do not fill a cube of {self.width_mm:g} mm")
        if self.tissues not in (1, 4) or self.probes not in (1, 2, 3) or self.cut < 1:
            raise InputError(
                f"a bench case has 1 or 4 tissues, 1 to 3 probes and voxels cut in 1 or more; not {self.tissues}, "
                f"{self.probes} and {self.cut}"
            )

    @property
    def grid(self) -> Grid:
        """The lattice: a cube around the origin, LPS [mm]."""
        return self._grid(self.spacing_mm / self.cut)

    @property
    def voxels(self) -> int:
        """Number of voxels of the whole cube."""
        return math.prod(self.grid.shape)

    def tissue_grid(self) -> Grid:
        """Return the lattice on which the tissues are drawn: that of ``spacing_mm``, uncut."""
        return self._grid(self.spacing_mm)

    def _grid(self, spacing_mm: float) -> Grid:
        count = round(self.width_mm / spacing_mm)
        first = -(self.width_mm - spacing_mm) / 2
        return Grid(
            shape=(count, count, count),
            spacing_mm=(spacing_mm, spacing_mm, spacing_mm),
            origin_mm=(first, first, first),
        )


CASES = (
    BenchCase(name="one-1mm", says="128³ at 1 mm, one tissue", spacing_mm=1.0),
    BenchCase(name="four-1mm", says="128³ at 1 mm, four tissues", spacing_mm=1.0, tissues=4),
    BenchCase(name="four-2mm", says="64³ at 2 mm, four tissues", spacing_mm=2.0, tissues=4, accuracy="preview"),
    BenchCase(name="four-0.5mm", says="256³ at 0.5 mm, four tissues", spacing_mm=0.5, tissues=4),
    BenchCase(name="one-2mm", says="64³ at 2 mm, one tissue", spacing_mm=2.0, accuracy="preview"),
    BenchCase(name="one-0.5mm", says="256³ at 0.5 mm, one tissue", spacing_mm=0.5),
)
USUAL = ("one-1mm", "four-1mm", "four-2mm", "four-0.5mm")


def case_names() -> tuple[str, ...]:
    """Return the names of the problems, those timed without being asked for first."""
    return tuple(case.name for case in CASES)


def case_named(name: str) -> BenchCase:
    """Return the problem called ``name``.

    Raises
    ------
    UnknownName : if there is none of that name
    """
    for case in CASES:
        if case.name == name:
            return case
    raise UnknownName(f"no bench case {name!r}; there are: {', '.join(case_names())}")


def gel() -> Tissue:
    """Return the medium of the performance study, section 0: a perfused gel.

    k runs from 1.9 W/m/K at -8 °C to 3.06 at -160 °C and C from 1.9 to 1.2 MJ/m³/K: values at -40 °C and the shares of
    ice that go through both points.
    """
    return Tissue(
        name="gel",
        conductivity_w_per_m_k=0.52,
        frozen_conductivity_w_per_m_k=2.0185,
        heat_capacity_j_per_m3_k=3.78e6,
        frozen_heat_capacity_j_per_m3_k=1.7526e6,
        latent_heat_j_per_m3=250e6,
        solidus_c=-8.0,
        liquidus_c=-1.0,
        conductivity_ice_fraction=0.4865,
        capacity_ice_fraction=0.6126,
        perfusion_w_per_m3_k=20e3,
    )


def tissues_of(case: BenchCase) -> tuple[Tissue, ...]:
    """Return the tissues of ``case`` in the order of its index: gel, tumour, fat, vessel.

    The last three are the library's, without metabolic heat, so that 37 °C is steady, and the vessel perfused as in the
    performance study: the library's blood would hold it at 37 °C whatever the probes do.
    """
    if case.tissues == 1:
        return (gel(),)
    tumour, fat, blood = (library.tissue(name) for name in ("tumour_soft_tissue", "fat", "blood"))
    vessel = dataclasses.replace(blood, name="vessel", perfusion_w_per_m3_k=VESSEL_PERFUSION_W_PER_M3_K)
    return (gel(), *(dataclasses.replace(each, metabolic_heat_w_per_m3=0.0) for each in (tumour, fat, vessel)))


def tissue_index(case: BenchCase) -> NDArray[np.uint8]:
    """Return the tissue (I, J, K) uint8 of each voxel of ``case.grid``, drawn on the uncut lattice."""
    grid = case.tissue_grid()
    index = np.zeros(grid.shape, np.uint8)
    if case.tissues == 4:
        along = grid.origin_mm[0] + np.arange(grid.shape[0]) * grid.spacing_mm[0]
        x, y, z = np.meshgrid(along, along, along, indexing="ij", sparse=True)
        from_tumour = sum((axis - at) ** 2 for axis, at in zip((x, y, z), TUMOUR_MM, strict=True))
        index[from_tumour < TUMOUR_RADIUS_MM**2] = 1
        index[:, :, along < case.fat_below_mm] = 2
        from_vessel = (x - VESSEL_MM[0]) ** 2 + (y - VESSEL_MM[1]) ** 2 + 0 * z
        index[from_vessel < VESSEL_RADIUS_MM**2] = 3
    for axis in range(3):
        index = np.repeat(index, case.cut, axis=axis)
    return index


def placements_of(case: BenchCase) -> tuple[Placement, ...]:
    """Return the probes of ``case``: ideal (no internal resistance, cold at once), 1.5 mm thick, 35 mm long."""
    probe = Probe(
        name="ideal",
        cryogen="none",
        shaft_diameter_mm=SHAFT_MM,
        active_length_mm=case.active_mm,
        gas_temperature_c=SURFACE_C,
        internal_resistance_k_m_per_w=0.0,
        cooling_time_s=0.0,
    )
    return tuple(_placement(probe, number) for number in range(case.probes))


def _placement(probe: Probe, number: int) -> Placement:
    angle = 2 * math.pi * number / 3 + TURN
    out = np.array([math.cos(angle), math.sin(angle), 0.0])
    centre = np.array(MIDDLE_MM) + RING_MM * out
    along = TILT * out + np.array([0.0, 0.0, 1.0])
    half = probe.active_length_mm / 2 * along / np.linalg.norm(along)
    tip, entry = centre - half, centre + half
    return Placement(label="ABC"[number], probe=probe, entry_mm=tuple(entry.tolist()), tip_mm=tuple(tip.tolist()))


def problem_of(case: BenchCase) -> Problem:
    """Return ``case`` as the solver takes it. 37 °C everywhere is its steady state and its start."""
    tissues, index, grid = tissues_of(case), tissue_index(case), case.grid
    conducts = np.ones(len(tissues), bool)
    return Problem(
        spacing_m=grid.spacing_mm[0] / 1000.0,
        table=tabulate([curve(tissue) for tissue in tissues]),
        index=index,
        conducts=conducts,
        perfusion=np.array([tissue.perfusion_w_per_m3_k for tissue in tissues]),
        metabolic=np.zeros(len(tissues)),
        arterial_c=start_c(),
        open_conductance=np.zeros(grid.shape),
        air_c=start_c(),
        wells=wells(placements_of(case), grid, index, conducts),
    )


def start_c() -> float:
    """Return the temperature [°C] of blood and of all tissue at the start."""
    return library.physics()["arterial_c"].value


def legs_of(case: BenchCase) -> tuple[Leg, ...]:
    """Return the legs of its protocol up to ``case.stop_s``."""
    legs: list[Leg] = []
    now = 0.0
    for freezing, duration in case.protocol:
        stop = min(now + duration, case.stop_s)
        if stop > now:
            legs.append(Leg(start_s=now, stop_s=stop, freezing=freezing, begin=_begin(freezing, case.probes)))
        now += duration
    return tuple(legs)


def report_s_of(case: BenchCase) -> tuple[float, ...]:
    """Return the times [s] at which ``case`` is looked at: the end of each leg."""
    return tuple(leg.stop_s for leg in legs_of(case))


def _begin(freezing: bool, probes: int) -> Callable[[NDArray[np.float64]], Driver]:
    """The shaft is at its temperature at once and stays there: the drive does not change within a leg."""
    drive = Drive(
        mode=np.full(probes, POWER_LIMITED if freezing else OFF),
        value=np.full(probes, SURFACE_C if freezing else 0.0),
        power=np.full(probes, 1.0 if freezing else 0.0),
        resistance=np.ones(probes),
    )
    return lambda _around_c: lambda _now_s: drive
