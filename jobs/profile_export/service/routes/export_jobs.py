"""Export jobs: ``/data/core/ups/export/jobs``."""

import re
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from profile_export.document import STATUSES
from profile_export.errors import NotFound
from profile_export.service import events, submit
from profile_export.service.access import Caller, Planner, Reader, Writer, reader
from profile_export.service.bodies import RawBody
from profile_export.service.described import described
from profile_export.service.job_models import DryRunOut, ExportJobIn, ExportJobOut, JobPageOut
from profile_export.service.links import path_to
from profile_export.service.paging import asked_limit, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.store import Store, jobs
from profile_export.service.store.jobs import Job

ROOT = "/data/core/ups/export/jobs"
_ID = re.compile(r"\d{1,16}", re.ASCII)
_PAGE = 100
router = APIRouter(prefix=ROOT, tags=["Export jobs"])


@router.post(
    "",
    **described(
        takes=ExportJobIn,
        gives=ExportJobOut,
        or_gives={"?dryRun=true": DryRunOut},
        query={"dryRun": {"type": "boolean", "default": False}},
        headers={"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255}},
        tells=("Location", "X-Location", "Idempotency-Replayed"),
        fails=(409, 413, 415, 422, 500, 503),
    ),
)
def create(request: Request, caller: Planner, body: RawBody) -> Response:
    """Make an export job: planned, pinned and durable before the answer; or only count it."""
    state, asked = request.app.state, Parameters(request)
    if asked.truth("dryRun") or asked.problems:
        counted = submit.dry_run(state.store, state.engines, caller, body, asked.problems)
        return JSONResponse(counted)
    keys = request.headers.getlist("idempotency-key")
    made = submit.submit(state.store, state.engines, caller, body, keys)
    request.state.job_id = made.document["id"]
    place = path_to(request, f"{ROOT}/{made.document['id']}")
    headers = {"Location": place, "X-Location": place}
    if made.replayed:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(made.document, headers=headers)


@router.get(
    "",
    **described(
        gives=JobPageOut,
        query={
            "limit": limit_of(_PAGE),
            "offset": {"type": "string", "description": "A cursor, or how many to skip."},
            "status": {"type": "string", "enum": list(STATUSES)},
        },
    ),
)
def show_all(request: Request, caller: Reader) -> Response:
    """The sandbox's export jobs, newest first."""
    asked = Parameters(request)
    limit = asked_limit(asked, _PAGE)
    after, skip = asked.place("offset")
    status = asked.one_of("status", STATUSES)
    asked.check()
    store: Store = request.app.state.store
    with store.read() as connection:
        shown, more = jobs.page(
            connection, caller.sandbox_id, limit=limit, status=status, after=after, skip=skip
        )
    cursor = f"{shown[-1].created}_{shown[-1].id}" if shown else ""
    only = f"&status={status}" if status else ""
    link = f"/export/jobs/?limit={limit}&offset={cursor}{only}" if more else ""
    page = {
        "sortField": "createdTime",
        "sort": "desc",
        "pageOffset": cursor,
        "pageSize": len(shown),
    }
    records = [job.document for job in shown]
    return JSONResponse({"records": records, "page": page, "link": {"next": link}})


@router.get("/{job_id}", **described(gives=ExportJobOut, fails=(404,)))
def show(request: Request, caller: Reader, job_id: str) -> Response:
    """The job document."""
    return JSONResponse(_found(request, caller, job_id).document)


@router.delete("/{job_id}", status_code=204, **described(fails=(404, 409)))
def cancel(request: Request, caller: Writer, job_id: str) -> Response:
    """Stop a job; one that has stopped already stays so."""
    store: Store = request.app.state.store
    number = _number(request, job_id)
    with store.write() as connection:
        jobs.cancel(connection, caller.sandbox_id, number, at=jobs.now())
    return Response(status_code=204)


@router.get("/{job_id}/events", **described(stream=events.MEDIA_TYPE, fails=(404, 503)))
def follow(request: Request, caller: Reader, job_id: str) -> Response:
    """The job document now and at each change, until the job has ended (server-sent events)."""
    state = request.app.state
    job = _found(request, caller, job_id)
    state.streams.check(caller.sandbox_id)
    see_access = partial(reader, request)
    stream = events.job_events(state.store, state.config, state.streams, job, see_access)
    return StreamingResponse(stream, media_type=events.MEDIA_TYPE, headers=events.HEADERS)


def _found(request: Request, caller: Caller, job_id: str) -> Job:
    store: Store = request.app.state.store
    number = _number(request, job_id)
    with store.read() as connection:
        return jobs.find(connection, caller.sandbox_id, number)


def _number(request: Request, job_id: str) -> int:
    """The id in a path; what is no number is no job."""
    if _ID.fullmatch(job_id) is None:
        raise NotFound("There is no such export job in this sandbox.")
    request.state.job_id = int(job_id)
    return int(job_id)
