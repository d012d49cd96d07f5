"""What the commands of the benchmark share on the command line."""

import argparse
import sys
from pathlib import Path

from bench.programs import ROOT


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


def say(text: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
