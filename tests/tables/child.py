"""One run of a job in a process of its own, for tests that kill it or race it.

python child.py ENGINE PLAN.json [endless]: prints ``ready``, then the job's status or its error;
exits as the command line does. An endless one computes until it is stopped.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from profile_export import run
from profile_export.engines import open_engine
from profile_export.errors import ExportError
from profile_export.job import run_job
from profile_export.plan import ExportPlan
from tiny import TINY


def main(engine_name: str, plan_file: str, *words: str) -> int:
    if "endless" in words:
        run.decide = _endless(run.decide)
    plan = ExportPlan.model_validate_json(Path(plan_file).read_text(encoding="utf-8"))
    engine = open_engine(engine_name, settings=TINY)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    try:
        document = run_job(plan, engine)
    except ExportError as error:
        sys.stdout.write(f"{error.code}: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{document['status']}\n")
    return 0


def _endless(decide: Callable[..., object]) -> Callable[..., Any]:
    def for_ever(*asked: object) -> None:
        while True:
            decide(*asked)

    return for_ever


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
