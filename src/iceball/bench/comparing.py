"""How long the peers take for the same problem, once their answer was found to be the same."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.bench.agreement import Apart, apart
from iceball.bench.cases import BenchCase
from iceball.bench.fresh import in_fresh_process
from iceball.bench.timing import Setting, Timing, task_of
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from iceball.bench.fresh import Progress
    from iceball.bench.peers import Peer

AGREES_MM = 0.2
CHECK_S, CHECK_WIDTH_MM, CHECK_SPACING_MM = 240.0, 80.0, 1.0
# FiPy needs minutes for one step of a million cells: checked and timed on fewer, and scaled up in proportion. At 2 mm
# our standard accuracy was up to 1.1 mm from reference, so that FiPy is held against reference.
IMPLICIT_SPACING_MM, IMPLICIT_CHECK_MM, IMPLICIT_TIMED_MM = 2.0, 48.0, 64.0
BUDGET_S = 20.0


@noun
class PeerTiming:
    """What a peer took for ``case``.

    ``apart`` is how far its isotherms are from ours at ``checked`` [case]; ``run_s`` the whole run, projected from
    ``timed_steps`` of ``steps`` steps timed on ``timed``; ``updates_per_s`` voxels updated per second and step (for
    an implicit peer: per second and implicit step). ``compile_s`` is not part of ``run_s``.
    """

    name: str
    version: str
    form: str
    checked: BenchCase
    apart: tuple[Apart, ...]
    timed: BenchCase
    steps: int
    timed_steps: int
    run_s: float
    updates_per_s: float
    compile_s: float
    peak_mb: float

    @property
    def agrees(self) -> bool:
        """Whether the 99th percentile of the distance is at most 0.2 mm at every isotherm."""
        return all(each.p99_mm <= AGREES_MM for each in self.apart)

    @property
    def projected(self) -> bool:
        """Whether the whole run was reckoned from a part of it."""
        return self.timed_steps < self.steps


@noun
class MissingPeer:
    """A peer that is not installed, and what to do about it."""

    name: str
    says: str


def compare(
    peer: Peer, case: BenchCase, setting: Setting, budget_s: float = BUDGET_S, progress: Progress | None = None
) -> PeerTiming | MissingPeer:
    """Check ``peer`` against our answer, then time it on ``case`` for about ``budget_s`` [s] and project."""
    if not peer.installed:
        return MissingPeer(name=peer.name, says=peer.says_missing)
    checked, timed = check_case(peer, case), timed_case(peer, case)
    found = _check(peer, checked, setting, progress)
    task = {"task": "peer", "peer": peer.name, "case": dataclasses.asdict(timed), "budget_s": budget_s}
    told = in_fresh_process(task | {"says": peer.name}, setting.threads, progress)
    larger = case.voxels / timed.voxels
    return PeerTiming(
        name=peer.name,
        version=told["version"],
        form=peer.form,
        checked=checked,
        apart=found,
        timed=timed,
        steps=told["steps"],
        timed_steps=told["timed_steps"],
        run_s=told["run_s"] * larger,
        updates_per_s=told["voxels"] / told["step_took_s"],
        compile_s=told["compile_s"],
        peak_mb=told["peak_mb"],
    )


def check_case(peer: Peer, case: BenchCase) -> BenchCase:
    """Return what the answers are compared on: the first 4 min of ``case`` at 1 mm in a smaller cube around the probes.

    At 1 mm whatever the voxel of ``case``: what is checked is that the peer solves the problem.
    """
    stop, width = min(CHECK_S, case.stop_s), min(CHECK_WIDTH_MM, case.width_mm)
    smaller = dataclasses.replace(case, spacing_mm=CHECK_SPACING_MM, width_mm=width, stop_s=stop, accuracy="standard")
    if peer.implicit_step_s is None:
        return smaller
    return dataclasses.replace(_coarser(smaller, IMPLICIT_CHECK_MM), accuracy="reference")


def timed_case(peer: Peer, case: BenchCase) -> BenchCase:
    """Return what ``peer`` is timed on: ``case``, or a smaller one if it is implicit."""
    return case if peer.implicit_step_s is None else _coarser(case, IMPLICIT_TIMED_MM)


def _coarser(case: BenchCase, width_mm: float) -> BenchCase:
    spacing_mm = max(IMPLICIT_SPACING_MM, case.spacing_mm)
    return dataclasses.replace(case, spacing_mm=spacing_mm, width_mm=min(width_mm, case.width_mm))


def _check(peer: Peer, case: BenchCase, setting: Setting, progress: Progress | None) -> tuple[Apart, ...]:
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (str(Path(folder) / f"{whose}.npy") for whose in ("ours", "theirs"))
        in_fresh_process(task_of(case, dataclasses.replace(setting, repeat=1), keep=ours), setting.threads)
        task: dict[str, Any] = {"task": "check", "peer": peer.name, "case": dataclasses.asdict(case), "keep": theirs}
        in_fresh_process(task | {"says": peer.name}, setting.threads, progress)
        return apart(np.load(theirs), np.load(ours), case.spacing_mm)


def ratios(ours: Timing, peer: PeerTiming) -> tuple[float, float | None]:
    """Return how many times longer ``peer`` takes: the whole run; and per voxel update, None if ours is not counted."""
    ours_per_s = ours.voxel_stages_per_s
    return peer.run_s / ours.median_s, None if ours_per_s is None else ours_per_s / peer.updates_per_s
