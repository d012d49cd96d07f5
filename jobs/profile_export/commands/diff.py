"""``diff``: which persons two exports do not share, and what has changed of those they do."""

from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _say
from profile_export.errors import Different

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profile_export.diff import Diff, PairDiff

JobA = Annotated[
    str, typer.Argument(metavar="JOB_A", help="The job.json of the earlier export, or its folder.")
]
JobB = Annotated[str, typer.Argument(metavar="JOB_B", help="That of the later one.")]
Out = Annotated[
    str | None,
    typer.Option("--out", metavar="FILE", help="Write each person's change to a Parquet file."),
]
_LEAVES_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add ``diff``."""
    app.command(
        "diff",
        epilog=_options.examples(
            "diff exports/profile/_profile_export/1/job.json"
            " exports/profile/_profile_export/2/job.json",
            "diff JOB_A JOB_B --out changes.parquet",
        ),
    )(diff)


def diff(job_a: JobA, job_b: JobB, out: Out = None, json: _options.Json = False) -> None:
    """Compare two exports: persons added, removed and changed, batch by batch.

    Works on the files, without an engine. Both exports need identityMap (or identities with their
    namespace) among their fields, to tell persons apart. Exit codes: 0 they are equal; 3 they
    differ; 2 they cannot be compared.
    """
    from profile_export.diff import diff as compare
    from profile_export.diff.file import write_details

    found = compare(job_a, job_b)
    rows = write_details(found, out) if out is not None else 0
    if json:
        written = {} if out is None else {"details": {"path": out, "rows": rows}}
        _say.result_json({**found.as_json(), **written})
    else:
        for line in _lines(found):
            _say.result(line)
        if out is not None:
            _say.result(f"Details: {out} ({rows:,} rows)")
    if not found.equal:
        raise typer.Exit(Different.exit_code)


def _lines(found: "Diff") -> "Iterator[str]":
    for pair in found.pairs:
        yield from _of_pair(pair)
    for path in found.not_compared:
        yield f"{path}: not compared, its types in the two exports have nothing in common."
    if found.equal:
        yield f"Equal: jobs {found.jobs[0]} and {found.jobs[1]} have the same persons and values."


def _of_pair(pair: "PairDiff") -> "Iterator[str]":
    segment, persons = pair.pair.segment, pair.persons
    name = f"{segment['segmentNs']}:{segment['segmentId']}" if segment else "All who are exported"
    if pair.pair.a is None or pair.pair.b is None:
        name += " (only in JOB_A)" if pair.pair.b is None else " (only in JOB_B)"
    yield (
        f"{name}: {len(persons.added):,} added, {len(persons.removed):,} removed,"
        f" {len(persons.changed):,} changed, {persons.same:,} the same"
    )
    leaves = list(pair.leaves().items())
    for leaf, count in leaves[:_LEAVES_SHOWN]:
        yield f"  {leaf}: changed in {count:,}"
    if len(leaves) > _LEAVES_SHOWN:
        yield f"  and {len(leaves) - _LEAVES_SHOWN} more leaves (--json has them all)"
    if persons.shared:
        yield f"  {persons.shared:,} rows share their smallest identity with another of their batch"
