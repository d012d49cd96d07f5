"""One run of a program as a whole process: seconds, processor seconds, peak memory of its tree."""

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from bench.programs import ROOT

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY = 0.05


@dataclass(frozen=True)
class Run:
    """What one run took. ``jobs``: of a driver, its engine's start and the seconds of each job."""

    seconds: float
    to_commit: float
    """From the start of the process to its last commit's log entry."""
    cpu: float
    peak_bytes: int
    start: float = 0.0
    jobs: list[float] = field(default_factory=list)


class Failed(Exception):
    """A program ended badly; the end of what it said is the message."""


def run(command: list[str], target: Path, *, driver: bool = False) -> Run:
    """Run the command to its end.

    Args:
        command: The program and its words.
        target: Where it writes Delta tables; the newest log entry there is its commit.
        driver: Its last line of output tells of its jobs.

    Raises:
        Failed: its exit code is not 0.
    """
    began_at, began = time.time(), time.monotonic()
    env = {**os.environ, "PYTHONPATH": _python_path()}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    watch = _Watch(process.pid)
    out, err = process.communicate()
    seconds = time.monotonic() - began
    watch.end()
    if process.returncode != 0:
        raise Failed(f"{' '.join(command[1:4])}: exit {process.returncode}: {err[-2000:]}")
    told = json.loads(out.splitlines()[-1]) if driver else {}
    commits = (file.stat().st_mtime for file in target.rglob("_delta_log/*.json"))
    return Run(seconds, max(commits) - began_at, watch.cpu, watch.peak, **told)


def _python_path() -> str:
    """What was given first, so that another checkout of the package can be measured; then ours."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([*filter(None, [given]), str(ROOT), str(ROOT / "jobs")])


class _Watch:
    """Samples a process and all that it started, from a thread of its own."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._cpu: dict[int, float] = {}
        self._done = Event()
        self._thread = Thread(target=self._watch, args=(pid,), daemon=True)
        self._thread.start()

    @property
    def cpu(self) -> float:
        """Processor seconds, user and system; what runs after the last look is missed."""
        return sum(self._cpu.values())

    def end(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self, pid: int) -> None:
        while not self._done.wait(_EVERY):
            self.peak = max(self.peak, sum(map(self._look, _tree(pid))))

    def _look(self, pid: int) -> int:
        """Resident bytes of one process; notes its processor time."""
        try:
            resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError, ValueError):  # it has just ended
            return 0
        self._cpu[pid] = (int(stat[11]) + int(stat[12])) / _TICK
        return resident


def _tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                todo.extend(map(int, children.read_text().split()))
            except OSError:
                continue
    return found
