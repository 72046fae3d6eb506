"""The compiled kernel: loads what was built for this processor and hands it the engine's arrays."""

from __future__ import annotations

import ctypes
import os
import weakref
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import UnknownName
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.bricks import VOXELS
from iceball.thermal.engine import Engine
from iceball.thermal.layout import TILE
from iceball.thermal.levels import LEVELS
from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.media import MEDIUM, SMOOTH, TOTAL
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

    def __init__(self, threads: int | None = None) -> None:
        """Use ``threads`` of them; as many as there are cores, or as the environment asks for, where it is None."""
        self.threads = threads

    def operator(self, problem: Problem) -> NumbaOperator:
        """See Backend.operator: single rates and the state before freezing are numba's."""
        from iceball.thermal.backends._numba import NumbaOperator  # only here: slow to import

        return NumbaOperator(problem)

    def solver(
        self, problem: Problem, start_c: float | NDArray[np.float64], stepping: Stepping, watch: Watch
    ) -> Engine:
        """See Backend.solver: start at ``start_c`` [°C]."""
        library = load()
        parts = (lambda engine: NativeKernel(engine, library, self.threads), lambda: self.operator(problem))
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


class NativeKernel:
    """The kernel bound to one engine."""

    def __init__(self, engine: Engine, library: ctypes.CDLL, count: int | None = None) -> None:
        self.lib, self.threads = library, count or threads()
        self.engine = weakref.proxy(engine)  # it holds this kernel: a circle would keep its fields for long
        self.keepalive: list[Any] = []
        self.box = self._box()
        self.wells = self._wells()
        self.probes = self._probes()
        self.driven = self._driven() if engine.problem.wells.probe.size else None
        self.rooms = [self._room() for _ in range(LEVELS)]
        self.passes = (Pass * LEVELS)(*(self._pass(room) for room in self.rooms))
        self.wake, self.beyond = np.zeros(engine.bricks.count, np.uint8), np.zeros(6)
        self.settle = self._settle()
        self.levels, self.step_s, self.far = 0, 0.0, 0
        flow = None if engine.uniform else _at(engine.fields.work["rest_flow"])
        self.lib.iceball_begin(ctypes.byref(self.box), ctypes.c_void_p(flow), self.threads)

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
        smooth = np.zeros(media.size, SMOOTH)
        smooth[:-1] = e.media.smooth
        self.keepalive += [media, curves, few, smooth]
        w, pair = f.work, ctypes.c_void_p * 2
        return Box(
            tiles=bricks.count, materials=media.size, inverse_h2=1.0 / e.problem.spacing_m**2,
            arterial_c=e.problem.arterial_c, own=_at(f.own),
            potential=pair(_at(w["potential0"]), _at(w["potential1"])),
            temperature=pair(_at(w["temperature0"]), _at(w["temperature1"])),
            conductivity=pair(_at(w["conductivity0"]), _at(w["conductivity1"])),
            rest=_at(f.rest), now_c=_at(f.now_c), fresh_c=_at(f.fresh_c), coldest_c=_at(f.coldest_c),
            label=_at(bricks.label), faces=_at(bricks.faces), row_kind=_at(bricks.row_kind),
            row_unlike=_at(bricks.row_unlike), alive=_at(f.alive),
            tile_label=_at(bricks.tile_label), flags=_at(e.all_flags), beside=_at(bricks.beside),
            given=_at(f.extras.get("given")), per_k=_at(f.extras.get("per_k")),
            per_potential=_at(f.extras.get("per_potential")), well_heat=_at(w["well_heat"]),
            rest_flow=_at(w["rest_flow"]), trend=_at(w["trend"]), slots=_at(w["slots"]), media=_at(media), few=_at(few),
            smooth=_at(smooth), curves=_at(curves),
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

    def _probes(self) -> dict[str, NDArray[Any]]:
        """What drives the probes, and what they answer (P,); filled in anew for every step."""
        count = self.engine.problem.wells.probes
        given = ("from_", "to", "power", "limit", "most", "tilt_from", "tilt_to")
        answers = ("energy", "first_heat", "first_surface")
        return {"mode": np.zeros(count, np.int32)} | {name: np.zeros(count) for name in (*given, *answers)}

    def _driven(self) -> Wells:
        e, w = self.engine, self.wells
        return Wells(
            segments=w["probe"].size, probes=e.problem.wells.probes, surface_nodes=w["surface"].shape[1],
            coldest_c=COLDEST_C, surface_step_c=SURFACE_STEP_C, voxel_m3=e.problem.voxel_m3,
            **{k: _at(v) for k, v in {**w, **self.probes}.items() if k != "lengths"},
        )  # fmt: skip

    def _room(self) -> dict[str, NDArray[Any]]:
        """Room for the lists of a level: as much as it can ever need, of which the system hands out what is used."""
        tiles = self.engine.bricks.count
        faces = 6 * tiles
        return {
            "tile": np.zeros(tiles, np.int32), "live": np.zeros(tiles, np.uint8),
            "face_start": np.zeros(tiles + 1, np.int32), "their_tile": np.zeros(faces, np.int32),
            "slot": np.zeros(faces, np.int32), "direction": np.zeros(faces, np.uint8),
            "kind": np.zeros(faces, np.uint8), "flux": np.zeros((faces, VOXELS // 4), np.float32),
            "low_c": np.zeros(tiles, np.float32), "off": np.zeros((tiles, 3), np.float32),
            "energy": np.zeros((tiles, 3)),
        }  # fmt: skip

    def _pass(self, room: dict[str, NDArray[Any]]) -> Pass:
        return Pass(**{name: _at(array) for name, array in room.items()})

    def _settle(self) -> Settle:
        e = self.engine
        clocks = list(e.fields.clocks.values())
        pointers = (ctypes.c_void_p * max(1, len(clocks)))(*[_at(c) for c in clocks])
        thresholds = np.array([*e.fields.clocks, 0.0], np.float32)
        self.keepalive += [pointers, thresholds]
        return Settle(
            clocks=len(clocks), stasis_c=e.stasis_c, clock=ctypes.addressof(pointers), threshold_c=_at(thresholds),
            low_c=_at(e.low_c), moved_k=_at(e.moved_k), wake=_at(self.wake), beyond=_at(self.beyond),
        )  # fmt: skip

    def list_level(self, where: NDArray[np.int8], number: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """List the tiles of level ``number`` and those of faster levels that only guess for it, and their faces.

        ``where`` (T,) is the level of each tile, -1 at rest. Both lists are views that the next call changes.
        """
        made, given = self.passes[number], (_at(where), _at(self.engine.bricks.solid))
        self.lib.iceball_list(
            ctypes.byref(self.box), ctypes.byref(made), *(ctypes.c_void_p(at) for at in given), number
        )
        tile = self.rooms[number]["tile"]
        return tile[: made.own], tile[made.own : made.tiles]

    def probes_now(self, drive: Drive) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heat [W] and mean surface temperature [°C] of the probes (P,) at this moment."""
        self._drive(drive, drive)
        if self.driven is not None:
            self.lib.iceball_wells(ctypes.byref(self.box), ctypes.byref(self.driven))
        return self.probes["first_heat"].copy(), self._surface_c(drive)

    def _surface_c(self, drive: Drive) -> NDArray[np.float64]:
        """Mean surface temperature (P,) [°C]; NaN where no gas flows, or where no stretch takes heat."""
        lengths = np.where(drive.mode == POWER_LIMITED, self.wells["lengths"], 0.0)
        return np.divide(self.probes["first_surface"], lengths, out=np.full(lengths.size, np.nan), where=lengths > 0)

    def step(
        self, levels: list[Level], step_s: float, drives: tuple[Drive, Drive], far_k: float, band_c: tuple[float, float]
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Take every level through its stages, the slowest first; note what would change by more than ``far_k`` [K]."""
        self._drive(*drives)
        self.levels, self.step_s = len(levels), step_s
        self.weights = [_weights(level.count, level.order, step_s) for level in levels]
        for made, level, (_arrays, places) in zip(self.passes, levels, self.weights, strict=False):
            made.stages, made.second_order, made.thawed = level.count, int(level.order == 2), int(level.thawed)
            made.band_c[:] = band_c
            made.carry, made.weight, made.back, made.again, made.share, made.time = places
        self.wake.fill(0)
        wells = None if self.driven is None else ctypes.byref(self.driven)
        knobs = (ctypes.c_float(step_s), ctypes.c_float(far_k), ctypes.c_void_p(_at(self.wake)))
        self.far = self.lib.iceball_step(ctypes.byref(self.box), self.passes, len(levels), wells, *knobs, self.threads)
        return self._energy(levels), self.probes["first_heat"].copy(), self._surface_c(drives[0])

    def reached(self) -> NDArray[np.uint8] | None:
        """Which tiles (T,) at rest the step just taken would change by more than it was told; None if none."""
        return self.wake[:-1] if self.far else None

    def _energy(self, levels: list[Level]) -> NDArray[np.float64]:
        """What probes, blood, cells and the boundary gave (4,) [J]."""
        energy, living = np.zeros(4), np.zeros(3)
        for room, level in zip(self.rooms, levels, strict=False):
            living += np.einsum("ij->j", room["energy"][: level.own.size])
        energy[PERFUSION], energy[METABOLIC], energy[BOUNDARY] = living * self.engine.problem.voxel_m3
        energy[PROBE] = -self.probes["energy"].sum()
        return energy

    def _drive(self, before: Drive, after: Drive) -> None:
        given = {
            "mode": before.mode, "from_": before.value, "to": after.value, "power": before.power,
            "limit": before.resistance, "most": before.most_heat_w_per_m, "tilt_from": before.tilt,
            "tilt_to": after.tilt, "energy": 0.0, "first_heat": 0.0, "first_surface": 0.0,
        }  # fmt: skip
        for name, value in given.items():
            self.probes[name][...] = value

    def lowest(self, number: int) -> NDArray[np.float32]:
        """Coldest temperature [°C] of each tile that level ``number`` has stepped for good, NaN where it is lost."""
        return self.rooms[number]["low_c"][: self.passes[number].own]

    def off(self, number: int) -> NDArray[np.float32]:
        """What the error of the step is made of (T, 3), of each tile that level ``number`` has stepped; see control."""
        return self.rooms[number]["off"][: self.passes[number].own]

    def reject(self) -> None:
        """Go back to before the step just taken."""
        self.lib.iceball_reject(ctypes.byref(self.box), self.passes, self.levels)

    def accept(self, wake_k: float) -> tuple[NDArray[np.uint8] | None, float]:
        """Take the step; say which tiles (T,) at rest are to wake, None if none is, and what came from beyond."""
        self.settle.step_s, self.settle.wake_k = self.step_s, wake_k
        self.wake.fill(0)
        self.beyond.fill(0)
        woken = self.lib.iceball_accept(
            ctypes.byref(self.box), self.passes, self.levels, ctypes.byref(self.settle), self.threads
        )
        self.engine.fields.turn()
        self.box.now_c, self.box.fresh_c = self.box.fresh_c, self.box.now_c
        return self.wake[:-1] if woken else None, float(self.beyond.sum())


@lru_cache(maxsize=512)
def _weights(count: int, order: int, step_s: float) -> tuple[tuple[NDArray[np.floating], ...], tuple[int | None, ...]]:
    """Coefficients of ``count`` stages of one step as the kernel takes them, see Pass in kernel.hpp; where they lie."""
    s = stages(count, order)
    single = (np.ascontiguousarray(a, np.float32) for a in (s.carry, s.weight * step_s, s.back, s.again * step_s))
    made = (*single, np.ascontiguousarray(s.share * step_s), np.ascontiguousarray(s.time))
    return made, tuple(_at(a) for a in made)
