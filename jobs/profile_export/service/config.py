"""What a service can be told: by the command line, or by a test."""

from dataclasses import dataclass

LONGEST_LEASE = 3600.0
"""Seconds: the most that a worker may ask for."""


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
        body_seconds: A body must have come after so long.
        event_seconds: A stream of a job's events ends after so long; its client comes again.
        poll_seconds: So often a stream looks for news.
        heartbeat_seconds: After so long without any, a stream says that it is there.
        most_streams: At once, in this process; half of them of one sandbox.
        public_url: Scheme and host of the links in answers, where a proxy hides them; else they
            are those of the call.
        engine_settings: Of Spark, on top of ``conf/``.
    """

    engine: str = "sail"
    data_root: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    query_seconds: float = 30.0
    count_seconds: float = 600.0
    body_seconds: float = 60.0
    event_seconds: float = 900.0
    poll_seconds: float = 0.5
    heartbeat_seconds: float = 15.0
    most_streams: int = 200
    public_url: str | None = None
    engine_settings: tuple[tuple[str, str], ...] = ()
