"""What OpenAPI says of a route beyond its path: what it takes, gives and fails with.

Bodies are read by hand, so that all their problems come at once; the framework cannot know them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from profile_export.errors import PROBLEM
from profile_export.service.models import AccessOut, ProblemOut

REF = "#/components/schemas/{model}"
_WORDS = {
    206: "A range of the bytes",
    304: "As the client has it",
    400: "Bad request",
    404: "Not found",
    409: "The state does not allow it",
    412: "Precondition failed",
    413: "Body too large",
    415: "Not JSON",
    416: "No such range",
    422: "Key used for another body",
    500: "Could not be done",
    503: "Not now; try again",
}
MODELS: dict[str, type[BaseModel]] = {"ProblemOut": ProblemOut, "AccessOut": AccessOut}
"""All models that a route speaks of, for the document's components."""
_SCOPE = ("x-api-key", "x-gw-ims-org-id", "x-sandbox-name")


def described(
    *,
    takes: type[BaseModel] | Mapping[str, Any] | None = None,
    gives: type[BaseModel] | Mapping[str, Any] | None = None,
    or_gives: Mapping[str, type[BaseModel]] | None = None,
    stream: str | None = None,
    query: Mapping[str, Mapping[str, Any]] | None = None,
    headers: Mapping[str, Mapping[str, Any]] | None = None,
    fails: Sequence[int] = (),
    also: Sequence[int] = (),
    tells: Sequence[str] = (),
    open_: bool = False,
    success: int = 200,
) -> dict[str, Any]:
    """Arguments of a route's decorator.

    Args:
        takes: Its body: a model, or a JSON schema.
        gives: Its answer, likewise.
        or_gives: Other answers, by what asks for them.
        stream: The media type of an answer that is no JSON.
        query: Query parameters with their schemas.
        headers: Headers beyond those of access, with their schemas.
        fails: Status codes beyond those of access and of bad requests.
        also: Status codes of answers that are no failure, beside ``success``.
        tells: Headers of its answer.
        open_: Whether it is answered without a token.
        success: Status code of the answer.
    """
    models = (takes, gives, *(or_gives or {}).values())
    MODELS.update({m.__name__: m for m in models if isinstance(m, type)})
    extra: dict[str, Any] = {
        "parameters": _parameters(query or {}, headers or {}, open_=open_),
        "responses": _responses(gives, or_gives or {}, stream, fails, open_=open_, success=success),
    }
    extra["responses"].update({str(status): {"description": _WORDS[status]} for status in also})
    for status in (success, *also) if tells else ():
        told = {name: {"schema": {"type": "string"}} for name in tells}
        extra["responses"][str(status)]["headers"] = told
    if 422 in fails:
        extra["x-fails"] = ["422"]
    if takes is not None:
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(takes)}},
        }
    if not open_:
        extra["security"] = [{"bearer": []}]
    return {"openapi_extra": extra}


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """A model within a JSON schema that a route gives."""
    MODELS[model.__name__] = model
    return _schema(model)


def _schema(model: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(model, type):
        return {"$ref": REF.format(model=model.__name__)}
    return dict(model)


def _parameters(
    query: Mapping[str, Mapping[str, Any]],
    headers: Mapping[str, Mapping[str, Any]],
    *,
    open_: bool,
) -> list[dict[str, Any]]:
    scope = [] if open_ else [{"$ref": f"#/components/parameters/{name}"} for name in _SCOPE]
    asked = [
        {"name": name, "in": where, "required": False, "schema": dict(schema)}
        for where, group in (("query", query), ("header", headers))
        for name, schema in group.items()
    ]
    return [*scope, {"$ref": "#/components/parameters/x-request-id"}, *asked]


def _responses(
    gives: type[BaseModel] | Mapping[str, Any] | None,
    or_gives: Mapping[str, type[BaseModel]],
    stream: str | None,
    fails: Sequence[int],
    *,
    open_: bool,
    success: int,
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    content: dict[str, Any] = {}
    if gives is not None:
        schemas = [_schema(gives), *map(_schema, or_gives.values())]
        one = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        content["application/json"] = {"schema": one}
    if stream is not None:
        content[stream] = {"schema": {"type": "string"}}
    if content:
        words = "".join(f"; with {how}: {model.__name__}" for how, model in or_gives.items())
        made[str(success)] = {"description": f"Done{words}", "content": content}
    problem = {PROBLEM: {"schema": _schema(ProblemOut)}}
    access = {"application/json": {"schema": _schema(AccessOut)}}
    if not open_:
        made["400"] = {"description": _WORDS[400], "content": problem | access}
        for code in ("401", "403"):
            made[code] = {"description": "Not let in", "content": access}
    for status in fails:
        made[str(status)] = {"description": _WORDS[status], "content": problem}
    return made
