"""What the solver needs to know of a tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import array_noun, noun, require_finite, require_positive, seal_field
from iceball.nouns.space import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray


@noun
class LinearMush:
    """Freezing law: the latent heat is released evenly from the tissue's liquidus down to its solidus."""


@noun
class FreezingPointDepression:
    """Freezing law: what is left of the water gets saltier and freezes later; half of the ice comes within a degree.

    The share of the freezable water that is ice is (1 - T_f/T) / (1 - T_f/T_e), T in °C, from T_f = the tissue's
    liquidus down to T_e = ``complete_c``, where all of the latent heat is out (Schwartzberg; physics README 1.4, key
    ``iceball_physics_notes``). The tissue's solidus has no part in it.
    """

    complete_c: float

    def __post_init__(self) -> None:
        """Refuse an end of freezing at or above 0 °C."""
        require_finite("the end of freezing", (self.complete_c,))
        if self.complete_c >= 0:
            raise InputError(f"freezing cannot be complete at {self.complete_c:g} °C: write a temperature below 0 °C")


Freezing = LinearMush | FreezingPointDepression


@noun
class Vasoconstriction:
    """Vessels narrow in the cold: perfusion and metabolism rise from none at ``stops_c`` to full at ``full_c``.

    The rise is linear. It multiplies what freezing leaves of them. A choice: without it, tissue is fully perfused until
    it freezes.
    """

    stops_c: float
    full_c: float

    def __post_init__(self) -> None:
        """Refuse a ramp that does not rise."""
        require_finite("the ramp of vasoconstriction", (self.stops_c, self.full_c))
        if self.stops_c >= self.full_c:
            raise InputError(f"vasoconstriction stops blood at {self.stops_c:g} °C, not below {self.full_c:g} °C")


@noun
class Tissue:
    """Thermal properties of one tissue, per volume; density is the unfrozen one in both phases.

    It begins to freeze at ``liquidus_c``; ``freezing`` says how the latent heat comes out below. What is frozen
    conducts by k(T) = k40 [(1 - b) + b 233.15 / T_K] and holds C(T) = C40 [(1 - c) + c T_K / 233.15], with k40 and C40
    the values at -40 °C, b = ``conductivity_ice_fraction`` and c = ``capacity_ice_fraction``: the shares that follow
    ice. ``perfusion_w_per_m3_k`` is w rho_b c_b of Pennes. ``inert`` tissue (air, padding) takes no part in conduction.
    ``held_c`` makes it a heat bath, such as blood that flows or saline that is kept circulating: it stays at that
    temperature and cannot freeze.
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
    freezing: Freezing = LinearMush()
    held_c: float | None = None
    vasoconstriction: Vasoconstriction | None = None

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
        self._check_freezing()

    def _check_freezing(self) -> None:
        law, begins = self.freezing, self.liquidus_c
        if isinstance(law, FreezingPointDepression) and not law.complete_c < begins < 0:
            raise InputError(
                f"{self.name}: by freezing-point depression it freezes from {begins:g} to {law.complete_c:g} °C; the "
                "liquidus must lie below 0 °C and above the end of freezing"
            )
        if self.held_c is not None:
            require_finite(f"{self.name}: the temperature it is held at", (self.held_c,))
            if self.inert or self.held_c <= begins:
                raise InputError(f"{self.name}: a heat bath conducts and is not frozen; {self.held_c:g} °C will not do")


@array_noun
class TissueMap:
    """Which tissue fills which voxel: ``index`` (I, J, K) uint8 points into ``tissues``.

    ``open_faces`` (I, J, K) uint8 counts the faces of each tissue voxel that meet the room. They see ``outside_c``
    (I, J, K) [°C] through ``film_w_per_m2_k`` (I, J, K), where a pad warms the skin; None: the room's air everywhere.
    """

    grid: Grid
    index: NDArray[Any]
    tissues: tuple[Tissue, ...]
    open_faces: NDArray[Any]
    outside_c: NDArray[Any] | None = None
    film_w_per_m2_k: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        """Refuse an index that points past the list, or arrays that do not fit the grid."""
        if tuple(self.index.shape) != self.grid.shape or tuple(self.open_faces.shape) != self.grid.shape:
            raise InputError(f"tissue index {self.index.shape} does not fit the grid {self.grid.shape}")
        if int(self.index.max(initial=0)) >= len(self.tissues):
            raise InputError(f"tissue index {int(self.index.max())} points past the {len(self.tissues)} tissues")
        if (self.outside_c is None) != (self.film_w_per_m2_k is None):
            raise InputError("what is outside needs both its temperature and its film coefficient")
        for field in ("index", "open_faces", "outside_c", "film_w_per_m2_k"):
            array = getattr(self, field)
            if array is None:
                continue
            if tuple(array.shape) != self.grid.shape:
                raise InputError(f"{field} {array.shape} does not fit the grid {self.grid.shape}")
            seal_field(self, field, array)

    def cut(self, place: tuple[slice, slice, slice], grid: Grid) -> TissueMap:
        """Return the part at ``place``, which lies on ``grid``; InputError if the two do not fit."""
        parts = {field: _cut(getattr(self, field), place) for field in ("open_faces", "outside_c", "film_w_per_m2_k")}
        return TissueMap(grid=grid, index=np.ascontiguousarray(self.index[place]), tissues=self.tissues, **parts)


def _cut(array: NDArray[Any] | None, place: tuple[slice, slice, slice]) -> Any:
    return None if array is None else array[place]
