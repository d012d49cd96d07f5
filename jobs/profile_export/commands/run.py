"""``run`` and ``dry-run``: one export from a request file and a sandbox file."""

from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _say

if TYPE_CHECKING:
    from profile_export.commands._asked import Asked
    from profile_export.commands._engine import LazyEngine
    from profile_export.commands._export import DoneJob

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count; write nothing.")]


def register(app: typer.Typer) -> None:
    """Add ``run`` and ``dry-run``."""
    app.command(
        "run",
        epilog=_options.examples(
            "run request.json --sandbox sandbox.yml",
            "run request.json --sandbox sandbox.yml --dry-run",
            "run - --sandbox sandbox.yml --engine spark --json < request.json",
        ),
    )(run)
    app.command(
        "dry-run",
        epilog=_options.examples("dry-run request.json --sandbox sandbox.yml"),
    )(dry_run)


def run(
    request: _options.Request,
    sandbox: _options.SandboxFile,
    engine: _options.EngineOfJob = None,
    dry_run: DryRun = False,
    as_of: _options.AsOf = None,
    job_id: _options.JobId = None,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Run an export: one row per person, one atomic commit.

    The job document is left beside the manifest, below the target dataset. Exit codes: 0 done,
    1 the job failed, 2 the request or the sandbox is wrong, 130 interrupted.
    """
    from profile_export.commands._asked import Asked
    from profile_export.commands._engine import LazyEngine

    asked = Asked(request, sandbox, as_of, job_id)
    with LazyEngine(_options.engine_name(engine, for_job=True), verbose=verbose) as lazy:
        if dry_run:
            _counted(asked, lazy, json=json, engine=engine)
        else:
            _exported(asked, lazy, json=json)


def dry_run(
    request: _options.Request,
    sandbox: _options.SandboxFile,
    engine: _options.EngineOfJob = None,
    as_of: _options.AsOf = None,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Say what an export would do: as run --dry-run."""
    run(request, sandbox, engine, dry_run=True, as_of=as_of, json=json, verbose=verbose)


def _exported(asked: "Asked", lazy: "LazyEngine", *, json: bool) -> None:
    from profile_export.commands._asked import make_plan
    from profile_export.commands._export import export, say_done

    done = export(make_plan(asked, lazy, or_finished=True), lazy)
    say_done(done, lambda: _tell(done, asked), json=json)


def _tell(done: "DoneJob", asked: "Asked") -> None:
    from profile_export.commands import _report
    from profile_export.commands._places import command

    at, places = ("--sandbox", asked.sandbox), done.places
    tries = (
        command("verify", places.manifest),
        command("explain", "--job", places.job, *at, "--identity", "NAMESPACE:VALUE"),
        command("rerun", places.job, *at, "--compare"),
    )
    _report.of_job(done)
    _say.result("")
    _report.to_try(tries)


def _counted(asked: "Asked", lazy: "LazyEngine", *, json: bool, engine: str | None) -> None:
    from profile_export.commands._asked import make_plan
    from profile_export.commands._export import dry_run

    planned = make_plan(asked, lazy)
    target = planned.plan.target.table
    if asked.job_id is not None and target.location is not None:
        from profile_export.storage import Folder
        from profile_export.used_ids import see_free

        see_free(Folder(target.location), planned.plan)
    counted = dry_run(planned, lazy)
    if json:
        _say.result_json(counted)
        return
    from profile_export.commands import _report
    from profile_export.commands._places import command

    words = ["run", asked.request, "--sandbox", asked.sandbox]
    words += ["--engine", engine] if engine else []
    words += ["--as-of", asked.as_of] if asked.as_of else []
    words += ["--job-id", str(asked.job_id)] if asked.job_id else []
    _report.of_dry_run(counted, planned.sandbox)
    _say.result("")
    _report.to_try([command(*words)])
