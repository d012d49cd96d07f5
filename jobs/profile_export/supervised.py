"""A job's life in a thread of its own, so that a signal never breaks off a half-made write."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from profile_export.engines import Engine
from profile_export.stop import Stop, ending_signals

Outcome = TypeVar("Outcome")


def supervised(life: Callable[[], Outcome], engine: Engine, stop: Stop) -> Outcome:
    """Run ``life`` in another thread; what it gives, or raises.

    The thread that catches signals only waits, and tells the engine to stop, again and again until
    it has: what was asked may be between two calls of the engine just now.

    Args:
        life: What to do.
        engine: What it works with.
        stop: Asked by Ctrl-C, SIGTERM or SIGHUP, where this is the main thread, or by others.
    """
    given: list[Outcome] = []
    raised: list[BaseException] = []

    def body() -> None:
        try:
            given.append(life())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=body, name="profile-export-job")
    with _signals_ask(stop):
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            if stop.asked and not stop.closed and thread.is_alive():
                engine.interrupt()
                thread.join(0.5)
    if raised:
        raise raised[0]
    return given[0]


@contextmanager
def _signals_ask(stop: Stop) -> Iterator[None]:
    """While a job runs, signals ask it to stop; only the main thread can say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {number: signal.signal(number, ask) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
