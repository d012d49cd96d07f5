"""A job's document at each of its changes, as server-sent events.

A stream holds no thread and no transaction between two looks at the store, and ends: with the job,
with its client, or when its time is over. A client that comes again gets the newest document first.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.concurrency import run_in_threadpool

from profile_export.children.process import Busy
from profile_export.document import FINAL
from profile_export.errors import NotFound
from profile_export.service.config import ServiceConfig
from profile_export.service.store import Store, jobs
from profile_export.service.store.database import StoreAway
from profile_export.service.store.jobs import Job

HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
MEDIA_TYPE = "text/event-stream"


class Streams:
    """How many streams are open in this process."""

    def __init__(self, most: int) -> None:
        self._most, self._open = most, 0
        self.ending = False

    def check(self) -> None:
        """Raises Busy where there are too many; a stream counts from its first byte on."""
        if self._open >= self._most:
            raise Busy("Too many streams are open. Ask for the job's document instead.")

    def end(self) -> None:
        """Let every stream end at its next look."""
        self.ending = True

    @contextmanager
    def one(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


async def job_events(
    store: Store, config: ServiceConfig, streams: Streams, first: Job
) -> AsyncIterator[bytes]:
    """The stream of a job, from the document that was just read."""
    with streams.one():
        yield b"retry: 2000\n\n"
        job: Job | None = first
        shown, said = "", time.monotonic()
        until = said + config.event_seconds
        while True:
            text = shown if job is None else json.dumps(job.document, ensure_ascii=False)
            if job is not None and text != shown:
                shown, said = text, time.monotonic()
                yield f"id: {job.updated}\nevent: job\ndata: {text}\n\n".encode()
            is_over = time.monotonic() > until or streams.ending
            if is_over or (job is not None and job.status in FINAL):
                return
            if time.monotonic() - said >= config.heartbeat_seconds:
                said = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(config.poll_seconds)
            try:
                job = await run_in_threadpool(_look, store, first)
            except StoreAway:  # it comes back, or the stream's time is over
                job = None
            except NotFound:
                return


def _look(store: Store, job: Job) -> Job:
    with store.read() as connection:
        return jobs.find(connection, job.sandbox_id, job.id)
