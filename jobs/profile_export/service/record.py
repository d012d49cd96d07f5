"""How the end of a job is written to the store: state, batches and counters in one transaction."""

import logging
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from profile_export.document import Document
from profile_export.engines import Engine
from profile_export.errors import ExportError
from profile_export.faults import fault
from profile_export.manifest import MANIFEST, papers_folder
from profile_export.papers import Papers
from profile_export.plan import ExportPlan
from profile_export.service import ends
from profile_export.service.ends import End, Way
from profile_export.service.stage_times import StageTimes
from profile_export.service.store import Store, counters, holds, queue
from profile_export.service.store.batches import BatchSize
from profile_export.service.store.database import StoreAway

_log = logging.getLogger("profile_export.worker")
_PATIENCE = 60.0
"""How long a worker that was asked to go away tries to record an end while the store is away."""


class Recorder:
    """Writes the ends of jobs that one worker has done on one engine."""

    def __init__(self, store: Store, engine: Engine, *, leaving: Callable[[], bool]) -> None:
        """``leaving`` says whether the worker was asked to go away."""
        self._store, self._engine, self._leaving = store, engine, leaving

    def write(
        self, end: End, claim: queue.Claim, outcome: Document | Exception, times: StageTimes
    ) -> None:
        """Write the end, unless the job is another worker's by now, and log it.

        Raises:
            StoreAway: the store is away, and the worker cannot wait for it.
        """
        change = self._change(end, claim, outcome, times)
        fault("before-record")
        recorded = change is None or self._written(change)
        told = {"job": claim.job_id, "attempt": claim.attempt, "end": end.way.value}
        if end.code:
            told |= {"code": end.code, "detail": end.message}
        elif isinstance(outcome, Exception):
            told["detail"] = str(outcome)
        if not recorded:
            told["end"] = Way.NOTHING.value
        _log.info("job ended", extra=told)

    def _change(
        self, end: End, claim: queue.Claim, outcome: Document | Exception, times: StageTimes
    ) -> Callable[[Connection], bool] | None:
        if end.way is Way.SUCCEED and isinstance(outcome, dict):
            return partial(_succeed, claim, outcome, self._sizes(claim.plan), times)
        if end.way in (Way.FAIL, Way.CANCEL):
            return partial(_end_without_rows, claim, end, times)
        if end.way in (Way.GIVE_BACK, Way.HAND_OVER):
            return partial(holds.give_back, held=claim, counts=end.way is Way.GIVE_BACK)
        return None

    def _sizes(self, plan: ExportPlan) -> dict[str, BatchSize]:
        """Of the batches, as the manifest has them; nothing if somebody has deleted or damaged it
        since: the job is done all the same."""
        try:
            location = plan.target.table.location or self._engine.locate(plan.target.table)
            listed = Papers(papers_folder(location, plan.job_id).location, usual=MANIFEST)
            batches = listed.manifest().batches
        except (ExportError, OSError):
            return {}
        return {b.batch_id: BatchSize(b.record_count, b.bytes) for b in batches}

    def _written(self, write: Callable[[Connection], bool]) -> bool:
        """Write an end, however long the store is away. False where the job is another's now."""
        patience = None
        while True:
            try:
                with self._store.write() as connection:
                    return write(connection)
            except StoreAway:
                if self._leaving():
                    patience = patience or time.monotonic() + _PATIENCE
                    if time.monotonic() > patience:
                        raise
                time.sleep(0.3)


def _succeed(
    claim: queue.Claim,
    document: Document,
    sizes: dict[str, BatchSize],
    times: StageTimes,
    connection: Connection,
) -> bool:
    if not holds.succeed(connection, claim, document, sizes):
        return False
    rows, excluded = ends.counts(document)
    counters.add(connection, counters.ROWS, {}, rows)
    size = float(sum(size.bytes for size in sizes.values()))
    counters.add(connection, counters.BYTES, {}, size)
    for reason, number in excluded.items():
        counters.add(connection, counters.EXCLUSIONS, {"reason": reason}, number)
    _count_stages(connection, times)
    return True


def _end_without_rows(
    claim: queue.Claim, end: End, times: StageTimes, connection: Connection
) -> bool:
    if end.way is Way.CANCEL:
        recorded = holds.cancelled(connection, claim)
    else:
        recorded = holds.fail(connection, claim, end.code, end.message)
    if recorded:
        _count_stages(connection, times)
    return recorded


def _count_stages(connection: Connection, times: StageTimes) -> None:
    for stage, seconds in times.seconds().items():
        counters.add(connection, counters.STAGE_SECONDS, {"stage": stage}, seconds)
