"""Engines in processes of their own, which can be killed: what the service computes in.

A statement can pass the guard and still be too much for the machine. The embedded engine computes
in the process that asks, and some plans (a product of many tables) let it answer nothing meanwhile,
not even an interrupt; others can take all memory. So the process that serves people does not
compute: a child does, with an engine that stays warm, and it is killed when its time is over.
"""

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from profile_export.children.child import Failure, Work, serve
from profile_export.children.turns import Busy, Turns
from profile_export.errors import ENGINE_MAY_BE_GONE, JobFailed
from profile_export.sql.errors import QueryFailed

__all__ = ["Busy", "EngineProcess", "Work"]

START_LIMIT = 120.0
"""Seconds for the engine to start; a JVM on a busy machine takes half a minute."""
_OF_THE_ENGINE = ENGINE_MAY_BE_GONE | {QueryFailed.code}
"""What work fails with where the child's engine may be gone for good: the next has another."""
GRACE = 2.0
"""Seconds that the child has for stopping the work itself, before it is killed."""


class EngineProcess:
    """One child process, one piece of work at a time; a few more wait, their owners in turn.

    It is started by the first work, and again by the first one after it was killed.

    Args:
        engine: As ``--engine`` takes it.
        settings: Spark settings on top of ``conf/``.
    """

    def __init__(self, engine: str, *, settings: dict[str, str] | None = None) -> None:
        self._engine, self._settings = engine, settings or {}
        self._turns = Turns()
        self._child: tuple[SpawnProcess, Connection] | None = None
        self._closed = False

    def do(self, work: Work, *, time_limit: float) -> object:
        """What the work gives; surely over after ``time_limit`` seconds once its turn has come.

        Raises:
            ExportError: what the work raised, or says of being too late or broken.
            JobFailed: ``engine``: it could not be started.
            Busy: too many wait already, or its turn did not come; or the service ends.
        """
        with self._turns.turn(work.owner):
            if self._closed:
                raise ending()
            if self._child is not None and not self._child[0].is_alive():
                self._kill()  # it died while nobody asked: nobody needs to hear of it
            _, pipe = self._child or self._started()
            told: tuple[object, bool] | None = None
            try:
                pipe.send(work)
                if not pipe.poll(time_limit + GRACE):
                    raise work.too_late(time_limit)
                told = pipe.recv()
            except (EOFError, OSError) as error:
                raise (ending() if self._closed else work.broken()) from error
            finally:
                if told is None:
                    self._kill()
            answer, is_worn = told
            if is_worn or (isinstance(answer, Failure) and answer.code in _OF_THE_ENGINE):
                self._kill()
        if isinstance(answer, Failure):
            raise answer.error()
        return answer

    def close(self) -> None:
        """End the child for good, whatever it is doing."""
        self._closed = True
        if (child := self._child) is not None:
            child[0].kill()  # whoever waits for its answer hears that it has ended
        self._turns.until_free(5)
        self._kill()

    def _started(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        child = context.Process(
            target=serve, args=(theirs, self._engine, self._settings), daemon=True
        )
        child.start()
        theirs.close()
        self._child = child, ours
        try:
            told = ours.recv() if ours.poll(START_LIMIT) else None
        except (EOFError, OSError):
            told = None
        if told is None or isinstance(told, Failure):
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


def ending() -> Busy:
    """What whoever still waits for an answer hears when the service ends."""
    return Busy("The service is being stopped. Try again when it is back.")
