"""What the machine can do: its copy rate is the yardstick for a solver that streams arrays."""

from __future__ import annotations

import os
import platform
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import noun

MEGABYTE = 1 << 20
STATE_MB, LARGE_MB = 8.0, 512.0  # the state of 128³ voxels in single precision; no cache holds twice the other
PASSES, SHORTEST_S = 7, 0.02


@noun
class Machine:
    """The processor, its last-level cache, and how fast ``threads`` threads copy arrays.

    A rate counts the bytes read and the bytes written: ``copy_cached_gb_per_s`` from and to an array of 8 MB, the state
    of 128³ voxels, which most last-level caches hold; ``copy_dram_gb_per_s`` of 512 MB. ``load`` is the mean number of
    busy processes over the last minute, before anything was measured; ``cache_mb`` as the system says, if it does.
    """

    processor: str
    cores: int
    threads: int
    cache_mb: float | None
    copy_cached_gb_per_s: float
    copy_dram_gb_per_s: float
    load: float

    def copy_gb_per_s(self, state_mb: float) -> float:
        """Rate for a state of ``state_mb`` [MB]: as from the cache up to 8 MB, as from memory beyond."""
        return self.copy_cached_gb_per_s if state_mb <= STATE_MB else self.copy_dram_gb_per_s


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure_machine(threads: int) -> Machine:
    """Measure the machine with ``threads`` threads: about a second.

    Raises
    ------
    InputError : if there are not so many cores
    """
    if not 1 <= threads <= cores():
        raise InputError(f"{threads} threads: this process may use 1 to {cores()} cores")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return Machine(
        processor=_processor(),
        cores=cores(),
        threads=threads,
        cache_mb=_cache_mb(),
        copy_cached_gb_per_s=copy_rate_gb_per_s(STATE_MB, threads),
        copy_dram_gb_per_s=copy_rate_gb_per_s(LARGE_MB, threads),
        load=load,
    )


def copy_rate_gb_per_s(array_mb: float, threads: int) -> float:
    """Return the rate [GB/s] at which ``threads`` threads copy an array of ``array_mb`` [MB], each a share of it."""
    values = max(threads, int(array_mb * MEGABYTE) // 4)
    source, target = np.ones(values, np.float32), np.zeros(values, np.float32)
    parts = [slice(values * n // threads, values * (n + 1) // threads) for n in range(threads)]

    def copy(part: slice, times: int) -> None:
        for _ in range(times):
            np.copyto(target[part], source[part])

    with ThreadPoolExecutor(threads) as pool:

        def took_s(times: int) -> float:
            begun = time.perf_counter()
            list(pool.map(copy, parts, [times] * threads))
            return time.perf_counter() - begun

        took_s(1)
        times = 1 + int(SHORTEST_S / max(took_s(1), 1e-9))
        median = statistics.median(took_s(times) / times for _ in range(PASSES))
    return 2 * source.nbytes / median / 1e9


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text(encoding="utf-8").splitlines() if found.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cache_mb() -> float | None:
    """Size of the last-level cache [MB], as the system says."""
    sizes = [
        path.read_text(encoding="utf-8").strip() for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("*/size")
    ]
    known = [float(size[:-1]) / 1024 for size in sizes if size.endswith("K")]
    return max(known, default=None)
