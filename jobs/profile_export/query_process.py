"""Queries in a process of their own, which can be killed: what the service runs them in.

A statement can pass the guard and still be too much for the machine. The embedded engine computes
in the process that asks, and some plans (a product of many tables) let it answer nothing meanwhile,
not even an interrupt; others can take all memory. So the process that serves people does not
compute: a child does, with an engine that stays warm, and it is killed when its time is over.
"""

import contextlib
import multiprocessing
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from threading import Lock

from profile_export.catalog import Sandbox
from profile_export.errors import ExportError, JobFailed, Problem, Refused
from profile_export.query import MOST_ROWS, QueryResult, run_query, too_late

START_LIMIT = 120.0
"""Seconds for the engine to start; a JVM on a busy machine takes half a minute."""
GRACE = 2.0
"""Seconds that the child has for stopping the query itself, before it is killed."""


@dataclass(frozen=True)
class _Asked:
    sql: str
    sandbox: Sandbox
    limit: int
    time_limit: float


@dataclass(frozen=True)
class _Failed:
    """An error on its way through the pipe: exceptions of ours do not survive pickling."""

    problems: tuple[Problem, ...]
    message: str
    code: str

    def error(self) -> ExportError:
        return Refused(self.problems) if self.problems else JobFailed(self.message, code=self.code)


class QueryProcess:
    """One child process, one query at a time; further ones wait.

    It is started by the first query, and again by the first one after it was killed.

    Args:
        engine: As ``--engine`` takes it.
        settings: Spark settings on top of ``conf/``.
    """

    def __init__(self, engine: str, *, settings: dict[str, str] | None = None) -> None:
        self._engine, self._settings = engine, settings or {}
        self._lock = Lock()
        self._child: tuple[SpawnProcess, Connection] | None = None

    def run(
        self, sql: str, sandbox: Sandbox, *, time_limit: float, limit: int = MOST_ROWS
    ) -> QueryResult:
        """As :func:`~profile_export.query.run_query`, and surely over after ``time_limit`` seconds.

        Raises:
            Refused: as there.
            JobFailed: as there; also where the child died (of too little memory, most likely).
        """
        with self._lock:
            child, pipe = self._child or self._started()
            self._child = child, pipe
            answer = None
            try:
                pipe.send(_Asked(sql, sandbox, limit, time_limit))
                if not pipe.poll(time_limit + GRACE):
                    raise too_late(time_limit)
                answer = pipe.recv()
            except (EOFError, OSError) as error:
                raise JobFailed(
                    "The query broke its engine; ask for less at once.", code="query-failed"
                ) from error
            finally:
                if answer is None:
                    self._kill()
        if isinstance(answer, _Failed):
            raise answer.error()
        assert isinstance(answer, QueryResult)
        return answer

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._kill()

    def _started(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(
            target=_serve, args=(theirs, self._engine, self._settings), daemon=True
        )
        child.start()
        theirs.close()
        self._child = child, ours
        try:
            told = ours.recv() if ours.poll(START_LIMIT) else None
        except EOFError:
            told = None
        if told is None or isinstance(told, _Failed):
            self._kill()
            raise told.error() if told else JobFailed("The engine did not start.", code="engine")
        return child, ours

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            process, pipe = child
            process.kill()
            process.join()
            pipe.close()


def _serve(pipe: Connection, engine_name: str, settings: dict[str, str]) -> None:
    """The child: an engine, and one query after the other until the pipe is closed."""
    from profile_export.engines import open_engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    with contextlib.suppress(OSError):  # if memory runs out, this process goes, not the service
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        engine = open_engine(engine_name, settings=settings)
    except ExportError as error:
        pipe.send(_failed(error))
        return
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        while True:
            asked: _Asked = pipe.recv()
            try:
                answer: object = run_query(
                    asked.sql,
                    asked.sandbox,
                    engine,
                    limit=asked.limit,
                    time_limit=asked.time_limit,
                )
            except ExportError as error:
                answer = _failed(error)
            pipe.send(answer)
    engine.stop()


def _failed(error: ExportError) -> _Failed:
    problems = error.problems if isinstance(error, Refused) else ()
    return _Failed(problems, str(error), error.code)
