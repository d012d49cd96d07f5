"""How an attempt at a job ends, from what came out of it: one table, in order of precedence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from profile_export.document import Document
from profile_export.errors import (
    ENGINE_MAY_BE_GONE,
    EXPIRED,
    MAY_HAVE_COMMITTED,
    Cancelled,
    ExportError,
)
from profile_export.service.store.holds import Hold
from profile_export.service.store.jobs import MOST_TRIES

_NOT_OF_THE_ENGINE = "input-unreadable"
"""A broken file was found: with another engine the job would fail again."""
SUSPECT = ENGINE_MAY_BE_GONE | {_NOT_OF_THE_ENGINE}
"""What a job fails with where the engine may be gone."""

TOO_MANY = (
    f"The job was begun {MOST_TRIES} times and never came to an end: its worker or its engine died"
    " each time (too little memory is the usual reason; the workers' logs say more). Nothing of it"
    " is visible. Submit a smaller export, or give the workers more memory."
)


class Way(Enum):
    """What is recorded."""

    SUCCEED = "succeeded"
    FAIL = "failed"
    CANCEL = "cancelled"
    GIVE_BACK = "given back"  # one of its tries
    HAND_OVER = "handed over"  # not one of its tries: the worker goes away
    WAIT = "left until its lease runs out"
    NOTHING = "another worker has it"


@dataclass(frozen=True)
class End:
    """The end of an attempt; code and message of one that failed."""

    way: Way
    code: str = ""
    message: str = ""


def end_of(
    outcome: Mapping[str, object] | Exception,
    held: Hold,
    *,
    lost: bool,
    cancelling: bool,
    leaving: bool,
    engine_alive: bool,
) -> End:
    """How an attempt ends.

    Args:
        outcome: What ``run_job`` gave or raised.
        held: The claim.
        lost: Another worker has the job.
        cancelling: Its end was asked for.
        leaving: This worker was asked to go away.
        engine_alive: Whether the engine still answers.
    """
    code = outcome.code if isinstance(outcome, ExportError) else "internal-error"
    if lost:
        return End(Way.NOTHING)
    if not isinstance(outcome, Exception):
        return End(Way.SUCCEED)
    if code in MAY_HAVE_COMMITTED:
        return End(Way.WAIT if held.exhausted else Way.GIVE_BACK)
    if code == EXPIRED:
        return End(Way.FAIL, code, str(outcome))
    if cancelling:
        return End(Way.CANCEL)
    if isinstance(outcome, Cancelled):
        if held.exhausted:
            return End(Way.FAIL, "too-many-tries", TOO_MANY)
        return End(Way.HAND_OVER if leaving else Way.GIVE_BACK)
    if not engine_alive and code != _NOT_OF_THE_ENGINE:
        return End(Way.HAND_OVER if leaving else Way.GIVE_BACK)
    if isinstance(outcome, ExportError):
        return End(Way.FAIL, code, str(outcome))
    return End(Way.FAIL, code, _UNEXPECTED)


_UNEXPECTED = "Something went wrong in the worker; its log says what. Please report it."


def counts(document: Document) -> tuple[float, dict[str, float]]:
    """Rows exported and exclusions by reason, of a SUCCEEDED job."""
    metrics = document["metrics"]
    assert isinstance(metrics, dict)
    excluded = {str(reason): float(n) for reason, n in dict(metrics["exclusions"]).items()}
    return float(metrics["totalExportedProfileCounter"]), excluded
