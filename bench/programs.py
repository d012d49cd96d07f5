"""The programs that are compared: how each is started, and where its result lies."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cases import AS_OF, Case

ROOT = Path(__file__).resolve().parents[1]
_HERE = "bench.comparators"


@dataclass(frozen=True)
class Program:
    """One way to make the result.

    ``command`` takes the case's folder and the number of jobs. A ``driver`` opens an engine once,
    does several jobs in one process and tells how long each took; the others do one job.
    """

    name: str
    words: str
    target: str
    command: Callable[[Path, int], list[str]]
    driver: bool = False
    ours: bool = False
    has_result: bool = True

    def can(self, case: Case) -> bool:
        """Whether it knows the case: only we stitch identities."""
        return self.ours or case.has_persons_of_rows


def _module(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", name, *words]


def _sail(work: Path, _times: int) -> list[str]:
    words = ("run", str(work / "request.json"), "--sandbox", str(work / "sandbox.yml"))
    script = str(Path(sys.executable).with_name("profile-export"))  # what users call
    return [script, *words, "--as-of", AS_OF, "--engine", "sail"]


def _warm(engine: str) -> Callable[[Path, int], list[str]]:
    def command(work: Path, times: int) -> list[str]:
        files = str(work / "sandbox.yml"), str(work / "request.json")
        return _module(f"{_HERE}.ours_warm", engine, *files, str(times))

    return command


def _script(module: str) -> Callable[[Path, int], list[str]]:
    def command(work: Path, _times: int) -> list[str]:
        return _module(f"{_HERE}.{module}", str(work / "case.json"), str(work / module))

    return command


def _by_hand(work: Path, times: int) -> list[str]:
    words = str(work / "case.json"), str(work / "by_hand"), str(times)
    return _module(f"{_HERE}.by_hand", *words)


PROGRAMS = {
    p.name: p
    for p in (
        Program("sail", "ours, engine sail", "ours", _sail, ours=True),
        Program("sail-warm", "ours, sail, warm", "ours", _warm("sail"), driver=True, ours=True),
        Program("duckdb-one", "DuckDB, one statement", "duckdb_one", _script("duckdb_one")),
        Program("duckdb-two", "DuckDB, audience first", "duckdb_two", _script("duckdb_two")),
        Program("floor", "read and write only", "floor", _script("floor"), has_result=False),
        Program("spark", "ours, engine spark", "ours", _warm("spark"), driver=True, ours=True),
        Program("by-hand", "PySpark by hand", "by_hand", _by_hand, driver=True),
    )
}
