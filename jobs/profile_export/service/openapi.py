"""``/openapi.json``: what the framework finds, and what :mod:`.described` says of each route."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from profile_export.service.described import MODELS

_REF = "#/components/schemas/{model}"
_PARAMETERS = {
    "x-api-key": (True, "Of the client; anything that is not empty.", {}),
    "x-gw-ims-org-id": (True, "The organisation.", {}),
    "x-sandbox-name": (True, "The sandbox of the organisation.", {}),
    "x-request-id": (False, "Returned as sent.", {"pattern": "^[A-Za-z0-9._-]{1,128}$"}),
}


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
        [(model, "validation") for model in MODELS.values()], ref_template=_REF
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas.get("$defs", {}))
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
