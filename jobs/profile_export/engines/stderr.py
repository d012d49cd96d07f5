"""Keeps what engines print (JVM notices, Rust logs and panics) off the user's terminal.

Both engines write to file descriptor 2: Spark's JVM inherits it, the embedded engine shares it. So
it is pointed at a log, and Python's own ``sys.stderr`` is bound to the terminal again.
"""

import logging
import os
import sys
import tempfile

_moved = False


def to_log() -> None:
    """Point file descriptor 2 at a private log, once per process.

    Left as it is where ``sys.stderr`` is not descriptor 2 (pytest, a service that redirects it).
    """
    global _moved
    try:
        if _moved or sys.stderr.fileno() != 2:
            return
    except (OSError, ValueError, AttributeError):
        return
    before = sys.stderr
    before.flush()
    terminal = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    with tempfile.TemporaryFile(prefix="profile-export-engine-") as log:
        # It never has a name (O_TMPFILE): nothing is left on disk whenever the process is ended.
        os.dup2(log.fileno(), 2)
    sys.stderr = terminal
    _moved = True
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(terminal)


def tail(size: int = 4000) -> str:
    """The end of the log, to look up why an engine did not start; ``""`` while there is none."""
    if not _moved:
        return ""
    end = os.fstat(2).st_size
    return os.pread(2, size, max(0, end - size)).decode("utf-8", "replace")


def restore() -> None:
    """Give file descriptor 2 back to the terminal, for a program that takes this one's place."""
    if _moved:
        os.dup2(sys.stderr.fileno(), 2)


def trim(size: int = 1 << 20) -> None:
    """Empty the log once it is larger than ``size``: nobody reads it, and a worker runs long."""
    if _moved and os.fstat(2).st_size > size:
        os.ftruncate(2, 0)
