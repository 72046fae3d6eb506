"""The tile kernel in numba, for installations without a C++ compiler: it answers as the compiled library does.

``NumbaLibrary`` has the functions of native/kernel.cpp, takes the same structs and does the same work, so that one
binding (native.NativeKernel) serves both. A whole step runs in one compiled call per thread, without the interpreter's
lock; how threads share it is told in ``_numba_tiles_team``.
"""

from __future__ import annotations

import ctypes
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from iceball.thermal.backends import _numba_tiles_faces as faces
from iceball.thermal.backends._numba_tiles_media import VOXELS, box_at, kernel, pass_at, settle_at, show_tile, wells_at
from iceball.thermal.backends._numba_tiles_memory import i32, rounding
from iceball.thermal.backends._numba_tiles_stage import BEFORE
from iceball.thermal.backends._numba_tiles_team import LINE, PARTS, PASS_BYTES, Work, run_accept, run_step
from iceball.thermal.backends._numba_tiles_wells import run_wells
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.layout import ALIKE, DRY, EXTRA, MIXED, MOVES, STASIS, WELL
from iceball.thermal.levels import FASTER, REST, SLOWER
from iceball.thermal.media import FIRST, MEDIUM, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 4000  # tiles times stages that one thread does faster alone
BEGIN, WELLS, REACH, REJECT = range(4)
EVERY_BIT, NO_BIT, SMALL_IS_ZERO = np.int32(-1), np.int32(0), np.int32(0x8040)  # numbers too small to matter cost a lot


def _version() -> int:
    """A number that changes with the kernel: numba looks only at the file of the entries before it reads its cache."""
    sources = sorted(Path(__file__).parent.glob("_numba_tiles*.py"))
    structs = [struct._fields_ for struct in (Box, Pass, Settle, Wells)]
    numbers = (MEDIUM.descr, FIRST, TOTAL, MIXED, EXTRA, WELL, STASIS, DRY, MOVES, ALIKE, REST, SLOWER, FASTER)
    return zlib.crc32(b"".join(source.read_bytes() for source in sources) + repr((structs, numbers)).encode())


@cache
def entries() -> tuple[Callable[..., Any], ...]:
    """What is called from Python, from numba's cache or compiled now: the step and its acceptance, all else, lists."""
    version = _version()  # what a function encloses belongs to the key of its cache

    def compiled(signature: str) -> Any:
        return numba.njit(signature, nogil=True, error_model="numpy", cache=True)

    @compiled("int64(int64, int64, int64, int64, float64, UniTuple(int64, 5))")
    def share(box: int, passes: int, count: int, more: int, step_s: float, who: tuple[int, ...]) -> int:
        before = rounding(EVERY_BIT, SMALL_IS_ZERO)
        work = Work(more, step_s, who[0], who[1], who[2], who[3], who[4])
        if step_s > 0.0:
            run_step(box_at(box), passes, count, work)
        else:
            run_accept(box_at(box), passes, count, settle_at(more), work)
        rounding(NO_BIT, before)
        return version

    @compiled("int64(int64, int64, int64, int64, int64, UniTuple(float64, 2))")
    def alone(what: int, box: int, passes: int, count: int, more: int, knobs: tuple[float, ...]) -> int:
        _alone(what, box_at(box), passes, count, more, knobs)
        return version

    @compiled("int64(int64, int64, UniTuple(int64, 3), int64, int64)")
    def list_level(box: int, made: int, given: tuple[int, ...], number: int, counts: int) -> int:
        faces.list_level(box_at(box), pass_at(made), given, number, counts)
        return version

    return share, alone, list_level


@kernel
def _alone(what: int, box: Any, passes: int, count: int, more: int, knobs: Any) -> None:
    """What one thread does: ``what`` is BEGIN, WELLS, REACH or REJECT."""
    for tile in range(box.tiles if what == BEGIN else 0):
        show_tile(box, tile, 0)
    for tile in range(box.tiles - 1 if what == BEGIN and more != 0 else 0):
        faces.note_rest(box, more, tile)
    if what == WELLS:
        run_wells(box, wells_at(more), 0, 0.0, 0.0, True)
    for n in range(count):
        p = pass_at(passes + PASS_BYTES * n)
        if what == REACH:
            faces.reach(box, p, knobs[0], knobs[1], more)
        for i in range(p.own if what == REJECT else 0):
            show_tile(box, i32(p.tile, i), BEFORE)


def _rest() -> int:
    """Address of the system's function that leaves the core to others; zero where there is none."""
    try:
        windows = getattr(ctypes, "windll", None)
        function = windows.kernel32.SwitchToThread if windows else ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class _Choice:
    """One thread or all, whichever was faster of late; now and then the other is tried. The answer stays the same."""

    patience = (8, 40)  # calls until the other is tried again: one thread for nothing costs most

    def __init__(self) -> None:
        self.calls, self.s_per_work = 0, [0.0, 0.0]

    def way(self) -> int:
        """0 for one thread, 1 for all."""
        faster = int(self.s_per_work[1] <= self.s_per_work[0])  # what was never tried comes first
        self.calls += 1
        if self.calls < self.patience[faster]:
            return faster
        self.calls = 0
        return 1 - faster

    def note(self, way: int, took_s: float, work: int) -> None:
        """Take note of how long it took."""
        before, now = self.s_per_work[way], took_s / work
        self.s_per_work[way] = (before + now) / 2 if before else now


class NumbaLibrary:
    """The functions of native/kernel.cpp in numba."""

    def __init__(self) -> None:
        self._share, self._alone, self._list_level = entries()
        self._rest, self._choice, self._pool, self._threads = _rest(), _Choice(), _pool(), 1

    def iceball_begin(self, box: Any, rest_flow: Any, _threads: int) -> None:
        """Show what everything is before the first step."""
        self._alone(BEGIN, _plain(box), 0, 0, _plain(rest_flow), (0.0, 0.0))

    def iceball_wells(self, box: Any, wells: Any) -> None:
        """Work out what the probes do at this moment."""
        self._alone(WELLS, _plain(box), 0, 0, _plain(wells), (0.0, 0.0))

    def iceball_reject(self, box: Any, passes: Any, count: int) -> None:
        """Go back to before the step."""
        self._alone(REJECT, _plain(box), _plain(passes), count, 0, (0.0, 0.0))

    def iceball_list(self, box: Any, made: Any, where: Any, solid: Any, number: int) -> None:
        """Fill in the lists of a pass: the tiles of level ``number``, and their faces."""
        runs, counts = np.zeros(box._obj.tiles, np.uint8), np.zeros(4, np.int32)
        given = (_plain(where), _plain(solid), runs.ctypes.data)
        self._list_level(_plain(box), _plain(made), given, number, counts.ctypes.data)
        p = made._obj
        p.tiles, p.own, p.with_wells, p.foreign = (int(count) for count in counts)

    def iceball_step(self, box: Any, passes: Any, count: int, wells: Any, *knobs: Any) -> bool:
        """Take all levels through one super-step; mark the tiles at rest that it would change too much."""
        step_s, far_k, wake, threads = knobs
        work = sum(p.tiles * p.stages for p in passes[:count])
        way, begun = self._choice.way() if work >= SMALL else 0, time.perf_counter()
        self._threads = threads if way else 1
        self._together(_plain(box), _plain(passes), count, _plain(wells), _plain(step_s))
        if work >= SMALL:
            self._choice.note(way, time.perf_counter() - begun, work)
        self._alone(REACH, _plain(box), _plain(passes), count, _plain(wake), (_plain(step_s), _plain(far_k)))
        return True

    def iceball_accept(self, box: Any, passes: Any, count: int, settle: Any, _threads: int) -> bool:
        """Take the step, by as many threads as it was worked out by; True: tiles may have woken."""
        self._together(_plain(box), _plain(passes), count, _plain(settle), 0.0)
        return True

    def _together(self, *work: Any) -> None:
        """Let some threads share one piece of work; who comes late is not waited for."""
        threads = self._threads
        clock = np.zeros(PARTS + LINE * threads, np.int64)

        def run(number: int) -> None:
            room = np.zeros(VOXELS, np.float32)
            self._share(*work, (number, threads, clock.ctypes.data, room.ctypes.data, self._rest))

        others = [self._pool.submit(run, number) for number in range(1, threads)]
        run(0)
        for other in others:
            if not other.cancel():
                other.result()


def _plain(argument: Any) -> Any:
    """What stands behind an argument of ctypes: an address, or a number."""
    if argument is None or isinstance(argument, int):
        return argument or 0
    if isinstance(argument, ctypes.Array):
        return ctypes.addressof(argument)
    return ctypes.addressof(argument._obj) if hasattr(argument, "_obj") else argument.value or 0


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work, as many as are asked for."""
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="iceball")
