"""What the GPU can do: its copy rate is the yardstick for a solver that streams arrays."""

from __future__ import annotations

import statistics
import time

import numpy as np

from iceball.thermal.backends.cuda._compile import cuda

COPIED_MB, COPIES, PASSES = 512, 20, 7


def copy_rate(megabytes: int = COPIED_MB) -> float:
    """Return the rate [GB/s] of copies on the device, bytes read and written both counted: the median of seven."""
    source = cuda.to_device(np.ones(megabytes << 18, np.float32))
    target = cuda.device_array_like(source)

    def took_s() -> float:
        cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(COPIES):
            target.copy_to_device(source)
        cuda.synchronize()
        return (time.perf_counter() - begun) / COPIES

    took_s()
    return 2 * (megabytes << 20) / statistics.median(took_s() for _ in range(PASSES)) / 1e9


def name() -> str:
    """Return the name of the GPU that is used."""
    named = cuda.get_current_device().name
    return named.decode() if isinstance(named, bytes) else str(named)
