"""``scripts/kill-loop``: the test of ``test_exactly_once.py`` over and over, on growing data."""

import signal
import sys
import tempfile
import time
from pathlib import Path

from profile_export.faults import POINTS, VARIABLE
from tables.plans import crm, plan_for
from tables.runs import findings, run


def one(point: str, number: int, engine: str, folder: Path) -> list[str]:
    """Kill a run at ``point``, run it again on other data sizes each round; what is wrong then."""
    rows = 20 + 997 * number
    plan = plan_for(folder / "out" / "profile", batches=1, inputs=(crm(folder, rows=rows),))
    code, told = run(plan, engine, folder, fault=point)
    missed = [] if code == -signal.SIGKILL else [f"not killed: exit {code} {told}"]
    code, told = run(plan, engine, folder)
    failed = [] if code == 0 else [f"exit {code}: {told}"]
    return missed + failed + findings(plan, records=[rows])


def main(rounds: int, engine: str) -> int:
    found = 0
    for number in range(rounds):
        for point in POINTS:
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="kill-loop-") as name:
                wrong = one(point, number, engine, Path(name))
            found += bool(wrong)
            told = "; ".join(wrong) or "ok"
            seconds = time.monotonic() - started
            sys.stdout.write(f"{number + 1}/{rounds} {VARIABLE}={point} {seconds:.1f} s {told}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{rounds * len(POINTS)} kills on {engine}, {found} findings\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
