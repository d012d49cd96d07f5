"""The lock of a job's folder: who waits, for how long, and what is told then."""

import fcntl
import json
import threading
from pathlib import Path

import pytest

from profile_export import job_lock
from profile_export.errors import Cancelled, JobFailed
from profile_export.job_lock import held
from profile_export.stop import Stop


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lock, "_GRACE", 0.2)
    monkeypatch.setattr(job_lock, "_PATIENCE", 0.4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def take(path: Path, *, exclusive: bool) -> None:
    stop = Stop()
    stop.ask()
    with held(path, lambda: None, stop, exclusive=exclusive):
        return


def test_of_a_job_whose_holder_cannot_be_reached_nobody_knows_the_end(path: Path) -> None:
    """It may commit yet: neither CANCELLED nor FAILED would be true."""
    with path.open("w") as other:
        other.write(json.dumps({"host": "another", "pid": 1, "started": "1"}))
        other.flush()
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(JobFailed, match="another process has it") as caught:
            take(path, exclusive=True)
        assert caught.value.code == "outcome-unknown"
        with pytest.raises(Cancelled):  # nobody has taken it over: it is the other's
            take(path, exclusive=False)
    take(path, exclusive=True)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_not_waited_for_for_ever(path: Path) -> None:
    def gone() -> None:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(FileNotFoundError), held(path, gone, Stop(), exclusive=True):
        pass


def test_it_is_had_once_the_other_lets_it_go(path: Path) -> None:
    other = path.open("w")
    fcntl.flock(other, fcntl.LOCK_EX)
    threading.Timer(0.3, other.close).start()
    with held(path, lambda: None, Stop(), exclusive=False):
        assert json.loads(path.read_text())["pid"]
