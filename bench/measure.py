"""One run of a program as a whole process: seconds, processor seconds, peak memory of its tree."""

import json
import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from bench.programs import ROOT

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
OFTEN, SELDOM = 0.05, 1.0
"""Seconds between looks at what is measured. Who looks takes its time of the same cores: seldom,
where the watched are many threads that have all of them."""


@dataclass(frozen=True)
class Run:
    """What one run took. A driver tells its engine's ``start``, the seconds of each of its ``jobs``
    to the commit, and to their ``ends`` where these come later."""

    seconds: float
    to_commit: float
    """From the start of the process to its last commit's log entry."""
    cpu: float
    peak_bytes: int
    start: float = 0.0
    jobs: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


class Failed(Exception):
    """A program ended badly; the end of what it said is the message."""


def run(command: list[str], target: Path, *, driver: bool = False, every: float = OFTEN) -> Run:
    """Run the command to its end.

    Args:
        command: The program and its words.
        target: Where it writes Delta tables; the newest log entry there is its commit.
        driver: Its last line of output tells of its jobs.
        every: Seconds between looks at it.

    Raises:
        Failed: its exit code is not 0.
    """
    began_at, began = time.time(), time.monotonic()
    env = {**os.environ, "PYTHONPATH": _python_path()}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )
    watch = Watch(process.pid, every=every)
    try:
        out, err = process.communicate()
    finally:
        seconds = time.monotonic() - began
        watch.end()
        if process.poll() is None:  # we are to end: so is it
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise Failed(f"{' '.join(command[1:4])}: exit {process.returncode}: {err[-2000:]}")
    told = json.loads(out.splitlines()[-1]) if driver else {}
    return Run(seconds, committed_at(target) - began_at, watch.cpu, watch.peak, **told)


def committed_at(target: Path) -> float:
    """When the newest commit of the Delta tables below ``target`` was made, as ``time.time``."""
    return max(file.stat().st_mtime for file in target.rglob("_delta_log/*.json"))


def _python_path() -> str:
    """What was given first, so that another checkout of the package can be measured; then ours."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([*filter(None, [given]), str(ROOT), str(ROOT / "jobs")])


class Watch:
    """Samples processes and all that they started, from a thread of its own.

    Args:
        pids: The processes.
        every: Seconds between looks.
    """

    def __init__(self, *pids: int, every: float = OFTEN) -> None:
        self.peak = 0
        self._every = every
        self._cpu: dict[int, float] = {}
        self._done = Event()
        self._thread = Thread(target=self._watch, args=(pids,), daemon=True)
        self._thread.start()

    @property
    def cpu(self) -> float:
        """Processor seconds, user and system; what runs after the last look is missed."""
        return sum(self._cpu.values())

    def end(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self, pids: tuple[int, ...]) -> None:
        while not self._done.wait(self._every):
            # A JVM that starts a program (Hadoop's chmod, say) is there twice for a moment: the
            # new process has its memory until it becomes the program, and the very same size.
            seen = dict(map(self._look, _tree(pids)))
            self.peak = max(self.peak, sum(seen.values()))

    def _look(self, pid: int) -> tuple[int, int]:
        """Size in pages and resident bytes of one process; notes its processor time."""
        try:
            size, resident = map(int, Path(f"/proc/{pid}/statm").read_text().split()[:2])
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError, ValueError):  # it has just ended
            return 0, 0
        self._cpu[pid] = (int(stat[11]) + int(stat[12])) / _TICK
        return size, resident * _PAGE


def _tree(pids: tuple[int, ...]) -> list[int]:
    """The processes and their descendants."""
    found, todo = [], list(pids)
    while todo:
        one = todo.pop()
        found.append(one)
        with suppress(OSError):  # it, or a thread of it, has just ended
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                with suppress(OSError):
                    todo.extend(map(int, children.read_text().split()))
    return found
