"""What a service can be told: by the command line, or by a test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceConfig:
    """Settings of the API process.

    Attributes:
        engine: What queries and dry runs are computed with, in a process of their own.
        data_root: Where datasets that the API makes lie, for a sandbox without a file.
        jwks_url: Key set of an identity provider; None accepts our own tokens only.
        jwt_issuer: ``iss`` that its tokens must have; None accepts any.
        jwt_audience: ``aud`` that its tokens must have; None accepts any.
        query_seconds: After so long an SQL query is stopped.
        count_seconds: After so long a dry run is stopped.
    """

    engine: str = "sail"
    data_root: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    query_seconds: float = 30.0
    count_seconds: float = 600.0
