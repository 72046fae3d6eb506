"""A task in a process of its own: its memory, its threads and its first call are then nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from iceball import errors
from iceball.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Progress = Callable[[float, str], None]

# Each library has its own way to be told.
THREAD_VARIABLES = (
    "ICEBALL_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)
WORKER = "iceball.bench.worker"


def in_fresh_process(task: Mapping[str, Any], threads: int, progress: Progress | None = None) -> dict[str, Any]:
    """Do ``task`` in a new process with ``threads`` threads; returns what it answers.

    Parameters
    ----------
    task : what ``iceball.bench.worker`` understands
    progress : told how far it is, 0 to 1, and a few words

    Raises
    ------
    SimulationError : if the process ends without an answer; whatever the task itself refuses is raised again here
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    with tempfile.TemporaryFile("w+", encoding="utf-8") as complaints:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": complaints}
        with subprocess.Popen([sys.executable, "-m", WORKER], env=environment, text=True, **pipes) as process:
            try:
                answer = _talk(process, dict(task) | {"threads": threads, "begun_s": time.time()}, progress)
            finally:
                process.kill()
        if answer is None:
            complaints.seek(0)
            last = complaints.read().strip().splitlines()[-1:] or ["it said nothing"]
            raise SimulationError(f"the process for {task.get('says', task['task'])} ended early: {last[0]}")
    return answer


def _talk(process: subprocess.Popen[str], task: dict[str, Any], progress: Progress | None) -> dict[str, Any] | None:
    """Hand the task over and listen: lines of JSON until one holds the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(task))
        process.stdin.close()
    except BrokenPipeError:
        return None
    for line in process.stdout:
        told = json.loads(line)
        if "refused" in told:
            raise getattr(errors, told["refused"], SimulationError)(told["says"])
        if "answer" in told:
            return told["answer"]
        if progress is not None:
            progress(told["done"], told["text"])
    return None
