"""Exports one after the other on a cluster: a service, and its worker under ./spark-submit.sh."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import SELDOM, Watch
from bench.programs import ROOT
from bench.service import done, served
from bench.standalone import Cluster

HEADERS = {"x-gw-ims-org-id": "bench@Org", "x-sandbox-name": "bench"}


def exports(
    up: Cluster, submit: list[str], work: Path, folder: Path, *, times: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Figures and document of each export; an export's rows are deleted before the next.

    Args:
        up: The cluster; its processes are watched.
        submit: ``spark-submit.sh`` and the options before its command.
        work: Where ``sandbox.yml`` and ``request.json`` lie; the sandbox's export goes to ``ours``.
        folder: For the store and the worker's log.
        times: How many.

    Raises:
        Failed: an export fails, or the worker ends.
    """
    store = f"sqlite:///{folder}/jobs.db"
    words = ("--sandbox", str(work / "sandbox.yml"), "--store", store, "--no-worker")
    body = (work / "request.json").read_bytes()
    with served(folder, *words, headers=HEADERS) as client, _worker(submit, store, folder) as pid:
        watches = {
            "driver": Watch(pid, every=SELDOM),
            "workers": Watch(*up.workers, every=SELDOM),
        }
        try:
            for _ in range(times):
                shutil.rmtree(work / "ours", ignore_errors=True)
                before = {name: watch.cpu for name, watch in watches.items()}
                began = time.monotonic()
                document = done(client, body, pause=SELDOM, alive=lambda: _is_there(pid))
                took = {"seconds": time.monotonic() - began}
                yield took | _used(watches, before), document
        finally:
            for watch in watches.values():
                watch.end()


def _used(watches: dict[str, Watch], before: dict[str, float]) -> dict[str, Any]:
    """Processor seconds since, and the peak of memory until now."""
    return {
        name: {"cpu": watch.cpu - before[name], "peak_bytes": watch.peak}
        for name, watch in watches.items()
    }


@contextmanager
def _worker(submit: list[str], store: str, folder: Path) -> Iterator[int]:
    """The worker's process, which is the driver, for the while."""
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*submit, "worker", "--store", store, "--engine", "spark"],
            stdout=log,
            stderr=log,
            cwd=ROOT,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_there(pid: int) -> bool:
    """Whether a child of ours still runs."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
