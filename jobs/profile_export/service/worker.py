"""A worker: takes one job after the other, does it on a warm engine, records its end.

It may die at any moment: what is true is in the store and in the target's log, and the next worker
goes on from there (docs/decisions/0011-workers.md).
"""

import logging
import threading
import time

from profile_export.document import Document
from profile_export.engines import Engine, stderr
from profile_export.errors import ExportError
from profile_export.processes import started
from profile_export.service import ends
from profile_export.service.heart import Heart, Held, Worker, now
from profile_export.service.record import Recorder
from profile_export.service.stage_times import StageTimes
from profile_export.service.store import Store, holds, presence, queue
from profile_export.service.store.database import StoreAway

_log = logging.getLogger("profile_export.worker")
POLL = 0.1
"""Seconds between two looks for a job; a look is one indexed read (0.3 ms on SQLite)."""
_PROBE_LIMIT = 20.0
_IDLE = 60.0
"""After so long without a job an engine is asked whether it still is there."""


class EngineGone(Exception):
    """The engine died: begin anew with another one."""


class WorkLoop:
    """Claims jobs until it is asked to end, or has done as many as it ``lasts``.

    :meth:`run` is for one thread, the rest for others.
    """

    def __init__(
        self, store: Store, engine: Engine, worker: Worker, *, lasts: int | None = None
    ) -> None:
        self._store, self._engine, self._worker = store, engine, worker
        self._heart = Heart(store, worker)
        self._held: Held | None = None
        self._ending = False
        self._left = lasts
        self._asked_engine = time.monotonic()
        self._record = Recorder(store, engine, leaving=lambda: self._ending)

    @property
    def worn(self) -> bool:
        """Whether it has done as many jobs as it lasts."""
        return self._left == 0

    def end(self) -> None:
        """Stop: the job under way is handed over, or finished if it has committed."""
        self._ending = True
        if (held := self._held) is not None:
            held.stop.ask()

    def overdue(self) -> bool:
        """Whether a job was asked to stop and its engine does not obey."""
        held = self._held
        return held is not None and held.overdue(self._engine.obeys_within)

    def let_go(self) -> None:
        """Hand over the job under way though it has not stopped: the process ends at once.

        What it leaves is what ``kill -9`` leaves, and the next worker goes on from there.
        """
        self._ending = True
        held = self._held
        try:
            with self._store.write() as connection:
                if held is not None and not held.lost:
                    holds.give_back(connection, held.claim, counts=False)
                presence.gone(connection, self._worker.id)
        except StoreAway:
            return  # the lease runs out

    def run(self) -> None:
        """Work until :meth:`end`, or until it is worn.

        Raises:
            EngineGone: the engine died; the job that it was doing was given back.
        """
        self._heart.start()
        try:
            while not self._ending and not self.worn:
                claim = self._claimed()
                if claim is None:
                    time.sleep(POLL)
                else:
                    self._do(claim)
        finally:
            self._heart.end()
            if self._ending or not self.worn:  # else another is there before this one is missed
                self._say_good_bye()

    def _claimed(self) -> queue.Claim | None:
        try:
            with self._store.read() as connection:
                if not queue.waiting(connection):
                    return None
            self._see_that_the_engine_is_there()
            with self._store.write() as connection:
                return queue.claim(connection, self._worker.id, lease=self._worker.lease)
        except StoreAway:
            time.sleep(1.0)
            return None

    def _do(self, claim: queue.Claim) -> None:
        held = Held(claim, lease=self._worker.lease, at=now())
        times = StageTimes(held.report)
        self._held = held
        if self._ending:  # asked between the claim and here
            held.stop.ask()
        self._heart.hold(held)
        _log.info("job begun", extra={"job": claim.job_id, "attempt": claim.attempt})
        try:
            outcome = self._outcome(held, times)
            held.over = True
            alive = not _is_suspect(outcome) or alive_within(self._engine, _PROBE_LIMIT)
            end = ends.end_of(
                outcome,
                claim,
                lost=held.lost,
                cancelling=held.cancelling,
                leaving=self._ending,
                engine_alive=alive,
            )
            self._record.write(end, claim, outcome, times)
        finally:
            self._heart.let_go()
            self._held = None
        self._asked_engine = time.monotonic()
        if not alive:
            raise EngineGone
        self._engine.between_jobs()
        stderr.trim()
        if self._left is not None:
            self._left -= 1

    def _outcome(self, held: Held, times: StageTimes) -> Document | Exception:
        from profile_export.job import run_job

        try:
            return run_job(
                held.claim.plan,
                self._engine,
                document=held.claim.document,
                progress=times.report,
                stop=held.stop,
                exclusive=True,
                may_commit=self._heart.may_commit,
            )
        except ExportError as error:
            return error
        except Exception as error:
            _log.exception("a fault of the worker", extra={"job": held.claim.job_id})
            return error

    def _see_that_the_engine_is_there(self) -> None:
        """Before a job is taken: an engine that died while idle costs the job no try.

        Raises:
            EngineGone: it is not.
        """
        pid, idle = self._engine.pid, time.monotonic() - self._asked_engine > _IDLE
        if pid is not None and started(pid) is None:
            raise EngineGone
        if idle:
            if not alive_within(self._engine, _PROBE_LIMIT):
                raise EngineGone
            self._asked_engine = time.monotonic()

    def _say_good_bye(self) -> None:
        try:
            with self._store.write() as connection:
                presence.gone(connection, self._worker.id)
        except StoreAway:
            return  # its lease says it, in a while


def alive_within(engine: Engine, limit: float) -> bool:
    """Whether an engine answers the smallest question in time."""
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(len(engine.spark.sql("SELECT 1").collect()))
        except Exception as error:
            _log.warning("the engine does not answer: %s", type(error).__name__)

    thread = threading.Thread(target=ask, name="profile-export-probe", daemon=True)
    thread.start()
    thread.join(limit)
    return answers == [1]


def _is_suspect(outcome: Document | Exception) -> bool:
    if isinstance(outcome, ExportError):
        return outcome.code in ends.SUSPECT
    return isinstance(outcome, Exception)
