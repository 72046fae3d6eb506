"""The same work on a Dask cluster. The only place that knows dask."""
# pyright: reportMissingImports=false

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from iceball import library, provenance
from iceball.ensemble._work import DEATHS, Key, Result, Task, too_many_deaths
from iceball.errors import InputError, MissingPart

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 10  # for a scheduler to answer: a choice


def over_cluster(
    job: Callable[[Any, Task], Result],
    shared: Any,
    tasks: dict[Key, Task],
    address: str,
    done: Callable[[Key, Result], None],
) -> None:
    """Do what ``work`` promises, on the workers of the scheduler at ``address``.

    Raises
    ------
    MissingPart : if dask is not installed
    InputError : if no scheduler answers, it has no workers, or they run another iceball
    SimulationError : if workers die again and again without a task done in between
    """
    deaths = 0
    with _client(address) as client:
        _check_workers(client, address)
        while tasks:
            before = len(tasks)
            if not _one_round(client, job, shared, tasks, done):
                deaths = deaths + 1 if len(tasks) == before else 0
                if deaths >= DEATHS:
                    raise too_many_deaths(len(tasks))


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise MissingPart(
            "dask is not installed here, which a --scheduler needs: pip install 'iceball[cluster]' "
            "(or leave --scheduler out: the cores of this machine do the same work)"
        ) from None
    try:
        return Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as cause:
        raise InputError(
            f"no Dask scheduler answers at {address}: {cause}; start one with `dask scheduler` and give its "
            "address, such as tcp://127.0.0.1:8786"
        ) from None


def _check_workers(client: Any, address: str) -> None:
    """Refuse workers that would compute something else."""
    here, there = _who(), client.run(_who)
    if not there:
        raise InputError(
            f"the scheduler at {address} has no workers: start some with `dask worker {address} --nthreads 1`"
        )
    for worker, who in there.items():
        if who != here:
            raise InputError(
                f"worker {worker} has iceball {who[0]} with library {who[1]}, here are {here[0]} and {here[1]}: "
                "install the same on all"
            )


def _who() -> tuple[str, str]:
    return provenance.version(), library.digest()


def _one_round(
    client: Any,
    job: Callable[[Any, Task], Result],
    shared: Any,
    tasks: dict[Key, Task],
    done: Callable[[Key, Result], None],
) -> bool:
    """Work until each task is done or lost; takes out of ``tasks`` what is done. False where something was lost."""
    from distributed import as_completed

    name = f"iceball-{uuid.uuid4().hex}"
    # On every worker, so that it is not lost with one of them. Not hashed: it is large, and used for this round only.
    everywhere = client.scatter(shared, broadcast=True, hash=False)
    futures = {
        client.submit(job, everywhere, task, key=f"{name}-{i}", pure=False): key
        for i, (key, task) in enumerate(tasks.items())
    }
    try:
        for future in as_completed(list(futures), loop=client.loop):
            if future.status == "finished":
                done(futures[future], future.result())
                del tasks[futures[future]]
            elif future.status == "error":
                _raise_own(future.exception())
    finally:
        client.cancel(list(futures))
    return not tasks


def _raise_own(cause: BaseException) -> None:
    """Raise ``cause`` if the job raised it; let pass what says that a worker died."""
    from distributed import KilledWorker

    if not isinstance(cause, KilledWorker):
        raise cause
