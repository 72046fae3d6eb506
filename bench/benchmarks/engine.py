"""The history of the engine's speed: the cases of ``iceball bench``, kept by asv (see docs/reference/benchmarks.md)."""

from __future__ import annotations

from iceball.bench import case_named, legs_of, problem_of, report_s_of, start_c
from iceball.thermal.marching import march


class Engine:
    """One whole run of 10-8-10: its time, its memory and its work."""

    params = ("one-1mm", "four-1mm", "four-2mm")
    param_names = ("case",)
    number, repeat, rounds, warmup_time = 1, 5, 1, 0.0

    def setup(self, name: str) -> None:
        """Make the problem, which is not timed, and compile what has to be compiled."""
        self.case = case_named(name)
        self.problem = problem_of(self.case)
        next(march(self.problem, start_c(), legs_of(self.case), (0.5,), accuracy=self.case.accuracy))

    def time_march(self, name: str) -> None:
        """Wall of the whole run [s]."""
        self._march()

    def peakmem_march(self, name: str) -> None:
        """Most memory of the process [bytes]."""
        self._march()

    def track_voxel_stages(self, name: str) -> int:
        """Voxels updated by all stages: changes with the stepping, not with the machine."""
        return self._march().voxel_stages

    track_voxel_stages.unit = "voxel-stages"  # pyright: ignore[reportFunctionMemberAccess]

    def _march(self):
        times = report_s_of(self.case)
        return list(march(self.problem, start_c(), legs_of(self.case), times[-1:], accuracy=self.case.accuracy))[-1]
