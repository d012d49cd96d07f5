"""One run of a job in a process of its own, for tests that kill it or race it.

python child.py ENGINE PLAN.json: prints ``ready``, then the job's status or its error; exits as the
command line does.
"""

import sys
from pathlib import Path

from profile_export.engines import open_engine
from profile_export.errors import ExportError
from profile_export.job import run_job
from profile_export.plan import ExportPlan
from tiny import TINY


def main(engine_name: str, plan_file: str) -> int:
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


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
