"""How long `POST /export/jobs` takes while a job runs, and how soon a small export is done.

    python -m bench.service --seconds 30

Starts `serve` on the demo sandbox with a store of its own, keeps its worker busy, and posts at a
steady rate from one client that keeps its connection. Prints JSON: milliseconds of the POSTs
(median, p99, worst), and seconds from POST to SUCCEEDED of small exports, one after the other on
the warm engine.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.measure import Failed

JOBS = "/data/core/ups/export/jobs"


@contextmanager
def served(folder: Path, *words: str, headers: dict[str, str]) -> Iterator[httpx.Client]:
    """A client of a service that is up for the while.

    Args:
        folder: Where it runs.
        words: After ``serve``.
        headers: Organisation and sandbox.
    """
    command = [sys.executable, "-m", "profile_export.cli", "serve", *words, "--port", "0"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    token = url = ""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.match(r"\s*(pe_\S+)", line):
            token = match[1]
        if match := re.match(r"Listening on (\S+)", line):
            url = match[1]
            break
    headers = headers | {
        "Authorization": f"Bearer {token}",
        "x-api-key": "bench",
        "Content-Type": "application/json",
    }
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


def done(
    client: httpx.Client,
    body: bytes,
    *,
    pause: float = 0.01,
    alive: Callable[[], bool] = lambda: True,
) -> dict[str, Any]:
    """The document of an export that is posted and SUCCEEDED, asked for every ``pause`` seconds.

    Raises:
        Failed: it ended otherwise, or ``alive`` says that nobody will do it.
    """
    job: dict[str, Any] = client.post(JOBS, content=body).raise_for_status().json()
    while job["status"] not in ("SUCCEEDED", "FAILED", "CANCELLED"):
        if not alive():
            raise Failed("the worker has ended")
        time.sleep(pause)
        job = client.get(f"{JOBS}/{job['id']}").raise_for_status().json()
    if job["status"] != "SUCCEEDED":
        raise Failed(f"an export ended {job['status']}: {job['errors']}")
    return job


def warm_exports(client: httpx.Client, body: bytes, times: int) -> list[float]:
    """Seconds from POST to SUCCEEDED, one export after the other; the first warms the engine."""
    took = []
    for _ in range(times + 1):
        started = time.perf_counter()
        done(client, body)
        took.append(time.perf_counter() - started)
    return took[1:]


def posts(client: httpx.Client, body: bytes, seconds: float, rate: float) -> list[float]:
    """Milliseconds of each POST, at a steady rate, while the worker has jobs to do all the time."""
    took = []
    end = time.perf_counter() + seconds
    due = time.perf_counter()
    while due < end:
        time.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        client.post(JOBS, content=body).raise_for_status()
        took.append((time.perf_counter() - started) * 1000)
        due += 1 / rate
    return took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30, help="how long to post")
    parser.add_argument("--rate", type=float, default=20, help="POSTs a second")
    parser.add_argument("--exports", type=int, default=5, help="warm exports to time")
    asked = parser.parse_args()
    headers = {"x-gw-ims-org-id": "acme@AcmeOrg", "x-sandbox-name": "prod"}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), "--sandbox", "demo", headers=headers) as client,
    ):
        body = (Path(folder) / "demo" / "requests" / "demo.json").read_bytes()
        exports = warm_exports(client, body, asked.exports)
        took = sorted(posts(client, body, asked.seconds, asked.rate))
        running = client.get(JOBS, params={"status": "NEW", "limit": 1}).json()["records"]
    told = {
        "cores": os.cpu_count(),
        "posts": len(took),
        "postMs": {
            "median": round(statistics.median(took), 1),
            "p99": round(took[int(len(took) * 0.99)], 1),
            "worst": round(took[-1], 1),
        },
        "workerStillBusyAtTheEnd": bool(running),
        "warmExportSeconds": [round(each, 2) for each in exports],
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
