"""``/openapi.json``: what the framework finds, and what :mod:`.described` says of each route."""

import json
import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from profile_export.request import READ_ONLY
from profile_export.service.described import MODELS, REF

_PARAMETERS = {
    "x-api-key": (True, "Of the client; anything that is not empty.", {}),
    "x-gw-ims-org-id": (True, "The organisation.", {}),
    "x-sandbox-name": (True, "The sandbox of the organisation.", {}),
    "x-request-id": (False, "Returned as sent.", {"pattern": "^[A-Za-z0-9._-]{1,128}$"}),
}


_NULL = {"type": "null"}


def describe(app: FastAPI) -> None:
    """Let an app give our OpenAPI document, made once."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_document(app))
        return made

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    _, schemas = models_json_schema(
        [(model, "validation") for model in MODELS.values()], ref_template=REF
    )
    components = document.setdefault("components", {})
    known = components.setdefault("schemas", {})
    known.update(schemas.get("$defs", {}))
    for unused in ("HTTPValidationError", "ValidationError"):  # the framework's, never answered
        known.pop(unused, None)
    for name in _asked(document["paths"], known):
        _without_null(known[name])
    _with_what_is_read_too(known)
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    components["parameters"] = {
        name: {
            "name": name,
            "in": "header",
            "required": required,
            "description": words,
            "schema": {"type": "string", **more},
        }
        for name, (required, words, more) in _PARAMETERS.items()
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            if "422" not in operation.get("x-fails", ()):  # the framework's shape, never answered
                operation["responses"].pop("422", None)
            operation.pop("x-fails", None)
    return document


def _asked(paths: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """Names of the schemas of bodies, and of what is in them."""
    found: set[str] = set()
    left = [
        operation["requestBody"]
        for operations in paths.values()
        for operation in operations.values()
        if "requestBody" in operation
    ]
    while left:
        for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(left.pop())):
            if name not in found:
                found.add(name)
                left.append(schemas[name])
    return found


def _without_null(schema: dict[str, Any]) -> None:
    """A member of a body may be left out, but never null; pydantic writes what it holds then."""
    for name, member in schema.get("properties", {}).items():
        if _NULL not in member.get("anyOf", ()):
            continue
        others = [each for each in member.pop("anyOf") if each != _NULL]
        member.pop("default", None)
        only = others[0] if len(others) == 1 else {"anyOf": others}
        schema["properties"][name] = {**only, **member}


def _with_what_is_read_too(schemas: dict[str, Any]) -> None:
    """What is read before the models see a body: a job document may be sent back as it came."""
    destination = schemas["Destination"]
    destination["properties"]["dataSetId"] = destination["properties"]["datasetId"]
    destination["required"].remove("datasetId")
    destination["anyOf"] = [{"required": [name]} for name in ("datasetId", "dataSetId")]
    job = schemas["ExportJobIn"]["properties"]
    job.update({name: {"readOnly": True} for name in READ_ONLY})
