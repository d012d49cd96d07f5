"""The error family, and one table: code -> HTTP status -> exit code.

    ExportError
    ├── Refused            the request or the sandbox is wrong: every problem at once   400 / exit 2
    ├── NotFound           what was named does not exist, or is another's              404 / exit 2
    ├── Conflict           the state does not allow it                                 409 / exit 2
    ├── JobFailed          the job could not be done (nothing is visible, see there)   500 / exit 1
    ├── Different          verification or comparison found a difference                 - / exit 3
    └── Cancelled          the user or the service asked to stop                        - / exit 130

Messages are safe to show: a sentence that says what is wrong, where, and what to do. No stack
trace, and nothing of the server's file system beyond what the user wrote in the sandbox file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

PROBLEM = "application/problem+json"
"""The media type of :func:`problem_json`."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Attributes:
        code: Our name for it, stable (``unknown-field``).
        detail: A sentence that says what is wrong and what to do.
        pointer: JSON pointer (RFC 6901) into the body; ``""`` for the whole body.
        parameter: The query parameter, where there is no body.
        source: ``file:line`` for a problem of a sandbox file.
    """

    code: str
    detail: str
    pointer: str = ""
    parameter: str | None = None
    source: str | None = None

    def as_json(self) -> dict[str, object]:
        place = (
            {"pointer": self.pointer} if self.parameter is None else {"parameter": self.parameter}
        )
        where = {} if self.source is None else {"source": self.source}
        return {**place, "code": self.code, "detail": self.detail, **where}

    def __str__(self) -> str:
        place = self.parameter if self.parameter is not None else (self.pointer or "(body)")
        prefix = f"{self.source}: " if self.source else ""
        return f"{prefix}{place}: {self.detail} [{self.code}]"


class ExportError(Exception):
    """Root. ``code``, ``status`` and ``exit_code`` say what an error means to a client."""

    code = "internal-error"
    title = "Internal error"
    status = 500
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class Refused(ExportError):
    """The user's request or sandbox file is wrong; carries ALL its problems."""

    code = "invalid-request"
    title = "Invalid request"
    status = 400
    exit_code = 2

    def __init__(self, problems: Iterable[Problem], *, code: str | None = None) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)), code=code)


class NotFound(ExportError):
    """What was named does not exist in this sandbox."""

    code, title, status, exit_code = "not-found", "Not found", 404, 2


class Conflict(ExportError):
    """The resource's state does not allow the call."""

    code, title, status, exit_code = "conflict", "Conflict", 409, 2


class JobFailed(ExportError):
    """The job could not be done; nothing of it is visible (S27).

    Of one code something is: ``manifest-missing``, raised after the commit where the papers could
    not be written. Of another, ``outcome-unknown``, nobody can say.
    """

    code, title, status, exit_code = "job-failed", "Job failed", 500, 1


MAY_HAVE_COMMITTED = ("manifest-missing", "outcome-unknown")
"""Codes of jobs that have committed, or of which nobody can say: they must end in no other way."""
EXPIRED = "commit-expired"
"""Code of a job that has committed, and that nobody can complete any more: it ends so."""
ENGINE_MAY_BE_GONE = frozenset({"engine", "internal-error", "out-of-memory"})
"""Codes of work for which the engine could be to blame, and may be gone."""


def outcome_unknown(why: str) -> JobFailed:
    """The error of a job of which nobody can say yet whether it has committed: it must not end as
    failed or cancelled, since a commit wins (S27)."""
    return JobFailed(
        f"Whether the job has committed cannot be told now: {why}. Run it again with the same id"
        " later; it then ends as it did.",
        code="outcome-unknown",
    )


class Different(ExportError):
    """Verification or comparison found a difference; one finding per line."""

    code, title, status, exit_code = "different", "Different", 200, 3

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(findings))


class Cancelled(ExportError):
    """The job was asked to stop and has stopped; nothing of it is visible."""

    code, title, status, exit_code = "cancelled", "Cancelled", 200, 130


def problem_json(error: ExportError, *, request_id: str) -> dict[str, object]:
    """An error as ``application/problem+json`` (RFC 9457).

    ``errors`` is empty where it has no place in a request.
    """
    body: dict[str, object] = {
        "type": f"urn:profile-export:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": str(error),
        "requestId": request_id,
        "errors": [],
    }
    if isinstance(error, Refused):
        body["detail"] = f"{len(error.problems)} problem(s) with the request; see errors."
        body["errors"] = [problem.as_json() for problem in error.problems]
    return body


def nearest(asked: str, known: Iterable[str]) -> str:
    """A hint sentence with the known names nearest to ``asked``: like it, whatever the case, or
    else with all of it in them."""
    names: dict[str, list[str]] = {}
    for name in known:
        names.setdefault(name.casefold(), []).append(name)
    wanted = asked.casefold()
    like = get_close_matches(wanted, names, n=3, cutoff=0.5)
    like = like or sorted(name for name in names if wanted and wanted in name)
    near = [name for lowered in like for name in names[lowered]][:3]
    return f"Nearest: {', '.join(near)}." if near else "No similar name is known."
