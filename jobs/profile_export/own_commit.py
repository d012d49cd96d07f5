"""The one commit of a job, found in the target's Delta log by its application transaction (S27)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from profile_export.delta_log import TargetState, has_transaction, look, unreadable_log
from profile_export.errors import EXPIRED, JobFailed
from profile_export.storage import Folder, Stored

_APP = "profile-export"
"""What the application transactions of jobs begin with."""
TXN_VERSION = 1
"""A job commits once, so its application transaction has one version only."""

_NO_BLANK = re.compile(r"\S")


@dataclass(frozen=True)
class OwnCommit:
    """The one commit of a job: version, files that it added, the note that it carries."""

    version: int
    time_ms: int
    files: tuple[Stored, ...]
    note: str


def transaction_of(job_id: int, first_batch: str) -> str:
    """The application transaction of a job.

    Job ids are numbers that two stores could both give out for one target, and a job that took the
    other's commit for its own would lose its rows in silence; batch ids are never given twice.
    """
    return f"{_APP}/{job_id}/{first_batch}"


def own_commit(location: str, app_id: str) -> OwnCommit | None:
    """The commit that carries the application transaction ``app_id``, or None.

    Costs the log's snapshot, and what :func:`commit_in` does.

    Raises:
        JobFailed: ``target-unreadable``; ``commit-expired`` where it is no more in the log.
    """
    state = look(location)
    return None if state is None else commit_in(state, app_id)


def commit_in(state: TargetState, app_id: str) -> OwnCommit | None:
    """As :func:`own_commit`, in a state that was looked at already.

    Costs the commits back to the one that is looked for.
    """
    if not state.has_committed(app_id):
        return None
    for version in range(state.version, -1, -1):
        name = f"_delta_log/{version:020}.json"
        data = state.folder.read(name) if state.folder.exists(name) else b""
        if app_id.encode() in data and (found := _commit(version, data, app_id)):
            return found
    raise JobFailed(
        "This job has committed long ago: its entry in the target's Delta log was cleaned up, so"
        " that its papers cannot be made again. Its rows are in the dataset, by their batch ids.",
        code=EXPIRED,
    )


def has_job(target: Folder, job_id: int) -> bool:
    """Whether a job of this id has committed, as :func:`has_transaction` says: for jobs whose id
    was given and whose papers are not there."""
    return has_transaction(target, f'"{_APP}/{job_id}/')


def _commit(version: int, data: bytes, app_id: str) -> OwnCommit | None:
    try:
        return _read(version, data, app_id)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise unreadable_log(f"version {version} holds no commit") from error


def _read(version: int, data: bytes, app_id: str) -> OwnCommit | None:
    actions = list(_actions(data.decode()))
    if not any(body.get("appId") == app_id for kind, body in actions if kind == "txn"):
        return None
    info = next((body for kind, body in actions if kind == "commitInfo"), {})
    adds = (body for kind, body in actions if kind == "add")
    files = sorted(
        (Stored(unquote(str(a["path"])), int(cast(int, a["size"]))) for a in adds),
        key=lambda file: file.path,
    )
    time_ms = int(cast(int, info.get("timestamp", 0)))
    return OwnCommit(version, time_ms, tuple(files), str(info.get("userMetadata", "")))


def _actions(text: str) -> Iterator[tuple[str, dict[str, object]]]:
    """One JSON object after the other; as delta-rs, whatever white space is between them."""
    decoder, at = json.JSONDecoder(), 0
    while (begin := _NO_BLANK.search(text, at)) is not None:
        action, at = decoder.raw_decode(text, begin.start())
        yield from action.items()
