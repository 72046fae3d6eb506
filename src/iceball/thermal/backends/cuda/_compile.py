"""How device code is compiled; the simulator runs the same functions as plain Python."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba import cuda as _cuda

if TYPE_CHECKING:
    from collections.abc import Callable

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"
REGISTERS = 64  # four blocks of 256 threads on one multiprocessor
HERE, THERMAL = Path(__file__).parent, Path(__file__).parents[2]
UNPACKED_WITHIN_S = 10.0


class _Simulated:
    """``cuda`` as device code sees it in the simulator.

    The simulator puts it into the module of a kernel while that runs, and of a device function while that runs: several
    threads would take it from each other.
    """

    def __getattr__(self, name: str) -> Any:
        from numba.cuda.simulator.kernel import _get_kernel_context

        return getattr(_get_kernel_context() or _cuda, name)


cuda: Any = _Simulated() if SIMULATED else _cuda  # what it offers on a device is not what its type says


def device(function: Callable[..., Any]) -> Any:
    """Compile a device function."""
    return function if SIMULATED else cuda.jit(device=True)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel, kept on disk so that only the first process waits for it."""
    return _cuda.jit(function) if SIMULATED else _cuda.jit(max_registers=REGISTERS, cache=may_be_kept())(function)


def may_be_kept() -> bool:
    """Whether what is kept on disk is of this code.

    numba looks at the file of the kernels alone. Where a file of what they call was edited after it, nothing is kept.
    """
    parts = [*HERE.glob("*.py"), *(THERMAL / name for name in ("layout.py", "media.py", "superstep.py"))]
    newest = max(part.stat().st_mtime for part in parts)
    return newest <= (HERE / "_kernels.py").stat().st_mtime + UNPACKED_WITHIN_S


def launched(made: Any, blocks: int, threads: int) -> Any:
    """Return a kernel ready to be called on ``blocks`` of ``threads``; that a small problem fills no GPU is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return made[blocks, threads]


def widest_grid(made: Any, arguments: tuple[Any, ...], threads: int) -> int:
    """Return how many blocks of a cooperative kernel are on the device at once."""
    if SIMULATED:
        return made.overloads[None].max_cooperative_grid_blocks(threads)
    compiled = made.compile(tuple(made.typeof_pyval(argument) for argument in arguments))
    return compiled.max_cooperative_grid_blocks(threads)
