"""A claim while its job runs: when a commit may be made, when an engine takes too long to stop."""

import threading
import time
from pathlib import Path

import pytest

from profile_export.errors import Cancelled
from profile_export.service.heart import Held, now
from profile_export.service.store.jobs import MOST_TRIES
from profile_export.service.store.queue import Claim
from tables.plans import plan_for


def _held(folder: Path, *, lease: float, ago: float = 0.0, attempt: int = 1) -> Held:
    plan = plan_for(folder / "t", batches=1)
    claim = Claim(1, attempt, "w", {"status": "PROCESSING"}, plan)
    return Held(claim, lease=lease, at=now() - ago)


def test_what_has_committed_is_not_overdue(tmp_path: Path) -> None:
    held = _held(tmp_path, lease=10)
    held.stop.ask()
    assert held.overdue(-1)
    held.stop.close()
    assert not held.overdue(-1)


def test_who_took_a_job_too_often_only_looks_at_it(tmp_path: Path) -> None:
    held = _held(tmp_path, lease=10, attempt=MOST_TRIES + 1)
    assert held.stop.asked
    assert not held.overdue(-1)


def test_progress_that_came_while_the_store_was_told_is_told_next(tmp_path: Path) -> None:
    held = _held(tmp_path, lease=10)
    held.report("who", 0.1)
    told = held.progress
    held.report("what", 0.5)
    held.renewed("PROCESSING", at=now(), told=told)
    assert held.progress == ("what", 0.5)
    held.renewed("PROCESSING", at=now(), told=held.progress)
    assert held.progress is None


def test_what_the_engine_is_done_with_is_not_overdue(tmp_path: Path) -> None:
    """Recording its end may take as long as the store is away."""
    held = _held(tmp_path, lease=10)
    held.stop.ask()
    assert not held.overdue(600)
    time.sleep(0.1)
    assert held.overdue(0.05)
    held.over = True
    assert not held.overdue(0.05)


def test_a_commit_waits_until_the_lease_is_sure(tmp_path: Path) -> None:
    """News alone will not do, however often they came: those are too old to say whose it is now."""
    held = _held(tmp_path, lease=600, ago=540)
    waiting = threading.Thread(target=held.wait_until_sure, args=(now() - 600,))
    waiting.start()
    for told in (None, now() - 500):
        if told is not None:
            held.renewed("PROCESSING", at=told)
        waiting.join(0.2)
        assert waiting.is_alive()
    held.renewed("PROCESSING", at=now())
    waiting.join(120)
    assert not waiting.is_alive()


def test_a_commit_waits_for_news_and_for_a_lease(tmp_path: Path) -> None:
    """A renewal from before the question says nothing of a cancel since; a late one, nothing of the
    lease."""
    held, asked = _held(tmp_path, lease=600), now()
    waiting = threading.Thread(target=held.wait_until_sure, args=(asked,))
    waiting.start()
    for told in (asked - 0.001, asked - 540):
        held.renewed("PROCESSING", at=told)
        waiting.join(0.2)
        assert waiting.is_alive()
    held.renewed("PROCESSING", at=asked)
    waiting.join(120)
    assert not waiting.is_alive()


@pytest.mark.parametrize("status", [None, "CANCELLING"])
def test_a_commit_that_may_not_be_is_not_made(status: str | None, tmp_path: Path) -> None:
    held = _held(tmp_path, lease=600, ago=540)
    held.renewed(status, at=now() - 540)
    with pytest.raises(Cancelled):
        held.wait_until_sure(now())
    assert (held.lost, held.cancelling) == (status is None, status is not None)
    assert held.stop.left == (status is None)
