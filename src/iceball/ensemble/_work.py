"""Many tasks over the cores there are, or over a Dask cluster: every task is done once, whoever dies meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from iceball.errors import InputError, SimulationError
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = TypeVar("Key")
Task = TypeVar("Task")
Result = TypeVar("Result")

# So often may workers die without one task done in between; then it is the tasks that kill them. A choice.
DEATHS = 3
FEWEST = 1


@noun
class Here:
    """Work in this process, one task after the other."""


@noun
class Processes:
    """Work in ``count`` processes of this machine."""

    count: int

    def __post_init__(self) -> None:
        """Refuse no workers."""
        if self.count < FEWEST:
            raise InputError(f"{self.count} workers do no work: ask for at least {FEWEST}")


@noun
class Cluster:
    """Work on the workers of the Dask scheduler at ``address``, such as tcp://10.0.0.5:8786."""

    address: str


Crew = Here | Processes | Cluster


def crew(workers: int | None = None, scheduler: str | None = None) -> Crew:
    """Choose who works: the cluster at ``scheduler``, else ``workers`` processes; as many as there are cores if None.

    Raises
    ------
    InputError : if both are asked for, or no worker at all
    """
    if scheduler is not None:
        if workers is not None:
            raise InputError("workers are counted here, a scheduler has its own: give --workers or --scheduler")
        return Cluster(address=scheduler)
    processes = Processes(count=_cores() if workers is None else workers)
    return Here() if processes.count == 1 else processes


def work(
    job: Callable[[Any, Task], Result],
    shared: Any,
    tasks: Mapping[Key, Task],
    crew: Crew,
    done: Callable[[Key, Result], None],
) -> None:
    """Do ``job(shared, task)`` for every task; ``done(key, result)`` is called here, in the order in which they end.

    ``job`` is a function of a module; ``shared``, tasks and results can be pickled. Each worker gets ``shared`` once.
    What a worker was at when it died is done again by another. An error of a job ends the work and is raised here;
    an interrupt ends it too, and what was done before has been handed to ``done``.

    Raises
    ------
    SimulationError : if workers die again and again without a task done in between
    MissingPart : if a cluster is asked for and dask is not installed
    InputError : if no scheduler answers, it has no workers, or they run another iceball
    """
    if isinstance(crew, Here):
        for key, task in tasks.items():
            done(key, job(shared, task))
    elif isinstance(crew, Processes):
        _over_processes(job, shared, dict(tasks), crew.count, done)
    else:
        from iceball.ensemble._cluster import over_cluster

        over_cluster(job, shared, dict(tasks), crew.address, done)


def too_many_deaths(left: int) -> SimulationError:
    """Make the error for tasks that kill whoever takes them on."""
    return SimulationError(
        f"workers died {DEATHS} times without a task done in between, {left} are left: most often memory ran out; "
        "use fewer workers"
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _over_processes(
    job: Callable[[Any, Task], Result],
    shared: Any,
    tasks: dict[Key, Task],
    count: int,
    done: Callable[[Key, Result], None],
) -> None:
    deaths = 0
    with tempfile.TemporaryDirectory(prefix="iceball-") as folder:
        parcel = Path(folder, "shared.pickle")
        with parcel.open("wb") as file:
            pickle.dump(shared, file, protocol=pickle.HIGHEST_PROTOCOL)
        while tasks:
            before = len(tasks)
            if not _one_pool(job, parcel, tasks, count, done):
                deaths = deaths + 1 if len(tasks) == before else 0
                if deaths >= DEATHS:
                    raise too_many_deaths(len(tasks))


def _one_pool(
    job: Callable[[Any, Task], Result],
    parcel: Path,
    tasks: dict[Key, Task],
    count: int,
    done: Callable[[Key, Result], None],
) -> bool:
    """Work until all is done or a worker dies; takes out of ``tasks`` what is done. False where a worker died."""
    # Spawned, not forked: a fork of a process with threads (a solver's, a reader's) may wait for a lock for ever.
    context = multiprocessing.get_context("spawn")
    strangers = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(min(count, len(tasks)), context, _enter, (str(parcel),))
    try:
        futures = {pool.submit(_do, job, task): key for key, task in tasks.items()}
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                continue
            done(futures[future], result)
            del tasks[futures[future]]
    except BrokenProcessPool:  # died before all tasks were handed out
        pass
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - strangers:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return not tasks


_SHARED: Any = None


def _enter(parcel: str) -> None:
    """Begin as a worker: unpack what all share, once. Ctrl-C is the business of who waits for us."""
    global _SHARED
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Path(parcel).open("rb") as file:
        _SHARED = pickle.load(file)


def _do(job: Callable[[Any, Any], Any], task: Any) -> Any:
    return job(_SHARED, task)
