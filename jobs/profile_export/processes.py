"""Other processes of this machine that may still work on a job: told apart, waited for, ended."""

import json
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path


def process(pid: int | None) -> dict[str, object]:
    """What tells a process from all others, to be kept in a file; ``pid`` None is no process."""
    return {"host": socket.gethostname(), "pid": pid, "started": started(pid)}


def this_process() -> dict[str, object]:
    return process(os.getpid())


def started(pid: int | None) -> str | None:
    """What tells a process from a later one of the same id; None where it is gone or unknowable."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state[0] == "Z" else state[19]


def wait_for_end(noted: object, limit: float = 60.0) -> None:
    """Wait until a noted process is gone, if it is one of this host."""
    pid, deadline = _here(noted), time.monotonic() + limit
    while pid is not None and time.monotonic() < deadline and _here(noted) is not None:
        time.sleep(0.05)


def end_holder(lock: Path) -> None:
    """Kill the process that is noted in a lock file, and has that very file open.

    That it has the file open is looked up: an id alone could be another process by now, or one of
    another container. Does nothing where it cannot be known (no ``/proc``, another host or user).
    """
    try:
        noted = json.loads(lock.read_text(encoding="utf-8"))
        pid = _here(noted)
        if pid is None or pid == os.getpid():
            return
        handle = os.pidfd_open(pid)
    except (OSError, ValueError, AttributeError):
        return
    try:
        if _here(noted) == pid and _has_open(pid, lock):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return
    finally:
        os.close(handle)


def _here(noted: object) -> int | None:
    """The id of a noted process that is still there, on this host."""
    if not isinstance(noted, dict) or noted.get("host") != socket.gethostname():
        return None
    pid = noted.get("pid")
    if not isinstance(pid, int) or noted.get("started") is None:
        return None
    return pid if started(pid) == noted["started"] else None


def _has_open(pid: int, file: Path) -> bool:
    wanted = file.stat()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found = handle.stat()
            if (found.st_ino, found.st_dev) == (wanted.st_ino, wanted.st_dev):
                return True
    return False
