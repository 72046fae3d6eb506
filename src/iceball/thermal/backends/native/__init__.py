"""The compiled kernel: loads what was built for this processor and hands it the engine's arrays."""

from __future__ import annotations

import ctypes
import os
import weakref
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import UnknownName
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.bricks import VOXELS
from iceball.thermal.engine import Engine
from iceball.thermal.layout import TILE, WELL
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.media import MEDIUM, TOTAL
from iceball.thermal.problem import BOUNDARY, METABOLIC, PERFUSION, POWER_LIMITED, PROBE
from iceball.thermal.superstep import stages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.backends._numba import NumbaOperator
    from iceball.thermal.levels import Level
    from iceball.thermal.problem import Drive, Problem, Watch
    from iceball.thermal.stepping import Stepping

HERE = Path(__file__).parent
GENERATIONS = ("x86-64-v4", "x86-64-v3", "x86-64", "plain")  # the newest first
THREADS_SET_BY = "ICEBALL_THREADS"
ROW = TILE[2]


class NativeBackend:
    """The compiled engine: tiles in levels, single precision."""

    name = "native"
    device = "cpu"
    dtype = "float32"

    def operator(self, problem: Problem) -> NumbaOperator:
        """See Backend.operator: single rates and the state before freezing are numba's."""
        from iceball.thermal.backends._numba import NumbaOperator  # only here: slow to import

        return NumbaOperator(problem)

    def solver(
        self, problem: Problem, start_c: float | NDArray[np.float64], stepping: Stepping, watch: Watch
    ) -> Engine:
        """See Backend.solver: start at ``start_c`` [°C]."""
        library = load()
        parts = (lambda engine: NativeKernel(engine, library), lambda: self.operator(problem))
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
    return None if array is None else array.__array_interface__["data"][0]


@dataclass
class NativeFaces:
    """What a pass knows of its tiles and of their faces that lead to others; see kernel.hpp."""

    made: Pass
    keepalive: list[NDArray[Any]]
    low_c: NDArray[np.float32]
    energy: NDArray[np.float64]


class NativeKernel:
    """The kernel bound to one engine."""

    def __init__(self, engine: Engine, library: ctypes.CDLL) -> None:
        self.lib, self.threads = library, threads()
        self.engine = weakref.proxy(engine)  # it holds this kernel: a circle would keep its fields for long
        self.keepalive: list[Any] = []
        self.box = self._box()
        self.wells = self._wells()
        self.passes: Any = (Pass * 0)()
        self.flux: dict[int, NDArray[np.float32]] = {}
        self.step_s = 0.0
        flow = None if engine.uniform else _at(engine.fields.work["rest_flow"])
        self.lib.iceball_begin(ctypes.byref(self.box), ctypes.c_void_p(flow))

    def _box(self) -> Box:
        e, f, bricks = self.engine, self.engine.fields, self.engine.bricks
        media = np.zeros(e.media.medium.size + 1, MEDIUM)
        media[:-1] = e.media.medium
        media[-1]["low"] = (0, 3e38, 3e38)
        media[-1]["straight"], media[-1]["t0"] = -3e38, e.problem.arterial_c
        curves = np.zeros((4, media.size * TOTAL, 2), np.float32)
        curves[:, : e.media.rows.shape[1]] = e.media.rows.reshape(4, 2, -1).transpose(0, 2, 1)
        curves[0, e.media.rows.shape[1] :, 0] = e.problem.arterial_c
        few = np.zeros((14, 16), np.float32) if media.size <= 16 else None
        if few is not None:
            few[:, : media.size] = media.view(np.float32).reshape(-1, 14).T
        self.keepalive += [media, curves, few]
        w, pair = f.work, ctypes.c_void_p * 2
        return Box(
            tiles=bricks.count, materials=media.size, inverse_h2=1.0 / e.problem.spacing_m**2,
            arterial_c=e.problem.arterial_c, own=_at(f.own),
            potential=pair(_at(w["potential0"]), _at(w["potential1"])),
            temperature=pair(_at(w["temperature0"]), _at(w["temperature1"])),
            conductivity=pair(_at(w["conductivity0"]), _at(w["conductivity1"])),
            rest=_at(f.rest), now_c=_at(f.now_c), fresh_c=_at(w["fresh_c"]), coldest_c=_at(f.coldest_c),
            label=_at(bricks.label), faces=_at(bricks.faces), row_kind=_at(bricks.row_kind), alive=_at(f.alive),
            tile_label=_at(bricks.tile_label), flags=_at(e.all_flags), beside=_at(bricks.beside),
            given=_at(f.extras.get("given")), per_k=_at(f.extras.get("per_k")),
            per_potential=_at(f.extras.get("per_potential")), well_heat=_at(w["well_heat"]),
            rest_flow=_at(w["rest_flow"]), slots=_at(w["slots"]), media=_at(media), few=_at(few), curves=_at(curves),
        )  # fmt: skip

    def _wells(self) -> dict[str, Any]:
        """Segments as rows of voxels, with zero weights where a segment does not reach."""
        e, w = self.engine, self.engine.problem.wells
        start, run, weight = [0], [], []
        flat = e.bricks.places(w.voxel) if w.voxel.size else w.voxel
        for s in range(w.probe.size):
            here = slice(w.start[s], w.start[s + 1])
            voxels, weights = flat[here], w.weight[here]
            row, inverse = np.unique(voxels // ROW, return_inverse=True)
            parts = np.zeros((row.size, ROW), np.float32)
            parts[inverse, voxels % ROW] = weights
            run.append(row * ROW)
            weight.append(parts)
            start.append(start[-1] + row.size)
        surface = e.problem.table.surface_potential - e.media.shift_p[:, None]
        made = {
            "start": np.array(start, np.int64), "run": np.concatenate([*run, np.zeros(0, np.int64)]).astype(np.int64),
            "weight": np.concatenate([*weight, np.zeros((0, ROW), np.float32)]), "probe": w.probe.astype(np.int32),
            "length_m": w.length_m, "conductance": w.conductance, "resistance": w.resistance,
            "offset_k": w.offset_k,
            "mix_start": w.mix_start, "material": w.material, "share": w.share,
            "surface": np.ascontiguousarray(surface), "heat": np.zeros(w.probe.size),
        }  # fmt: skip
        made["lengths"] = np.bincount(w.probe, weights=w.length_m, minlength=w.probes) if w.probes else np.zeros(0)
        return made

    def faces(self, tiles: NDArray[np.int32], own: int, where: NDArray[np.int8], number: int) -> NativeFaces:
        """List where ``tiles`` of level ``number``, those from ``own`` on guesses for it, meet others."""
        solid = self.engine.bricks.solid
        runs = np.zeros(solid.size, np.uint8)
        runs[tiles] = 1
        start, live, most = np.zeros(tiles.size + 1, np.int32), np.zeros(tiles.size, np.uint8), 6 * tiles.size
        theirs, slot = np.zeros(most, np.int32), np.zeros(most, np.int32)
        direction, kind = np.zeros(most, np.uint8), np.zeros(most, np.uint8)
        given = [ctypes.c_void_p(_at(a)) for a in (where, solid, runs, tiles)]
        outs = [ctypes.c_void_p(_at(a)) for a in (start, theirs, slot, direction, kind, live)]
        n = self.lib.iceball_list_faces(ctypes.byref(self.box), *given, tiles.size, own, number, *outs)
        flux, low_c, energy = self._flux_room(number, n), np.zeros(tiles.size, np.float32), np.zeros((tiles.size, 3))
        with_wells = bool((self.engine.all_flags[tiles[:own]] & WELL).any())
        made = Pass(
            tiles=tiles.size, own=own, foreign=n, second_order=int(self.engine.order == 2), with_wells=with_wells,
            tile=_at(tiles), live=_at(live), face_start=_at(start), their_tile=_at(theirs), slot=_at(slot),
            direction=_at(direction), kind=_at(kind), flux=_at(flux), low_c=_at(low_c), energy=_at(energy),
        )  # fmt: skip
        return NativeFaces(made, [tiles, live, start, theirs, slot, direction, kind, flux], low_c, energy)

    def _flux_room(self, number: int, faces: int) -> NDArray[np.float32]:
        """Room for what comes through the faces of a level; kept, since fresh memory is slow."""
        if number not in self.flux or faces > self.flux[number].shape[0]:
            self.flux[number] = np.zeros((2 * faces, VOXELS // 4), np.float32)
        return self.flux[number]

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

    def step(self, levels: list[Level], step_s: float, before: Drive, after: Drive) -> tuple[Any, Any, Any]:
        """Take every level through its stages, the slowest first."""
        wells, outs = self._driven(before, after)
        self.passes, self.step_s = (Pass * len(levels))(*(self._pass(level, step_s) for level in levels)), step_s
        self.lib.iceball_step(
            ctypes.byref(self.box), self.passes, len(levels), None if wells is None else ctypes.byref(wells),
            ctypes.c_float(step_s), self.threads,
        )  # fmt: skip
        energy = np.zeros(4)
        living = sum((level.faces.energy[: level.own.size].sum(0) for level in levels), np.zeros(3))
        energy[[PERFUSION, METABOLIC, BOUNDARY]] = living * self.engine.problem.voxel_m3
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

    def _pass(self, level: Level, step_s: float) -> Pass:
        s, made = stages(level.count, self.engine.order), level.faces.made
        hold = [np.ascontiguousarray(a, np.float32) for a in (s.carry, s.weight * step_s, s.back, s.again * step_s)]
        hold += [np.ascontiguousarray(s.share * step_s), np.ascontiguousarray(s.time)]
        level.faces.keepalive[8:] = hold
        made.stages = level.count
        made.carry, made.weight, made.back, made.again, made.share, made.time = (_at(a) for a in hold)
        return made

    def reach(self, far_k: float) -> NDArray[np.uint8]:
        """Which tiles (T,) at rest the step just taken would change by more than ``far_k`` [K]."""
        wake = np.zeros(self.engine.bricks.count, np.uint8)
        knobs = (ctypes.c_float(self.step_s), ctypes.c_float(far_k), ctypes.c_void_p(_at(wake)))
        self.lib.iceball_reach(ctypes.byref(self.box), self.passes, len(self.passes), *knobs)
        return wake[:-1]

    def lowest(self, level: Level) -> NDArray[np.float32]:
        """Coldest temperature [°C] of each tile that ``level`` has stepped for good, NaN where it is lost."""
        return level.faces.low_c[: level.own.size]

    def reject(self) -> None:
        """Go back to before the step just taken."""
        self.lib.iceball_reject(ctypes.byref(self.box), self.passes, len(self.passes))

    def accept(self, wake_k: float) -> tuple[NDArray[np.uint8], float]:
        """Take the step; say which tiles (T,) at rest have been reached, and what came from beyond."""
        e = self.engine
        clocks = list(e.fields.clocks.values())
        pointers = (ctypes.c_void_p * max(1, len(clocks)))(*[_at(c) for c in clocks])
        thresholds = np.array([*e.fields.clocks, 0.0], np.float32)
        wake, beyond = np.zeros(e.bricks.count, np.uint8), np.zeros(6)
        made = Settle(
            clocks=len(clocks), step_s=self.step_s, wake_k=wake_k, stasis_c=e.stasis_c,
            clock=ctypes.addressof(pointers), threshold_c=_at(thresholds), low_c=_at(e.low_c), moved_k=_at(e.moved_k),
            wake=_at(wake), beyond=_at(beyond),
        )  # fmt: skip
        self.lib.iceball_accept(ctypes.byref(self.box), self.passes, len(self.passes), ctypes.byref(made), self.threads)
        return wake[:-1], float(beyond.sum())
