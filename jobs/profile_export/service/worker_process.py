"""A worker as a process: engine, signals, parent, and a new life where the engine dies."""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from types import FrameType

from profile_export.service.heart import Worker
from profile_export.service.store import Store, presence
from profile_export.service.store.database import StoreAway
from profile_export.service.worker import EngineGone, WorkLoop
from profile_export.stop import ending_signals

_log = logging.getLogger("profile_export.worker")
LEASE = 15.0
_STOP_LIMIT = 60.0
"""Seconds for stopping; whoever runs us (``serve``, systemd, Kubernetes) may give us less."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker process runs.

    Attributes:
        engine: As ``--engine`` takes it.
        lease: Seconds without a heartbeat after which another worker takes the job.
        is_child: It ends when its stdin ends, which is when its parent does, however it dies.
        verbose: Let the engine's own output through.
    """

    engine: str
    lease: float = LEASE
    is_child: bool = False
    verbose: bool = False


class WorkerProcess:
    """The main thread's part: it only waits, so that it hears signals while the other works."""

    def __init__(self, store: Store, options: WorkerOptions) -> None:
        self._store, self._options = store, options
        self._signals = 0
        self._interrupted = False
        self._orphaned = False
        self._parent = os.getppid()
        self._loop: WorkLoop | None = None
        self._failed: BaseException | None = None

    def run(self) -> int:
        """Work until a signal, or the parent's end; gives the exit code.

        Raises:
            JobFailed: the engine could not be opened.
            EngineGone: it died, and there can be no other one in this place (under spark-submit).
        """
        if self._options.is_child:
            threading.Thread(target=self._watch_stdin, daemon=True).start()
        heard = {*_SIGNALS, *ending_signals()}
        before = {number: signal.signal(number, self._hear) for number in heard}
        work = threading.Thread(target=self._work, name="profile-export-worker", daemon=True)
        work.start()
        try:
            self._wait_for(work)
            worn = self._failed is None and self._loop is not None and self._loop.worn
            if worn or (isinstance(self._failed, EngineGone) and not _under_spark_submit()):
                self._begin_anew(logging.INFO if worn else logging.WARNING)
            elif self._failed is not None:
                raise self._failed
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 130 if self._interrupted else 0

    def _wait_for(self, work: threading.Thread) -> None:
        deadline = None
        while work.is_alive():
            work.join(0.05)
            if self._loop is not None and self._loop.overdue():
                self._break_off(self._loop)
            for number in _SIGNALS:  # the embedded engine listens for SIGINT too, once it is open
                signal.signal(number, self._hear)
            if not self._asked_to_end():
                continue
            deadline = deadline or time.monotonic() + _STOP_LIMIT
            if self._loop is None:
                return  # the engine is still starting: there is no job, and nobody to wait for
            self._loop.end()
            if time.monotonic() > deadline:
                _log.error("the job cannot be stopped; its lease will run out")
                os._exit(1)

    def _work(self) -> None:
        try:
            import profile_export.job  # noqa: F401  # now, so that the first job need not wait
            from profile_export.engines import open_engine

            engine = open_engine(self._options.engine, verbose=self._options.verbose)
            worker = Worker(
                id=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
                host=socket.gethostname(),
                engine=f"{engine.name} {engine.version}",
                lease=self._options.lease,
                beat=min(1.0, self._options.lease / 5),
            )
            lasts = None if _under_spark_submit() else engine.lasts
            self._loop = WorkLoop(self._store, engine, worker, lasts=lasts)
            _log.info("worker ready", extra={"worker": worker.id, "engine": worker.engine})
            self._loop.run()
            if self._loop.worn:
                engine.abandon()
            else:
                engine.stop()
        except BaseException as error:
            self._failed = error

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._interrupted = number == signal.SIGINT
        if self._signals > 1:  # asked twice: now; whatever this breaks off is mended by the next
            os._exit(130)

    def _asked_to_end(self) -> bool:
        return self._signals > 0 or self._orphaned or self._jvm_is_gone()

    def _jvm_is_gone(self) -> bool:
        """Under spark-submit the JVM is the parent: without it there is nothing to do."""
        return _under_spark_submit() and os.getppid() != self._parent

    def _watch_stdin(self) -> None:
        while os.read(0, 1024):
            continue
        self._orphaned = True

    def _break_off(self, loop: WorkLoop) -> None:
        """End the work of an engine that does not stop, by ending this process."""
        _log.warning("the engine does not stop; its process ends")
        loop.let_go()
        if not self._asked_to_end() and not _under_spark_submit():
            self._begin_anew()
        os._exit(130 if self._interrupted else int(not self._asked_to_end()))

    def _begin_anew(self, level: int = logging.WARNING) -> None:
        """Become a new worker: no engine can be opened twice in one process.

        Returns only if it was asked to end.
        """
        from profile_export.engines import stderr

        self._wait_for_the_store()
        if self._asked_to_end():
            return
        _log.log(level, "the worker begins anew, with another engine")
        self._store.close()
        stderr.restore()
        os.execv(sys.executable, command_line(*sys.argv[1:]))

    def _wait_for_the_store(self) -> None:
        """Who begins where the store is away ends at once, and perhaps nobody starts it again."""
        told = False
        while not self._asked_to_end():
            try:
                with self._store.read() as connection:
                    presence.any_alive(connection)
            except StoreAway:
                if not told:
                    _log.warning("the store is away; the worker begins anew when it is back")
                told = True
                time.sleep(0.5)
            else:
                return


def command_line(*words: str) -> list[str]:
    """How this program is run again; ``-P`` keeps the current folder out of its imports."""
    return [sys.executable, "-P", "-m", "profile_export.cli", *words]


def _under_spark_submit() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ
