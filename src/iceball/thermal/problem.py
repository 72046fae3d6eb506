"""What a backend is given: SI arrays on one box, frozen; and the promises every backend keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from iceball.errors import SimulationError
from iceball.nouns._noun import array_noun, noun, seal_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.control import Look
    from iceball.thermal.materials import Table
    from iceball.thermal.stepping import Stepping

Array = "NDArray[np.float64]"
_Made = TypeVar("_Made")
OFF, POWER_LIMITED, PRESCRIBED = 0, 1, 2
PROBE, PERFUSION, METABOLIC, BOUNDARY = range(4)


OF_PLACES = ("kinds", "opened")  # which materials meet in a tile, and where faces are open


class Kept:
    """What is worked out once for problems that differ in nothing but their probes, and then kept."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def once(self, what: str, make: Callable[[], _Made]) -> _Made:
        """Return what is kept as ``what``; ``make`` it where nothing is."""
        if what not in self._known:
            self._known[what] = make()
        return self._known[what]

    def of_places(self) -> Kept:
        """What hangs on where things lie and not on what they are made of: for the same places with other numbers."""
        fresh = Kept()
        fresh._known = {what: self._known[what] for what in OF_PLACES if what in self._known}
        return fresh


@noun
class Wall:
    """One face of the box held at ``held_c``: ``axis`` 0 to 2, ``side`` 0 (low) or 1 (high). Others are insulated."""

    axis: int
    side: Literal[0, 1]
    held_c: float


@array_noun
class Wells:
    """Line-source segments of all probes: how they sample and spread on the grid.

    Segment s exchanges heat with voxels ``voxel[start[s]:start[s+1]]`` (flat indices) by weights ``weight`` that sum
    to one. ``probe`` (S,) is its probe, ``length_m`` (S,), ``conductance`` (S,) 2π/ln(r_eff/R) [-], ``resistance``
    (S,) R' [K·m/W], ``offset_k`` (S,) how much warmer the gas is there than at the tip. Its tissue is
    ``material[mix_start[s]:mix_start[s+1]]`` in shares ``share``.
    """

    start: NDArray[np.int64]
    voxel: NDArray[np.int64]
    weight: NDArray[np.float64]
    probe: NDArray[np.int64]
    length_m: NDArray[np.float64]
    conductance: NDArray[np.float64]
    resistance: NDArray[np.float64]
    mix_start: NDArray[np.int64]
    material: NDArray[np.int64]
    share: NDArray[np.float64]
    probes: int
    offset_k: NDArray[np.float64] = None  # pyright: ignore[reportAssignmentType]  (filled in when made)

    def __post_init__(self) -> None:
        """Seal the arrays."""
        if self.offset_k is None:
            object.__setattr__(self, "offset_k", np.zeros(self.length_m.size))
        for field in self.__dataclass_fields__:
            if field != "probes":
                seal_field(self, field, getattr(self, field))


@array_noun
class Problem:
    """One box to be solved.

    ``index`` (I, J, K) uint8 names the material of each voxel in ``table``; material m conducts where ``conducts[m]``.
    ``perfusion`` (M,) is w rho_b c_b [W/m³/K], ``metabolic`` (M,) [W/m³]; ``open_conductance`` (I, J, K) [W/m³/K] ties
    skin voxels to ``air_c`` [°C], one number or (I, J, K). ``held_c`` (M,) is the temperature that a material keeps for
    ever, NaN where it does not: a large vessel. ``wall_heat`` (I, J, K) [W/m³] is what the tissue beyond the box sends
    through its walls before freezing, and goes on sending: cold does not reach the walls. ``source`` gives a further
    heat source (I, J, K) [W/m³] at a time [s]. ``kept`` may be shared with problems that have other ``wells``, and no
    other difference.
    """

    spacing_m: float
    table: Table
    index: NDArray[np.uint8]
    conducts: NDArray[np.bool_]
    perfusion: NDArray[np.float64]
    metabolic: NDArray[np.float64]
    arterial_c: float
    open_conductance: NDArray[np.float64]
    air_c: float | NDArray[np.floating]
    wells: Wells
    wall_heat: NDArray[np.float64] | None = None
    walls: tuple[Wall, ...] = ()
    source: Callable[[float], NDArray[np.float64]] | None = None
    held_c: NDArray[np.float64] | None = None
    kept: Kept | None = None

    def once(self, what: str, make: Callable[[], _Made]) -> _Made:
        """Return what ``make`` makes of this problem but for its wells; made once where problems share ``kept``."""
        return make() if self.kept is None else self.kept.once(what, make)

    def __post_init__(self) -> None:
        """Seal the arrays; refuse a box whose arrays do not fit."""
        if self.open_conductance.shape != self.index.shape:
            raise SimulationError(f"open faces {self.open_conductance.shape} do not fit the box {self.index.shape}")
        for field in ("index", "conducts", "perfusion", "metabolic", "open_conductance"):
            seal_field(self, field, getattr(self, field))

    @property
    def held(self) -> NDArray[np.bool_] | None:
        """(I, J, K) True where the temperature is held; None where it is nowhere."""
        if self.held_c is None or not np.isfinite(self.held_c).any():
            return None
        return np.isfinite(self.held_c)[self.index]

    @property
    def voxel_m3(self) -> float:
        """Volume of one voxel [m³]."""
        return self.spacing_m**3


@array_noun
class Drive:
    """What the probes do at one moment, (P,) each.

    ``mode`` OFF, POWER_LIMITED (``value`` is the gas temperature [°C]) or PRESCRIBED (``value`` is the heat into the
    probe per length [W/m]); ``power`` scales the heat (duty fraction); ``resistance`` scales R': 1 while the gas cools,
    0 where ``value`` is the shaft's own temperature (active thaw). ``tilt`` scales the wells' ``offset_k`` (default 0);
    ``most_heat_w_per_m`` is the most a probe can give to the tissue (default no limit).
    """

    mode: NDArray[np.int64]
    value: NDArray[np.float64]
    power: NDArray[np.float64]
    resistance: NDArray[np.float64]
    tilt: NDArray[np.float64] = None  # pyright: ignore[reportAssignmentType]  (filled in when made)
    most_heat_w_per_m: NDArray[np.float64] = None  # pyright: ignore[reportAssignmentType]  (filled in when made)

    def __post_init__(self) -> None:
        """Fill in what was left out."""
        if self.tilt is None:
            object.__setattr__(self, "tilt", np.zeros(self.mode.size))
        if self.most_heat_w_per_m is None:
            object.__setattr__(self, "most_heat_w_per_m", np.full(self.mode.size, np.inf))


@array_noun
class Rate:
    """dH/dt and where it comes from.

    ``enthalpy`` (I, J, K) [W/m³]; ``powers`` (4,) heat into the tissue by PROBE, PERFUSION, METABOLIC, BOUNDARY [W];
    ``probe_heat_w`` (P,) heat into each probe [W]; ``surface_c`` (P,) mean surface temperature of each probe while its
    gas flows [°C].
    """

    enthalpy: NDArray[np.float64]
    powers: NDArray[np.float64]
    probe_heat_w: NDArray[np.float64]
    surface_c: NDArray[np.float64]


class Operator(Protocol):
    """A backend bound to one problem. Arrays are (I, J, K) float64 numpy on the caller's side."""

    def rate(
        self, enthalpy: NDArray[np.float64], drive: Drive, alive: NDArray[np.uint8], out: NDArray[np.float64]
    ) -> Rate:
        """DH/dt [W/m³] of ``enthalpy`` [J/m³] into ``out``; perfusion and metabolism only where ``alive``."""
        ...

    def temperature(self, enthalpy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C] of ``enthalpy`` [J/m³]."""
        ...

    def frozen_fraction(self, enthalpy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Frozen fraction (I, J, K) of ``enthalpy`` [J/m³]; zero where nothing conducts."""
        ...

    def blend(
        self, terms: tuple[NDArray[np.float64], ...], factors: tuple[float, ...], out: NDArray[np.float64]
    ) -> None:
        """Write the sum of factor times term into ``out``, which may be one of the terms."""
        ...

    def linear_conduction(
        self, temperature: NDArray[np.float64], conductivity: NDArray[np.float64], out: NDArray[np.float64]
    ) -> None:
        """Write ∇·(k∇T) [W/m³]: harmonic faces of fixed ``conductivity`` (I, J, K), zero where inert, to ``out``."""
        ...


class Solver(Protocol):
    """One problem under way. Padded or whole, single or double precision: that is the backend's business."""

    stages_done: int
    voxel_stages: int
    looks: bool  # whether it can tell how far a step is off

    def advance(self, start_s: float, step_s: float, before: Drive, after: Drive, look: Look | None = None) -> Advanced:
        """Advance from ``start_s`` by ``step_s`` [s], the drive running straight from ``before`` to ``after``.

        ``look`` says where to look for the step's error, and how large it may be; None asks for no estimate.

        Raises
        ------
        SimulationError : if the temperature blows up even with smaller steps
        """
        ...

    def temperature(self) -> NDArray[np.floating]:
        """Temperature (I, J, K) [°C]; a view that the next step may change."""
        ...

    def coldest(self) -> NDArray[np.floating]:
        """Coldest temperature so far (I, J, K) [°C]; a view that the next step may change."""
        ...

    def below_s(self) -> dict[float, NDArray[np.float32]]:
        """Time (I, J, K) [s] spent below each threshold [°C]."""
        ...

    def frozen_fraction(self) -> NDArray[np.float64]:
        """Frozen fraction (I, J, K), zero where nothing conducts."""
        ...

    def stored_j(self) -> float:
        """Enthalpy above the start [J]."""
        ...

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heat into each probe (P,) [W] and its mean surface temperature (P,) [°C]."""
        ...


@array_noun
class Advanced:
    """What one step did: energies (4,) [J] by source; heat [W] and surface temperature [°C] (P,) at its start.

    ``off_mm`` is how far isotherms are off after it, NaN where nobody knows; ``at_once_s`` how long the last part of it
    was: less than the step where it was taken in parts.
    """

    energy_j: NDArray[np.float64]
    heat_w: NDArray[np.float64]
    surface_c: NDArray[np.float64]
    off_mm: float = math.nan
    at_once_s: float = math.inf


@array_noun
class Watch:
    """What a solver keeps count of: time below ``clocks_c`` [°C]; blood stops for good below ``stasis_c`` [°C]."""

    clocks_c: tuple[float, ...] = ()
    stasis_c: float = -math.inf


class Backend(Protocol):
    """A way to compute. All backends pass tests/contracts."""

    name: str
    device: str
    dtype: str

    def operator(self, problem: Problem) -> Operator:
        """Bind this backend to ``problem``: single rates, and the steady state before freezing."""
        ...

    def solver(
        self, problem: Problem, start_c: float | NDArray[np.float64], stepping: Stepping, watch: Watch
    ) -> Solver:
        """Start ``problem`` at ``start_c`` [°C]: one number or (I, J, K)."""
        ...
