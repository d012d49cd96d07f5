"""A real standalone cluster: a master and two workers as processes, and spark-submit against it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pyspark
import pytest

from profile_export.demo import DemoSandbox, build

ROOT = Path(__file__).parents[2]
SPARK_HOME = Path(pyspark.__file__).parent
AS_OF = "2026-01-01T00:00:00Z"

pytestmark = [
    pytest.mark.spark_only,  # the processes are JVMs
    pytest.mark.xdist_group("cluster"),  # one cluster for all tests here
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(log: Path, *words: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
    }
    command = [str(SPARK_HOME / "bin" / "spark-class"), *words]
    with log.open("wb") as sink:
        return subprocess.Popen(
            command, stdout=sink, stderr=sink, env=environment, start_new_session=True
        )


def wait_for_workers(page: str, count: int) -> None:
    deadline = time.monotonic() + 60
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
    raise AssertionError(f"{alive} of {count} workers registered within a minute")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a master with two workers of one core each, all on 127.0.0.1."""
    folder = tmp_path_factory.mktemp("cluster")
    port, page = free_port(), free_port()
    host = ["--host", "127.0.0.1"]
    master_class = "org.apache.spark.deploy.master.Master"
    worker_class = "org.apache.spark.deploy.worker.Worker"
    url = f"spark://127.0.0.1:{port}"
    processes = [
        start(
            folder / "master.log",
            master_class,
            *host,
            *("--port", str(port), "--webui-port", str(page)),
        )
    ]
    for number in (1, 2):
        limits = ["--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work-{number}")]
        ports = ["--port", str(free_port()), "--webui-port", str(free_port())]
        log = folder / f"worker-{number}.log"
        processes.append(start(log, worker_class, *host, *limits, *ports, url))
    try:
        wait_for_workers(f"http://127.0.0.1:{page}", 2)
        yield url
    finally:
        for process in reversed(processes):
            os.killpg(process.pid, signal.SIGTERM)
        for process in processes:
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSandbox:
    return build(tmp_path_factory.mktemp("demo") / "demo")


def hashes(document: dict[str, object], demo: DemoSandbox) -> list[tuple[int, str]]:
    exports = demo.sandbox.parent / "exports" / "profile"
    path = exports / "_profile_export" / str(document["id"]) / "manifest.json"
    batches = json.loads(path.read_text())["batches"]
    return [(batch["recordCount"], batch["rowSetHash"]) for batch in batches]


def exported(command: list[str], demo: DemoSandbox) -> tuple[list[tuple[int, str]], str]:
    words = ["run", str(demo.requests["demo"]), "--sandbox", str(demo.sandbox)]
    done = subprocess.run(
        [*command, *words, "--as-of", AS_OF, "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=demo.sandbox.parent,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return hashes(json.loads(done.stdout), demo), done.stderr


def test_a_cluster_gives_the_rows_of_the_embedded_engine(cluster: str, demo: DemoSandbox) -> None:
    """S29: the same row-set hashes on sail, and on a master with two workers."""
    submit = [
        *(str(ROOT / "spark-submit.sh"), "--master", cluster),
        *("--conf", "spark.executor.memory=512m", "--conf", "spark.driver.memory=1g"),
        *("--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.sql.shuffle.partitions=4"),
    ]
    on_cluster, _ = exported(submit, demo)
    embedded, _ = exported([sys.executable, "-m", "profile_export.cli"], demo)
    assert on_cluster == embedded
    assert all(count > 0 for count, _ in embedded)


def test_the_exit_code_comes_through_spark_submit(cluster: str, demo: DemoSandbox) -> None:
    """A refused request ends with 2, and says why in words."""
    request = demo.sandbox.parent / "wrong.json"
    request.write_text(
        '{"destination": {"datasetId": "nowhere"}, "schema": {"name": "_xdm.context.profile"}}'
    )
    words = ["run", str(request), "--sandbox", str(demo.sandbox)]
    done = subprocess.run(
        [str(ROOT / "spark-submit.sh"), "--master", cluster, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r"/destination/datasetId.*unknown-dataset", done.stderr)
    assert shutil.which("java") is not None
    assert "Traceback" not in done.stderr
