"""S27: one commit of a job, whatever a try to make it does; Delta's part is played by the test."""

from collections.abc import Callable

import pytest

from profile_export.engines import Writing, commit_once
from profile_export.engines.commit_once import Tries
from profile_export.errors import Cancelled, JobFailed
from profile_export.own_commit import OwnCommit
from profile_export.schema import Struct

MINE = OwnCommit(3, 0, (), "")
WRITING = Writing("/nowhere", "exports", None, Struct(), (), "app", "", None)


class LostRace(Exception):
    """Another writer was faster."""


class Table:
    """A target: what each try does to it, how often was tried, and how long was waited between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: Callable[["Table"], None]) -> None:
        self.committed: OwnCommit | None = None
        self.tries, self.waits, self.steps = 0, list[float](), steps
        place = "profile_export.engines.commit_once"
        monkeypatch.setattr(f"{place}.own_commit", lambda *_: self.committed)
        monkeypatch.setattr(f"{place}.look", lambda _: self)
        monkeypatch.setattr(f"{place}.columns_with_export", lambda *_, columns, **__: columns)
        monkeypatch.setattr("random.uniform", lambda _, most: most)
        monkeypatch.setattr("time.sleep", self.waits.append)

    def has_committed(self, _: str) -> bool:
        return self.committed is not None

    def commit(self, check: Callable[[], None] = lambda: None) -> OwnCommit:
        def step(*_: object) -> None:
            self.tries += 1
            self.steps[min(self.tries, len(self.steps)) - 1](self)

        tries = Tries(5, 0.5, 2, lambda error: isinstance(error, LostRace))
        return commit_once.commit_once(WRITING, step, tries=tries, check=check)


def commits(table: Table) -> None:
    table.committed = MINE


def prepares(_: Table) -> None:
    pass


def loses(_: Table) -> None:
    raise LostRace


def breaks(_: Table) -> None:
    raise OSError("broken")


def commits_and_loses(table: Table) -> None:
    table.committed = MINE
    raise LostRace


def commits_and_breaks(table: Table) -> None:
    table.committed = MINE
    raise OSError("the answer was lost")


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        pytest.param([commits], [], id="at once"),
        pytest.param([prepares, commits], [], id="prepared first"),
        pytest.param([loses, commits], [0.5], id="after a race that was lost"),
        pytest.param([loses, loses, loses, loses, commits], [0.5, 1, 2, 2], id="at the last try"),
        pytest.param([commits_and_loses], [], id="committed, and told as lost"),
        pytest.param([commits_and_breaks], [], id="committed, and told as broken"),
    ],
)
def test_s27_the_commit_is_found(
    steps: list[Callable[[Table], None]], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(monkeypatch, *steps)
    assert table.commit() is MINE
    assert (table.tries, table.waits) == (len(steps), waits)


def test_s27_a_target_that_others_keep_committing_to(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(monkeypatch, loses)
    with pytest.raises(JobFailed) as failed:
        table.commit()
    assert (failed.value.code, table.tries) == ("target-busy", 5)


def test_s27_what_is_no_race_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(monkeypatch, breaks)
    with pytest.raises(OSError, match="broken"):
        table.commit()
    assert (table.tries, table.waits) == (1, [])


def test_s27_who_is_to_stop_tries_no_more_but_finds_what_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop() -> None:
        raise Cancelled("Stopped.")

    table = Table(monkeypatch, commits)
    with pytest.raises(Cancelled):
        table.commit(stop)
    assert table.tries == 0
    table.committed = MINE
    assert table.commit(stop) is MINE
    assert table.tries == 0


def test_s27_what_the_jobs_other_process_commits_between_two_looks_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A try that builds on it would be the second commit, and no race would tell."""
    table = Table(monkeypatch, commits)
    assert table.commit(lambda: commits(table)) is MINE
    assert table.tries == 0
