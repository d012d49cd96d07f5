"""From the words of ``run`` to a plan: every mistake at once, before any engine is opened."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from profile_export.errors import Problem, Refused

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.commands._engine import LazyEngine
    from profile_export.plan import ExportPlan


@dataclass(frozen=True)
class Asked:
    """What ``run`` was asked for, as the user wrote it; ``request`` is a file or ``-``."""

    request: str
    sandbox: str
    as_of: str | None = None
    job_id: int | None = None


@dataclass(frozen=True)
class Planned:
    """A plan, and the sandbox that it was made against, with its file as the user wrote it."""

    plan: "ExportPlan"
    sandbox: "Sandbox"
    sandbox_file: str


def make_plan(asked: Asked, engine: "LazyEngine", *, or_finished: bool = False) -> Planned:
    """The plan of what was asked. Reads metadata; opens the engine only for tables known by name.

    Args:
        asked: The words.
        engine: Of this command.
        or_finished: Give the plan of the job of this id that has done the same already, where there
            is one: its document is to be had whatever has become of its inputs.

    Raises:
        Refused: every problem of the words, the sandbox file and the request.
        JobFailed: the engine that a table needs could not be opened.
    """
    from profile_export import planning
    from profile_export.request import parse_request

    problems: list[Problem] = []
    as_of = body = sandbox = None
    with _collecting(problems):
        as_of = _time(asked.as_of)
    with _collecting(problems):
        body = read_body(asked.request)
    with _collecting(problems):
        sandbox = load_sandbox(asked.sandbox)
    if body is not None and sandbox is None:
        with _collecting(problems):
            parse_request(body)
    if body is None or sandbox is None:
        raise Refused(_in_file(problems, asked.request))
    if or_finished and not problems and (done := _finished(asked, body, sandbox)) is not None:
        return Planned(done, sandbox, asked.sandbox)
    with _collecting(problems):
        plan = planning.make_plan(
            body, sandbox, table_info=engine.table_info, job_id=asked.job_id, as_of=as_of
        )
    if problems:
        raise Refused(_in_file(_as_written(problems, asked.sandbox), asked.request))
    return Planned(plan, sandbox, asked.sandbox)


def _finished(asked: Asked, body: bytes, sandbox: "Sandbox") -> "ExportPlan | None":
    if asked.job_id is None:
        return None
    from profile_export.request import read_request

    draft = read_request(body)
    target = sandbox.dataset(draft.request.destination.dataset_id)
    if draft.problems or target is None or target.table.location is None:
        return None
    from profile_export.storage import Folder
    from profile_export.used_ids import finished_plan, see_papers

    lake, question = Folder(target.table.location), (sandbox.ims_org_id, sandbox.name, target.id)
    see_papers(lake, asked.job_id)
    return finished_plan(lake, asked.job_id, (*question, draft.request.sent))


def load_sandbox(file: str) -> "Sandbox":
    """The sandbox of a file, whose name in messages is the one that the user wrote.

    Raises:
        Refused: every mistake of the file, each with ``file:line``.
    """
    from profile_export import sandbox

    try:
        return sandbox.load_sandbox(file)
    except Refused as error:
        raise Refused(_as_written(error.problems, file)) from error


@contextmanager
def _collecting(problems: list[Problem]) -> Iterator[None]:
    """Keep the problems of a refusal, and go on."""
    try:
        yield
    except Refused as error:
        problems.extend(error.problems)


def _as_written(problems: Iterable[Problem], file: str) -> Iterator[Problem]:
    """Problems whose ``source`` has the path as it was given, not the bare name of the file."""
    name = Path(file).name
    for problem in problems:
        source = problem.source or ""
        is_its = source == name or source.startswith(f"{name}:")
        yield replace(problem, source=file + source.removeprefix(name)) if is_its else problem


def _in_file(problems: Iterable[Problem], request: str) -> Iterator[Problem]:
    """What is wrong with the whole body, and would have no place else, with the request's file."""
    for problem in problems:
        is_all = problem.pointer == "" and problem.parameter is None and problem.source is None
        yield replace(problem, source=request) if is_all and request != "-" else problem


def _time(text: str | None) -> datetime | None:
    from pydantic_core import PydanticCustomError

    from profile_export.rfc3339 import rfc3339

    if text is None:
        return None
    try:
        return rfc3339(text)
    except PydanticCustomError as error:
        raise Refused([Problem("bad-time", error.message(), parameter="--as-of")]) from None


def read_body(request: str) -> bytes:
    """A request, of a file or (``-``) of stdin.

    Raises:
        Refused: it cannot be read.
    """
    try:
        if request != "-":
            return Path(request).read_bytes()
        return b"" if sys.stdin is None else sys.stdin.buffer.read()
    except OSError as error:
        detail = f"The request {request!r} cannot be read: {error.strerror}. Check its path."
        raise Refused([Problem("file-unreadable", detail, parameter="REQUEST")]) from None
