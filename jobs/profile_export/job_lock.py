"""A lock file: one process works on a job, others wait until the kernel says that it is gone."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from profile_export.errors import Cancelled, outcome_unknown
from profile_export.processes import end_holder, this_process
from profile_export.stop import Stop

_GRACE = 5.0
"""Seconds that a process which has lost the job has for noticing it, before it is killed."""
_PATIENCE = 15.0
"""Seconds after which a stop ends the waiting for a process that cannot be killed from here."""


@contextmanager
def held(path: Path, make: Callable[[], None], stop: Stop, *, exclusive: bool) -> Iterator[None]:
    """Hold the lock; wait for who has it. The kernel frees it when its holder dies, however.

    Args:
        path: The lock's file, which says who holds it and goes with it.
        make: Makes the folder of it, which whoever had the lock before may just be removing.
        stop: Ends the waiting.
        exclusive: Who has it lost the job, and is killed if it does not leave.

    Raises:
        Cancelled: asked to stop while waiting.
        JobFailed: ``outcome-unknown``: likewise, and who has it may commit yet.
        OSError: there is no folder for the lock, nor can one be made.
    """
    lock = _take(path, make, stop, exclusive=exclusive)
    try:
        _sign(lock)
        yield
    finally:
        with suppress(OSError):  # of storage that is away: how the work went is known
            path.unlink(missing_ok=True)
        lock.close()


def _take(path: Path, make: Callable[[], None], stop: Stop, *, exclusive: bool) -> TextIO:
    started = time.monotonic()
    while True:
        waited = time.monotonic() - started
        try:
            if (lock := _opened(path, make)) is not None:
                return lock
        except FileNotFoundError:  # its last holder is just removing the folder; but not for long
            if waited > _GRACE:
                raise
        time.sleep(0.05)
        if exclusive and waited > _GRACE:
            end_holder(path)
        if stop.asked and not exclusive:
            raise Cancelled("The job was asked to stop.")
        if stop.asked and waited > _PATIENCE:
            raise outcome_unknown("another process has it, which cannot be reached from here")


def _opened(path: Path, make: Callable[[], None]) -> TextIO | None:
    """The lock's file, locked by us; None where another has it, or has just let it go."""
    make()
    lock = path.open("a", encoding="utf-8")
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists() and os.fstat(lock.fileno()).st_ino == path.stat().st_ino:
            return lock
    lock.close()
    return None


def _sign(lock: TextIO) -> None:
    """Say in it who holds it; a full disk is no reason to stop here."""
    with suppress(OSError):
        os.ftruncate(lock.fileno(), 0)
        os.write(lock.fileno(), json.dumps(this_process()).encode())
