"""Files of a batch: ``/data/foundation/export``."""

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from profile_export.errors import ExportError, NotFound
from profile_export.service.access import Caller, Reader
from profile_export.service.answers import problem
from profile_export.service.batch_files import BatchFile, Files, chunks
from profile_export.service.described import described
from profile_export.service.file_models import BatchFilesOut, FilesOut, ManifestOut
from profile_export.service.links import href_to
from profile_export.service.paging import START, asked_limit, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.ranges import Unsatisfiable, asked_range, is_known, is_wanted

ROOT = "/data/foundation/export"
_PAGE = 100
_PAGING: dict[str, dict[str, object]] = {
    "start": START,
    "limit": limit_of(_PAGE),
}
router = APIRouter(prefix=ROOT, tags=["Files of a batch"])


_CONDITIONS = ("Range", "If-Range", "If-Match", "If-None-Match")


class NoSuchRange(ExportError):
    """A range of bytes behind the end of a file."""

    code, title, status = "range-not-satisfiable", "Range not satisfiable", 416


class OtherFile(ExportError):
    """A client wants a file as it was, and it is another."""

    code, title, status = "precondition-failed", "Precondition failed", 412


@router.get(
    "/batches/{batch_id}/files", **described(gives=BatchFilesOut, query=_PAGING, fails=(404,))
)
def of_batch(request: Request, caller: Reader, batch_id: str) -> Response:
    """The files of a batch, one ``dataSetFileId`` for each; none unless it is successful."""
    start, limit = _paging(request)
    found = _files(request, caller).of_batch(batch_id)
    end = start + limit
    data = [
        {
            "dataSetFileId": file.id,
            "dataSetViewId": file.batch.dataset_id,
            "version": "1.0.0",
            "created": str(file.batch.updated),
            "updated": str(file.batch.updated),
            "records": str(file.described.rows),
            "size": str(file.described.bytes),
            "isValid": True,
            "_links": {"self": {"href": _href(request, file)}},
        }
        for file in found[start:end]
    ]
    answer: dict[str, object] = {"data": data, "_page": {"limit": limit, "count": len(data)}}
    if end < len(found):
        following = f"{ROOT}/batches/{batch_id}/files?start={end}&limit={limit}"
        answer["_links"] = {"next": {"href": href_to(request, following)}}
    return JSONResponse(answer)


@router.get(
    "/files/{file_id}",
    **described(
        gives=FilesOut,
        stream="application/octet-stream",
        query={**_PAGING, "path": {"type": "string", "description": "Name: give the bytes."}},
        headers={name: {"type": "string"} for name in _CONDITIONS},
        also=(206, 304),
        tells=("ETag", "Accept-Ranges", "Content-Range", "Content-Disposition"),
        fails=(404, 409, 412, 416),
    ),
)
def file(request: Request, caller: Reader, file_id: str) -> Response:
    """What a ``dataSetFileId`` consists of; with ``path`` the bytes of that file, or a range."""
    start, limit = _paging(request)
    files = _files(request, caller)
    found = files.one(file_id)
    name = request.query_params.get("path")
    if name is not None:
        return _bytes(request, files, found, name)
    href = f"{_href(request, found)}?path={quote(found.name, safe='')}"
    one = {
        "name": found.name,
        "length": str(found.described.bytes),
        "_links": {"self": {"href": href}},
    }
    data = [one][start : start + limit]
    return JSONResponse({"data": data, "_page": {"limit": limit, "count": len(data)}})


@router.get("/batches/{batch_id}/manifest", **described(gives=ManifestOut, fails=(404,)))
def manifest(request: Request, caller: Reader, batch_id: str) -> Response:
    """The manifest of the job that wrote a successful batch."""
    text = _files(request, caller).manifest_text(batch_id)
    return Response(text, media_type="application/json")


def _bytes(request: Request, files: Files, found: BatchFile, name: str) -> Response:
    if name != found.name:
        raise NotFound("There is no such file in this sandbox.")
    size, tag = found.described.bytes, f'"{found.described.sha256}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    if not is_wanted(request.headers, tag):
        other = OtherFile("The file is not the one that If-Match names.")
        return problem(request, other, ETag=tag)
    if is_known(request.headers, tag):
        return Response(status_code=304, headers=headers)
    named = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    headers["Content-Disposition"] = named
    start, length, status = 0, size, 200
    if request.method == "GET":
        try:
            part = asked_range(request.headers, tag, size)
        except Unsatisfiable:
            told = NoSuchRange(f"The file has {size:,} bytes.")
            return problem(request, told, **{"Content-Range": f"bytes */{size}"})
        if part is not None:
            (start, length), status = part, 206
            headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    headers["Content-Length"] = str(length)
    opened = files.open(found)
    if request.method == "HEAD":
        opened.close()
        return Response(status_code=200, headers=headers, media_type="application/octet-stream")
    body = chunks(opened, start, length)
    return StreamingResponse(body, status, headers, media_type="application/octet-stream")


def _files(request: Request, caller: Caller) -> Files:
    return Files(request.app.state.store, request.app.state.engines, caller.sandbox_id)


def _paging(request: Request) -> tuple[int, int]:
    asked = Parameters(request)
    start = asked.number("start", 0)
    limit = asked_limit(asked, _PAGE)
    asked.check()
    return start, limit


def _href(request: Request, file: BatchFile) -> str:
    return href_to(request, f"{ROOT}/files/{file.id}")
