"""The solver on a GPU: the state stays there, one launch takes a step, a few numbers go each way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import SimulationError
from iceball.thermal.backends.cuda import _kernels as kernels
from iceball.thermal.backends.cuda import _packing as packing
from iceball.thermal.backends.cuda import _places as at
from iceball.thermal.backends.cuda._compile import SIMULATED, cuda, launched, widest_grid
from iceball.thermal.layout import WELL, make_layout
from iceball.thermal.media import make_media
from iceball.thermal.problem import PROBE, Advanced
from iceball.thermal.tables import look_up
from iceball.thermal.wholebox import between

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.control import Look
    from iceball.thermal.problem import Drive, Problem, Watch
    from iceball.thermal.stepping import Stepping

ORDERS = {"rkl1": 1, "rkl2": 2}
HALVINGS = 3
STAGES_AT_FIRST, STAGES_AT_MOST = 64, 512
MOST_VOXELS = 2**31 - 1


class CudaSolver:
    """See problem.Solver. Tiles in one level, in single precision; tiles at rest are left out."""

    looks = False

    def __init__(
        self, problem: Problem, start_c: float | NDArray[np.float64], stepping: Stepping, watch: Watch,
        *, threads: int = 1 if SIMULATED else at.THREADS,
    ) -> None:  # fmt: skip
        if stepping.method not in ORDERS:
            raise SimulationError(
                f"this backend steps by {' or '.join(ORDERS)}, not by {stepping.method!r}: take 'numpy'"
            )
        self.problem, self.order, self.threads = problem, ORDERS[stepping.method], threads
        self.clocks_c = tuple(float(c) for c in watch.clocks_c)
        self.layout, self.media = make_layout(problem, problem.held), make_media(problem)
        if int(np.prod(self.layout.padded)) > MOST_VOXELS:
            raise SimulationError(f"a box of {problem.index.shape} voxels is too large for this backend: take 'native'")
        self.stages_done = self.voxel_stages = 0
        self.last_step_s, self.most_stages = 1.0, STAGES_AT_FIRST
        self._host: dict[int, NDArray[np.float32]] = {}
        self._send(self._start(start_c), watch)
        self._set_to_rest()

    # -- setting up ------------------------------------------------------------------------------------------------

    def _start(self, start_c: float | NDArray[np.float64]) -> NDArray[np.float64]:
        p = self.problem
        start = np.broadcast_to(np.asarray(start_c, float), p.index.shape)
        if p.held_c is not None and np.ndim(start_c) == 0:
            held = p.held_c[p.index]
            start = np.where(np.isfinite(held), held, start)
        return start

    def _send(self, start: NDArray[np.float64], watch: Watch) -> None:
        p, lay = self.problem, self.layout
        self._steady_given, per_potential = packing.steady_given(p, self.media)
        stiff, kind_of, values = packing.pack_stiffness(p, lay, per_potential)
        self._tiles = packing.pack_tiles(lay, kind_of)
        medium, table = packing.pack_media(p, self.media)
        whole, real = packing.pack_numbers(p, lay, watch, self.order)
        self._control = np.zeros(at.DRIVES + max(1, p.wells.probes) * at.DRIVE_COLUMNS)
        self._out = np.zeros(at.PER_PROBE + max(1, p.wells.probes) * at.OUT_COLUMNS)
        self.lengths_m = np.bincount(p.wells.probe, weights=p.wells.length_m, minlength=p.wells.probes)
        arrays = at.Box(
            fields=packing.pack_fields(p, lay, self.media, start, len(self.clocks_c)), bytes=packing.pack_bytes(lay),
            tiles=self._tiles, values=values,
            order=np.zeros((2, lay.offset.size), np.int32), counters=np.zeros(2, np.int32), medium=medium, table=table,
            stiff=stiff, coefficients=packing.pack_coefficients(self.most_stages, self.order), whole=whole, real=real,
            control=self._control,
        )  # fmt: skip
        self.box = at.Box(*(cuda.to_device(array) for array in arrays))
        self.lines = at.Lines(*(cuda.to_device(array) for array in packing.pack_lines(p, lay, self.media)))
        self.parts, self.out = cuda.to_device(np.zeros((1, 3))), cuda.to_device(self._out)
        self.blocks = self._widest()
        self.parts = cuda.to_device(np.zeros((self.blocks, 3)))

    def _widest(self) -> int:
        """Blocks that are on the device at once: all must be, to wait for each other; no more than there are tiles."""
        most = widest_grid(kernels.super_step, (self.box, self.lines, self.parts, self.out), self.threads)
        if most < 1:
            raise SimulationError("this GPU has no room for a block of the kernel: take 'native'")
        return max(1, min(most, self.layout.offset.size + self.problem.wells.probe.size))

    def _run(self, kernel: Any, *arguments: Any) -> None:
        launched(kernel, self.blocks, self.threads)(*arguments)

    def _set_to_rest(self) -> None:
        """Wake the tiles with wells, their neighbours, and all that would change on its own."""
        solid = self.layout.solid
        wells = (self.layout.flags & WELL) > 0
        self._order(solid, wells)
        self._run(kernels.first_rates, self.box, self.lines)
        self._run(kernels.restlessness, self.box)
        values = self.box.values.copy_to_host()
        awake = (
            wells | (solid & (values[:, at.MOVED] > at.RESTLESS_K_PER_S)) | (solid & (self.problem.source is not None))
        )
        for direction in range(6):
            beside = self.layout.beside[wells, direction]
            awake[beside[beside >= 0]] = True
        values[:, at.MOVED] = 0.0
        self.box.values.copy_to_device(values)
        self._order(awake & solid, wells)

    def _order(self, awake: NDArray[np.bool_], wells: NDArray[np.bool_]) -> None:
        first, then = np.flatnonzero(wells), np.flatnonzero(awake & ~wells)
        order = np.zeros((2, self.layout.offset.size), np.int32)
        order[0, : first.size + then.size] = np.concatenate([first, then])
        self._tiles[:, at.ACTIVE] = awake | wells
        self.box.tiles.copy_to_device(self._tiles)
        self.box.order.copy_to_device(order)
        self.box.counters.copy_to_device(np.array([first.size + then.size, 0], np.int32))

    # -- a step ----------------------------------------------------------------------------------------------------

    def advance(self, start_s: float, step_s: float, before: Drive, after: Drive, look: Look | None = None) -> Advanced:
        """See Solver.advance. How far a step is off is not told."""
        if self.problem.source is not None:
            given = self._steady_given + self.problem.source(start_s + step_s / 2)  # the midpoint: of second order
            self.box.fields[at.GIVEN].copy_to_device(self.layout.padded_of(given, 0, np.float32).reshape(-1))
        parts = 1
        for _ in range(HALVINGS):
            done = self._try(step_s, before, after, parts)
            if done is not None:
                return done
            parts *= 4
        raise SimulationError(
            f"the temperature blew up at {start_s:.0f} s even in steps of {step_s / parts:.2g} s: report this case, it "
            "is a fault of iceball"
        )

    def _try(self, step_s: float, before: Drive, after: Drive, parts: int) -> Advanced | None:
        """Take the step in so many parts; None where not even the first is sound, the state being as before."""
        energy, first = np.zeros(4), None
        for n in range(parts):
            drives = (between(before, after, n / parts), between(before, after, (n + 1) / parts))
            made = self._part(step_s / parts, *drives)
            if made is None:
                if n == 0:
                    return None
                raise SimulationError(
                    "the temperature blew up within a step: report this case, it is a fault of iceball"
                )
            energy, first = energy + made.energy_j, first or made
        assert first is not None
        return Advanced(energy_j=energy, heat_w=first.heat_w, surface_c=first.surface_c)

    def _part(self, step_s: float, before: Drive, after: Drive) -> Advanced | None:
        while True:
            self._control[at.ROWS : at.DRIVES] = 0.0
            self._control[at.STEP_S], self._control[at.LAST_STEP_S] = step_s, self.last_step_s
            self._control[at.MOST_STAGES] = self.most_stages
            packing.pack_drive(self._control, before, after)
            self.box.control.copy_to_device(self._control)
            self._run(kernels.super_step, self.box, self.lines, self.parts, self.out)
            out = self.out.copy_to_host(self._out)
            if out[at.STATUS] != at.TOO_MANY:
                break
            if not self._more_stages(int(out[at.COUNT])):
                return None
        if out[at.STATUS] != at.DONE:
            return None
        return self._taken(out, step_s)

    def _taken(self, out: NDArray[np.float64], step_s: float) -> Advanced:
        self._host.clear()
        self.last_step_s = step_s
        self.stages_done += int(out[at.COUNT])
        self.voxel_stages += int(out[at.COUNT] * out[at.WORKED]) * at.TILE_VOXELS
        volume, probes = self.problem.voxel_m3, self.problem.wells.probes
        each = out[at.PER_PROBE : at.PER_PROBE + probes * at.OUT_COLUMNS].reshape(probes, at.OUT_COLUMNS)
        energy = np.zeros(4)
        energy[PROBE] = -each[:, 0].sum()
        energy[PROBE + 1 :] = out[at.PERFUSED : at.BOUNDED + 1] * volume  # in the order of problem.py
        return Advanced(energy_j=energy, heat_w=each[:, 1].copy(), surface_c=self._mean_c(each[:, 2]))

    def _more_stages(self, wanted: int) -> bool:
        """Send coefficients of more stages; False where a step wants more than is sensible."""
        if wanted > STAGES_AT_MOST:
            return False
        while self.most_stages < wanted:
            self.most_stages *= 2
        self.box = self.box._replace(
            coefficients=cuda.to_device(packing.pack_coefficients(self.most_stages, self.order))
        )
        return True

    # -- what there is to see --------------------------------------------------------------------------------------

    def _mean_c(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.divide(sums, self.lengths_m, out=np.full(sums.size, np.nan), where=self.lengths_m > 0)

    def _field(self, row: int) -> NDArray[np.float32]:
        """A row of the device (I, J, K), fetched once after each step."""
        if row not in self._host:
            self._host[row] = self.box.fields[row].copy_to_host().reshape(self.layout.padded)
        return self.layout.inner(self._host[row])

    def temperature(self) -> NDArray[np.float32]:
        """See Solver.temperature."""
        return self._field(at.NOW_C)

    def coldest(self) -> NDArray[np.float32]:
        """See Solver.coldest."""
        return self._field(at.COLDEST_C)

    def below_s(self) -> dict[float, NDArray[np.float32]]:
        """See Solver.below_s."""
        return {limit: self._field(at.CLOCKS + n) for n, limit in enumerate(self.clocks_c)}

    def frozen_fraction(self) -> NDArray[np.float64]:
        """See Solver.frozen_fraction: looked up only where it may be cold enough."""
        p, made = self.problem, np.zeros(self.problem.index.shape)
        thaws = np.where(p.table.unfrozen < 1.0, p.table.temperature_c, -np.inf).max() + 0.1
        here = (self.temperature() <= thaws) & p.conducts[p.index]
        index = p.index[here]
        enthalpy = self._field(at.NOW_H)[here] + self.media.shift_h[index]
        made[here] = 1.0 - look_up(p.table, index, enthalpy, p.table.unfrozen)
        return made

    def stored_j(self) -> float:
        """See Solver.stored_j."""
        self._run(kernels.gained, self.box, self.parts)
        return float(self.parts.copy_to_host()[:, 0].sum() * self.problem.voxel_m3)

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See Solver.probes_now."""
        w = self.problem.wells
        if not w.probe.size:
            return np.zeros(w.probes), np.full(w.probes, np.nan)
        packing.pack_drive(self._control, drive, drive)
        self.box.control.copy_to_device(self._control)
        self._run(kernels.probes_at_once, self.box, self.lines)
        segments = self.lines.segments.copy_to_host()
        heat, surface = np.zeros(w.probes), np.zeros(w.probes)
        np.add.at(heat, w.probe, segments[:, at.FIRST_HEAT])
        np.add.at(surface, w.probe, segments[:, at.FIRST_SURFACE])
        return heat, self._mean_c(surface)
