"""Jobs for the tests of shared work: workers import them by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def square(shared, task):
    return shared + task * task


def whoami(shared, task):
    time.sleep(0.05)
    return os.getpid()


def die_once(folder, task):
    """The first to take on task 3 is killed, as by a system out of memory; whoever comes next does it."""
    if task == 3:
        mark = Path(folder) / "died"
        if not mark.exists():
            mark.write_text("once")
            os.kill(os.getpid(), signal.SIGKILL)
    return 10 * task


def die_always(shared, task):
    os.kill(os.getpid(), signal.SIGKILL)


def stumble(shared, task):
    if task == 2:
        raise ZeroDivisionError("task 2 divides by zero")
    return task


def slow(shared, task):
    time.sleep(0.3)
    return task


def interrupt_me():
    """Work on many slow tasks, say when the first is done, and how many were when the interrupt came."""
    from iceball.ensemble import Processes, work

    done = {}

    def note(key, result):
        done[key] = result
        if len(done) == 1:
            print("first", flush=True)

    try:
        work(slow, None, {i: i for i in range(200)}, Processes(count=2), note)
    except KeyboardInterrupt:
        print(f"interrupted after {len(done)}", flush=True)
