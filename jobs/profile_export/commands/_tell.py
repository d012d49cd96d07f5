"""The one place that turns errors into words, or JSON, and exit codes.

Words go to stderr. With ``--json`` an error is JSON on stdout too: the FAILED or CANCELLED job
document where there was a job, problem+json otherwise.
"""

from dataclasses import dataclass

import typer

from profile_export.commands import _say
from profile_export.commands._ended import JobEnded
from profile_export.errors import (
    EXPIRED,
    Cancelled,
    Different,
    ExportError,
    Problem,
    Refused,
    problem_json,
)

_WRITTEN_PERHAPS = ("papers-unreadable", "target-unreadable", EXPIRED)
"""Codes of failed jobs of which an earlier attempt may have committed, or has."""


@dataclass(frozen=True)
class Teller:
    """Tells of an error, as words or as JSON; each way gives its exit code.

    Looks at the words themselves: a command line that cannot be parsed has its error told likewise.
    """

    json: bool
    verbose: bool

    @classmethod
    def of(cls, words: list[str]) -> "Teller":
        options = words[: words.index("--")] if "--" in words else words
        return cls("--json" in options, "--verbose" in options)

    def usage(self, error: typer.TyperException) -> int:
        """A command line that is wrong."""
        if self.json:
            place = getattr(getattr(error, "param", None), "opts", [""])[-1]
            return self.tell(Refused([Problem("usage", error.format_message(), parameter=place)]))
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "profile-export"
        told = error.format_message()
        is_help = context is not None and told == context.get_help()  # of a group without a command
        sentence = told if told.endswith((".", "?")) else f"{told}."  # pydantic's have no full stop
        _say.note(told if is_help else f"{sentence} See: {path} --help")
        return Refused.exit_code

    def tell(self, error: ExportError) -> int:
        """An error of ours."""
        self._answer(error)
        for line in _words(error):
            _say.note(line)
        self._trace(error)
        return error.exit_code

    def unexpected(self, error: Exception) -> int:
        """A fault of this program, or an output that cannot be written."""
        if isinstance(error, _say.Unwritable):
            _say.note(f"The output cannot be written: {error.strerror}.")
            self._trace(error)
            return ExportError.exit_code
        more = "" if self.verbose else " Run it with --verbose for details."
        told = ExportError(f"{_fault(error)}.{more}")
        self._answer(told)
        _say.note(str(told))
        self._trace(error)
        return ExportError.exit_code

    def _answer(self, error: ExportError) -> None:
        """The error as JSON, if that is asked for, and stdout can take it."""
        if self.json:
            try:
                _say.result_json(_as_json(error))
            except OSError as broken:
                _say.note(f"The answer cannot be written: {broken.strerror}.")

    def _trace(self, error: BaseException) -> None:
        if self.verbose:
            import traceback

            _say.note("".join(traceback.format_exception(error)).rstrip())


def _fault(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return f"Unexpected fault ({type(error).__name__}: {' '.join(str(error).split())[:300]})"


def _as_json(error: ExportError) -> dict[str, object]:
    from uuid import uuid4

    if isinstance(error, JobEnded):
        return error.document
    return problem_json(error, request_id=uuid4().hex)


def _words(error: ExportError) -> list[str]:
    """One line per problem, each with its place; what to do is part of every message."""
    if isinstance(error, Refused):
        return [_line(problem) for problem in error.problems]
    if isinstance(error, Different):
        return list(error.findings)
    if error.exit_code == Cancelled.exit_code:
        return ["Interrupted: nothing was written."]
    if isinstance(error, JobEnded) and error.document.get("status") == "FAILED":
        nothing = "" if error.code in _WRITTEN_PERHAPS else ", and nothing was written"
        return [f"The job failed{nothing}. {error}"]
    return [str(error)]


def _line(problem: Problem) -> str:
    place = problem.pointer if problem.parameter is None else problem.parameter
    places = [part for part in (problem.source, place) if part]
    return f"{': '.join([*places, ' '.join(problem.detail.split())])} [{problem.code}]"
