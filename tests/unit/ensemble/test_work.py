"""Shared work: one answer whoever does it, and nothing lost when a worker dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import toil

from iceball.ensemble import Cluster, Here, Processes, crew, work
from iceball.errors import InputError, MissingPart, SimulationError

pytestmark = pytest.mark.unit

TASKS = {f"task {i}": i for i in range(12)}


def done_by(who, job=toil.square, shared=5, tasks=None):
    found = {}
    work(job, shared, TASKS if tasks is None else tasks, who, found.__setitem__)
    return found


@pytest.fixture(scope="module")
def cluster():
    """A Dask cluster of two workers on the loopback."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as there:
        yield Cluster(address=there.scheduler_address)


@pytest.mark.parametrize("who", [Here(), Processes(count=1), Processes(count=2), Processes(count=3)], ids=str)
def test_any_number_of_workers_finds_the_same(who):
    assert done_by(who) == {key: 5 + i * i for key, i in TASKS.items()}


def test_a_cluster_finds_the_same(cluster):
    assert done_by(cluster) == done_by(Here())


def test_two_processes_both_work():
    assert len(set(done_by(Processes(count=2), toil.whoami).values())) == 2


def test_no_task_is_no_work():
    for who in (Here(), Processes(count=2)):
        assert done_by(who, tasks={}) == {}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_killed_process_loses_nothing(tmp_path, count):
    assert done_by(Processes(count=count), toil.die_once, str(tmp_path)) == {k: 10 * i for k, i in TASKS.items()}
    assert (tmp_path / "died").exists()


def test_a_killed_worker_of_a_cluster_loses_nothing(tmp_path, cluster):
    assert done_by(cluster, toil.die_once, str(tmp_path)) == {k: 10 * i for k, i in TASKS.items()}
    assert (tmp_path / "died").exists()


def test_what_was_done_is_not_done_again(tmp_path):
    told = []
    work(toil.die_once, str(tmp_path), TASKS, Processes(count=2), lambda key, _: told.append(key))
    assert sorted(told) == sorted(TASKS)  # each once, though a pool of workers was lost on the way


def test_tasks_that_kill_every_worker_end_in_one_error():
    with pytest.raises(SimulationError, match="fewer workers"):
        done_by(Processes(count=2), toil.die_always)


def test_an_error_of_a_job_is_the_error_of_the_work(cluster):
    for who in (Here(), Processes(count=2), cluster):
        with pytest.raises(ZeroDivisionError, match="task 2"):
            done_by(who, toil.stumble)


def test_an_interrupt_leaves_what_was_done_and_no_process():
    """Ctrl-C reaches the whole group of processes, as from a terminal."""
    code = "import toil; toil.interrupt_me()"
    path = os.pathsep.join(sys.path)
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "first\n"
    os.killpg(child.pid, signal.SIGINT)
    said, _ = child.communicate(timeout=30)
    assert said.startswith("interrupted after ")
    assert int(said.split()[2]) >= 1
    assert child.returncode == 0
    deadline = time.monotonic() + 10
    while _alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(child.pid)


def test_a_crew_is_chosen_by_what_was_asked_for():
    assert crew(1) == Here()
    assert crew(3) == Processes(count=3)
    assert crew(None, "tcp://127.0.0.1:1") == Cluster(address="tcp://127.0.0.1:1")
    assert isinstance(crew(), Here | Processes)


def test_no_workers_and_both_kinds_at_once_are_refused():
    with pytest.raises(InputError, match="at least 1"):
        crew(0)
    with pytest.raises(InputError, match="--scheduler"):
        crew(2, "tcp://127.0.0.1:1")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://there"])
def test_a_scheduler_that_does_not_answer_is_refused(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("iceball.ensemble._cluster.PATIENCE_S", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        done_by(Cluster(address=address))


def test_a_scheduler_without_workers_is_refused():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=0, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
        ) as empty,
        pytest.raises(InputError, match="has no workers"),
    ):
        done_by(Cluster(address=empty.scheduler_address))


def test_without_dask_the_line_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPart, match=r"pip install 'iceball\[cluster\]'"):
        done_by(Cluster(address="tcp://127.0.0.1:1"))


def test_workers_with_another_library_are_refused(cluster, monkeypatch):
    monkeypatch.setattr("iceball.library.digest", lambda: "another")
    with pytest.raises(InputError, match="install the same"):
        done_by(cluster)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
