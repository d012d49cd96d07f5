"""What the commands of the benchmark share: words, a case on its tables, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import report
from bench.cases import cases
from bench.measure import Failed
from bench.programs import PROGRAMS, ROOT
from bench.runner import Unequal, measure
from bench.shape import Shape


def parser(prog: str, text: str | None) -> argparse.ArgumentParser:
    """A parser with the words that all commands know."""
    made = argparse.ArgumentParser(
        prog=prog, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rounds", type=int, default=3, help="counted runs of each program")
    made.add_argument(
        "--data", type=Path, default=ROOT / "bench" / "data", help="where tables are made"
    )
    return made


def measured(
    words: argparse.Namespace,
    shape: Shape,
    case: str,
    programs: list[str],
    *,
    keep_going: bool = False,
) -> dict[str, dict[str, Any]]:
    """As ``runner.measure``, of a case by its name, on tables that lie below ``--data``."""
    data = words.data.resolve()
    return measure(
        cases(shape)[case],
        shape,
        [PROGRAMS[program] for program in programs],
        data=data / shape.name,
        work=data / "work" / f"{shape.name}-{case}",
        rounds=words.rounds,
        say=say,
        keep_going=keep_going,
    )


def carried_out(work: Callable[[], None]) -> int:
    """Do the work, then write the documents; the exit code."""
    try:
        work()
    except (Failed, Unequal, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    report.publish()
    return 0


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
