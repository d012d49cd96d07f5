"""``query``: SQL over the export datasets of a sandbox."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _process, _say
from profile_export.errors import Cancelled
from profile_export.plain_text import plain, plain_json

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.commands._engine import LazyEngine
    from profile_export.query import QueryResult

MOST_ROWS = 10_000
"""As in query.py beside this package, which is too slow to import for ``--help``."""
_WIDEST = 120
"""Letters of a cell on a terminal."""
Sql = Annotated[str, typer.Argument(metavar="SELECT", help="One SELECT statement, in quotes.")]
Limit = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=MOST_ROWS, help="At most so many rows.")
]


def register(app: typer.Typer) -> None:
    """Add ``query``."""
    app.command(
        "query",
        epilog=_options.examples(
            'query "SELECT _ACP_BATCHID, count(*) FROM profile_data_export GROUP BY 1"'
            " --sandbox sandbox.yml"
        ),
    )(query)


def query(
    sql: Sql,
    sandbox: _options.SandboxFile,
    engine: _options.EngineName = None,
    limit: Limit = MOST_ROWS,
    json: _options.Json = False,
    verbose: _options.Verbose = False,
) -> None:
    """Ask the export datasets with SQL: one SELECT, read only.

    Every export dataset is a table, by its name in lower case, _ for all but letters and digits,
    and as ds_ with its id. The batch id is the column _ACP_BATCHID.
    """
    from profile_export.commands._asked import load_sandbox
    from profile_export.commands._engine import LazyEngine
    from profile_export.sql.guard import guard
    from profile_export.sql.names import sql_tables

    loaded = load_sandbox(sandbox)
    guard(sql, sql_tables(loaded))  # refused before an engine is started
    with LazyEngine(_options.engine_name(engine), verbose=verbose) as lazy:
        found = _found(sql, loaded, lazy, limit)
    if json:
        _say.result_json(found.as_json())
        return
    _table(found)
    _say.note(f"{len(found.rows):,} rows{_more(limit) if found.truncated else ''}")


def _found(sql: str, sandbox: "Sandbox", lazy: "LazyEngine", limit: int) -> "QueryResult":
    opened = lazy.get()
    from profile_export.commands._apart import apart
    from profile_export.query import run_query

    try:
        return apart(lambda: run_query(sql, sandbox, opened, limit=limit), opened)
    except KeyboardInterrupt:
        if lazy.name != "sail":
            raise
        try:  # it may be too busy to be stopped, and has nothing to lose
            opened.abandon()
            _say.note(_process.INTERRUPTED)
        finally:
            os._exit(Cancelled.exit_code)


def _more(limit: int) -> str:
    what = "raise --limit or ask for less" if limit < MOST_ROWS else "ask for less"
    return f" (there are more: {what})"


def _table(found: "QueryResult") -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, type_ in found.columns:
        is_number = type_.startswith(("int", "bigint", "double", "float", "decimal", "smallint"))
        table.add_column(plain(name), overflow="fold", justify="right" if is_number else "left")
    for row in found.rows:
        table.add_row(*(_cell(value) for value in row))
    _say.rendered(table)


def _cell(value: object) -> str:
    from json import dumps

    is_text = isinstance(value, str)
    text = plain(str(value)) if is_text else plain_json(dumps(value, ensure_ascii=False))
    is_short = len(text) <= _WIDEST or not _say.is_terminal()
    return text if is_short else text[:_WIDEST] + "…"
