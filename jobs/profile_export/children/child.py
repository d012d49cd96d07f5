"""The child of an :class:`~.process.EngineProcess`: what it is told, and what it does."""

import contextlib
import multiprocessing
import os
import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from profile_export.errors import ExportError, JobFailed, Problem, Refused

if TYPE_CHECKING:
    from profile_export.engines import Engine


class Work(ABC):
    """Something to do with an engine; picklable, and what it gives is too."""

    @property
    def owner(self) -> str:
        """For whom it is done: owners have their turns one after the other."""
        return ""

    @abstractmethod
    def do(self, engine: "Engine") -> object:
        """Do it, in the child."""

    @abstractmethod
    def too_late(self, seconds: float) -> ExportError:
        """The error of work that was stopped after so long."""

    @abstractmethod
    def broken(self) -> ExportError:
        """The error of work that ended its process (of too little memory, most likely)."""


@dataclass(frozen=True)
class Failure:
    """An error on its way through the pipe: exceptions of ours do not survive pickling."""

    problems: tuple[Problem, ...]
    message: str
    code: str
    title: str

    def error(self) -> ExportError:
        if self.problems:
            return Refused(self.problems)
        made = JobFailed(self.message, code=self.code)
        made.title = self.title
        return made


def serve(pipe: Connection, engine_name: str, settings: dict[str, str]) -> None:
    """The child: an engine, and one piece of work after the other until the pipe is closed.

    Args:
        pipe: To the parent: first it hears that the engine is there, then an answer for each work,
            and whether that was the last one for which the engine lasts.
        engine_name: As ``--engine`` takes it.
        settings: Of Spark, on top of ``conf/``.
    """
    from profile_export.engines import open_engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(OSError):  # if memory runs out, this process goes, not the service
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    try:
        engine = open_engine(engine_name, settings=settings)
    except ExportError as error:
        pipe.send(_failed(error))
        return
    pipe.send("ready")
    with contextlib.suppress(EOFError):
        for done in count(1):
            work: Work = pipe.recv()
            try:
                answer: object = work.do(engine)
            except ExportError as error:
                answer = _failed(error)
            is_worn = engine.lasts is not None and done >= engine.lasts
            if is_worn:  # the parent kills this process as soon as it has the answer
                engine.abandon()
            pipe.send((answer, is_worn))
    engine.stop()


def _end_with_parent() -> None:
    """A service that was killed leaves nobody computing for it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _failed(error: ExportError) -> Failure:
    problems = error.problems if isinstance(error, Refused) else ()
    return Failure(problems, str(error), error.code, error.title)
