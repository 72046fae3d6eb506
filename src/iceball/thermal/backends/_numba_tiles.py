"""The tile kernel in numba, for installations without a C++ compiler: it answers as the compiled library does.

``NumbaLibrary`` has the functions of native/kernel.cpp, takes the same structs and does the same work, so that one
binding (native.NativeKernel) serves both. All stages of a pass run in one compiled call without the interpreter's lock.
Threads take chunks of tiles in turn; none waits for a thread, only for chunks that another has begun: on a busy machine
a thread that has not come is not missed.
"""

from __future__ import annotations

import ctypes
import time
import zlib
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from iceball.thermal.backends import _numba_tiles_faces as faces
from iceball.thermal.backends import _numba_tiles_settle as settling
from iceball.thermal.backends._numba_tiles_lanes import total
from iceball.thermal.backends._numba_tiles_media import box_at, inlined, kernel, pass_at, settle_at, wells_at
from iceball.thermal.backends._numba_tiles_memory import (
    add_f64,
    add_to,
    as_before,
    call,
    f64,
    i64,
    look_at,
    put_f32,
    small_is_zero,
    swap_if,
    u8,
)
from iceball.thermal.backends._numba_tiles_stage import ask_for_tile, mixed_tile, pure_tile, stage_of
from iceball.thermal.backends._numba_tiles_wells import run_wells
from iceball.thermal.backends.native._structs import Box, Pass, Settle, Wells
from iceball.thermal.layout import DRY, EXTRA, MIXED, MOVES, STASIS, WELL
from iceball.thermal.levels import FASTER, GUESS, REST, SLOWER, STILL
from iceball.thermal.media import FIRST, MEDIUM, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHUNK = 8  # tiles taken at a time: microseconds of work
PATIENCE = 4000  # looks at the others before a thread leaves the core to whoever needs it
NEXT, DONE, WELLS = 0, 8, 16  # chunks begun, chunks done, stages whose wells are known; each in a cache line of its own
SMALL = 4000  # tiles times stages that one thread does faster alone


# What a thread is given besides: addresses of the wells (0 where there are none), of what the threads share, of room
# for one tile, and of the function that leaves the core to others.
Thread = namedtuple("Thread", "wells clock room rest")


@inlined
def _wait(spins: int, rest: int) -> int:
    """Wait a moment; the core is left to others after a while."""
    if spins > PATIENCE and rest != 0:
        call(rest)
    return spins + 1


@kernel
def _run_tile(box: Any, p: Any, s: Any, stage: int, i: int, room: int) -> None:
    """One stage of tile ``i`` of a pass."""
    flags, offset, share = np.int64(u8(p.flags, i)), i64(p.tile, i), f64(p.share, stage)
    through = room if faces.run_faces(box, p, i, share, s.now, room) else np.int64(0)
    if flags & MIXED:
        blood, cells, outside = mixed_tile(box, s, offset, flags, through)
        add_f64(p.energy, 3 * i + 2, share * np.float64(total(outside)))
    else:
        blood, cells = pure_tile(box, s, offset, np.int64(u8(p.tile_label, i)), flags, through)
    if stage + 1 == p.stages:
        put_f32(p.low_c, i, settling.lowest(box, offset))
    if flags & DRY == 0:
        add_f64(p.energy, 3 * i, share * np.float64(total(blood)))
        add_f64(p.energy, 3 * i + 1, share * np.float64(total(cells)))


@kernel
def _run_chunk(box: Any, p: Any, ticket: int, thread: Any) -> None:
    """One stage of a few tiles. The wells are worked out with the first; their tiles come last and wait for them."""
    wells, clock, room, rest = thread
    chunks = (p.tiles + CHUNK - 1) // CHUNK
    stage = ticket // chunks
    begin = (ticket - stage * chunks) * CHUNK
    s = stage_of(box, p, stage)
    if wells != 0 and begin == 0:
        run_wells(box, wells_at(wells), s.now[0], f64(p.time, stage), f64(p.share, stage), stage == 0)
        add_to(clock, WELLS, 1)
    for i in range(begin, min(begin + CHUNK, p.tiles)):
        if i + 1 < p.tiles:
            ask_for_tile(box, s, i64(p.tile, i + 1))
        spins = 0
        while wells != 0 and u8(p.flags, i) & WELL and look_at(clock, WELLS) <= stage:
            spins = _wait(spins, rest)
        _run_tile(box, p, s, stage, i, room)


@kernel
def _take_turns(box: Any, p: Any, thread: Any) -> None:
    """Take chunks until there are none, a stage only once the last one is done; return when all are done."""
    chunks = (p.tiles + CHUNK - 1) // CHUNK
    end, clock, rest = chunks * p.stages, thread.clock, thread.rest
    spins = 0
    while look_at(clock, DONE) < end:
        ticket = look_at(clock, NEXT)
        open_until = min((look_at(clock, DONE) // chunks + 1) * chunks, end)
        if ticket < open_until and swap_if(clock, NEXT, ticket, ticket + 1):
            _run_chunk(box, p, ticket, thread)
            add_to(clock, DONE, 1)
            spins = 0
        else:
            spins = _wait(spins, rest)


@kernel
def _settle_turns(box: Any, s: Any, clock: int, rest: int) -> None:
    """Settle chunks of tiles until there are none; return when all are done."""
    chunks = (s.tiles + CHUNK - 1) // CHUNK
    spins = 0
    while look_at(clock, DONE) < chunks:
        if look_at(clock, NEXT) >= chunks:
            spins = _wait(spins, rest)
            continue
        begin = add_to(clock, NEXT, 1) * CHUNK
        for i in range(begin, min(begin + CHUNK, s.tiles)):
            settling.settle_tile(box, s, i)
        if begin < s.tiles:
            add_to(clock, DONE, 1)


class _Entries(NamedTuple):
    """What is called from Python. Each takes addresses and numbers."""

    run: Callable[..., Any]
    settle: Callable[..., Any]
    wells: Callable[..., Any]
    prepare: Callable[..., Any]
    hand_over: Callable[..., Any]
    note_rest: Callable[..., Any]
    exchange: Callable[..., Any]
    reach: Callable[..., Any]
    list_faces: Callable[..., Any]
    keep: Callable[..., Any]


def _version() -> int:
    """A number that changes with the kernel: numba looks only at the file of the entries before it reads its cache."""
    sources = sorted(Path(__file__).parent.glob("_numba_tiles*.py"))
    structs = [struct._fields_ for struct in (Box, Pass, Settle, Wells)]
    numbers = (MEDIUM.descr, FIRST, TOTAL, MIXED, EXTRA, WELL, STASIS, DRY, GUESS, MOVES, REST, SLOWER, FASTER, STILL)
    return zlib.crc32(b"".join(source.read_bytes() for source in sources) + repr((structs, numbers)).encode())


@cache
def entries() -> _Entries:
    """The kernel, from numba's cache or compiled at its first call."""
    version = _version()  # what a function encloses belongs to the key of its cache
    compiled = numba.njit(nogil=True, error_model="numpy", cache=True)

    @compiled
    def run(box: int, p: int, wells: int, clock: int, room: int, rest: int) -> int:
        before = small_is_zero()
        _take_turns(box_at(box), pass_at(p), Thread(wells, clock, room, rest))
        as_before(before)
        return version

    @compiled
    def settle(box: int, s: int, clock: int, rest: int) -> int:
        _settle_turns(box_at(box), settle_at(s), clock, rest)
        return version

    @compiled
    def wells(box: int, w: int) -> int:
        made = box_at(box)
        run_wells(made, wells_at(w), i64(made.potential, 0), 0.0, 0.0, True)
        return version

    return _Entries(run, settle, wells, *_face_entries(version), *_list_entries(version))


def _list_entries(version: int) -> tuple[Callable[..., Any], ...]:
    compiled = numba.njit(nogil=True, error_model="numpy", cache=True)

    @compiled
    def list_faces(asked: tuple[int, ...], counts: tuple[int, ...], lists: tuple[int, ...]) -> int:
        return faces.list_faces(asked, counts, lists) + 0 * version

    @compiled
    def keep(box: int, tile: int, tiles: int, back: int) -> int:
        if back:
            settling.bring_back(box_at(box), tile, tiles)
        else:
            settling.keep(box_at(box), tile, tiles)
        return version

    return list_faces, keep


def _face_entries(version: int) -> tuple[Callable[..., Any], ...]:
    compiled = numba.njit(nogil=True, error_model="numpy", cache=True)

    @compiled
    def prepare(box: int, p: int) -> int:
        faces.prepare(box_at(box), pass_at(p))
        return version

    @compiled
    def hand_over(p: int, step_s: float) -> int:
        faces.hand_over(pass_at(p), step_s)
        return version

    @compiled
    def note_rest(box: int, p: int) -> int:
        faces.note_rest(box_at(box), pass_at(p))
        return version

    @compiled
    def exchange(box: int, p: int, step_s: float, wake_k: float, wake: int, beyond: int) -> int:
        add_f64(beyond, 0, faces.exchange(box_at(box), pass_at(p), step_s, wake_k, wake))
        return version

    @compiled
    def reach(box: int, p: int, step_s: float, far_k: float, wake: int) -> int:
        faces.reach(box_at(box), pass_at(p), step_s, far_k, wake)
        return version

    return prepare, hand_over, note_rest, exchange, reach


def _rest() -> int:
    """Address of the system's function that leaves the core to others; zero where there is none."""
    try:
        windows = getattr(ctypes, "windll", None)
        function = windows.kernel32.SwitchToThread if windows else ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class _Choice:
    """Chooses one thread or all by measuring both, again every so often. The answer does not depend on it."""

    every, tries = 200, 8

    def __init__(self) -> None:
        self.calls, self.took, self.work = 0, [0.0, 0.0], [0, 0]
        self.best = 1

    def trial(self) -> int | None:
        """Which way is measured now: 0 one thread, 1 all; None where none is."""
        turn = self.calls % self.every
        self.calls += 1
        if turn == 2 * self.tries:
            self.best = int(self.took[1] * self.work[0] < self.took[0] * self.work[1])
            self.took, self.work = [0.0, 0.0], [0, 0]
        return turn // 2 % 2 if turn < 2 * self.tries else None

    def note(self, way: int, took_s: float, work: int) -> None:
        """Take note of one trial."""
        self.took[way] += took_s
        self.work[way] += work


class NumbaLibrary:
    """The functions of native/kernel.cpp in numba."""

    def __init__(self) -> None:
        self._entries = entries()
        self._rest = _rest()
        self._choice = _Choice()
        self._pool = _pool()

    def iceball_pass(self, box: Any, made: Any, wells: Any, threads: int) -> None:
        """Take the tiles of a level through all stages."""
        p = made._obj
        if not p.tiles:
            return
        addresses, work = [_plain(box), _plain(made), _plain(wells)], p.tiles * p.stages

        def run(clock: NDArray[np.int64]) -> None:
            room = np.zeros(256, np.float32)
            self._entries.run(*addresses, clock.ctypes.data, room.ctypes.data, self._rest)

        way = self._choice.trial() if threads > 1 and work >= SMALL else None
        begun = time.perf_counter()
        chosen = way if way is not None else self._choice.best
        self._together(run, threads if chosen and work >= SMALL else 1)
        if way is not None:
            self._choice.note(way, time.perf_counter() - begun, work)

    def iceball_settle(self, box: Any, made: Any, threads: int) -> None:
        """Take note of what was reached."""
        addresses = [_plain(box), _plain(made)]

        def run(clock: NDArray[np.int64]) -> None:
            self._entries.settle(*addresses, clock.ctypes.data, self._rest)

        self._together(run, threads if self._choice.best else 1)

    def _together(self, run: Callable[[NDArray[np.int64]], None], threads: int) -> None:
        """Let so many threads share one piece of work; who comes late is not waited for."""
        clock = np.zeros(24, np.int64)
        others = [self._pool.submit(run, clock) for _ in range(threads - 1)]
        run(clock)
        for other in others:
            if not other.cancel():
                other.result()

    def iceball_keep(self, box: Any, tile: Any, tiles: int, back: int) -> None:
        """Copy the enthalpy of tiles to safety, or back."""
        self._entries.keep(_plain(box), _plain(tile), tiles, back)

    def iceball_list_faces(self, *arguments: Any) -> int:
        """List the faces of tiles that lead out of a pass; how many there are."""
        given = [_plain(a) for a in arguments]
        return self._entries.list_faces(tuple(given[:5]), tuple(given[5:9]), tuple(given[9:]))

    def iceball_wells(self, box: Any, wells: Any) -> None:
        """Work out what the probes do at this moment."""
        self._entries.wells(_plain(box), _plain(wells))

    def iceball_prepare(self, box: Any, made: Any) -> None:
        """Make what stands still look the same in both buffers."""
        self._entries.prepare(_plain(box), _plain(made))

    def iceball_hand_over(self, made: Any, step_s: Any) -> None:
        """Leave what the faster level is to receive."""
        self._entries.hand_over(_plain(made), _plain(step_s))

    def iceball_note_rest(self, box: Any, made: Any) -> None:
        """Note what goes through faces while nothing has been cooled."""
        self._entries.note_rest(_plain(box), _plain(made))

    def iceball_exchange(self, *arguments: Any) -> None:
        """Make both sides of the faces agree."""
        self._entries.exchange(*(_plain(a) for a in arguments))

    def iceball_reach(self, *arguments: Any) -> None:
        """Mark the tiles at rest that a step would change too much."""
        self._entries.reach(*(_plain(a) for a in arguments))


def _plain(argument: Any) -> Any:
    """What stands behind an argument of ctypes: an address, or a number."""
    if argument is None:
        return 0
    return ctypes.addressof(argument._obj) if hasattr(argument, "_obj") else argument.value or 0


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that wait for work, as many as are asked for."""
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="iceball")
