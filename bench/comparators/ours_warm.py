"""Our own job in a process that keeps its engine, as a worker of the service does.

python -m bench.comparators.ours_warm ENGINE SANDBOX REQUEST TIMES
prints {"start": s, "jobs": [s, ...], "ends": [s, ...]}: seconds until the engine was open, of each
job to its commit, and to its end.
"""

import json
import sys
import time
from datetime import datetime
from pathlib import Path

from bench.cases import AS_OF
from bench.measure import committed_at
from profile_export.engines import Engine, open_engine
from profile_export.job import run_job
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.tables import inspect_table


def once(engine: Engine, sandbox: str, request: str) -> tuple[float, float]:
    """Seconds of a job from the files of request and sandbox to its commit, and to its papers."""
    began_at, began = time.time(), time.monotonic()
    body, as_of = Path(request).read_bytes(), datetime.fromisoformat(AS_OF)
    plan = make_plan(body, load_sandbox(sandbox), table_info=inspect_table, as_of=as_of)
    run_job(plan, engine)
    end = time.monotonic() - began
    return committed_at(Path(str(plan.target.table.location))) - began_at, end


def main(name: str, sandbox: str, request: str, times: str) -> None:
    began = time.monotonic()
    engine = open_engine(name)
    start = time.monotonic() - began
    jobs = [once(engine, sandbox, request) for _ in range(int(times))]
    engine.stop()
    commits, ends = zip(*jobs, strict=True)
    sys.stdout.write(json.dumps({"start": start, "jobs": commits, "ends": ends}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
