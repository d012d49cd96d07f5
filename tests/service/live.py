"""A service as its users start it: `profile-export serve`, a process with a worker process."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import serving
import small_sandbox
from profile_export.service.store import open_store, tokens


@dataclass(frozen=True)
class Live:
    """A running service.

    Attributes:
        url: Where it listens.
        token: With all rights on the small sandbox.
        folder: Of the sandbox file.
        process: Of ``serve``.
    """

    url: str
    token: str
    folder: Path
    process: subprocess.Popen[str]

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "x-api-key": "tests",
            "x-gw-ims-org-id": serving.ORG,
            "x-sandbox-name": serving.NAME,
        }


@contextmanager
def live_service(folder: Path, store: Path) -> Iterator[Live]:
    """Serve the sandbox file of ``folder`` on a free port until the context ends."""
    log = store.with_suffix(".log")
    url_of_store = f"sqlite:///{store}"
    command = [
        sys.executable, "-m", "profile_export.cli", "serve", "--sandbox",
        str(folder / "sandbox.yml"), "--store", url_of_store, "--port", "0",
    ]  # fmt: skip
    with log.open("w") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True)
    try:
        url = _listening(process, log)
        opened = open_store(url_of_store)
        with opened.write() as connection:
            secret, _ = tokens.create(connection, serving.ORG, [serving.NAME], can_write=True)
        opened.close()
        yield Live(url, secret, folder, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[str], log: Path, limit: float = 240.0) -> str:
    deadline = time.monotonic() + limit
    assert process.stdout is not None
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if match := re.match(r"Listening on (http://\S+)", line):
            return match[1]
        if not line and process.poll() is not None:
            break
    raise AssertionError(f"serve did not listen: {log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The small sandbox with more policies and segments, served to all who change nothing of it but
    that there are more jobs."""
    yield from started(tmp_path_factory.mktemp("live"))


def started(folder: Path) -> Iterator[Live]:
    """What a fixture gives: a service over a sandbox of its own in ``folder``."""
    file = small_sandbox.build(folder / "sandbox")
    file.write_text(small_sandbox.SANDBOX.rstrip() + serving.MORE, encoding="utf-8")
    with live_service(file.parent, folder / "store.db") as served:
        yield served
    shutil.rmtree(folder, ignore_errors=True)
