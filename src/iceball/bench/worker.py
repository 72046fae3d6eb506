"""The process that does one task: ``python -m iceball.bench.worker``, a task as JSON in, lines of JSON out."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from iceball.errors import IceballError


def main() -> None:
    """Do the task on standard input; whatever else is printed meanwhile goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)

    def say(**line: Any) -> None:
        channel.write(json.dumps(line) + "\n")

    task = json.loads(sys.stdin.read())
    _use_cores(task["threads"])
    try:
        say(answer=TASKS[task["task"]](task, lambda done, text: say(done=done, text=text)))
    except IceballError as refused:
        say(refused=type(refused).__name__, says=str(refused))


def time_ours(task: dict[str, Any], told: Any) -> dict[str, Any]:
    """March a case ``repeat`` times after a first one: the walls [s], the first answer since the process was asked."""
    case, backend = _case(task), _backend(task["backend"])
    problem, walls = _problem(case), []
    last = _march(case, problem, backend)
    first_s = time.time() - task["begun_s"]
    for number in range(task["repeat"]):
        told((1 + number) / (1 + task["repeat"]), f"run {number + 1} of {task['repeat']}")
        last = None  # its fields are let go before the next run asks for memory
        begun = time.perf_counter()
        last = _march(case, problem, backend)
        walls.append(time.perf_counter() - begun)
    if task.get("keep"):
        import numpy as np

        np.save(task["keep"], last.temperature_c)
    return {
        "backend": backend.name,
        "device": backend.device,
        "dtype": backend.dtype,
        "walls_s": walls,
        "first_s": first_s,
        "peak_mb": peak_mb(),
        "stages": last.stages or None,
        "voxel_stages": last.voxel_stages or None,
        "residual_fraction": last.residual_fraction,
        "ice_ml": float((last.temperature_c <= 0.0).sum() * case.grid.voxel_ml),
        "coldest_c": float(last.temperature_c.min()),
    }


def check_peer(task: dict[str, Any], told: Any) -> dict[str, Any]:
    """Let a peer run the whole of a case; keep its temperature beside ours."""
    import numpy as np

    from iceball.bench.peers import formulate, peer_named, stretches_of

    case, peer = _case(task), peer_named(task["peer"])
    formulation = formulate(case)
    stepper = peer.stepper(formulation, task["threads"])
    stretches = stretches_of(formulation, peer)
    done, total = 0, sum(stretch.steps for stretch in stretches)
    for stretch in stretches:
        while (left := stretch.steps - (done - _before(stretches, stretch))) > 0:
            chunk = min(left, max(1, total // 40))
            stepper.run(stretch.freezing, chunk, stretch.step_s)
            done += chunk
            told(done / total, "checking its answer")
    np.save(task["keep"], stepper.temperature_c())
    return {"version": peer.version(), "steps": total}


def time_peer(task: dict[str, Any], told: Any) -> dict[str, Any]:
    """Time a peer's steps with probes on and off, each for about half of ``budget_s``, at most a tenth of the run."""
    from iceball.bench.peers import formulate, peer_named, stretches_of

    case, peer = _case(task), peer_named(task["peer"])
    formulation = formulate(case)
    begun = time.perf_counter()
    stepper = peer.stepper(formulation, task["threads"])
    stretches = stretches_of(formulation, peer)
    kinds = {stretch.freezing: stretch for stretch in stretches}
    for stretch in kinds.values():
        stepper.run(stretch.freezing, 2, stretch.step_s)  # compiles, if it compiles
    compile_s, timed, step_took_s = time.perf_counter() - begun, {}, {}
    for number, (freezing, stretch) in enumerate(kinds.items()):
        told(number / len(kinds), "timing it")
        most = max(2, sum(each.steps for each in stretches if each.freezing == freezing) // 10)
        timed[freezing], step_took_s[freezing] = _steps(stepper, stretch, most, task["budget_s"] / len(kinds))
    return {
        "version": peer.version(),
        "compile_s": compile_s,
        "steps": sum(stretch.steps for stretch in stretches),
        "timed_steps": sum(timed.values()),
        "run_s": sum(stretch.steps * step_took_s[stretch.freezing] for stretch in stretches),
        "step_took_s": step_took_s[True],
        "voxels": int(formulation.index.size),
        "peak_mb": peak_mb(),
    }


def _steps(stepper: Any, stretch: Any, most: int, budget_s: float) -> tuple[int, float]:
    """Take up to ``most`` steps for about ``budget_s`` [s]; returns how many and the seconds each took."""
    done, begun, chunk = 0, time.perf_counter(), 1
    while done < most and (took := time.perf_counter() - begun) < budget_s:
        if done:
            chunk = max(1, int(min(budget_s - took, 1.0) / (took / done)))
        chunk = min(chunk, most - done)
        stepper.run(stretch.freezing, chunk, stretch.step_s)
        done += chunk
    return done, (time.perf_counter() - begun) / done


def _before(stretches: Any, stretch: Any) -> int:
    return sum(each.steps for each in stretches[: stretches.index(stretch)])


def peak_mb() -> float:
    """Return the most memory this process has ever held [MB]."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would tell of the parent, if that was larger
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def _use_cores(threads: int) -> None:
    """Keep this process on as many cores as it may have threads: some libraries ask for nothing else."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _case(task: dict[str, Any]) -> Any:
    from iceball.bench.cases import BenchCase

    return BenchCase(**task["case"])


def _backend(name: str) -> Any:
    from iceball.thermal.backends import backend_named, backend_names

    return backend_named(name or backend_names()[0])


def _problem(case: Any) -> Any:
    from iceball.bench.cases import problem_of

    return problem_of(case)


def _march(case: Any, problem: Any, backend: Any) -> Any:
    """The last moment of the run; the others are let go as they come."""
    from iceball.bench.cases import legs_of, report_s_of, start_c
    from iceball.thermal.marching import march

    last = None
    how: dict[str, Any] = {"accuracy": case.accuracy, "backend": backend, "fractions": False}
    for moment in march(problem, start_c(), legs_of(case), report_s_of(case), **how):
        last = moment
    return last


TASKS = {"time": time_ours, "check": check_peer, "peer": time_peer}

if __name__ == "__main__":
    main()
