"""The fast engine: tiles in levels, each stepped with as many stages as it needs.

Ice conducts ten times better than what surrounds it: with one number of stages for all, most of the work is done where
nothing asks for it. Tiles are sorted into two levels by their stiffness. A super-step takes the thawed level first,
with the tiles of ice along it running ahead as a guess; then the ice, with what came through the faces between the two
imposed, so that the balance closes. Tiles at rest are left out until the cold has reached them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import SimulationError
from iceball.thermal.bricks import VOXELS, make_bricks
from iceball.thermal.control import off_mm
from iceball.thermal.layout import DIRECTIONS, EXTRA, WELL, make_layout
from iceball.thermal.levels import Level, Levels
from iceball.thermal.media import make_media
from iceball.thermal.problem import BOUNDARY, Advanced, Drive
from iceball.thermal.stiffness import Stiffness
from iceball.thermal.tables import look_up
from iceball.thermal.wholebox import between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.thermal.control import Look
    from iceball.thermal.problem import Operator, Problem, Watch
    from iceball.thermal.stepping import Stepping

ORDERS = {"rkl1": 1, "rkl2": 2}
WAKE_K = 0.3  # a tile at rest is stepped once one of its voxels has changed by this much
TOO_MUCH_K = 1.0  # a step that would change such a voxel by this much is taken again, with its tile awake
RESTLESS_K_PER_S = 1e-4
LOST_C = -1000.0  # blown up. Not absolute zero: under a probe, a voxel that hardly conducts undercuts the gas by far
TRIES, REACHES, HALVINGS, HEAD_K = 5, 40, 6, 1.0
NOWHERE_C = (1e30, -1e30)
SHORTEST_S = 0.2  # a step that is off is taken in halves, but not for ever
MANY = 1024  # tiles


@dataclass
class Fields:
    """The state by tiles (T + 1, VOXELS), single precision; see native/kernel.hpp."""

    own: NDArray[np.float32]
    rest: NDArray[np.float32]
    now_c: NDArray[np.float32]
    fresh_c: NDArray[np.float32]
    coldest_c: NDArray[np.float32]
    alive: NDArray[np.uint8]
    extras: dict[str, NDArray[np.float32]]
    work: dict[str, NDArray[np.float32]]
    clocks: dict[float, NDArray[np.float32]] = field(default_factory=dict)

    def turn(self) -> None:
        """A step is taken: what was fresh is now."""
        self.now_c, self.fresh_c = self.fresh_c, self.now_c

    @property
    def enthalpy(self) -> NDArray[np.float32]:
        """Enthalpy [J/m³] above the arterial temperature."""
        return self.own[:, 0]


def _aligned(*shape: int) -> NDArray[np.float32]:
    """Zeros that begin at a page: rows of tiles are then lines of the cache."""
    count = int(np.prod(shape))
    room = np.zeros(count + 1024, np.float32)
    first = -room.ctypes.data % 4096 // 4
    return room[first : first + count].reshape(shape)


class Engine:
    """One problem under way."""

    looks = True

    def __init__(
        self,
        problem: Problem,
        start_c: float | NDArray[np.float64],
        parts: tuple[Callable[[Engine], Any], Callable[[], Operator]],
        stepping: Stepping,
        watch: Watch,
    ) -> None:
        """Start ``problem`` at ``start_c``; ``parts`` make the kernel, and the rates of the same problem."""
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
        self.bricks = make_bricks(self.layout, problem.conducts.size)
        self.has_extras = bool((self.layout.flags & EXTRA).any())
        self.uniform = np.ndim(start_c) == 0  # one temperature: no heat flows before the cold comes
        self.fields = self._fields(start_c, watch.clocks_c)
        tiles = self.layout.offset.size
        self.all_flags = np.append(self.layout.flags, np.uint8(0))
        self.flags, self.active = self.all_flags[:-1], self._awake(operator, start_c)
        self.low_c = self.fields.now_c.min(1)
        self.moved_k, self.last_step_s = np.zeros(tiles + 1, np.float32), 1.0
        self.stages_done = self.voxel_stages = 0
        self._look: Look | None = None
        self._off_mm = math.nan
        self.bound = kernel(self)
        stiffness = Stiffness(problem, self.layout, self._per_potential())
        self.levels = Levels(stiffness, self.order, self.layout, self.bound.list_level)

    def _fields(self, start_c: float | NDArray[np.float64], clocks_c: Sequence[float]) -> Fields:
        shape = self.bricks.label.shape
        own, rest = _aligned(shape[0], 4, VOXELS), _aligned(*shape)
        now_c, fresh_c, coldest_c = (_aligned(*shape) for _ in range(3))
        self._start(start_c, rest, now_c)
        own[:, 0], fresh_c[...], coldest_c[...] = rest, now_c, now_c
        work = {name: _aligned(*shape) for name in ("well_heat", "trend")}
        for name in ("potential", "temperature", "conductivity"):
            work[name + "0"], work[name + "1"] = _aligned(*shape), _aligned(*shape)
        for name in ("rest_flow", "slots"):
            work[name] = np.zeros((3 * shape[0], VOXELS // 4), np.float32)
        return Fields(
            own=own, rest=rest, now_c=now_c, fresh_c=fresh_c, coldest_c=coldest_c, alive=np.ones(shape, np.uint8),
            extras=self._extras(), work=work, clocks={float(c): _aligned(*shape) for c in clocks_c},
        )  # fmt: skip

    def _start(self, start_c: float | NDArray[np.float64], enthalpy: NDArray, now_c: NDArray) -> None:
        """Fill in enthalpy and temperature by tiles at the start."""
        p, cut = self.problem, self.bricks.cut
        if np.ndim(start_c) == 0:
            materials = np.arange(p.conducts.size)
            of = self.media.enthalpy(np.full(materials.size, start_c), materials)
            of, warm = np.where(p.conducts, of, 0.0), np.where(p.conducts, start_c, p.arterial_c)
            for by_material, last, out in ((of, 0.0, enthalpy), (warm, p.arterial_c, now_c)):
                np.take(np.append(by_material, last).astype(np.float32), self.bricks.label, out=out, mode="clip")
        else:
            conducting = p.conducts[p.index]
            at = np.where(conducting, self.media.enthalpy(start_c, p.index), 0.0)
            enthalpy[...] = cut(at, 0, np.float32)
            now_c[...] = cut(np.where(conducting, start_c, p.arterial_c), p.arterial_c, np.float32)

    def _extras(self) -> dict[str, NDArray[np.float32]]:
        """What skin, walls, tissue beyond the box and further sources do; nothing where there are none."""
        p = self.problem
        if not self.has_extras:
            return {}
        given = p.open_conductance * p.air_c
        if p.wall_heat is not None:
            given = given + p.wall_heat
        for edge, strength, held in self._walls():
            given[edge] += strength * held
        self._steady_given = given
        fields = {"given": given, "per_k": p.open_conductance, "per_potential": self._per_potential()}
        return {name: self.bricks.cut(value, 0, np.float32) for name, value in fields.items()}

    def _per_potential(self) -> NDArray[np.float64]:
        made = np.zeros(self.problem.index.shape)
        for edge, strength, _held in self._walls():
            made[edge] += strength
        return made

    def _walls(self) -> Iterator[tuple[tuple[int | slice, ...], NDArray[Any], NDArray[Any]]]:
        """Voxels along each wall, how strongly they are tied to it [1/m²], and the wall's potential [W/m]."""
        p = self.problem
        for wall in p.walls:
            edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
            held = self.media.read(2, self.media.enthalpy(wall.held_c, p.index[edge]), p.index[edge])
            yield edge, 2.0 / p.spacing_m**2 * p.conducts[p.index[edge]], held

    def _awake(self, operator: Callable[[], Operator], start_c: float | NDArray[np.float64]) -> NDArray[np.bool_]:
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
            alive, room = np.ones(p.index.shape, np.uint8), np.empty(p.index.shape)
            rate = operator().rate(enthalpy, idle, alive, room).enthalpy
            if float((np.abs(rate) * self.media.medium["t1"][p.index]).max()) > RESTLESS_K_PER_S:
                awake[:] = True
        return awake & lay.busy

    def _at_rest(self, start_c: float | NDArray[np.float64]) -> bool:
        """Whether nothing at all happens without probes: one temperature, and nothing that would change it."""
        p = self.problem
        if np.ndim(start_c) or self.has_extras or np.any(p.metabolic):
            return False
        baths = np.zeros(0) if p.held_c is None else p.held_c[np.isfinite(p.held_c)]
        return bool(np.all(baths == start_c)) and (start_c == p.arterial_c or not np.any(p.perfusion))

    # -- a step ----------------------------------------------------------------------------------------------------

    def advance(self, start_s: float, step_s: float, before: Drive, after: Drive, look: Look | None = None) -> Advanced:
        """See Solver.advance."""
        self._look, self._off_mm = look, math.nan
        if self.problem.source is not None:
            source = self.problem.source(start_s + step_s / 2)  # the midpoint rule: second order, as the stages are
            self.fields.extras["given"][...] = self.bricks.cut(self._steady_given + source, 0, np.float32)
        energy, heat, surface = self._span(start_s, step_s, (before, after), HALVINGS)
        at_once_s = min(self.last_step_s, step_s)
        return Advanced(energy_j=energy, heat_w=heat, surface_c=surface, off_mm=self._off_mm, at_once_s=at_once_s)

    def _span(
        self, start_s: float, step_s: float, drives: tuple[Drive, Drive], halvings: int
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Take the step, or both halves of it where it is lost or off; a part is accepted only once it is sound."""
        made = self._part(step_s, drives, may_refuse=halvings > 0)
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

    def _part(
        self, step_s: float, drives: tuple[Drive, Drive], *, may_refuse: bool
    ) -> tuple[NDArray, NDArray, NDArray] | None:
        """Step with what is stable down to a guessed floor; guess lower where the tissue got colder than it.

        None where the step is lost, or off by more than what is asked for.
        """
        if not self.active.any():
            return np.zeros(4), *self.bound.probes_now(drives[0])
        band_c = NOWHERE_C if self._look is None else self._look.band_c
        head_k = HEAD_K
        tries, reaches = TRIES, REACHES
        while tries and reaches:
            tiles = np.flatnonzero(self.active)
            floor_c = self.low_c - (2.0 * self.moved_k * step_s / self.last_step_s + head_k)
            levels = self.levels.sort(step_s, tiles, floor_c[tiles])
            energy, heat, surface = self.bound.step(levels, step_s, drives, TOO_MUCH_K, band_c)
            if self._reaches_far():
                self.bound.reject()
                reaches -= 1
                continue
            if self._sound(levels, step_s, floor_c):
                if self._is_off(levels, step_s) and may_refuse:
                    self.bound.reject()
                    return None
                energy[BOUNDARY] += self._settle(levels, step_s) * self.problem.voxel_m3
                return energy, heat, surface
            self.bound.reject()
            head_k, tries = 4.0 * head_k + 10.0, tries - 1
        return None

    def _reaches_far(self) -> bool:
        """Wake the tiles at rest that this step would change much: they have not answered. Says if there are any."""
        far = self.bound.reached()
        if far is None:
            return False
        reached = (far > 0) & self.layout.busy & ~self.active
        self.active |= reached
        return bool(reached.any())

    def _sound(self, levels: list[Level], step_s: float, floor_c: NDArray[np.float32]) -> bool:
        """Whether the step was stable all the way to the temperatures it reached; it is down to ``floor_c`` (T,)."""
        for number, level in enumerate(levels):
            low_c = self.bound.lowest(number)
            if not np.isfinite(low_c).all() or float(low_c.min()) < LOST_C:
                return False
            if (low_c < floor_c[level.own]).any() and not self.levels.enough(level, step_s, low_c):
                return False
        return True

    def _is_off(self, levels: list[Level], step_s: float) -> bool:
        """Find how far the step is off, if somebody asks; whether that is too far. The shortest are always taken."""
        if self._look is None:
            return False
        sums = np.concatenate([self.bound.off(number) for number in range(len(levels))])
        self._off_mm = off_mm(sums, 1000 * self.problem.spacing_m)
        return self._off_mm > self._look.most_mm and step_s > SHORTEST_S

    def _settle(self, levels: list[Level], step_s: float) -> float:
        """Accept the step; returns what came from beyond [J/m³, summed over voxels]."""
        wake, beyond = self.bound.accept(WAKE_K)
        if wake is not None:
            self.active |= (wake > 0) & self.layout.busy
        self.last_step_s = step_s
        self.voxel_stages += sum(level.count * level.tiles for level in levels) * VOXELS
        self.stages_done += max(level.count for level in levels)
        return beyond

    def temperature(self) -> NDArray[np.float64]:
        """See Solver.temperature."""
        return self.bricks.whole(self.fields.now_c)

    def frozen_fraction(self) -> NDArray[np.float64]:
        """See Solver.frozen_fraction."""
        p, enthalpy = self.problem, self.bricks.whole(self.fields.enthalpy).astype(float)
        thawed = look_up(p.table, p.index, enthalpy + self.media.shift_h[p.index], p.table.unfrozen)
        return (1.0 - thawed) * p.conducts[p.index]

    def coldest(self) -> NDArray[np.float64]:
        """See Solver.coldest."""
        return self.bricks.whole(self.fields.coldest_c)

    def below_s(self) -> dict[float, NDArray[np.float32]]:
        """See Solver.below_s."""
        return {limit: self.bricks.whole(clock) for limit, clock in self.fields.clocks.items()}

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See Solver.probes_now."""
        return self.bound.probes_now(drive)

    def stored_j(self) -> float:
        """See Solver.stored_j."""
        gained = 0.0
        for tiles in range(0, self.bricks.count - 1, MANY):  # in parts: in double precision all would be large
            part = slice(tiles, min(tiles + MANY, self.bricks.count - 1))
            gained += float((self.fields.enthalpy[part].astype(float) - self.fields.rest[part]).sum())
        return gained * self.problem.voxel_m3
