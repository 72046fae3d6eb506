"""The fast engine: tiles in levels, each stepped with as many stages as it needs.

Ice conducts ten times better than what surrounds it: with one number of stages for all, most of the work is done where
nothing asks for it. Tiles are sorted into levels by their stiffness. A super-step takes the slowest level first, with
the faster ones extrapolated along their common faces, then the faster ones with the slower ones interpolated; what
came through a face is taken from the slower side afterwards, so that the balance closes. Tiles at rest are left out
until the cold has reached them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import SimulationError
from iceball.thermal.layout import DIRECTIONS, TILE, WELL, by_tile, make_layout
from iceball.thermal.levels import Level, Levels
from iceball.thermal.media import make_media
from iceball.thermal.problem import BOUNDARY, Advanced, Drive
from iceball.thermal.stiffness import Stiffness
from iceball.thermal.tables import look_up
from iceball.thermal.wholebox import between

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from iceball.thermal.problem import Operator, Problem, Watch
    from iceball.thermal.stepping import Stepping

ORDERS = {"rkl1": 1, "rkl2": 2}
WAKE_K = 0.2  # a tile at rest is stepped once a voxel along its faces has changed by this much
TOO_MUCH_K = 1.0  # a step in which such a voxel would change by this much is taken again, with its tile awake
RESTLESS_K_PER_S = 1e-4
LOST_C = -1000.0  # blown up. Not absolute zero: under a probe, a voxel that hardly conducts undercuts the gas by far
TRIES, REACHES, HALVINGS, HEAD_K = 5, 40, 6, 1.0


@dataclass
class Fields:
    """Padded arrays of the state, single precision."""

    enthalpy: NDArray[np.float32]
    rest: NDArray[np.float32]
    now_c: NDArray[np.float32]
    coldest_c: NDArray[np.float32]
    alive: NDArray[np.uint8]
    given: NDArray[np.float32]
    per_k: NDArray[np.float32]
    per_potential: NDArray[np.float32]
    work: dict[str, NDArray[np.float32]]
    clocks: dict[float, NDArray[np.float32]] = field(default_factory=dict)


class Engine:
    """One problem under way."""

    def __init__(
        self,
        problem: Problem,
        start_c: float | NDArray[np.float64],
        parts: tuple[Callable[[Engine], Any], Operator],
        stepping: Stepping,
        watch: Watch,
    ) -> None:
        """Start ``problem`` at ``start_c``; ``parts`` are what makes the kernel, and the rates of the same problem."""
        kernel, operator = parts
        if stepping.method not in ORDERS:
            raise SimulationError(
                f"this backend steps by {' or '.join(ORDERS)}, not by {stepping.method!r}: take 'numpy'"
            )
        self.problem, self.order, self.stasis_c = problem, ORDERS[stepping.method], max(watch.stasis_c, -1e9)
        if problem.held_c is not None and np.ndim(start_c) == 0:
            held = problem.held_c[problem.index]
            start_c = np.where(np.isfinite(held), held, start_c)
        self.layout, self.media = make_layout(problem, problem.held), make_media(problem)
        self.fields = self._fields(start_c, watch.clocks_c)
        tiles = self.layout.offset.size
        self.flags, self.active = self.layout.flags.copy(), self._awake(operator, start_c)
        self.low_c = by_tile(self.layout, self.fields.now_c).reshape(tiles, -1).min(1).astype(np.float32)
        self.moved_k, self.last_step_s = np.zeros(tiles, np.float32), 1.0
        self.stages_done = self.voxel_stages = 0
        self.bound = kernel(self)
        self.bound.keep(self.layout.offset, back=True)
        for name in ("potential", "temperature", "conductivity"):
            self.fields.work[name + "1"][...] = self.fields.work[name + "0"]
        stiffness = Stiffness(problem, self.layout, self.fields.per_potential)
        self.levels = Levels(self.layout, stiffness, self.order, self.bound.faces)

    def _fields(self, start_c: float | NDArray[np.float64], clocks_c: Sequence[float]) -> Fields:
        lay, p = self.layout, self.problem
        start = np.broadcast_to(np.asarray(start_c, float), p.index.shape) if np.ndim(start_c) else start_c
        conducting = p.conducts[p.index]
        enthalpy = lay.padded_of(np.where(conducting, self.media.enthalpy(start, p.index), 0.0), 0, np.float32)
        padded_c = lay.padded_of(np.where(conducting, start, p.arterial_c), p.arterial_c, np.float32)
        work = {}
        for name in ("step", "before", "first", "well_heat"):
            work[name] = np.zeros(lay.padded, np.float32)
        work["before"][...] = enthalpy
        for name in ("potential", "temperature", "conductivity"):
            work[name + "0"], work[name + "1"] = np.zeros(lay.padded, np.float32), np.zeros(lay.padded, np.float32)
        work["slots"] = np.zeros(3 * enthalpy.size, np.float32)
        given, per_k, per_potential = self._extras()
        return Fields(
            enthalpy=enthalpy, rest=enthalpy.copy(), now_c=padded_c, coldest_c=padded_c.copy(),
            alive=np.ones(lay.padded, np.uint8), given=given, per_k=per_k, per_potential=per_potential, work=work,
            clocks={float(c): np.zeros(lay.padded, np.float32) for c in clocks_c},
        )  # fmt: skip

    def _extras(self) -> tuple[NDArray[np.float32], ...]:
        p, lay = self.problem, self.layout
        given, per_potential = p.open_conductance * p.air_c, np.zeros(p.index.shape)
        if p.wall_heat is not None:
            given = given + p.wall_heat
        for wall in p.walls:
            edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
            held = self.media.read(2, self.media.enthalpy(wall.held_c, p.index[edge]), p.index[edge])
            strength = 2.0 / p.spacing_m**2 * p.conducts[p.index[edge]]
            given[edge] += strength * held
            per_potential[edge] += strength
        self._steady_given = given
        return tuple(lay.padded_of(a, 0, np.float32) for a in (given, p.open_conductance, per_potential))

    def _awake(self, operator: Operator, start_c: float | NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tiles (T,) that do not stay as they are: around the wells, and wherever the start is not a steady state."""
        p, lay = self.problem, self.layout
        awake = (lay.flags & WELL) > 0
        for d in range(len(DIRECTIONS)):  # the first steps need room
            beside = lay.beside[awake, d]
            awake[beside[beside >= 0]] = True
        if p.source is not None:
            awake[:] = True
        elif not self._at_rest(start_c):
            enthalpy = p.table.enthalpy(start_c, p.index)
            nobody = np.zeros(p.wells.probes)
            idle = Drive(mode=nobody.astype(np.int64), value=nobody, power=nobody, resistance=nobody)
            rate = operator.rate(enthalpy, idle, np.ones(p.index.shape, np.uint8), np.empty(p.index.shape)).enthalpy
            if float((np.abs(rate) * self.media.medium["t1"][p.index]).max()) > RESTLESS_K_PER_S:
                awake[:] = True
        return awake & lay.busy

    def _at_rest(self, start_c: float | NDArray[np.float64]) -> bool:
        """Whether nothing at all happens without probes: one temperature, and nothing that would change it."""
        p = self.problem
        if np.ndim(start_c) or p.walls or p.wall_heat is not None or p.open_conductance.any() or np.any(p.metabolic):
            return False
        baths = np.zeros(0) if p.held_c is None else p.held_c[np.isfinite(p.held_c)]
        return bool(np.all(baths == start_c)) and (start_c == p.arterial_c or not np.any(p.perfusion))

    # -- a step ----------------------------------------------------------------------------------------------------

    def advance(self, start_s: float, step_s: float, before: Drive, after: Drive) -> Advanced:
        """See Solver.advance."""
        if self.problem.source is not None:
            source = self.problem.source(start_s + step_s / 2)  # the midpoint rule: second order, as the stages are
            self.layout.inner(self.fields.given)[...] = self._steady_given + source
        energy, heat, surface = self._span(start_s, step_s, (before, after), HALVINGS)
        return Advanced(energy_j=energy, heat_w=heat, surface_c=surface)

    def _span(
        self, start_s: float, step_s: float, drives: tuple[Drive, Drive], halvings: int
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Take the step, or both halves of it where it is lost; a part is accepted only once it is sound."""
        made = self._part(step_s, *drives)
        if made is not None:
            return made
        if halvings == 0:
            raise SimulationError(
                f"the temperature blew up at {start_s:.0f} s even in steps of {step_s:.2g} s: report this case, it is "
                "a fault of iceball"
            )
        middle, half_s = between(*drives, 0.5), step_s / 2
        first = self._span(start_s, half_s, (drives[0], middle), halvings - 1)
        second = self._span(start_s + half_s, half_s, (middle, drives[1]), halvings - 1)
        return first[0] + second[0], first[1], first[2]

    def _part(self, step_s: float, before: Drive, after: Drive) -> tuple[NDArray, NDArray, NDArray] | None:
        """Step with what is stable down to a guessed floor; guess lower where the tissue got colder than it."""
        if not self.active.any():
            return np.zeros(4), *self.bound.probes_now(before)
        head_k = HEAD_K
        tries, reaches = TRIES, REACHES
        while tries and reaches:
            tiles = np.flatnonzero(self.active)
            floor_c = self.low_c[tiles] - (2.0 * self.moved_k[tiles] * step_s / self.last_step_s + head_k)
            levels = self.levels.sort(step_s, tiles, floor_c, self.flags)
            stepped = np.concatenate([level.own for level in levels])
            offsets = self.layout.offset[stepped]
            self.bound.keep(offsets, back=False)
            energy, heat, surface = self.bound.step(levels, step_s, before, after)
            if self._reaches_far(levels, step_s):
                self.bound.keep(offsets, back=True)
                reaches -= 1
                continue
            if self._sound(levels, stepped, self.bound.lowest(offsets), step_s):
                energy[BOUNDARY] += self._settle(levels, stepped, step_s) * self.problem.voxel_m3
                return energy, heat, surface
            self.bound.keep(offsets, back=True)
            head_k, tries = 4.0 * head_k + 10.0, tries - 1
        return None

    def _reaches_far(self, levels: list[Level], step_s: float) -> bool:
        """Wake the tiles at rest that this step would change much: they have not answered. Says if there are any."""
        reached = (self.bound.reach(levels, step_s, TOO_MUCH_K) > 0) & self.layout.busy & ~self.active
        self.active |= reached
        return bool(reached.any())

    def _sound(self, levels: list[Level], tiles: NDArray[np.int64], low_c: NDArray[np.float32], step_s: float) -> bool:
        """Whether the step was stable all the way to the temperatures it reached."""
        if not np.isfinite(low_c).all() or float(low_c.min()) < LOST_C:
            return False
        given = np.concatenate([np.full(level.own.size, level.count) for level in levels])
        return bool((self.levels.needed(step_s, tiles, low_c) <= given).all())

    def _settle(self, levels: list[Level], tiles: NDArray[np.int64], step_s: float) -> float:
        """Accept the step; returns what came from beyond [J/m³, summed over voxels]."""
        wake, beyond = self.bound.exchange(levels, step_s, WAKE_K)
        self.bound.settle(tiles, step_s)
        self.active |= (wake > 0) & self.layout.busy
        self.last_step_s = step_s
        self.voxel_stages += sum(level.count * level.tiles.size for level in levels) * int(np.prod(TILE))
        self.stages_done += max(level.count for level in levels)
        return beyond

    def temperature(self) -> NDArray[np.float64]:
        """See Solver.temperature."""
        return self.layout.inner(self.fields.now_c)

    def frozen_fraction(self) -> NDArray[np.float64]:
        """See Solver.frozen_fraction."""
        p, enthalpy = self.problem, self.layout.inner(self.fields.enthalpy).astype(float)
        return (1.0 - look_up(p.table, p.index, enthalpy + self.media.shift_h[p.index], p.table.unfrozen)) * p.conducts[
            p.index
        ]

    def coldest(self) -> NDArray[np.float64]:
        """See Solver.coldest."""
        return self.layout.inner(self.fields.coldest_c)

    def below_s(self) -> dict[float, NDArray[np.float32]]:
        """See Solver.below_s."""
        return {limit: self.layout.inner(clock) for limit, clock in self.fields.clocks.items()}

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See Solver.probes_now."""
        return self.bound.probes_now(drive)

    def stored_j(self) -> float:
        """See Solver.stored_j."""
        gained = self.layout.inner(self.fields.enthalpy).astype(float) - self.layout.inner(self.fields.rest)
        return float(gained.sum() * self.problem.voxel_m3)
