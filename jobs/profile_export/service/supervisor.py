"""The worker of ``serve``: a child process, started again when it dies, gone when ``serve`` is."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

_log = logging.getLogger("profile_export.supervisor")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_LIVED_WELL = 60.0
"""Seconds after which a worker's death is taken for a single one."""


class Supervisor:
    """Keeps one child running, from :meth:`start` to :meth:`end`.

    The child's stdin is a pipe that nobody writes to: it ends when this process does, even by
    ``kill -9``, and the child then goes away by itself.

    Args:
        command: The child's command line.
        environment: Of the child; what must not be seen in a list of processes comes with it.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = list(command), dict(environment)
        self._child: subprocess.Popen[bytes] | None = None
        self._told: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="profile-export-supervisor")
        self._thread.daemon = True

    def start(self) -> None:
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the child that runs now."""
        child = self._child
        return None if child is None or child.poll() is not None else child.pid

    def ask(self) -> None:
        """Tell the child to end, and start no other."""
        self._ending.set()
        child = self._child
        if child is not None and child.poll() is None and child is not self._told:
            self._told = child  # once: a second signal would break its job off
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)

    def end(self, grace: float) -> None:
        """Wait for the child's end, after :meth:`ask`; kill it if that takes too long."""
        self.ask()
        self._thread.join(grace)
        if self._thread.is_alive() and (child := self._child) is not None:
            _log.warning("the worker did not end in time", extra={"worker_pid": child.pid})
            child.kill()
            self._thread.join(5)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            begun = time.monotonic()
            code = self._one_life()
            if self._ending.is_set():
                return
            if time.monotonic() - begun > _LIVED_WELL:
                pause = _FIRST_PAUSE
            told = {"exit_code": code, "again_in_s": round(pause, 1)}
            _log.error("the worker died", extra=told)
            self._ending.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _one_life(self) -> int:
        with contextlib.suppress(OSError):
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=2,  # our stdout says where the service listens, and nothing else
                env={**os.environ, **self._environment},
                start_new_session=True,  # Ctrl-C on the terminal is ours to pass on
            )
            if self._ending.is_set():  # asked while it was being started
                self.ask()
            return self._child.wait()
        return -1
