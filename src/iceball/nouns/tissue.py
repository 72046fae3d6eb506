"""What the solver needs to know of a tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iceball.errors import InputError
from iceball.nouns._noun import array_noun, noun, require_positive, seal_field
from iceball.nouns.space import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray


@noun
class Tissue:
    """Thermal properties of one tissue, per volume; density is the unfrozen one in both phases.

    Between ``solidus_c`` and ``liquidus_c`` the latent heat is released linearly (mushy zone). Below the solidus the
    conductivity is k(T) = k40 [(1 - b) + b 233.15 / T_K] and the heat capacity C(T) = C40 [(1 - c) + c T_K / 233.15],
    with k40 and C40 the values at -40 °C, b = ``conductivity_ice_fraction`` and c = ``capacity_ice_fraction``: the
    shares that follow ice. ``perfusion_w_per_m3_k`` is w rho_b c_b of Pennes. ``inert`` tissue (air, padding) takes no
    part in conduction.
    """

    name: str
    conductivity_w_per_m_k: float
    frozen_conductivity_w_per_m_k: float
    heat_capacity_j_per_m3_k: float
    frozen_heat_capacity_j_per_m3_k: float
    latent_heat_j_per_m3: float
    solidus_c: float
    liquidus_c: float
    conductivity_ice_fraction: float = 1.0
    capacity_ice_fraction: float = 1.0
    perfusion_w_per_m3_k: float = 0.0
    metabolic_heat_w_per_m3: float = 0.0
    inert: bool = False

    def __post_init__(self) -> None:
        """Refuse properties that no matter has."""
        for what in ("conductivity_w_per_m_k", "frozen_conductivity_w_per_m_k"):
            require_positive(f"{self.name}: {what}", getattr(self, what), "W/m/K")
        for what in ("heat_capacity_j_per_m3_k", "frozen_heat_capacity_j_per_m3_k"):
            require_positive(f"{self.name}: {what}", getattr(self, what), "J/m³/K")
        if self.solidus_c > self.liquidus_c:
            raise InputError(f"{self.name}: solidus {self.solidus_c:g} °C lies above liquidus {self.liquidus_c:g} °C")
        if min(self.latent_heat_j_per_m3, self.perfusion_w_per_m3_k, self.metabolic_heat_w_per_m3) < 0:
            raise InputError(f"{self.name}: latent heat, perfusion and metabolic heat cannot be negative")


@array_noun
class TissueMap:
    """Which tissue fills which voxel: ``index`` (I, J, K) uint8 points into ``tissues``.

    ``open_faces`` (I, J, K) uint8 counts the faces of each tissue voxel that meet the room's air.
    """

    grid: Grid
    index: NDArray[Any]
    tissues: tuple[Tissue, ...]
    open_faces: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse an index that points past the list, or arrays that do not fit the grid."""
        if tuple(self.index.shape) != self.grid.shape or tuple(self.open_faces.shape) != self.grid.shape:
            raise InputError(f"tissue index {self.index.shape} does not fit the grid {self.grid.shape}")
        if int(self.index.max(initial=0)) >= len(self.tissues):
            raise InputError(f"tissue index {int(self.index.max())} points past the {len(self.tissues)} tissues")
        seal_field(self, "index", self.index)
        seal_field(self, "open_faces", self.open_faces)
