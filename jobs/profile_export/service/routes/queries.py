"""SQL: ``/data/foundation/query/queries``."""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.errors import Problem, Refused
from profile_export.service.access import Reader
from profile_export.service.bodies import RawBody, validated
from profile_export.service.described import described
from profile_export.service.models import QueryIn, QueryOut
from profile_export.service.store import Store, sandboxes
from profile_export.shape import quote
from profile_export.sql.guard import guard
from profile_export.sql.names import sql_tables

router = APIRouter(prefix="/data/foundation/query/queries", tags=["SQL"])


@router.post("", **described(takes=QueryIn, gives=QueryOut, fails=(413, 415, 500, 503)))
def ask(request: Request, caller: Reader, body: RawBody) -> Response:
    """Run one SELECT over the sandbox's export datasets; at most 10,000 rows."""
    store: Store = request.app.state.store
    with store.read() as connection:
        catalog = sandboxes.catalog(connection, caller.sandbox_id)

    def faults(sent: Mapping[str, object]) -> Iterator[Problem]:
        name, sql = sent.get("dbName"), sent.get("sql")
        if isinstance(name, str) and name not in (caller.sandbox, f"{caller.sandbox}:all"):
            detail = f"{quote(name)} is not this sandbox; it must be {caller.sandbox}."
            yield Problem("unknown-database", detail, "/dbName")
        try:
            if isinstance(sql, str):
                guard(sql, sql_tables(catalog))  # refused before it waits for the engine
        except Refused as error:
            yield from error.problems

    asked = validated(body, QueryIn, faults)
    return JSONResponse(request.app.state.engines.query(asked.sql, catalog).as_json())
