"""The backend for NVIDIA GPUs, by numba-cuda: asked for by name, never taken by default."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from iceball.errors import UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.backends._numba import NumbaOperator
    from iceball.thermal.problem import Problem, Solver, Watch
    from iceball.thermal.stepping import Stepping

INSTALL = "pip install 'iceball[gpu]'"
DRIVERS = {"win32": "nvcuda.dll"}


class CudaBackend:
    """The engine on a GPU: tiles in one level, single precision, one launch per step."""

    name = "cuda"
    device = "gpu"
    dtype = "float32"

    def __init__(self) -> None:
        """Refuse to be made where there is no GPU to compute on.

        Raises
        ------
        UnknownName : with what is missing and how to install it
        """
        missing = lacking()
        if missing and not simulated():
            raise UnknownName(f"the backend 'cuda' cannot be used here: {missing}; no other takes its place")

    def operator(self, problem: Problem) -> NumbaOperator:
        """See Backend.operator: single rates and the state before freezing are numba's."""
        from iceball.thermal.backends._numba import NumbaOperator  # only here: slow to import

        return NumbaOperator(problem)

    def solver(
        self, problem: Problem, start_c: float | NDArray, stepping: Stepping, watch: Watch
    ) -> Solver:  # fmt: skip
        """See Backend.solver."""
        from iceball.thermal.backends.cuda._solver import CudaSolver

        return CudaSolver(problem, start_c, stepping, watch)


def simulated() -> bool:
    """Whether numba is told to run device code as Python: for the tests of machines without a GPU."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"


def available() -> bool:
    """Whether this machine has all that the backend needs."""
    return not simulated() and not lacking()


def lacking() -> str:
    """Say what this machine lacks and what to do about it; empty where nothing."""
    if not installed():
        return f"numba-cuda is not installed: {INSTALL}"
    count = devices()
    if count is None:
        return "no NVIDIA driver was found: install the driver of the GPU"
    return "" if count else "the NVIDIA driver sees no GPU: look at CUDA_VISIBLE_DEVICES and `nvidia-smi`"


def installed() -> bool:
    """Whether numba-cuda is installed."""
    return importlib.util.find_spec("numba_cuda") is not None


def devices() -> int | None:
    """Return the number of GPUs that the driver sees, None without a driver. No GPU is taken into use."""
    try:
        driver = ctypes.CDLL(DRIVERS.get(sys.platform, "libcuda.so.1"))
    except OSError:
        return None
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def copy_gb_per_s() -> float:
    """Return the rate [GB/s] at which this GPU copies 512 MB of its memory, bytes read and written both counted."""
    from iceball.thermal.backends.cuda._measuring import copy_rate

    return copy_rate()


def gpu_name() -> str:
    """Return the name of the GPU that is used."""
    from iceball.thermal.backends.cuda._measuring import name

    return name()
