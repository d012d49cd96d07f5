"""A worker's heartbeat: a thread that keeps the worker, and the job that it holds, alive.

It carries the progress to the store, and brings back that the job is to stop: because somebody
cancelled it, or because its lease ran out and another worker has it.
"""

import logging
import threading
import time
from dataclasses import dataclass

from profile_export.errors import Cancelled
from profile_export.service.store import Store, holds, presence
from profile_export.service.store.database import StoreAway
from profile_export.service.store.queue import Claim
from profile_export.stop import Stop

_log = logging.getLogger("profile_export.worker")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock: leases do."""


@dataclass(frozen=True)
class Worker:
    """Who works.

    Attributes:
        id: New for every process.
        host: Of this machine.
        engine: Its name.
        lease: Seconds without a heartbeat after which another worker takes the job.
        beat: Seconds from one heartbeat to the next.
    """

    id: str
    host: str
    engine: str
    lease: float
    beat: float


class Held:
    """A claim while its job runs, as the heartbeat and the job see it.

    Attributes:
        claim: The claim.
        stop: Of the job.
        cancelling: Somebody asked for its end.
        lost: Another worker has it.
        stopped_at: When the job was first seen to have been asked to stop; see :meth:`overdue`.
    """

    def __init__(self, claim: Claim, *, lease: float, at: float) -> None:
        self.claim = claim
        self.stop = Stop()
        self.cancelling = claim.cancelling
        self.lost = False
        self.stopped_at: float | None = None
        self.over = False
        """Set when the engine has nothing more to do with it."""
        self._only_looked_at = claim.cancelling or claim.exhausted
        self._lease = lease
        self._renewed_at, self._sure_until = at, at + 0.8 * lease
        self._progress: tuple[str, float] | None = None
        if self._only_looked_at:
            self.stop.ask()

    def report(self, stage: str, fraction: float) -> None:
        """Note the progress; the next heartbeat takes it along."""
        self._progress = stage, fraction

    @property
    def progress(self) -> tuple[str, float] | None:
        """What was noted and not told yet."""
        return self._progress

    def renewed(
        self, status: str | None, *, at: float, told: tuple[str, float] | None = None
    ) -> None:
        """Note what the store said about a renewal that was sent ``at``, and had ``told`` it the
        progress."""
        if self._progress is told:  # else there is more of it by now
            self._progress = None
        if status is None:
            self.lost = True
            self.stop.leave()
            return
        self._renewed_at, self._sure_until = at, at + 0.8 * self._lease
        if status == "CANCELLING":
            self.cancelling = True
            self.stop.ask()

    def overdue(self, limit: float) -> bool:
        """Whether the engine has not stopped, so long after it was asked to; to be called often."""
        if self.over or self._only_looked_at or not self.stop.asked or self.stop.closed:
            return False
        self.stopped_at = self.stopped_at or now()
        return now() - self.stopped_at > limit

    def wait_until_sure(self, since: float) -> None:
        """Return when the store has said, after ``since``, that the job goes on and is ours.

        While the store is away this waits; a commit is made by whoever has the job, and not after
        it was cancelled.

        Raises:
            Cancelled: asked to stop meanwhile.
        """
        while not self.stop.asked and (self._renewed_at < since or now() > self._sure_until):
            time.sleep(0.005)
        if self.stop.asked:
            raise Cancelled("The job was asked to stop.")


class Heart:
    """The thread, from :meth:`start` to :meth:`end`."""

    def __init__(self, store: Store, worker: Worker) -> None:
        self._store, self._worker = store, worker
        self._held: Held | None = None
        self._ending, self._wanted = threading.Event(), threading.Event()
        self._seen = float("-inf")
        self._away = False
        self._thread = threading.Thread(target=self._run, name="profile-export-heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Stop beating. What is under way may still arrive: it changes nothing that has ended."""
        self._ending.set()
        self._wanted.set()
        self._thread.join(self._worker.beat)

    def hold(self, held: Held) -> None:
        """Keep this job, until :meth:`let_go`."""
        self._held = held

    def let_go(self) -> None:
        self._held = None

    def may_commit(self) -> None:
        """Ask the store now: see :meth:`Held.wait_until_sure`."""
        held, since = self._held, now()
        assert held is not None, "a job that runs is held"
        self._wanted.set()
        held.wait_until_sure(since)

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except StoreAway as error:
                if not self._away:
                    _log.warning("the store is away; the work goes on: %s", error)
                self._away = True
            except Exception:
                _log.exception("a heartbeat failed")
            else:
                if self._away:
                    _log.info("the store is back")
                self._away = False
            self._wanted.wait(self._worker.beat)
            self._wanted.clear()
            if self._ending.is_set():
                return

    def _beat(self) -> None:
        held, at, worker = self._held, now(), self._worker
        is_due = at - self._seen >= worker.lease / 3
        if held is None and not is_due:
            return
        status, told = None, None if held is None else held.progress
        with self._store.write() as connection:
            if held is not None:
                status = holds.renew(connection, held.claim, lease=worker.lease, progress=told)
            if is_due:
                presence.seen(
                    connection,
                    worker.id,
                    host=worker.host,
                    engine=worker.engine,
                    lease=worker.lease,
                )
        if is_due:
            self._seen = at
        if held is not None:
            held.renewed(status, at=at, told=told)


def now() -> float:
    """Seconds of the clock that leases are measured with in this process."""
    return time.clock_gettime(_CLOCK)
