"""Data sets: ``/data/foundation/catalog/dataSets``, also written ``datasets``."""

import os
from collections.abc import Callable, Iterable, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.catalog import UNION_SCHEMA, Dataset
from profile_export.errors import Conflict, NotFound
from profile_export.path_patterns import pattern_in
from profile_export.plan import TableRef
from profile_export.service.access import Caller, Reader, Writer
from profile_export.service.bodies import RawBody, validated
from profile_export.service.catalog_models import CONTENT_TYPE, DataSetIn, DataSetOut
from profile_export.service.config import ServiceConfig
from profile_export.service.described import described, reference
from profile_export.service.links import path_to
from profile_export.service.paging import START, asked_limit, asked_order, in_order, limit_of
from profile_export.service.parameters import Parameters
from profile_export.service.store import Store, datasets, sandboxes
from profile_export.service.store.datasets import StoredDataset
from profile_export.shape import quote
from profile_export.sql.names import catalog_names

ROOT = "/data/foundation/catalog"
router = APIRouter(prefix=ROOT, tags=["Data sets and batches"])
_SCHEMAS = {
    "export": UNION_SCHEMA,
    "profile": "https://ns.adobe.com/xdm/context/profile",
    "experienceevent": "https://ns.adobe.com/xdm/context/experienceevent",
}
"""Of datasets whose sandbox file names none: the classes that they are of."""
_NO_LIMIT = 0
_PARQUET = {"persisted": True, "containerFormat": "parquet", "format": "parquet"}
_KEYS: dict[str, Callable[[StoredDataset], str | int]] = {
    "created": lambda each: each.created,
    "updated": lambda each: each.updated,
    "name": lambda each: each.dataset.name,
    "id": lambda each: each.dataset.id,
}
_PROPERTIES: dict[str, dict[str, object]] = {"properties": {"type": "string"}}
_LISTED: dict[str, dict[str, object]] = {
    "limit": limit_of(_NO_LIMIT),
    "start": START,
    "orderBy": {"type": "string", "examples": ["desc:created"]},
    "name": {"type": "string"},
    **_PROPERTIES,
}
_OBJECTS: dict[str, object] = {
    "type": "object",
    "additionalProperties": reference(DataSetOut),
}


_KEPT = {
    "description", "file_description", "aspect", "tags", "unified_tags", "system_labels",
    "enable_error_diagnostics",
}  # fmt: skip
"""Members that the catalog of a plan does not need."""
_MADE = {"type": "array", "items": {"type": "string", "examples": ["@/datasets/5b020a..."]}}


class NoPlace(Conflict):
    """The service does not know where a new data set's files go."""

    code = "no-data-folder"


@router.post("/datasets", status_code=201, include_in_schema=False)
@router.post(
    "/dataSets",
    status_code=201,
    **described(
        takes=DataSetIn, gives=_MADE, tells=("Location",), fails=(409, 413, 415), success=201
    ),
)
def create(request: Request, caller: Writer, body: RawBody) -> Response:
    """Make a data set that exports may go to; its table is made by the first export."""
    asked = validated(body, DataSetIn)
    store: Store = request.app.state.store
    dataset_id = datasets.new_id()
    document = asked.model_dump(mode="json", by_alias=True, include=asked.model_fields_set & _KEPT)
    document["schemaRef"] = asked.schema_ref.model_dump(by_alias=True)
    with store.write() as connection:
        sandboxes.changed(connection, caller.sandbox_id)
        root = sandboxes.root(connection, caller.sandbox_id)
        location = _location(root, request.app.state.config, dataset_id)
        table = TableRef(format="delta", location=location, written=dataset_id)
        made = Dataset(dataset_id, asked.name, "export", table, schema_ref=UNION_SCHEMA)
        datasets.create(connection, caller.sandbox_id, made, document)
    place = {"Location": path_to(request, f"{ROOT}/dataSets/{dataset_id}")}
    return JSONResponse([f"@/datasets/{dataset_id}"], 201, headers=place)


@router.get("/datasets", include_in_schema=False)
@router.get("/dataSets", **described(gives=_OBJECTS, query=_LISTED))
def listed(request: Request, caller: Reader) -> Response:
    """Data sets by id, in the order of the catalog: those of the sandbox file, then by age."""
    parameters = Parameters(request)
    start = parameters.number("start", 0)
    limit = asked_limit(parameters, _NO_LIMIT)
    order = asked_order(parameters, ("orderBy", "orderby"), _KEYS)
    name, properties = parameters.text("name"), parameters.text("properties")
    parameters.check()
    found, names = _all(request, caller)
    wanted = [each for each in found if name is None or each.dataset.name == name]
    page = in_order(wanted, order, _KEYS)[start : start + limit if limit else None]
    return JSONResponse(_objects(page, caller, names, properties))


@router.get("/datasets/{dataset_id}", include_in_schema=False)
@router.get("/dataSets/{dataset_id}", **described(gives=_OBJECTS, query=_PROPERTIES, fails=(404,)))
def show(request: Request, caller: Reader, dataset_id: str) -> Response:
    """One data set, by its id."""
    parameters = Parameters(request)
    properties = parameters.text("properties")
    parameters.check()
    found, names = _all(request, caller)
    one = [each for each in found if each.dataset.id == dataset_id]
    if not one:
        raise NotFound(f"There is no data set {quote(dataset_id)} in this sandbox.")
    return JSONResponse(_objects(one, caller, names, properties))


def _location(root: str | None, config: ServiceConfig, dataset_id: str) -> str:
    found = root or config.data_root
    if found is None:
        raise NoPlace(
            "The service does not know where data sets of this sandbox are to be put:"
            " start `serve` with --data FOLDER, or with a sandbox file of this sandbox."
        )
    root = found if "://" in found else os.path.abspath(found)
    if detail := pattern_in(root):
        raise NoPlace(detail)
    return f"{root.rstrip('/')}/{dataset_id}"


def _all(request: Request, caller: Caller) -> tuple[list[StoredDataset], dict[str, str]]:
    """Every dataset of the sandbox, and their SQL names."""
    store: Store = request.app.state.store
    with store.read() as connection:
        catalog = sandboxes.catalog(connection, caller.sandbox_id)
        return datasets.all_of(connection, caller.sandbox_id), catalog_names(catalog)


def _objects(
    page: Iterable[StoredDataset], caller: Caller, names: dict[str, str], properties: str | None
) -> dict[str, dict[str, object]]:
    asked = [each.strip() for each in properties.split(",")] if properties else None
    made = {each.dataset.id: _object(each, caller, names[each.dataset.id]) for each in page}
    return {id_: _only(each, asked) for id_, each in made.items()}


def _only(shown: dict[str, object], properties: Sequence[str] | None) -> dict[str, object]:
    if properties is None:
        return shown
    return {name: value for name, value in shown.items() if name in properties}


def _object(stored: StoredDataset, caller: Caller, sql_name: str) -> dict[str, object]:
    dataset, document = stored.dataset, stored.document
    schema = dataset.schema_ref or _SCHEMAS[dataset.kind]
    tags = document.get("tags")
    behavior = "time-series" if dataset.kind == "experienceevent" else "record"
    return {
        "name": dataset.name,
        "schemaRef": {"id": schema, "contentType": CONTENT_TYPE},
        "fileDescription": _PARQUET,
        **document,
        "tags": {**(tags if isinstance(tags, dict) else {}), "adobe/pqs/table": [sql_name]},
        "classification": {"dataBehavior": behavior, "managedBy": "CUSTOMER"},
        "imsOrg": caller.org,
        "created": stored.created,
        "updated": stored.updated,
    }
