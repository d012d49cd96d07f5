"""Idempotency keys: which job a key made, and of which body."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from profile_export.service.store.database import clock
from profile_export.service.store.tables import idempotency_keys as keys


@dataclass(frozen=True)
class Kept:
    """What a key was used for."""

    body_hash: str
    job_id: int


def find(connection: Connection, sandbox_id: int, key: str) -> Kept | None:
    """What the key was used for in a sandbox; None where it is free."""
    chosen = select(keys.c.body_hash, keys.c.job_id).where(
        keys.c.sandbox_id == sandbox_id, keys.c.key == key
    )
    row = connection.execute(chosen).one_or_none()
    return None if row is None else Kept(row.body_hash, row.job_id)


def keep(connection: Connection, sandbox_id: int, key: str, kept: Kept) -> None:
    """Use a key up, in the transaction that makes its job.

    Raises:
        sqlalchemy.exc.IntegrityError: another call was faster.
    """
    connection.execute(
        insert(keys).values(
            sandbox_id=sandbox_id,
            key=key,
            body_hash=kept.body_hash,
            job_id=kept.job_id,
            created=clock(connection),
        )
    )
