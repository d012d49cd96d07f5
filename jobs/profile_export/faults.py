"""Fault points: where a test kills this process, as ``kill -9`` would, to see that S27 holds."""

import os
import signal
import time
from collections.abc import Callable
from threading import Thread
from typing import Literal, get_args

VARIABLE = "PROFILE_EXPORT_FAULT"
Point = Literal[
    "before-read",
    "while-writing",
    "before-commit",
    "after-commit",
    "after-manifest",
    "before-sweep",
    "while-cancelling",
    "before-record",
]
OF_WORKERS: tuple[Point, ...] = ("while-cancelling", "before-record")
"""Reached by a job that is stopped, and by a worker that is about to record an end."""
POINTS: tuple[Point, ...] = tuple(point for point in get_args(Point) if point not in OF_WORKERS)
"""Passed by every job that is done."""


def fault(point: Point) -> None:
    """Kill this process here, if the environment asks for this point; else nothing."""
    if _asked(point):
        os.kill(os.getpid(), signal.SIGKILL)


def fault_when(point: Point, reached: Callable[[], bool]) -> None:
    """Kill this process once ``reached()``, for points inside one call of an engine."""
    if _asked(point):
        Thread(target=_watch, args=(point, reached), daemon=True).start()


def _watch(point: Point, reached: Callable[[], bool]) -> None:
    while not _is_true(reached):
        time.sleep(0.001)
    fault(point)


def _is_true(reached: Callable[[], bool]) -> bool:
    try:
        return reached()
    except OSError:  # what it looks at is just being made, or renamed
        return False


def _asked(point: Point) -> bool:
    return os.environ.get(VARIABLE) == point
