"""What a command line needs of its process: signals, warnings, open streams."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from types import FrameType

from profile_export.stop import ending_signals

Handler = Callable[[int, FrameType | None], None]
INTERRUPTED = "Interrupted. No job was under way."


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, SIGTERM, or a terminal that was closed.

    A class of its own, since CPython remembers a plain KeyboardInterrupt that has passed through an
    ``exec`` (as dataclasses have), and at exit kills the process with SIGINT, caught or not.
    """


def signals_quit() -> None:
    """Signals end the process at once: for the start, when nothing is under way yet."""
    for number in ending_signals():
        signal.signal(number, _quitting(lambda: None))


@contextmanager
def signals_quit_meanwhile(tidy: Callable[[], None]) -> Iterator[None]:
    """The same for a while, where ``tidy`` is all there is to do before.

    An exception would be lost inside an import, or leave it locked for other threads.
    """
    with _signals(_quitting(tidy)):
        yield


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Signals end a command as Ctrl-C does: scratch folders go, and the exit code says it."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    with _signals(interrupt):
        yield


def _quitting(tidy: Callable[[], None]) -> Handler:
    def quit_now(_number: int, _frame: FrameType | None) -> None:
        try:
            tidy()
            with suppress(OSError, ValueError, AttributeError):
                # Not 2: an engine may have pointed that at its log.
                os.write(sys.stderr.fileno(), f"{INTERRUPTED}\n".encode())
        finally:
            os._exit(130)

    return quit_now


@contextmanager
def _signals(handler: Handler) -> Iterator[None]:
    """What ending signals do meanwhile; only the main thread can say so."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in ending_signals()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def warnings_of_libraries(*, shown: bool) -> Iterator[None]:
    """Libraries warn of their own future, and py4j writes a trace of every call that is broken off:
    that is for developers."""
    if shown:
        yield
        return
    root = logging.getLogger()
    root.addFilter(_is_of_a_user)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(_is_of_a_user)


def _is_of_a_user(record: logging.LogRecord) -> bool:
    return not record.getMessage().endswith(" while sending command.")


def fill_closed_streams() -> None:
    """Open what the caller has closed (``>&-``), lest a file of ours become our stdout."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        continue
    os.close(handle)
