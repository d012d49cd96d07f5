"""Work that is done: jobs without a worker process, and sleep in an engine's process."""

import os
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from profile_export.children.process import Work
from profile_export.engines import Engine
from profile_export.errors import ExportError, JobFailed
from profile_export.job import run_job
from profile_export.manifest import MANIFEST, read_json
from profile_export.service.engines import TooLong
from profile_export.service.store import Store, holds, queue
from profile_export.service.store.batches import BatchSize
from profile_export.storage import Folder


def do_next(store: Store, engine: Engine) -> dict[str, Any]:
    """Do the oldest job; gives its document."""
    with store.write() as connection:
        held = queue.claim(connection, "tests", lease=60)
    assert held is not None
    document = run_job(held.plan, engine, document=held.document)
    place = f"{held.plan.target.table.location}/_profile_export/{held.job_id}"
    manifest: Any = read_json(Folder(place), MANIFEST)
    sizes = {b["batchId"]: BatchSize(b["recordCount"], b["bytes"]) for b in manifest["batches"]}
    with store.write() as connection:
        assert holds.succeed(connection, held, document, sizes)
    return document


def exported(
    client: TestClient, store: Store, engine: Engine, headers: dict[str, str], body: Any
) -> dict[str, Any]:
    """Submit a body and do it; gives the document of the job that SUCCEEDED."""
    answer = client.post("/data/core/ups/export/jobs", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    document = do_next(store, engine)
    assert document["id"] == answer.json()["id"]
    return document


class Breaks(Work):
    """Fails with a code."""

    def __init__(self, code: str) -> None:
        self.code = code

    def do(self, engine: Engine) -> object:
        raise JobFailed(f"The JVM of {engine.name} is gone.", code=self.code)

    def too_late(self, seconds: float) -> ExportError:
        return TooLong(f"{seconds}")

    def broken(self) -> ExportError:
        return JobFailed("broken", code="broken")


class Wears(Work):
    """Is the last work that its engine lasts for; gives the process that did it."""

    def do(self, engine: Engine) -> object:
        engine.lasts = 1
        return os.getpid()

    def too_late(self, seconds: float) -> ExportError:
        return TooLong(f"{seconds}")

    def broken(self) -> ExportError:
        return JobFailed("broken", code="broken")


class Sleep(Work):
    """Sleeps, then gives the process that slept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def do(self, engine: Engine) -> object:
        assert engine
        time.sleep(self.seconds)
        return os.getpid()

    def too_late(self, seconds: float) -> ExportError:
        return TooLong(f"{seconds}")

    def broken(self) -> ExportError:
        return JobFailed("broken", code="broken")


class Until(Sleep):
    """Takes until a file is there; then its owner is noted in it."""

    def __init__(self, file: Path, of: str = "") -> None:
        super().__init__(0)
        self.file, self.of = file, of

    @property
    def owner(self) -> str:
        return self.of

    def do(self, engine: Engine) -> object:
        while not self.file.exists():
            time.sleep(0.01)
        with self.file.open("a", encoding="utf-8") as noted:
            noted.write(self.of)
        return super().do(engine)
