"""Follow a job of the service to its end, with a bar; through restarts of the service too."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from profile_export.commands._ended import JobEnded
from profile_export.commands._progress import progress_bar
from profile_export.document import FINAL
from profile_export.errors import ExportError, JobFailed

if TYPE_CHECKING:
    from profile_export.commands._client import Client

_POLL = 0.5
_AWAY = 60.0
"""So long a service may be gone while its job is watched."""


class _Cancelled(ExportError):
    code, title, exit_code = "job-cancelled", "Job cancelled", 1


def watch(client: "Client", job_id: int) -> dict[str, Any]:
    """The document of the job once it SUCCEEDED.

    Raises:
        JobEnded: it failed, or was cancelled.
    """
    document: dict[str, Any] = {}
    with progress_bar() as show:
        for document in _documents(client, job_id):
            progress = document.get("metrics", {}).get("progress")
            if progress:
                show(str(progress["stage"]), float(progress["fraction"]))
            else:
                show("waiting", 0.0)
    if document["status"] == "SUCCEEDED":
        return document
    if document["status"] == "CANCELLED":
        raise JobEnded(
            _Cancelled(f"Job {job_id} was cancelled; nothing of it is visible."), document
        )
    first = (document.get("errors") or [{}])[0]
    failed = JobFailed(str(first.get("msg", "")), code=str(first.get("code", "job-failed")))
    raise JobEnded(failed, document)


def _documents(client: "Client", job_id: int) -> Iterator[dict[str, Any]]:
    """The job's documents, the last one FINAL: by events where they are offered, else by asking."""
    from profile_export.commands._answers import ServiceError, Unreachable
    from profile_export.commands._client import JOBS
    from profile_export.errors import NotFound

    path, streams, away = f"{JOBS}/{job_id}", True, 0.0
    while True:
        try:
            if streams:
                for document in client.events(f"{path}/events"):
                    away = 0.0
                    yield document
                    if document["status"] in FINAL:
                        return
            document = client.job("GET", path)
            away = 0.0
            yield document
            if document["status"] in FINAL:
                return
        except Unreachable as error:
            if error.code == "busy":  # too many streams are open: ask
                streams = False
            away = away or time.monotonic()
            if time.monotonic() - away > _AWAY:
                raise
        except (NotFound, ServiceError):
            if not streams:
                raise
            streams = False  # no events here: ask
            continue
        time.sleep(_POLL)
