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
]
POINTS: tuple[Point, ...] = get_args(Point)


def fault(point: Point) -> None:
    """Kill this process here, if the environment asks for this point; else nothing."""
    if _asked(point):
        os.kill(os.getpid(), signal.SIGKILL)


def fault_when(point: Point, reached: Callable[[], bool]) -> None:
    """Kill this process once ``reached()``, for points inside one call of an engine."""
    if _asked(point):
        Thread(target=_watch, args=(point, reached), daemon=True).start()


def _watch(point: Point, reached: Callable[[], bool]) -> None:
    while not reached():
        time.sleep(0.001)
    fault(point)


def _asked(point: Point) -> bool:
    return os.environ.get(VARIABLE) == point
