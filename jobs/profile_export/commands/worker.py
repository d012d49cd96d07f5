"""``worker``: does the jobs of a store, one at a time."""

import logging
from typing import Annotated

import typer

from profile_export.commands import _options, _store
from profile_export.service.config import LONGEST_LEASE

Lease = Annotated[
    float,
    typer.Option(
        "--lease",
        metavar="SECONDS",
        min=1.0,
        max=LONGEST_LEASE,
        help="After so long without a sign of life another worker takes the job.",
    ),
]
Child = Annotated[bool, typer.Option("--child", hidden=True)]


def register(app: typer.Typer) -> None:
    """Add ``worker``."""
    app.command(
        "worker",
        epilog=_options.examples(
            "worker --store sqlite:///profile-export.db",
            "worker --store postgresql://export@db/export --engine spark",
        )
        + "\n  ./spark-submit.sh --master spark://host:7077 worker --store postgresql://export@db/x",
    )(worker)


def worker(
    store: _store.StoreUrl = _store.DEFAULT,
    engine: _options.EngineName = None,
    lease: Lease = 15.0,
    child: Child = False,
    verbose: _options.Verbose = False,
) -> None:
    """Do the export jobs of a store, one at a time, until told to end.

    serve starts one by itself; start more to have jobs done beside each other, on this machine or,
    with PostgreSQL, on others that see the same tables. Ctrl-C or SIGTERM: the job under way is
    stopped cleanly, and another worker takes it. Logs go to stderr, a JSON object a line.
    """
    from profile_export.service import logs
    from profile_export.service.worker_process import WorkerOptions, WorkerProcess

    name = _options.engine_name(engine)
    logs.to_stderr(verbose=verbose)
    kept = _store.opened(store, make=not child)  # serve has made it
    if not child:
        told = {"store": kept.shown, "engine": name}
        logging.getLogger("profile_export.worker").info("worker starts", extra=told)
    code = WorkerProcess(kept, WorkerOptions(name, lease, child, verbose)).run()
    raise typer.Exit(code)
