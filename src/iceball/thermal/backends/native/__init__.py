"""The compiled kernel: loads what was built for this processor and hands it the engine's arrays."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import UnknownName
from iceball.thermal.backends._numba import NumbaOperator
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.engine import Engine
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.media import MEDIUM, TOTAL
from iceball.thermal.problem import BOUNDARY, METABOLIC, PERFUSION, POWER_LIMITED, PROBE
from iceball.thermal.superstep import stages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.levels import Level
    from iceball.thermal.problem import Drive, Problem, Watch
    from iceball.thermal.stepping import Stepping

HERE = Path(__file__).parent
GENERATIONS = ("x86-64-v4", "x86-64-v3", "x86-64", "plain")  # the newest first
THREADS_SET_BY = "ICEBALL_THREADS"


class NativeBackend:
    """The compiled engine: tiles in levels, single precision."""

    name = "native"
    device = "cpu"
    dtype = "float32"

    def operator(self, problem: Problem) -> NumbaOperator:
        """See Backend.operator: single rates and the state before freezing are numba's."""
        return NumbaOperator(problem)

    def solver(
        self, problem: Problem, start_c: float | NDArray[np.float64], stepping: Stepping, watch: Watch
    ) -> Engine:
        """See Backend.solver: start at ``start_c`` [°C]."""
        library = load()
        parts = (lambda engine: NativeKernel(engine, library), self.operator(problem))
        return Engine(problem, start_c, parts, stepping, watch)


def available() -> bool:
    """Whether the kernel was built here."""
    return any((HERE / f"kernel-{generation}.so").exists() for generation in GENERATIONS)


@cache
def load() -> ctypes.CDLL:
    """Load the kernel built for the newest generation that this processor belongs to.

    Raises
    ------
    UnknownName : if none was built
    """
    for generation in GENERATIONS:
        path = HERE / f"kernel-{generation}.so"
        if path.exists() and _runs(generation):
            library = ctypes.CDLL(str(path))
            made = [library.iceball_sizes(n) for n in range(4)]
            expected = [ctypes.sizeof(struct) for struct in (Box, Pass, Wells, Settle)]
            if made != expected:
                raise UnknownName("the compiled kernel is of another version of iceball; install iceball again")
            return library
    raise UnknownName(
        "the backend 'native' was not built here: install a C++ compiler and iceball again, or ask for 'numba'"
    )


def _runs(generation: str) -> bool:
    needed = {
        "x86-64-v4": ("AVX512F", "AVX512DQ", "AVX512BW", "AVX512VL", "AVX2", "FMA3"),
        "x86-64-v3": ("AVX2", "FMA3"),
    }
    return all(cpu_features().get(name, False) for name in needed.get(generation, ()))


def cpu_features() -> dict[str, bool]:
    """What this processor can do, as numpy found it."""
    from numpy._core._multiarray_umath import __cpu_features__

    return __cpu_features__


def threads() -> int:
    """How many threads to use: all cores that may be used, or what the environment asks for."""
    asked = os.environ.get(THREADS_SET_BY, "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else len(os.sched_getaffinity(0))


def _at(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


@dataclass
class NativeFaces:
    """Faces of a level's tiles that lead to others, in the order of the tiles; see kernel.hpp."""

    start: NDArray[np.int32]
    their_tile: NDArray[np.int64]
    slot: NDArray[np.int64]
    direction: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    flux: NDArray[np.float32]
    rest_flow: NDArray[np.float32]
    low_c: NDArray[np.float32]
    fresh: bool = True


class NativeKernel:
    """The kernel bound to one engine."""

    def __init__(self, engine: Engine, library: ctypes.CDLL) -> None:
        self.lib, self.threads = library, threads()
        self.engine = engine
        self.keepalive: list[Any] = []
        self.box = self._box()
        self.wells = self._wells()

    def _box(self) -> Box:
        e, f, lay = self.engine, self.engine.fields, self.engine.layout
        media = np.zeros(e.media.medium.size + 1, MEDIUM)
        media[:-1] = e.media.medium
        media[-1]["low"] = (0, 3e38, 3e38)
        media[-1]["straight"], media[-1]["t0"] = -3e38, e.problem.arterial_c
        rows = np.zeros((8, media.size * TOTAL), np.float32)
        rows[:, : e.media.rows.shape[1]] = e.media.rows
        rows[0, e.media.rows.shape[1] :] = e.problem.arterial_c
        self.keepalive += [media, rows]
        w, pair = f.work, ctypes.c_void_p * 2
        box = Box(
            row=lay.padded[2], plane=lay.padded[1] * lay.padded[2], inverse_h2=1.0 / e.problem.spacing_m**2,
            arterial_c=e.problem.arterial_c, enthalpy=_at(f.enthalpy), step=_at(w["step"]), before=_at(w["before"]),
            first=_at(w["first"]), rest=_at(f.rest),
            now_c=_at(f.now_c), coldest_c=_at(f.coldest_c),
            potential=pair(_at(w["potential0"]), _at(w["potential1"])),
            temperature=pair(_at(w["temperature0"]), _at(w["temperature1"])),
            conductivity=pair(_at(w["conductivity0"]), _at(w["conductivity1"])),
            label=_at(lay.label), faces=_at(lay.faces), row_kind=_at(lay.row_kind),
            row_second=_at(lay.row_second), alive=_at(f.alive),
            given=_at(f.given), per_k=_at(f.per_k), per_potential=_at(f.per_potential), well_heat=_at(w["well_heat"]),
            media=_at(media), rows=_at(rows), row_count=rows.shape[1],
        )  # fmt: skip
        return box

    def _wells(self) -> dict[str, Any]:
        """Segments as runs of eight voxels along K, with zero weights where a run is shorter."""
        e, w = self.engine, self.engine.problem.wells
        start, run, weight = [0], [], []
        flat = e.layout.flat(w.voxel) if w.voxel.size else w.voxel
        for s in range(w.probe.size):
            here = slice(w.start[s], w.start[s + 1])
            voxels, weights = flat[here], w.weight[here]
            order = np.argsort(voxels)
            voxels, weights = voxels[order], weights[order]
            at = 0
            while at < voxels.size:
                first = voxels[at]
                parts = np.zeros(8, np.float32)
                while at < voxels.size and voxels[at] < first + 8:
                    parts[voxels[at] - first] = weights[at]
                    at += 1
                run.append(first)
                weight.append(parts)
            start.append(len(run))
        surface = e.problem.table.surface_potential - e.media.shift_p[:, None]
        made = {
            "start": np.array(start, np.int64), "run": np.array(run, np.int64),
            "weight": np.array(weight, np.float32).reshape(-1, 8), "probe": w.probe.astype(np.int32),
            "length_m": w.length_m, "conductance": w.conductance, "resistance": w.resistance,
            "offset_k": w.offset_k,
            "mix_start": w.mix_start, "material": w.material, "share": w.share,
            "surface": np.ascontiguousarray(surface), "heat": np.zeros(w.probe.size),
        }  # fmt: skip
        made["lengths"] = np.bincount(w.probe, weights=w.length_m, minlength=w.probes) if w.probes else np.zeros(0)
        return made

    def keep(self, offsets: NDArray[np.int64], *, back: bool) -> None:
        """Bring the enthalpy of tiles ``back`` to what it was before the step: the first stage has kept it."""
        if back:
            self.lib.iceball_keep(ctypes.byref(self.box), ctypes.c_void_p(_at(offsets)), offsets.size, 1)

    def faces(
        self, tiles: NDArray[np.int64], where: NDArray[np.int8], number: int, guess: NDArray[np.int64]
    ) -> NativeFaces:
        """List where ``tiles`` of level ``number``, and those that only ``guess``, meet others."""
        lay = self.engine.layout
        runs = (where == number).astype(np.uint8)
        runs[guess] = 1
        every = np.concatenate([tiles, guess])
        start, most = np.zeros(every.size + 1, np.int32), 6 * every.size
        their_tile, slot = np.zeros(most, np.int64), np.zeros(most, np.int64)
        direction, kind = np.zeros(most, np.uint8), np.zeros(most, np.uint8)
        solid = lay.solid.view(np.uint8)
        pointers = [ctypes.c_void_p(_at(a)) for a in (lay.beside, where, solid, runs, every)]
        outs = [ctypes.c_void_p(_at(a)) for a in (start, their_tile, slot, direction, kind)]
        tail = (ctypes.c_int(every.size), ctypes.c_int(tiles.size), ctypes.c_int(number), ctypes.c_int64(where.size))
        n = self.lib.iceball_list_faces(*pointers, *tail, *outs)
        return NativeFaces(
            start=start, their_tile=their_tile[:n], slot=slot[:n], direction=direction[:n], kind=kind[:n],
            flux=np.zeros((n, 64), np.float32), rest_flow=np.zeros((n, 64), np.float32),
            low_c=np.zeros(every.size, np.float32),
        )  # fmt: skip

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heat [W] and mean surface temperature [°C] of the probes (P,) at this moment."""
        wells, outs = self._driven(drive, drive)
        if wells is not None:
            self.lib.iceball_wells(ctypes.byref(self.box), ctypes.byref(wells))
        return outs["first_heat"], self._surface_c(drive, outs)

    def _surface_c(self, drive: Drive, outs: dict[str, Any]) -> NDArray[np.float64]:
        """Mean surface temperature (P,) [°C]; NaN where no gas flows, or where no stretch takes heat."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(drive.mode == POWER_LIMITED, outs["first_surface"] / self.wells["lengths"], np.nan)

    def lowest(self, offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Coldest temperature [°C] of each tile that was stepped, NaN where it is lost."""
        return np.concatenate([level.faces.low_c[: level.tiles.size - level.guessed] for level in self.stepped])

    def step(self, levels: list[Level], step_s: float, before: Drive, after: Drive) -> tuple[Any, Any, Any]:
        """Take every level through its stages, the slowest first."""
        e = self.engine
        wells, outs = self._driven(before, after)
        energy = np.zeros(4)
        self.passes, self.stepped = [], levels
        with_wells = None
        for n, level in enumerate(levels):
            if (level.flags & 4).any():
                with_wells = n
        for n, level in enumerate(levels):
            made, hold = self._pass(level, step_s)
            self.passes.append((made, hold))
            if level.faces.fresh:
                self.lib.iceball_note_rest(ctypes.byref(self.box), ctypes.byref(made))
                level.faces.fresh = False
            self.lib.iceball_prepare(ctypes.byref(self.box), ctypes.byref(made))
            arg = ctypes.byref(wells) if wells is not None and n == with_wells else None
            self.lib.iceball_pass(ctypes.byref(self.box), ctypes.byref(made), arg, self.threads)
            self.lib.iceball_hand_over(ctypes.byref(made), ctypes.c_float(step_s))
            own = level.tiles.size - level.guessed
            if level.guessed:
                self.keep(level.offset[own:], back=True)
            perfusion, metabolic, boundary = level.energy[:own].sum(0) * e.problem.voxel_m3
            energy[PERFUSION] += perfusion
            energy[METABOLIC] += metabolic
            energy[BOUNDARY] += boundary
        energy[PROBE] = -outs["energy"].sum()
        return energy, outs["first_heat"], self._surface_c(before, outs)

    def _driven(self, before: Drive, after: Drive) -> tuple[Wells | None, dict[str, Any]]:
        e, w = self.engine, self.wells
        probes = e.problem.wells.probes
        outs = {name: np.zeros(probes) for name in ("energy", "first_heat", "first_surface")}
        if not w["probe"].size:
            return None, outs
        outs |= {
            "mode": before.mode.astype(np.int32), "from_": before.value.astype(float), "to": after.value.astype(float),
            "power": before.power.astype(float), "limit": before.resistance.astype(float),
            "most": before.most_heat_w_per_m.astype(float), "tilt_from": before.tilt.astype(float),
            "tilt_to": after.tilt.astype(float),
        }  # fmt: skip
        made = Wells(
            segments=w["probe"].size, probes=probes, surface_nodes=w["surface"].shape[1], coldest_c=COLDEST_C,
            surface_step_c=SURFACE_STEP_C, voxel_m3=e.problem.voxel_m3,
            **{k: _at(v) for k, v in {**w, **outs}.items() if k != "lengths"},
        )  # fmt: skip
        return made, outs

    def _pass(self, level: Level, step_s: float) -> tuple[Pass, Any]:
        s = stages(level.count, self.engine.order)
        level.energy[...] = 0
        hold = [np.ascontiguousarray(a, np.float32) for a in (s.carry, s.weight * step_s, s.back, s.again * step_s)]
        hold += [np.ascontiguousarray(s.share * step_s), np.ascontiguousarray(s.time)]
        f = level.faces
        made = Pass(
            tiles=level.tiles.size, stages=level.count, foreign=f.kind.size, second_order=int(self.engine.order == 2),
            tile=_at(level.offset), flags=_at(level.flags), tile_label=_at(level.label), carry=_at(hold[0]),
            weight=_at(hold[1]), back=_at(hold[2]), again=_at(hold[3]), share=_at(hold[4]), time=_at(hold[5]),
            face_start=_at(f.start), their_tile=_at(f.their_tile), slot=_at(f.slot), direction=_at(f.direction),
            kind=_at(f.kind), offset=_at(self.engine.layout.offset), slots=_at(self.engine.fields.work["slots"]),
            flux=_at(f.flux), rest_flow=_at(f.rest_flow), low_c=_at(f.low_c), energy=_at(level.energy),
        )  # fmt: skip
        return made, hold

    def reach(self, levels: list[Level], step_s: float, far_k: float) -> NDArray[np.uint8]:
        """Which tiles (T,) at rest the step just taken would change by more than ``far_k`` [K]."""
        wake = np.zeros(self.engine.active.size, np.uint8)
        for made, _hold in self.passes:
            knobs = (ctypes.c_float(step_s), ctypes.c_float(far_k), ctypes.c_void_p(_at(wake)))
            self.lib.iceball_reach(ctypes.byref(self.box), ctypes.byref(made), *knobs)
        return wake

    def exchange(self, levels: list[Level], step_s: float, wake_k: float) -> tuple[NDArray[np.uint8], float]:
        """Make the slower sides agree with what came through their faces; say which tiles at rest have been reached."""
        wake, held = np.zeros(self.engine.active.size, np.uint8), ctypes.c_double(0.0)
        for made, _hold in self.passes:
            self.lib.iceball_exchange(
                ctypes.byref(self.box),
                ctypes.byref(made),
                ctypes.c_float(step_s),
                ctypes.c_float(wake_k),
                ctypes.c_void_p(_at(wake)),
                ctypes.byref(held),
            )
        return wake, held.value

    def settle(self, tiles: NDArray[np.int64], step_s: float) -> None:
        """Take note of the temperatures reached."""
        e = self.engine
        f = e.fields
        clocks = list(f.clocks.values())
        pointers = (ctypes.c_void_p * max(1, len(clocks)))(*[_at(c) for c in clocks])
        thresholds = np.array(list(f.clocks), np.float32)
        offset, flags, label = e.layout.offset[tiles], e.flags[tiles], e.layout.tile_label[tiles]
        low, moved, fresh = np.empty(tiles.size, np.float32), np.empty(tiles.size, np.float32), flags.copy()
        made = Settle(
            tiles=tiles.size, clocks=len(clocks), tile=_at(offset), flags=_at(flags), tile_label=_at(label),
            clock=ctypes.addressof(pointers),
            threshold_c=_at(thresholds), step_s=step_s, stasis_c=e.stasis_c, low_c=_at(low), moved_k=_at(moved),
            new_flags=_at(fresh),
        )  # fmt: skip
        self.lib.iceball_settle(ctypes.byref(self.box), ctypes.byref(made), self.threads)
        e.low_c[tiles], e.moved_k[tiles], e.flags[tiles] = low, moved, fresh
