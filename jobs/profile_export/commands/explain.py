"""``explain``: why one identity is, or is not, in an export."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _say
from profile_export.errors import Problem, Refused

if TYPE_CHECKING:
    from profile_export.commands._engine import LazyEngine
    from profile_export.explained.account import Account
    from profile_export.explained.asked import Question

_EXAMPLES = _options.examples(
    "explain --request request.json --sandbox sandbox.yml --identity email:ada@example.com",
    "explain --job exports/profile/_profile_export/24115/job.json --sandbox sandbox.yml"
    " --identity crmId:c1",
)

JobFile = Annotated[
    str | None,
    typer.Option(
        "--job",
        metavar="DOC.json",
        help="A finished job: its document. Its pinned versions are read.",
    ),
]
RequestFile = Annotated[
    str | None,
    typer.Option(
        "--request", metavar="REQUEST.json", help="A request, planned now; - reads it from stdin."
    ),
]
Identity = Annotated[
    str,
    typer.Option(
        "--identity", metavar="NAMESPACE:VALUE", help="Whom to explain: email:ada@example.com, say."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("explain", epilog=_EXAMPLES)(explain)


def explain(
    sandbox: _options.SandboxFile,
    identity: Identity,
    job: JobFile = None,
    request: RequestFile = None,
    engine: _options.EngineName = None,
    as_of: _options.AsOf = None,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Tell why one person is, or is not, in an export.

    Whose the identity is and how its records are joined, where each exported value comes from, what
    its segments say, and the batches or the one reason. Of a job that was made (--job), or of one
    that would be made now (--request). Nothing is written to the export's target. Exit codes: 0
    explained, whatever the verdict; 1 the engine failed; 2 nobody has the identity, the words are
    wrong, or an input is gone.
    """
    if problems := list(_bad_words(identity, job, request, as_of)):
        raise Refused(problems)
    from profile_export.commands._engine import LazyEngine

    with LazyEngine(_options.engine_name(engine), verbose=verbose) as lazy:
        if request is not None:
            question = _of_request(request, sandbox, identity, as_of, lazy)
        else:
            question = _of_job(job or "", sandbox, identity, lazy)
        account = _account(question, lazy)
    if json:
        _say.result_json(account.model_dump(mode="json", by_alias=True))
        return
    from profile_export.explained.text import words

    _say.result(words(account))


def _bad_words(
    identity: str, job: str | None, request: str | None, as_of: str | None
) -> Iterator[Problem]:
    from profile_export.explained.asked import identity_problems

    yield from identity_problems(identity)
    if (job is None) == (request is None):
        detail = "Give one of the two: --job JOB.json of a finished job, or --request REQUEST.json."
        yield Problem("bad-option", detail, parameter="--job")
    elif job is not None and as_of is not None:
        detail = "A finished job has its creation time; --as-of goes with --request."
        yield Problem("bad-option", detail, parameter="--as-of")


def _of_request(
    request: str, sandbox: str, identity: str, as_of: str | None, engine: "LazyEngine"
) -> "Question":
    from profile_export.commands._asked import Asked, make_plan
    from profile_export.explained.asked import Question

    planned = make_plan(Asked(request, sandbox, as_of=as_of), engine)
    return Question(identity, planned.plan, planned.sandbox)


def _of_job(job: str, sandbox: str, identity: str, engine: "LazyEngine") -> "Question":
    """The question about a job that was made: its plan, with the tables where they lie now."""
    from profile_export.commands._asked import load_sandbox
    from profile_export.explained.asked import Question
    from profile_export.job_papers import job_papers
    from profile_export.rerun import not_pinned, relocated

    known = load_sandbox(sandbox)
    saved = job_papers(job, known).plan()
    plan = relocated(saved, known, locate=engine.locate, table_info=engine.table_info)
    for line in not_pinned(plan):
        _say.note(line)
    return Question(identity, plan, known, job_id=plan.job_id)


def _account(question: "Question", lazy: "LazyEngine") -> "Account":
    """The account, with a bar on a terminal.

    Its scratch folder lies below ``TMPDIR``, which the workers of a cluster must share.
    """
    from profile_export.commands._progress import progress_bar

    with progress_bar() as show:
        engine = lazy.get(question.plan)
        from profile_export.engines.workspace import JobWorkspace
        from profile_export.explain import explain as account_of
        from profile_export.scratch import scratch_folder
        from profile_export.storage import Folder

        with scratch_folder() as scratch:
            try:
                work = JobWorkspace(engine, Folder(scratch), progress=show)
                return account_of(question, work=work)
            except KeyboardInterrupt:
                engine.interrupt()  # nothing may be written any more when the folder goes
                raise
