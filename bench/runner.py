"""Rounds: every program once per round, in alternating order; results checked before they count."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from bench import equal
from bench.cases import Case, lay_out
from bench.comparators import _sql
from bench.comparators._case import Asked
from bench.measure import Failed, Run, run
from bench.programs import Program
from bench.shape import Shape

JOBS = 3
"""Jobs of a driver: the first is cold, the last is the warm one that counts."""


@dataclass
class Measured:
    """All runs of one program on one case."""

    program: Program
    runs: list[Run] = field(default_factory=list)
    failed: str = ""
    """Why it ended badly, where that is a result and not an error."""

    def figures(self) -> dict[str, Any]:
        """Medians; ``seconds`` is what is compared. Only ``failed`` of one that failed."""
        if self.failed:
            return {"failed": self.failed}
        found: dict[str, Any] = {
            "seconds": median(map(self._seconds, self.runs)),
            "end": median(map(self._end, self.runs)),
            "cpu": median(r.cpu for r in self.runs),
            "peak_bytes": int(median(r.peak_bytes for r in self.runs)),
            "runs": [asdict(r) for r in self.runs],
        }
        if self.program.driver:
            found["cold"] = median(r.start + r.jobs[0] for r in self.runs)
        return found

    def _seconds(self, one: Run) -> float:
        """To the commit: of a driver's last job, of another process from its start."""
        return one.jobs[-1] if self.program.driver else one.to_commit

    def _end(self, one: Run) -> float:
        if not self.program.driver:
            return one.seconds
        return (one.ends or one.jobs)[-1]


class Unequal(Exception):
    """Two programs do not make the same rows: then no time of theirs means anything."""


def measure(
    case: Case,
    shape: Shape,
    programs: list[Program],
    *,
    data: Path,
    work: Path,
    rounds: int,
    say: Callable[[str], None],
    keep_going: bool = False,
) -> dict[str, dict[str, Any]]:
    """Measure one case.

    A first run of each program warms the page cache, is checked, and does not count. Of a driver,
    which warms itself and takes long, the first counted run is checked; so it is of all programs
    where one round has to do. With ``keep_going`` a program that fails is told as a result, and the
    others go on.

    Returns:
        Figures by program.

    Raises:
        Unequal: results differ.
        Failed: a program does not end well.
    """
    lay_out(case, shape, data=data, work=work)
    _write_keys(work, case)
    able = [program for program in programs if program.can(case)]
    measured = {program.name: Measured(program) for program in able}
    checked: equal.Summary | None = None
    seen: set[str] = set()
    for turn, counts in _turns(able, rounds):
        for program in turn:
            one = _tried(measured[program.name], work, keep_going=keep_going)
            if one is None:
                continue
            if counts:
                measured[program.name].runs.append(one)
                say(f"{case.name:17}{program.name:12}{_told(one)}")
            if program.has_result and program.name not in seen:
                checked = _check(program, work, checked)
                seen.add(program.name)
            shutil.rmtree(work / program.target, ignore_errors=True)
    return {name: m.figures() for name, m in measured.items()}


def _turns(programs: list[Program], rounds: int) -> Iterator[tuple[list[Program], bool]]:
    """Who runs, and whether it counts: first to warm up, then forwards and backwards."""
    if rounds > 1:
        yield [program for program in programs if not program.driver], False
    for number in range(rounds):
        yield programs[::-1] if number % 2 else programs, True


def _tried(measured: Measured, work: Path, *, keep_going: bool) -> Run | None:
    """One run; None of a program that has failed and may."""
    if measured.failed:
        return None
    try:
        return _once(measured.program, work)
    except Failed as error:
        if not keep_going:
            raise
        # The end of it says what; results hold no path of this machine.
        measured.failed = str(error).strip().splitlines()[-1].replace(str(work), "")[:300]
        return None


def _once(program: Program, work: Path) -> Run:
    target = work / program.target
    shutil.rmtree(target, ignore_errors=True)
    return run(program.command(work, JOBS), target, driver=program.driver)


def _told(one: Run) -> str:
    jobs = "  jobs " + ", ".join(f"{s:.1f}" for s in one.jobs) if one.jobs else ""
    memory = f"{one.peak_bytes / 1e6:.0f} MB"
    return f"{one.to_commit:8.2f} s to commit {one.cpu:8.2f} s cpu {memory:>9}{jobs}"


def _check(program: Program, work: Path, checked: equal.Summary | None) -> equal.Summary:
    found = equal.summary(program, work)
    if checked is not None and (why := equal.difference(checked, found)) is not None:
        raise Unequal(f"{program.words}: {why}")
    return found


def _write_keys(work: Path, case: Case) -> None:
    """Who is exported, for the floor: decided beforehand, so that it has no logic of its own."""
    if not case.has_persons_of_rows:
        return
    asked = Asked.read(str(work / "case.json"))
    with duckdb.connect() as connection:
        people = f"SELECT DISTINCT pk FROM ({_sql.audience(asked)})"
        connection.execute(f"COPY ({people}) TO '{asked.keys}' (FORMAT parquet)")
