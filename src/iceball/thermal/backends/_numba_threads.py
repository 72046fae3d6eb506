"""How many threads a compiled loop is given: measured, not assumed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

_ALL_THREADS = numba.get_num_threads()


class Threads:
    """Chooses one thread or all by measuring both, again every so often: on a busy machine threads wait for each other.

    The result does not depend on the choice: sums are kept per plane and added in one order.
    """

    every, tries = 300, 6  # six calls see each kernel of a stage twice

    def __init__(self) -> None:
        self._all, self._calls = _ALL_THREADS, 0
        self._took = [0.0, 0.0]
        self._best = 1

    def run(self, kernel: Callable[..., None], *arguments: Any) -> None:
        """Call ``kernel`` with the number of threads that is faster at present."""
        turn = self._calls % self.every
        self._calls += 1
        trial = turn // self.tries - 1  # the first round compiles and warms up
        if self._all == 1 or trial not in (0, 1):
            numba.set_num_threads(self._best)
            kernel(*arguments)
            return
        numba.set_num_threads(self._all if trial else 1)
        begun = time.perf_counter()
        kernel(*arguments)
        self._took[trial] += time.perf_counter() - begun
        if turn == 3 * self.tries - 1:
            self._best = self._all if self._took[1] < self._took[0] else 1
            self._took = [0.0, 0.0]
