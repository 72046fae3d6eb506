"""How long our own solver takes: the median of several runs in a process of its own, and what that means."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import TYPE_CHECKING, Any

from iceball.bench.cases import BenchCase
from iceball.bench.fresh import in_fresh_process
from iceball.bench.machine import MEGABYTE, Machine, cores
from iceball.errors import InputError
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from iceball.bench.fresh import Progress

# The least that a stage of RKL1 must move in single precision: two states read, one written, a label.
BYTES_PER_VOXEL_STAGE = 13
PRIMING_S = 0.5


@noun
class Setting:
    """How to time: ``backend`` "" is the default one; ``repeat`` timed runs after a first; ``threads``."""

    backend: str = ""
    repeat: int = 5
    threads: int = dataclasses.field(default_factory=cores)

    def __post_init__(self) -> None:
        """Refuse no runs and more threads than cores."""
        if self.repeat < 1:
            raise InputError(f"{self.repeat} runs: a median needs at least one; write --repeat 1 or more")
        if not 1 <= self.threads <= cores():
            raise InputError(f"{self.threads} threads: this process may use 1 to {cores()} cores")


@noun
class Timing:
    """One case, timed.

    ``walls_s`` are the timed runs; ``first_s`` is from asking for a new process to its first answer, imports and cached
    compilation counted; ``peak_mb`` the most memory of that process. ``stages`` and ``voxel_stages`` are None where the
    engine does not count them. ``ice_ml`` and ``coldest_c`` at the end and ``residual_fraction`` say what was computed.
    """

    case: BenchCase
    threads: int
    backend: str
    device: str
    dtype: str
    walls_s: tuple[float, ...]
    first_s: float
    peak_mb: float
    stages: int | None
    voxel_stages: int | None
    residual_fraction: float
    ice_ml: float
    coldest_c: float

    @property
    def median_s(self) -> float:
        """Median of the timed runs [s]."""
        return statistics.median(self.walls_s)

    @property
    def voxel_stages_per_s(self) -> float | None:
        """Voxels updated per second, where the engine counts them."""
        return None if self.voxel_stages is None else self.voxel_stages / self.median_s

    def copy_share(self, machine: Machine) -> float | None:
        """Share of the machine's copy rate that the stages must at least use."""
        if self.voxel_stages_per_s is None or self.device != "cpu":
            return None
        rate = machine.copy_gb_per_s(self.case.voxels * 4 / MEGABYTE)
        return self.voxel_stages_per_s * BYTES_PER_VOXEL_STAGE / (rate * 1e9)


@noun
class ScalingRow:
    """One point of a scaling: ``quantity`` is voxels, probes or threads."""

    quantity: str
    value: int
    timing: Timing


def time_case(case: BenchCase, setting: Setting, progress: Progress | None = None) -> Timing:
    """Time ``case`` in a new process. Prime first, so that nothing is compiled in it."""
    return _timing(case, setting, in_fresh_process(task_of(case, setting), setting.threads, progress))


def prime(case: BenchCase, setting: Setting) -> None:
    """Run the first moments of ``case`` in a process of their own: what has to be compiled once is compiled then."""
    short = dataclasses.replace(case, stop_s=min(PRIMING_S, case.stop_s))
    in_fresh_process(task_of(short, dataclasses.replace(setting, repeat=1)), setting.threads)


def task_of(case: BenchCase, setting: Setting, **more: Any) -> dict[str, Any]:
    """Return the worker's task: time ``case``."""
    given = {"task": "time", "case": dataclasses.asdict(case), "backend": setting.backend, "repeat": setting.repeat}
    return given | {"says": case.name} | more


def _timing(case: BenchCase, setting: Setting, answer: dict[str, Any]) -> Timing:
    made: dict[str, Any] = answer | {"walls_s": tuple(answer["walls_s"])}
    return Timing(case=case, threads=setting.threads, **made)


def scaling_plan(case: BenchCase, threads: int) -> tuple[tuple[str, int, BenchCase, int], ...]:
    """Return what to time for a scaling of ``case``: quantity, value, case, threads.

    Voxels: 64³ to 160³ in the same cube, at one accuracy. Probes: 1 to 3. Threads: 1, 2, 4, ... to ``threads``.
    """
    lattices = [dataclasses.replace(case, spacing_mm=case.width_mm / n) for n in (64, 80, 128, 160)]
    voxels = [("voxels", each.voxels, each, threads) for each in lattices]
    probes = [("probes", n, dataclasses.replace(case, probes=n), threads) for n in (1, 2, 3)]
    counts = sorted({2**n for n in range(threads.bit_length()) if 2**n <= threads} | {threads})
    return (*voxels, *probes, *(("threads", n, case, n) for n in counts))


def exponent(rows: tuple[ScalingRow, ...], quantity: str) -> float:
    """Return the slope of log time over log ``quantity``, by least squares; NaN with fewer than two points."""
    points = [(math.log(r.value), math.log(r.timing.median_s)) for r in rows if r.quantity == quantity]
    if len(points) < 2:
        return math.nan
    mean_x, mean_y = (statistics.fmean(p[axis] for p in points) for axis in (0, 1))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
