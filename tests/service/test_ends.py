"""How an attempt at a job ends, by what came of it and what is known of its worker: one table."""

from typing import Any

import pytest

from profile_export.errors import Cancelled, ExportError, JobFailed, outcome_unknown
from profile_export.service.ends import Way, end_of
from profile_export.service.store.holds import Hold

HOLD = Hold(1, 1, "w", {"status": "PROCESSING"})
LAST = Hold(1, 4, "w", {"status": "PROCESSING"})
DONE: dict[str, object] = {"status": "SUCCEEDED"}
STOPPED, BROKEN = Cancelled("Stopped."), JobFailed("It broke.", code="engine")
REFUSED = JobFailed("No such column.", code="target-schema")
TORN = JobFailed("Torn file.", code="input-unreadable")
PAPERS = JobFailed("Committed.", code="manifest-missing")
UNKNOWN = outcome_unknown("its log cannot be read")
EXPIRED = JobFailed("Committed long ago.", code="commit-expired")
FAULT = KeyError("x")


@pytest.mark.parametrize(
    ("outcome", "held", "facts", "way"),
    [
        (DONE, HOLD, "", Way.SUCCEED),
        (DONE, HOLD, "cancelling", Way.SUCCEED),
        (DONE, HOLD, "leaving", Way.SUCCEED),
        (DONE, LAST, "", Way.SUCCEED),
        (DONE, HOLD, "lost", Way.NOTHING),
        (STOPPED, HOLD, "lost cancelling leaving", Way.NOTHING),
        (UNKNOWN, HOLD, "", Way.GIVE_BACK),
        (UNKNOWN, HOLD, "cancelling leaving", Way.GIVE_BACK),
        (UNKNOWN, LAST, "cancelling", Way.WAIT),
        (EXPIRED, HOLD, "", Way.FAIL),
        (EXPIRED, LAST, "cancelling dead", Way.FAIL),
        (REFUSED, HOLD, "lost", Way.NOTHING),
        (STOPPED, HOLD, "cancelling", Way.CANCEL),
        (STOPPED, HOLD, "cancelling leaving", Way.CANCEL),
        (STOPPED, LAST, "cancelling", Way.CANCEL),
        (REFUSED, HOLD, "cancelling", Way.CANCEL),
        (BROKEN, HOLD, "cancelling dead", Way.CANCEL),
        (STOPPED, HOLD, "leaving", Way.HAND_OVER),
        (STOPPED, HOLD, "", Way.GIVE_BACK),
        (STOPPED, LAST, "", Way.FAIL),
        (BROKEN, HOLD, "", Way.FAIL),
        (BROKEN, HOLD, "dead", Way.GIVE_BACK),
        (BROKEN, HOLD, "dead leaving", Way.HAND_OVER),
        (FAULT, HOLD, "dead", Way.GIVE_BACK),
        (FAULT, HOLD, "", Way.FAIL),
        (TORN, HOLD, "dead", Way.FAIL),
        (REFUSED, HOLD, "leaving", Way.FAIL),
        (PAPERS, HOLD, "", Way.GIVE_BACK),
        (PAPERS, HOLD, "cancelling", Way.GIVE_BACK),
        (PAPERS, LAST, "", Way.WAIT),
        (PAPERS, LAST, "cancelling dead", Way.WAIT),
        (PAPERS, HOLD, "lost", Way.NOTHING),
    ],
)
def test_how_an_attempt_ends(outcome: Any, held: Hold, facts: str, way: Way) -> None:
    names = ("lost", "cancelling", "leaving")
    end = end_of(
        outcome, held, engine_alive="dead" not in facts, **{name: name in facts for name in names}
    )
    assert end.way is way
    if way is Way.FAIL and isinstance(outcome, ExportError) and outcome is not STOPPED:
        assert (end.code, end.message) == (outcome.code, str(outcome))
