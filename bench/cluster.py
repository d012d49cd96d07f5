"""Two workers against one: the same export on a standalone Spark cluster of one and of two workers.

    python -m bench.cluster --persons 1000000
    python -m bench.cluster --persons 1000000 --pin
    python -m bench.cluster --persons 1000000 --jobs 3

Every run has a cluster of its own, of processes on this machine (bench/standalone.py), with one
core and one executor a worker, and is submitted by ./spark-submit.sh; the driver is on this machine
too. With --jobs a service and a worker under ./spark-submit.sh do so many, one after the other, and
the last counts, which is warm. The rows of all runs have to have the same hashes. Writes
bench/results/cluster.json (cluster-pinned.json, cluster-warm.json, cluster-warm-pinned.json) and a
section of docs/benchmarks.md.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import results
from bench.cases import AS_OF, cases, lay_out
from bench.data import build
from bench.measure import SELDOM, Watch, run
from bench.programs import ROOT
from bench.runner import Unequal
from bench.shape import Shape
from bench.standalone import Cluster, cluster
from bench.warm_worker import exports
from bench.words import carried_out, parser, say

COUNTS = (1, 2)


def _words() -> argparse.Namespace:
    made = parser("python -m bench.cluster", __doc__)
    made.add_argument("--persons", type=int, default=1_000_000)
    made.add_argument("--case", default="three", choices=cases(Shape(1)), help="what is exported")
    made.add_argument("--memory", type=int, default=2048, help="MiB of each executor's heap")
    made.add_argument("--partitions", type=int, default=8, help="spark.sql.shuffle.partitions")
    made.add_argument("--jobs", type=int, default=1, help="exports on a cluster; the last counts")
    made.add_argument("--pin", action="store_true", help="each worker stays on a core of its own")
    made.add_argument("--conf", action="append", default=[], help="more settings, for spark-submit")
    return made.parse_args()


def _submit(words: argparse.Namespace, url: str) -> list[str]:
    settings = {
        "spark.executor.memory": f"{words.memory}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(words.partitions),
    }
    told = [*(f"{key}={value}" for key, value in settings.items()), *words.conf]
    options = (word for setting in told for word in ("--conf", setting))
    return [str(ROOT / "spark-submit.sh"), "--master", url, *options]


def _run(work: Path) -> list[str]:
    files = (str(work / "request.json"), "--sandbox", str(work / "sandbox.yml"))
    return ["run", *files, "--as-of", AS_OF, "--json"]


def _once(words: argparse.Namespace, count: int, work: Path) -> tuple[dict[str, Any], list[Any]]:
    """One export on a new cluster: its figures, and rows and hash of each batch."""
    target = work / "ours"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="cluster-", dir=work) as folder:
        # An executor needs more than its heap, and the worker counts only what it is asked for.
        memory = f"{words.memory + 1024}m"
        with cluster(Path(folder), count, memory=memory, pin=words.pin) as up:
            figures = _figures(words, up, work, Path(folder))
    batches = _paper(target, "manifest.json")["batches"]
    return figures, [[batch["recordCount"], batch["rowSetHash"]] for batch in batches]


def _figures(words: argparse.Namespace, up: Cluster, work: Path, folder: Path) -> dict[str, Any]:
    submit = _submit(words, up.url)
    if words.jobs == 1:
        target = work / "ours"
        figures = _submitted([*submit, *_run(work)], up, target)
        return figures | _spans(_paper(target, "job.json"))
    found = exports(up, submit, work, folder, times=words.jobs)
    *before, last = (figures | _spans(document) for figures, document in found)
    return last | {"before": before}


def _paper(target: Path, name: str) -> dict[str, Any]:
    return dict(json.loads(next(target.glob(f"_profile_export/*/{name}")).read_text()))


def _submitted(command: list[str], up: Cluster, target: Path) -> dict[str, Any]:
    watch = Watch(*up.workers, every=SELDOM)
    try:
        one = run(command, target, every=SELDOM)
    finally:
        watch.end()
    return {
        "seconds": one.seconds,
        "driver": {"cpu": one.cpu, "peak_bytes": one.peak_bytes},
        "workers": {"cpu": watch.cpu, "peak_bytes": watch.peak},
    }


def _spans(document: dict[str, Any]) -> dict[str, float]:
    """Seconds without the driver's start: from the job's first read to its end, to its commit."""
    reading, whole = (document["metrics"][name] for name in ("profileExportTime", "totalTime"))
    return {
        "job": (whole["endTimeInMs"] - reading["startTimeInMs"]) / 1000,
        "job_to_commit": reading["totalTimeInMs"] / 1000,
    }


def _measure(words: argparse.Namespace) -> None:
    shape = Shape(words.persons)
    data, loads = words.data.resolve() / shape.name, [results.load()]
    build(shape, data)
    work = words.data.resolve() / "work" / f"{shape.name}-{words.case}-cluster"
    lay_out(cases(shape)[words.case], shape, data=data, work=work)
    runs: dict[str, list[dict[str, Any]]] = {str(count): [] for count in COUNTS}
    # The first fills the page cache and the folder of Delta's JARs, and does not count.
    turns = [(COUNTS[-1], False)] if words.rounds > 1 else []
    for number in range(words.rounds):
        turns += [(count, True) for count in (COUNTS[::-1] if number % 2 else COUNTS)]
    expected: list[Any] | None = None
    for count, counts in turns:
        figures, rows = _once(words, count, work)
        if expected is not None and rows != expected:
            raise Unequal(f"{count} workers: {rows} is not {expected}")
        expected = rows
        if counts:
            runs[str(count)].append(figures)
            say(f"{count} workers  {figures['seconds']:8.2f} s  job {figures['job']:8.2f} s")
    shutil.rmtree(work / "ours", ignore_errors=True)
    loads.append(results.load())
    told = {"kind": "cluster", "shape": shape.as_json(), "case": words.case, "rows": expected}
    told |= {"memory_mib": words.memory, "partitions": words.partitions, "pinned": words.pin}
    told |= {"jobs": words.jobs}
    told |= {"conf": words.conf, **results.around(words.rounds, loads), "runs": runs}
    kind = ["cluster", *(["warm"] if words.jobs > 1 else []), *(["pinned"] if words.pin else [])]
    results.save("-".join(kind), told)


def _ended(*_: object) -> None:
    """As an exception, so that every process that was started is ended first."""
    raise SystemExit(143)


def main() -> int:
    words = _words()
    signal.signal(signal.SIGTERM, _ended)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return carried_out(lambda: _measure(words))


if __name__ == "__main__":
    sys.exit(main())
