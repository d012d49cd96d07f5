"""``demo``: a sandbox of real tables, an export on it, and what to try next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _process, _say

if TYPE_CHECKING:
    from profile_export.commands._export import DoneJob
    from profile_export.demo import DemoSandbox

To = Annotated[str, typer.Option("--to", metavar="DIR", help="Where to build it.")]


def register(app: typer.Typer) -> None:
    """Add ``demo``."""
    epilog = _options.examples("demo", "demo --to /tmp/demo --engine spark")
    app.command("demo", epilog=epilog)(demo)


def demo(
    to: To = "demo",
    engine: _options.EngineName = None,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Build the demo sandbox and export from it.

    Says what came out and what to try next. Needs no network, and no Java on sail. A folder that
    a demo has built is used again: earlier exports stay.
    """
    from profile_export.commands._engine import LazyEngine
    from profile_export.demo.folder import claim

    with LazyEngine(_options.engine_name(engine), verbose=verbose) as lazy:
        with _process.signals_quit_meanwhile(lazy.abandon):
            claim(Path(to))
            lazy.start(small=True)  # beside the building of the tables, which need no engine
            from profile_export.demo import build

            built = build(Path(to))
            from profile_export.commands._asked import Asked, make_plan
            from profile_export.commands._export import export, say_done

            planned = make_plan(Asked(str(built.requests["demo"]), str(built.sandbox)), lazy)
        done = export(planned, lazy)
    say_done(done, lambda: _tell(built, done), json=json)


def _tell(built: "DemoSandbox", done: "DoneJob") -> None:
    from profile_export.commands import _report, _rows

    tables = ", ".join(f"{name} ({number:,} rows)" for name, number in built.rows.items())
    _say.result(f"Built {built.folder}: {tables}.\nRan {built.requests['demo']} on it.\n")
    _report.of_job(done)
    people = _rows.of_first_batch(done, count=3)
    _say.result("\nThree of its rows:")
    for person in people:
        _say.result(_rows.compact(person))
    _say.result("")
    _report.to_try(_tries(built, done, _rows.an_identity(people)))


def _tries(built: "DemoSandbox", done: "DoneJob", identity: str) -> list[str]:
    from profile_export.commands._places import command

    at, places = ("--sandbox", str(built.sandbox)), done.places
    sql = f"SELECT _ACP_BATCHID, count(*) FROM ds_{done.plan.target.dataset_id} GROUP BY 1"
    return [
        command("explain", "--job", places.job, *at, "--identity", identity),
        command("verify", places.manifest),
        command("rerun", places.job, *at, "--compare"),
        command("query", sql, *at),
        command("run", str(built.requests["seed"]), *at),
        command("run", str(built.requests["everyone"]), *at, "--dry-run"),
    ]
