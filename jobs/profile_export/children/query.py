"""Queries in a process of their own, which can be killed: what the service runs them in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from profile_export.catalog import Sandbox
from profile_export.children.process import EngineProcess, Work
from profile_export.errors import JobFailed, Refused
from profile_export.query import MOST_ROWS, QueryResult, run_query, too_late
from profile_export.sql.errors import QueryFailed

if TYPE_CHECKING:
    from profile_export.engines import Engine


@dataclass(frozen=True)
class _Query(Work):
    sql: str
    sandbox: Sandbox
    limit: int
    time_limit: float

    @property
    def owner(self) -> str:
        return f"{self.sandbox.ims_org_id}/{self.sandbox.name}"

    def do(self, engine: "Engine") -> QueryResult:
        return run_query(
            self.sql, self.sandbox, engine, limit=self.limit, time_limit=self.time_limit
        )

    def too_late(self, seconds: float) -> Refused:
        return too_late(seconds)

    def broken(self) -> JobFailed:
        return QueryFailed("The query broke its engine; ask for less at once.")


class QueryProcess(EngineProcess):
    """One child process, one query at a time; further ones wait."""

    def run(
        self, sql: str, sandbox: Sandbox, *, time_limit: float, limit: int = MOST_ROWS
    ) -> QueryResult:
        """As :func:`~profile_export.query.run_query`, and surely over after ``time_limit`` seconds.

        Raises:
            Refused: as there.
            JobFailed: as there; also where the child died (of too little memory, most likely).
            Busy: too many queries wait already.
        """
        answer = self.do(_Query(sql, sandbox, limit, time_limit), time_limit=time_limit)
        assert isinstance(answer, QueryResult)
        return answer
