"""Export jobs: ``/data/core/ups/export/jobs``."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export import document as documents
from profile_export.planning import make_plan
from profile_export.service.access import Reader, Writer
from profile_export.service.bodies import RawBody
from profile_export.service.store import Store, jobs, sandboxes
from profile_export.tables import inspect_table

ROOT = "/data/core/ups/export/jobs"
router = APIRouter(prefix=ROOT)


@router.post("")
def create(request: Request, caller: Writer, body: RawBody) -> Response:
    """Accept a job: planned, pinned and durable before the answer."""
    store: Store = request.app.state.store
    with store.read() as connection:
        catalog = sandboxes.catalog(connection, caller.sandbox_id)
    at = jobs.now()
    plan = make_plan(body, catalog, table_info=inspect_table, job_id=jobs.new_id(at), as_of=at)
    document = documents.new(plan)
    with store.write() as connection:
        jobs.create(connection, caller.sandbox_id, plan, document)
    place = f"{ROOT}/{plan.job_id}"
    return JSONResponse(document, headers={"Location": place, "X-Location": place})


@router.get("/{job_id}")
def show(request: Request, caller: Reader, job_id: int) -> Response:
    """The job document."""
    store: Store = request.app.state.store
    with store.read() as connection:
        return JSONResponse(jobs.find(connection, caller.sandbox_id, job_id).document)


@router.delete("/{job_id}")
def cancel(request: Request, caller: Writer, job_id: int) -> Response:
    """Stop a job."""
    store: Store = request.app.state.store
    with store.write() as connection:
        jobs.cancel(connection, caller.sandbox_id, job_id, at=jobs.now())
    return Response(status_code=204)
