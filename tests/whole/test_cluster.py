"""A real standalone cluster: a master and two workers as processes, and spark-submit against it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import standalone

from profile_export.demo import DemoSandbox, build
from tiny import QUICK_JAVA

ROOT = Path(__file__).parents[2]
AS_OF = "2026-01-01T00:00:00Z"
pytestmark = [
    pytest.mark.spark_only,  # the processes are JVMs
    pytest.mark.xdist_group("cluster"),  # one cluster for all tests here
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a master with two workers of one core each, all on 127.0.0.1."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JAVA_TOOL_OPTIONS", QUICK_JAVA)  # of every JVM: launchers and executors too
        with standalone.cluster(tmp_path_factory.mktemp("cluster"), 2) as up:
            yield up.url


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
