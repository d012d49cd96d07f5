"""``rerun``: a finished export once more, as a new job or only to compare."""

from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _say
from profile_export.errors import Different

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.commands._engine import LazyEngine
    from profile_export.papers import Papers
    from profile_export.plan import ExportPlan

Job = Annotated[
    str, typer.Argument(metavar="JOB", help="The job.json of an export, or its folder.")
]
Compare = Annotated[
    bool,
    typer.Option("--compare", help="Write nothing to the target; say whether the rows are equal."),
]


def register(app: typer.Typer) -> None:
    """Add ``rerun``."""
    app.command(
        "rerun",
        epilog=_options.examples(
            "rerun exports/profile/_profile_export/24115/job.json --sandbox sandbox.yml",
            "rerun exports/profile/_profile_export/24115 --sandbox sandbox.yml --compare"
            " --engine spark",
        ),
    )(rerun)


def rerun(
    job: Job,
    sandbox: _options.SandboxFile,
    compare: Compare = False,
    engine: _options.EngineOfJob = None,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Repeat an export: the same request, input versions and creation time.

    Without --compare it is a new job, which appends its own batches. Exit codes: 0 done, or equal;
    3 the rows differ, one line for each batch that does; 2 an input version is gone, or the job or
    the sandbox is wrong; 1 the job failed.
    """
    from profile_export.commands._asked import load_sandbox
    from profile_export.commands._engine import LazyEngine
    from profile_export.job_papers import job_papers
    from profile_export.rerun import not_pinned, relocated

    loaded = load_sandbox(sandbox)
    papers = job_papers(job, loaded)
    with LazyEngine(_options.engine_name(engine, for_job=True), verbose=verbose) as lazy:
        plan = relocated(papers.plan(), loaded, locate=lazy.locate, table_info=lazy.table_info)
        notes = not_pinned(plan)
        if compare:
            _compared(plan, papers, lazy, notes, json=json)
        else:
            _repeated(plan, loaded, sandbox, lazy, notes, json=json)


def _compared(
    plan: "ExportPlan", papers: "Papers", lazy: "LazyEngine", notes: list[str], *, json: bool
) -> None:
    from profile_export.commands._progress import progress_bar

    manifest = papers.manifest()
    with progress_bar() as show:
        opened = lazy.get(plan)
        from profile_export.compare import compare

        found = compare(plan, manifest, opened, progress=show)
    if json:
        _say.result_json({**found.as_json(), "notes": notes})
    else:
        for difference in found.differences:
            _say.result(difference)
        if not found.differences:
            records = sum(batch.records for batch in found.batches)
            _say.result(
                f"Equal: {len(found.batches)} batches, {records:,} records, the same row-set hashes"
                f" on {' '.join(found.engine)} as in job {manifest.job_id}."
            )
        for line in notes:
            _say.note(line)
    if found.differences:
        raise typer.Exit(Different.exit_code)


def _repeated(
    plan: "ExportPlan",
    sandbox: "Sandbox",
    file: str,
    lazy: "LazyEngine",
    notes: list[str],
    *,
    json: bool,
) -> None:
    from profile_export.commands._asked import Planned
    from profile_export.commands._export import export, say_done
    from profile_export.rerun import as_new_job

    done = export(Planned(as_new_job(plan), sandbox, file), lazy)
    for line in notes:
        _say.note(line)
    from profile_export.commands import _report

    say_done(done, lambda: _report.of_job(done), json=json)
