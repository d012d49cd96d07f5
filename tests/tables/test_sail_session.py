"""The session of the embedded engine is there as long as the engine, however long it is quiet."""

import os
import time
from collections.abc import Callable, Iterator

import pytest
from pyspark.errors import PySparkException

from profile_export.engines.sail import SailEngine
from profile_export.engines.sail_session import open_sail

pytestmark = pytest.mark.sail_only("a process is either Connect or classic")
LASTS = "SAIL_SPARK__SESSION_TIMEOUT_SECS"


@pytest.fixture
def opened() -> Iterator[Callable[[], SailEngine]]:
    """Opens engines of their own in this process."""
    engines: list[SailEngine] = []

    def open_one() -> SailEngine:
        engines.append(open_sail(verbose=False))
        return engines[-1]

    yield open_one
    for one in engines:
        one.abandon()


def test_no_quiet_time_ends_a_session(
    opened: Callable[[], SailEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LASTS, raising=False)
    engine = opened()
    assert int(os.environ[LASTS]) > 365 * 24 * 60 * 60
    assert engine.spark.range(3).count() == 3


def test_what_sail_does_to_a_session_that_is_idle(
    opened: Callable[[], SailEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the setting is there, and that its name is still the one that Sail reads."""
    monkeypatch.setenv(LASTS, "1")
    engine = opened()

    def ask_now_and_then() -> None:
        for quiet in (2, 10, 60):  # each question begins the second anew
            time.sleep(quiet)
            engine.spark.range(3).count()

    with pytest.raises(PySparkException, match="is not running"):
        ask_now_and_then()
