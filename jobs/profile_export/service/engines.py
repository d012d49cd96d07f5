"""The engines that the API asks: children of its process, each started when it is first needed.

One for queries and one for counts, since a long count must keep no query waiting; and where tables
are known by name only, one that knows them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from profile_export.catalog import Sandbox
from profile_export.children.process import EngineProcess, Work
from profile_export.children.query import QueryProcess
from profile_export.errors import ExportError, JobFailed, Problem, Refused
from profile_export.plan import ExportPlan, TableRef
from profile_export.scratch import scratch_folder
from profile_export.service.config import ServiceConfig
from profile_export.tables import TableInfo, inspect_table

if TYPE_CHECKING:
    from profile_export.engines import Engine
    from profile_export.query import QueryResult

_TABLE_SECONDS = 60.0


class TooLong(ExportError):
    """Work that was stopped since it took too long."""

    code, title, status = "time-limit", "Time limit", 503


class Engines:
    """What the routes compute with; :meth:`close` ends it all."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        settings = dict(config.engine_settings)
        self._queries = QueryProcess(config.engine, settings=settings)
        self._counts = EngineProcess(config.engine, settings=settings)
        self._tables = EngineProcess(config.engine, settings=settings)

    def query(self, sql: str, sandbox: Sandbox) -> "QueryResult":
        """As :meth:`profile_export.children.query.QueryProcess.run`."""
        return self._queries.run(sql, sandbox, time_limit=self._config.query_seconds)

    def count(self, plan: ExportPlan) -> object:
        """As :func:`profile_export.children.counting.counts`.

        Raises:
            JobFailed: as there.
            TooLong: it took longer than ``count_seconds``.
        """
        with scratch_folder() as scratch:
            return self._counts.do(_Count(plan, scratch), time_limit=self._config.count_seconds)

    def table_info(self, table: TableRef) -> TableInfo:
        """As :func:`profile_export.tables.inspect_table`, for tables known by name too."""
        if table.location is not None or self._config.engine == "sail":
            return inspect_table(table)
        try:
            found = self._tables.do(_OfTable(table, _info), time_limit=_TABLE_SECONDS)
        except JobFailed as error:
            if error.code != "input-missing":
                raise
            raise Refused([Problem("table-missing", str(error))]) from error
        assert isinstance(found, TableInfo)
        return found

    def locate(self, table: TableRef) -> str:
        """Where a table lies.

        Raises:
            JobFailed: nobody knows.
        """
        if table.location is not None:
            return table.location
        return str(self._tables.do(_OfTable(table, _place), time_limit=_TABLE_SECONDS))

    def close(self) -> None:
        """End every child, whatever it is doing."""
        for child in (self._queries, self._counts, self._tables):
            child.close()


@dataclass(frozen=True)
class _Count(Work):
    plan: ExportPlan
    scratch: str

    @property
    def owner(self) -> str:
        return f"{self.plan.ims_org_id}/{self.plan.sandbox}"

    def do(self, engine: "Engine") -> dict[str, object]:
        from profile_export.children.counting import counts

        return counts(self.plan, engine, scratch=self.scratch)

    def too_late(self, seconds: float) -> ExportError:
        return TooLong(f"Counting took longer than {seconds:g} seconds and was stopped.")

    def broken(self) -> ExportError:
        return JobFailed("The count broke its engine; ask again, or for less.", code="count-failed")


@dataclass(frozen=True)
class _OfTable(Work):
    table: TableRef
    asked: "Callable[[Engine, TableRef], object]"

    def do(self, engine: "Engine") -> object:
        return self.asked(engine, self.table)

    def too_late(self, seconds: float) -> ExportError:
        return TooLong(f"Table {self.table.display} was not found within {seconds:g} seconds.")

    def broken(self) -> ExportError:
        return JobFailed("The engine ended while it looked for a table.", code="engine")


def _info(engine: "Engine", table: TableRef) -> object:
    return engine.table_info(table)


def _place(engine: "Engine", table: TableRef) -> object:
    return engine.locate(table)
