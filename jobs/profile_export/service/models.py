"""Bodies and answers as OpenAPI shows them. ``In`` models also read; ``Out`` models describe.

Here is what they share, and what belongs to no list: queries, health, errors.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from profile_export.shape import Part, Text


class Out(BaseModel):
    """Base of answers: what is listed is always there, more may be."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)


class QueryIn(Part):
    """One SELECT. Tables are the sandbox's export datasets."""

    sql: Text
    db_name: Text
    name: str | None = None
    description: str | None = None


class ColumnOut(Out):
    """A column, with its type as Spark SQL writes it."""

    name: str
    type: str


class QueryOut(Out):
    """What a SELECT gave."""

    columns: list[ColumnOut]
    rows: list[list[Any]]
    truncated: bool


class HealthOut(Out):
    """How the service is; `store` and `worker` of `/health/ready`."""

    status: str
    store: str | None = None
    worker: str | None = None


class ProblemItemOut(Out):
    """One fault: in the body at `pointer` (RFC 6901), or of a query `parameter`."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    detail: str


class ProblemOut(Out):
    """An error (RFC 9457), with every fault of the request; none where it is of no place in it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[ProblemItemOut]


class AccessOut(BaseModel):
    """A call that is not let in."""

    error_code: str
    message: str
