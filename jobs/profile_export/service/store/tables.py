"""The tables of the store. A change here needs a migration (``migrations/versions``).

Times are epoch milliseconds. JSON is kept as text: SQLite and PostgreSQL then hold the same bytes,
and nothing of a document is lost or reordered.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_sandbox(*, key: bool = False) -> Column[int]:
    return Column("sandbox_id", ForeignKey("sandboxes.id"), nullable=False, primary_key=key)


sandboxes = Table(
    "sandboxes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("org", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", Text, nullable=False),
    # Where datasets that the API makes are put: a folder or URI; null is the service's default.
    Column("root", Text),
    # Grows with every change of the catalog: what a cached one is compared with.
    Column("revision", BigInteger, nullable=False),
    # Its last turn, a number that grows: the sandbox that waited longest is served next.
    Column("served", BigInteger, nullable=False),
    UniqueConstraint("org", "name"),
)

datasets = Table(
    "datasets",
    metadata,
    _of_sandbox(key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("origin", String(8), nullable=False),  # file | api
    Column("definition", Text, nullable=False),  # catalog.Dataset
    Column("document", Text, nullable=False),  # the members that only the REST object has
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    _of_sandbox(key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),  # of the first version, in order of creation
    Column("origin", String(8), nullable=False),  # file | api: who made this version
    Column("definition", Text, nullable=False),  # catalog.MergePolicy
    Column("updated", BigInteger, nullable=False),
)

segments = Table(
    "segments",
    metadata,
    _of_sandbox(key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("origin", String(8), nullable=False),
    Column("definition", Text, nullable=False),  # catalog.SegmentDefinition
    Column("document", Text, nullable=False),  # as the REST API shows it
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
)

# What the API deleted of a sandbox file's policies and segments: the file must not bring it back.
removed = Table(
    "removed",
    metadata,
    _of_sandbox(key=True),
    Column("kind", String(8), primary_key=True),  # policy | segment
    Column("id", Text, primary_key=True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    _of_sandbox(),
    Column("status", String(10), nullable=False),
    Column("document", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    # Who works on it, until when that holds, how often it was taken. ``attempt`` fences: what an
    # earlier holder still sends does not match any more.
    Column("lease_owner", Text),
    Column("lease_until", BigInteger),
    Column("attempt", Integer, nullable=False),
    Index("ix_jobs_page", "sandbox_id", "created", "id"),
    Index("ix_jobs_page_of_status", "sandbox_id", "status", "created", "id"),
    Index("ix_jobs_queue", "status", "created", "id"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", String(32), primary_key=True),
    _of_sandbox(),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("status", String(10), nullable=False),  # processing | success | failed | aborted
    Column("record_count", BigInteger),
    Column("size", BigInteger),
    Column("errors", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("completed", BigInteger),
    Index("ix_batches_job", "job_id"),
    Index("ix_batches_page", "sandbox_id", "created", "id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _of_sandbox(key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("job_id", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("org", Text, nullable=False),
    Column("sandboxes", Text, nullable=False),  # JSON array of names
    Column("can_write", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("engine", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen_until", BigInteger, nullable=False),
)

# Totals for /metrics that outlive the processes: rows and bytes exported, seconds by stage, ...
counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("labels", String(255), primary_key=True),  # JSON object, keys sorted
    Column("value", Float, nullable=False),
)
