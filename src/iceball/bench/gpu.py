"""The solver on a GPU against what that GPU can copy: ``python -m iceball.bench.gpu``.

Where there is no GPU it says "not measured" and why.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from iceball.bench.cases import case_named, case_names
from iceball.bench.timing import Setting, Timing, prime, time_case
from iceball.errors import IceballError
from iceball.nouns._noun import noun
from iceball.thermal.backends import cuda

# What a stage of RKL2 must move in single precision in a tile of one tissue: the enthalpy and its last change read and
# written, the enthalpy and the rate at the start of the step read.
BYTES_PER_VOXEL_STAGE = 24
USUAL = {"four-1mm": 0.1, "four-0.5mm": 0.8}  # what is timed, and the goal for its median [s]


@noun
class GpuTiming:
    """One case on a GPU called ``gpu``, whose memory copies ``copy_gb_per_s``; ``goal_s`` None where there is none."""

    gpu: str
    copy_gb_per_s: float
    timing: Timing
    goal_s: float | None

    @property
    def copy_share_fraction(self) -> float:
        """Share of the copy rate that the stages must at least use; above one where the caches hold the state."""
        return (self.timing.voxel_stages_per_s or 0.0) * BYTES_PER_VOXEL_STAGE / (self.copy_gb_per_s * 1e9)

    def __str__(self) -> str:
        """One line for a reader."""
        goal = "" if self.goal_s is None else f" (goal {self.goal_s:g} s)"
        rate = (self.timing.voxel_stages_per_s or 0.0) / 1e9
        return (
            f"{self.timing.case.name}: median {self.timing.median_s:.3f} s of {len(self.timing.walls_s)}{goal}, "
            f"first call {self.timing.first_s:.1f} s, {self.timing.stages} stages, {rate:.1f} G voxel-stages/s, "
            f"{100 * self.copy_share_fraction:.0f} % of the copy rate of {self.copy_gb_per_s:.0f} GB/s, {self.gpu}"
        )

    def as_object(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {
            "case": self.timing.case.name, "gpu": self.gpu, "copy_gb_per_s": self.copy_gb_per_s,
            "walls_s": list(self.timing.walls_s), "median_s": self.timing.median_s, "goal_s": self.goal_s,
            "first_s": self.timing.first_s, "stages": self.timing.stages, "voxel_stages": self.timing.voxel_stages,
            "voxel_stages_per_s": self.timing.voxel_stages_per_s, "copy_share_fraction": self.copy_share_fraction,
            "residual_fraction": self.timing.residual_fraction, "coldest_c": self.timing.coldest_c,
        }  # fmt: skip


def time_gpu(names: tuple[str, ...], repeat: int) -> tuple[GpuTiming, ...]:
    """Time the cases called ``names`` on the GPU of this machine, ``repeat`` times each after a first.

    Raises
    ------
    UnknownName : if there is no GPU to time, or no case of a name
    """
    cuda.CudaBackend()  # refuses where there is none
    cases, setting = [case_named(name) for name in names], Setting(backend="cuda", repeat=repeat)
    gpu, rate = cuda.gpu_name(), cuda.copy_gb_per_s()
    prime(cases[0], setting)
    return tuple(
        GpuTiming(gpu=gpu, copy_gb_per_s=rate, timing=time_case(case, setting), goal_s=USUAL.get(case.name))
        for case in cases
    )


def main(arguments: list[str] | None = None) -> int:
    """Print a line per case, or why nothing was measured; 1 where something else went wrong."""
    asked = argparse.ArgumentParser(prog="python -m iceball.bench.gpu", description=__doc__)
    asked.add_argument("--case", action="append", choices=case_names(), help="default: " + ", ".join(USUAL))
    asked.add_argument("--repeat", type=int, default=5)
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args(arguments)
    missing = cuda.lacking()
    if missing:
        print(json.dumps({"measured": False, "why": missing}) if given.json else f"not measured: {missing}")
        return 0
    try:
        timings = time_gpu(tuple(given.case or USUAL), given.repeat)
    except IceballError as refused:
        print(f"refused: {refused}")
        return 1
    if given.json:
        print(json.dumps({"measured": True, "cases": [each.as_object() for each in timings]}))
    else:
        print(*timings, sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
