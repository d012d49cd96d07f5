"""What an engine is to write and commit, and what of it then is in the table."""

from collections.abc import Sequence
from dataclasses import dataclass

from profile_export.schema import Struct


@dataclass(frozen=True)
class Writing:
    """What is to be committed to a target as one version of it.

    Attributes:
        location: Where the target lies or will lie.
        shown: The target, as messages name it.
        table: Its name, where a catalog has it.
        columns: Of the rows, in their order, ``_ACP_BATCHID`` last.
        batch_ids: Of all batches, those without rows too.
        app_id: The job's application transaction.
        note: Text for ``userMetadata``.
        persons: How many are in each batch, where that is known.
    """

    location: str
    shown: str
    table: str | None
    columns: Struct
    batch_ids: tuple[str, ...]
    app_id: str
    note: str
    persons: Sequence[int] | None


@dataclass(frozen=True)
class WrittenFile:
    """One Parquet file of a batch; ``path`` relative to the dataset, with forward slashes."""

    batch_id: str
    path: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class BatchRows:
    """What is in a batch's files: rows, events, and the row-set hash (docs/row-set-hash.md)."""

    batch_id: str
    records: int
    events: int
    most_events: int
    row_set_hash: str


@dataclass(frozen=True)
class Written:
    """One committed export."""

    delta_version: int
    files: tuple[WrittenFile, ...]
    batches: tuple[BatchRows, ...]
