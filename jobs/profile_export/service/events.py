"""A job's document at each of its changes, as server-sent events.

A stream holds no thread and no transaction between two looks at the store, and ends: with the job,
with its client, or when its time is over. A client that comes again gets the newest document first.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool

from profile_export.children.process import Busy
from profile_export.document import FINAL
from profile_export.errors import NotFound
from profile_export.service.access import AccessDenied
from profile_export.service.config import ServiceConfig
from profile_export.service.store import Store, jobs
from profile_export.service.store.database import StoreAway
from profile_export.service.store.jobs import Job

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
MEDIA_TYPE = "text/event-stream"


class Streams:
    """How many streams are open in this process. A sandbox has half of them at most, so that nobody
    takes all places."""

    def __init__(self, most: int) -> None:
        self._most, self._open = most, 0
        self._of_sandbox: Counter[int] = Counter()
        self.ending = False

    def check(self, sandbox_id: int) -> None:
        """Raises Busy where there are too many; a stream counts from its first byte on."""
        if self._open >= self._most or self._of_sandbox[sandbox_id] >= max(self._most // 2, 1):
            raise Busy("Too many streams are open. Ask for the job's document instead.")

    def end(self) -> None:
        """Let every stream end at its next look."""
        self.ending = True

    @contextmanager
    def one(self, sandbox_id: int) -> Iterator[None]:
        self._open += 1
        self._of_sandbox[sandbox_id] += 1
        try:
            yield
        finally:
            self._open -= 1
            self._of_sandbox[sandbox_id] -= 1


async def job_events(
    store: Store,
    config: ServiceConfig,
    streams: Streams,
    first: Job,
    see_access: Callable[[], object],
) -> AsyncIterator[bytes]:
    """The stream of a job, from the document that was just read.

    ``see_access`` raises AccessDenied where the caller's token was revoked or has expired; it is
    asked before anything more is told, and at each heartbeat.
    """
    with streams.one(first.sandbox_id):
        yield b"retry: 2000\n\n"
        job: Job | None = first
        last, shown, said = first, "", time.monotonic()
        until = said + config.event_seconds
        while True:
            text = shown if job is None else json.dumps(job.document, ensure_ascii=False)
            is_news = job is not None and text != shown
            is_quiet = time.monotonic() - said >= config.heartbeat_seconds
            if shown and (is_news or is_quiet) and not await _is_let_in(see_access):
                return
            if job is not None and is_news:
                last, shown, said = job, text, time.monotonic()
                yield f"id: {job.updated}\nevent: job\ndata: {text}\n\n".encode()
            is_over = time.monotonic() > until or streams.ending
            if is_over or (job is not None and job.status in FINAL):
                return
            if is_quiet and not is_news:
                said = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(config.poll_seconds)
            try:
                job = await run_in_threadpool(_look, store, last)
            except StoreAway:  # it comes back, or the stream's time is over
                job = None
            except NotFound:
                return


async def _is_let_in(see_access: Callable[[], object]) -> bool:
    try:
        await run_in_threadpool(see_access)
    except AccessDenied:
        return False
    except StoreAway:  # nothing new is known without it
        return True
    return True


def _look(store: Store, last: Job) -> Job | None:
    """The job where it has changed: its document can be large, and is the same most times."""
    with store.read() as connection:
        if jobs.is_unchanged(connection, last):
            return None
        return jobs.find(connection, last.sandbox_id, last.id)
