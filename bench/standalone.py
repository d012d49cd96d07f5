"""A standalone Spark cluster on 127.0.0.1, of the Spark that pyspark ships: a master and workers as
processes. For the benchmark, and for the test of a cluster (tests/whole/test_cluster.py)."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pyspark

SPARK_HOME = Path(pyspark.__file__).parent
_DEPLOY = "org.apache.spark.deploy"
_HOST = ("--host", "127.0.0.1")
_PATIENCE = 60
"""Seconds until all workers have registered; some where the machine is idle."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up: its master's URL, and the processes of its workers."""

    url: str
    workers: tuple[int, ...]


@contextmanager
def cluster(
    folder: Path, workers: int, *, memory: str = "1g", pin: bool = False
) -> Iterator[Cluster]:
    """A master and workers of one core each, for the while; all are gone afterwards.

    Args:
        folder: For their logs and work.
        workers: How many.
        memory: What each has for executors.
        pin: Each worker stays on a core of its own, with all that its JVMs do: else the threads
            that compile and collect garbage take part of cores that are not theirs.

    Raises:
        TimeoutError: not all workers registered within a minute.
    """
    port, page = _free_port(), _free_port()
    url = f"spark://127.0.0.1:{port}"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        ports = ("--port", str(port), "--webui-port", str(page))
        processes.append(_start(folder / "master.log", f"{_DEPLOY}.master.Master", *_HOST, *ports))
        for number in range(workers):
            limits = ("--cores", "1", "--memory", memory)
            work = ("--work-dir", str(folder / f"work-{number}"))
            ports = ("--port", str(_free_port()), "--webui-port", str(_free_port()))
            words = (f"{_DEPLOY}.worker.Worker", *_HOST, *limits, *work, *ports, url)
            core = number % (os.cpu_count() or 1) if pin else None
            processes.append(_start(folder / f"worker-{number}.log", *words, core=core))
        _wait_for_workers(f"http://127.0.0.1:{page}", workers)
        yield Cluster(url, tuple(process.pid for process in processes[1:]))
    finally:
        _end(processes)


def _start(log: Path, *words: str, core: int | None = None) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    # Before the JVM starts: it counts its cores once, and its executors inherit them.
    pinned: Callable[[], None] | None = None
    if core is not None:
        pinned = partial(os.sched_setaffinity, 0, {core})
    with log.open("wb") as sink:
        return subprocess.Popen(
            [str(SPARK_HOME / "bin" / "spark-class"), *words],
            stdout=sink,
            stderr=sink,
            env=environment,
            # A session of its own, executors included: a signal to the group ends them too.
            start_new_session=True,
            preexec_fn=pinned,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_workers(page: str, count: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    alive = -1
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{page}/json/", timeout=5) as answer:
                alive = int(json.load(answer)["aliveworkers"])
        except (OSError, ValueError):  # nobody listens yet, or only the page is there, not its JSON
            alive = -1
        if alive == count:
            return
        time.sleep(0.3)
    raise TimeoutError(f"{alive} of {count} workers registered within a minute")


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Workers before the master; whatever does not mind a request is killed."""
    for process in reversed(processes):
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + 30
    for process in processes:
        while _alive(process) and time.monotonic() < deadline:
            time.sleep(0.1)
        # An executor that outlived its worker is still of the worker's group. Nobody has waited for
        # the worker yet, so that its number can be nobody else's.
        _signal(process, signal.SIGKILL)
        process.wait()


def _alive(process: subprocess.Popen[bytes]) -> bool:
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):  # nobody of the group is left
        os.killpg(process.pid, number)
