"""SQL over the export datasets of a sandbox: one SELECT, a bounded number of rows (2-api.md, SQL).

What a statement may be is :mod:`~profile_export.sql.guard`'s; here it is run, on views that show
the newest version of each dataset that it names, and that are gone afterwards.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Timer
from typing import TYPE_CHECKING

from profile_export.catalog import Dataset, Sandbox
from profile_export.engines import Engine
from profile_export.errors import JobFailed, Problem, Refused
from profile_export.sql.errors import gave_up, no_plan, too_large, translated, unopened
from profile_export.sql.guard import Guarded, guard
from profile_export.sql.names import sql_tables
from profile_export.sql.values import plain_rows, values_in
from profile_export.tables import inspect_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_ROWS = 10_000
MOST_VALUES = 5_000_000
"""Also of lists and maps in it: a boolean is a bit in Arrow, and a word in JSON."""
MOST_BYTES = 64 * 2**20
"""Of an answer as the engine gives it; as JSON it is several times as large."""


@dataclass(frozen=True)
class QueryResult:
    """What a SELECT gave.

    Attributes:
        columns: Name and type (as Spark SQL writes it) of each column; names need not be unique.
        rows: JSON values, in the order of the columns.
        truncated: Whether there are more rows than were asked for.
    """

    columns: tuple[tuple[str, str], ...]
    rows: list[list[object]]
    truncated: bool

    def as_json(self) -> dict[str, object]:
        """For ``--json`` and the API."""
        columns = [{"name": name, "type": type_} for name, type_ in self.columns]
        return {"columns": columns, "rows": self.rows, "truncated": self.truncated}


def run_query(
    sql: str,
    sandbox: Sandbox,
    engine: Engine,
    *,
    limit: int = MOST_ROWS,
    time_limit: float | None = None,
) -> QueryResult:
    """Run one SELECT over the export datasets.

    Args:
        sql: As the user wrote it; not trusted.
        sandbox: Whose export datasets are the tables.
        engine: Where it runs. With ``time_limit`` it must do nothing else meanwhile: that is all
            stopped too.
        limit: At most so many rows are given.
        time_limit: In seconds. The embedded engine cannot be stopped in every plan; a service runs
            queries in a :class:`~profile_export.children.query.QueryProcess`, which can.

    Raises:
        Refused: at ``/sql``: what the guard refuses; ``no-data`` for a dataset that nothing was
            exported to; ``sql-invalid`` for what the engine refuses (an unknown column, a division
            by zero); ``time-limit``; ``too-large``.
        JobFailed: the engine could not do it.
    """
    tables = sql_tables(sandbox)
    guarded = guard(sql, tables)
    with _views(guarded, tables, engine), _stopped_after(time_limit, engine) as late:
        try:
            frame = engine.spark.sql(guarded.sql).limit(limit + 1)
            columns = tuple((f.name, f.dataType.simpleString()) for f in frame.schema.fields)
            found = frame.toArrow()
        except Exception as error:
            if late.is_set():
                raise too_late(time_limit or 0) from error
            gives_up = gave_up(error) and not _can_be_planned(guarded.sql, engine)
            raise (no_plan() if gives_up else translated(error, guarded, tables)) from error
    if found.nbytes > MOST_BYTES or values_in(found.columns) > MOST_VALUES:
        raise too_large()
    try:
        rows = plain_rows(found.slice(0, limit))
    except (OverflowError, ValueError):
        detail = (
            "A date or time of the answer lies outside the years 1 to 9999: ask for it as text."
        )
        raise Refused([Problem("sql-invalid", detail, "/sql")]) from None
    return QueryResult(columns, rows, found.num_rows > limit)


@contextmanager
def _views(guarded: Guarded, tables: dict[str, Dataset], engine: Engine) -> Iterator[None]:
    """The views of a statement, while it runs."""
    made: list[str] = []
    try:
        for view, name in guarded.views.items():
            _show(tables[name], name, view, engine)
            made.append(view)
        yield
    finally:
        for view in made:
            engine.spark.catalog.dropTempView(view)


def _show(dataset: Dataset, name: str, view: str, engine: Engine) -> None:
    try:
        _read(dataset, name, engine).createOrReplaceTempView(view)
    except Exception as error:
        raise unopened(error, dataset) from error


def _read(dataset: Dataset, name: str, engine: Engine) -> "DataFrame":
    """An export dataset as it is now."""
    table = dataset.table
    try:
        if table.location is None:
            engine.table_info(table)
            return engine.spark.read.table(table.name or "")
        # Who may write below a dataset could else see through it what others may not see.
        inspect_table(table, own_files_only=True)
    except Refused as error:
        if any(problem.code == "table-missing" for problem in error.problems):
            raise _no_data(name) from None
        raise
    except JobFailed as error:
        if error.code == "input-missing":
            raise _no_data(name) from None
        raise
    return engine.spark.read.format(table.format).load(engine.delta_path(table.location))


def _can_be_planned(sql: str, engine: Engine) -> bool:
    """Whether it is not the statement that the engine gives up on, but what it reads."""
    try:
        engine.spark.sql(f"EXPLAIN {sql}").toArrow()
    except Exception:
        return False
    return True


def too_late(seconds: float) -> Refused:
    """The error of a query that was stopped."""
    detail = f"The query took longer than {seconds:g} seconds and was stopped."
    return Refused([Problem("time-limit", detail, "/sql")])


def _no_data(name: str) -> Refused:
    detail = f"Table {name} has no data yet: nothing was exported to its dataset."
    return Refused([Problem("no-data", detail, "/sql")])


@contextmanager
def _stopped_after(seconds: float | None, engine: Engine) -> Iterator[Event]:
    """Stop the engine's work when the time is over, and again until it has stopped."""
    late, done = Event(), Event()

    def stop() -> None:
        late.set()
        while not done.wait(0.5):
            engine.interrupt()

    timer = Timer(seconds or 0, stop)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    try:
        yield late
    finally:
        done.set()
        timer.cancel()
