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


def interrupted(shared, task):
    return task
