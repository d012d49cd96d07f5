"""Where the things of a job lie, in the user's own words, and how this program is called."""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from profile_export.plan import TableRef

FOLDER, MANIFEST, JOB = "_profile_export", "manifest.json", "job.json"


@dataclass(frozen=True)
class Places:
    """The target and the papers of a job, as paths to show and to copy."""

    dataset: str
    job_id: int

    @property
    def manifest(self) -> str:
        return f"{self.dataset}/{FOLDER}/{self.job_id}/{MANIFEST}"

    @property
    def job(self) -> str:
        return f"{self.dataset}/{FOLDER}/{self.job_id}/{JOB}"


def target_path(table: TableRef, location: str, sandbox: str) -> str:
    """The target's path from where the user stands: a path in the file is relative to the file."""
    written = table.written
    if written is None or "://" in written or written.startswith("file:"):
        return location
    return os.path.normpath(os.path.join(os.path.dirname(sandbox), written))


def command(*words: str) -> str:
    """A command of this program that can be copied to a shell."""
    return " ".join([_program(), *map(shlex.quote, words)])


def _program() -> str:
    """How the user can call this program again from here."""
    called = Path(sys.argv[0])
    if called.name == "export_job.py":
        return shlex.quote(_from_here(called.resolve().parents[1] / "spark-submit.sh"))
    if called.name != "profile-export":
        return "profile-export"
    found = shutil.which("profile-export")
    if found is not None and os.path.realpath(found) == os.path.realpath(called):
        return "profile-export"
    return shlex.quote(_from_here(called))


def _from_here(file: Path) -> str:
    path = os.path.abspath(file)
    relative = os.path.relpath(path)
    if relative.startswith(os.pardir):
        return path
    return relative if os.sep in relative else f"./{relative}"
