"""Jobs in a store without the API, and ``profile-export`` as processes: test support."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from profile_export import document as documents
from profile_export.document import FINAL
from profile_export.engines import Engine
from profile_export.faults import VARIABLE as FAULT
from profile_export.plan import ExportPlan
from profile_export.service.heart import Worker
from profile_export.service.store import Store, jobs, open_store, sandboxes
from profile_export.service.store.tables import jobs as table
from profile_export.service.worker import WorkLoop
from serving import NAME, ORG

JOBS = "/data/core/ups/export/jobs"
VARIABLE = "PROFILE_EXPORT_STORE"
_ROOT = Path(__file__).parents[1]
_NUMBERS = count(1)


def sandbox_of(store: Store, name: str = NAME) -> int:
    with store.write() as connection:
        return sandboxes.ensure(connection, ORG, name)


def submit(store: Store, sandbox_id: int, *plans: ExportPlan) -> None:
    """Put plans into the store as NEW jobs."""
    with store.write() as connection:
        for plan in plans:
            jobs.create(connection, sandbox_id, plan, documents.new(plan))


def job(store: Store, sandbox_id: int, job_id: int) -> jobs.Job:
    with store.read() as connection:
        return jobs.find(connection, sandbox_id, job_id)


def lapse(store: Store) -> None:
    """The leases of all jobs run out now: a short one could, under load, before its time."""
    with store.write() as connection:
        connection.execute(update(table).values(lease_until=0))


def wait_for(found: Callable[[], Any], *, seconds: float = 240.0, what: str = "") -> Any:
    """What ``found`` gives once that is something."""
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return value


def ended(store: Store, sandbox_id: int, job_id: int, *, seconds: float = 240.0) -> jobs.Job:
    """The job once it has ended."""

    def found() -> jobs.Job | None:
        shown = job(store, sandbox_id, job_id)
        return shown if shown.status in FINAL else None

    result: jobs.Job = wait_for(found, seconds=seconds, what=f"end of job {job_id}")
    return result


@dataclass
class Program:
    """``profile-export`` in a process of its own; its output goes to files of ``folder``."""

    words: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    stdin: int = subprocess.DEVNULL
    start: list[str] = field(default_factory=lambda: ["-m", "profile_export.cli"])

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        number = len(list(self.folder.glob("*.err")))
        self._out, self._err = (self.folder / f"{number}.{end}" for end in ("out", "err"))
        paths = os.pathsep.join(map(str, (_ROOT / "jobs", _ROOT / "tests")))
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, *self.start, *self.words],
                stdin=self.stdin, stdout=out, stderr=err, cwd=self.folder,
                env={**os.environ, "PYTHONPATH": paths, **self.environment},
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Lines of the log that say so."""
        lines = (line for line in self.err.splitlines() if line.startswith("{"))
        return [found for line in lines if (found := json.loads(line))["message"] == message]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, *, seconds: float = 120.0) -> int:
        """Send a signal and wait; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


ENDLESS = """
from profile_export import run
decide = run.decide
def endless(work, plan):
    while True:
        decide(work, plan)
run.decide = endless
from profile_export.cli import entry
entry()
"""
"""A program whose jobs compute until they are stopped: tests of stops need not be quick then."""


def script(folder: Path, text: str) -> list[str]:
    """How a changed program is started."""
    file = folder / "program.py"
    file.write_text(text, encoding="utf-8")
    return [str(file)]


def endless_worker(url: str, folder: Path, *, engine: str, fault: str = "") -> Program:
    """A worker whose jobs do not end."""
    words = ("worker", "--engine", engine)
    environment = {VARIABLE: url, FAULT: fault}
    return Program(words, folder / "w", environment, start=script(folder, ENDLESS))


def worker(url: str, folder: Path, *, engine: str, lease: float = 15.0, fault: str = "") -> Program:
    """Start a worker of its own; wait with :func:`ready`."""
    words = ("worker", "--engine", engine, "--lease", str(lease))
    return Program(words, folder, {VARIABLE: url, FAULT: fault})


def ready(program: Program) -> Program:
    """The worker once it takes jobs."""

    def found() -> bool:
        assert program.process.poll() is None, program.err
        return bool(program.logged("worker ready"))

    wait_for(found, what="a ready worker")
    return program


class Service(Program):
    """``profile-export serve`` on any free port."""

    def __init__(
        self, folder: Path, *words: str, start: list[str] | None = None, **environment: str
    ) -> None:
        begin = start or ["-m", "profile_export.cli"]
        super().__init__(("serve", "--port", "0", *words), folder, environment, start=begin)

    def listening(self) -> str:
        """Its URL, once it listens."""

        def found() -> "re.Match[str] | None":
            assert self.process.poll() is None, self.err
            return re.search(r"^Listening on (http://\S+)$", self.out, re.MULTILINE)

        return str(wait_for(found, what="a listening service")[1])

    def client(self, token: str, **over: Any) -> httpx.Client:
        headers = {
            "authorization": f"Bearer {token}",
            "x-api-key": "tests",
            "x-gw-ims-org-id": ORG,
            "x-sandbox-name": NAME,
            "content-type": "application/json",
        }
        return httpx.Client(base_url=self.listening(), headers=headers, timeout=60, **over)

    def worker_pid(self) -> int:
        """Of its worker, once there is one."""

        def found() -> list[int]:
            listed = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            return [
                int(pid)
                for pid in listed.stdout.split()
                if b"\0worker\0" in _command_line(int(pid))
            ]

        return int(wait_for(found, what="a worker of the service")[0])


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def opened_copy(template: Path, folder: Path) -> tuple[str, Store]:
    """A migrated SQLite store of its own."""
    file = folder / "store.db"
    shutil.copy(template, file)
    url = f"sqlite:///{file}"
    return url, open_store(url)


@contextmanager
def working(
    store: Store, engine: Engine, *, lease: float = 15.0, beat: float = 1.0
) -> Iterator[WorkLoop]:
    """A worker in a thread of this process."""
    number = next(_NUMBERS)
    who = Worker(f"thread-{number}", "here", engine.name, lease, min(beat, lease / 5))
    loop = WorkLoop(store, engine, who)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            loop.run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield loop
    finally:
        loop.end()
        thread.join(240)
    assert not thread.is_alive()
    if failed:
        raise failed[0]
