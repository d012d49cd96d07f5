"""Merge policies and their versions. Every change is a new version; old ones stay readable."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, insert, select

from profile_export.catalog import BUILT_IN_POLICY, MergePolicy
from profile_export.errors import Conflict, NotFound
from profile_export.service.store import sandboxes
from profile_export.service.store.database import clock
from profile_export.service.store.tables import policies
from profile_export.shape import quote

FIRST_VERSION = 1


@dataclass(frozen=True)
class StoredPolicy:
    """A version of a policy, and when it was made (epoch milliseconds)."""

    policy: MergePolicy
    updated: int


def versions(connection: Connection, sandbox_id: int, policy_id: str) -> list[StoredPolicy]:
    """The versions of a policy, oldest first. The built-in one is always there (S9).

    Raises:
        NotFound: there is none of that id.
    """
    of_id = policies.c.sandbox_id == sandbox_id, policies.c.id == policy_id
    chosen = select(policies).where(*of_id).order_by(policies.c.version)
    rows = connection.execute(chosen) if "\0" not in policy_id else ()  # PostgreSQL refuses it
    found = [_stored(row.definition, row.updated) for row in rows]
    if not found and policy_id == BUILT_IN_POLICY.id:
        return [StoredPolicy(BUILT_IN_POLICY, 0)]
    if not found:
        raise NotFound(f"There is no merge policy {quote(policy_id)} in this sandbox.")
    return found


def latest(connection: Connection, sandbox_id: int) -> list[StoredPolicy]:
    """The latest version of each policy, in the order in which they were made."""
    chosen = select(policies).where(policies.c.sandbox_id == sandbox_id)
    rows = connection.execute(
        chosen.order_by(policies.c.position, policies.c.id, policies.c.version)
    )
    found = {row.id: row for row in rows}
    return [_stored(row.definition, row.updated) for row in found.values()]


def create(connection: Connection, sandbox_id: int, policy: MergePolicy) -> StoredPolicy:
    """Keep a new policy; as a default it takes the place of the old one."""
    sandboxes.changed(connection, sandbox_id)
    position = sandboxes.next_position(connection, policies, sandbox_id)
    made = replace(policy, version=FIRST_VERSION)
    return _keep(connection, sandbox_id, made, position=position)


def change(
    connection: Connection,
    sandbox_id: int,
    policy_id: str,
    make: Callable[[MergePolicy], MergePolicy],
) -> StoredPolicy:
    """Give a policy its next version.

    Args:
        connection: Of a writing transaction.
        sandbox_id: Whose.
        policy_id: Which.
        make: The new version out of the latest; its id and number do not matter. What it raises
            undoes all.

    Raises:
        NotFound: there is none of that id.
        Conflict: ``built-in-policy``.
    """
    sandboxes.changed(connection, sandbox_id)  # two changes at once: one waits for the other
    newest = versions(connection, sandbox_id, policy_id)[-1]
    found = newest.policy
    if found is BUILT_IN_POLICY:
        raise Conflict(f"{policy_id} is built in and cannot be changed.", code="built-in-policy")
    made = make(found)
    if made is found:
        return newest
    made = replace(made, id=policy_id, version=found.version + 1)
    return _keep(connection, sandbox_id, made, position=None)


def remove(connection: Connection, sandbox_id: int, policy_id: str) -> None:
    """Delete a policy with all its versions; a sandbox file does not bring it back.

    Raises:
        NotFound: there is none of that id.
        Conflict: ``built-in-policy``.
    """
    sandboxes.changed(connection, sandbox_id)
    if versions(connection, sandbox_id, policy_id)[-1].policy is BUILT_IN_POLICY:
        raise Conflict(f"{policy_id} is built in and cannot be deleted.", code="built-in-policy")
    sandboxes.remove(connection, policies, "policy", sandbox_id, policy_id)


def only_default(connection: Connection, sandbox_id: int, policy: MergePolicy) -> None:
    """Make a default the only one of its schema: the old one gets a version that is none (S9)."""
    if not policy.default:
        return
    for other in latest(connection, sandbox_id):
        old = other.policy
        if old.id != policy.id and old.default and old.schema_name == policy.schema_name:
            unset = replace(old, default=False, version=old.version + 1)
            _keep(connection, sandbox_id, unset, position=None)


def _keep(
    connection: Connection, sandbox_id: int, policy: MergePolicy, *, position: int | None
) -> StoredPolicy:
    of_id = policies.c.sandbox_id == sandbox_id, policies.c.id == policy.id
    if position is None:
        first = select(func.min(policies.c.position)).where(*of_id)
        position = int(connection.execute(first).scalar_one())
    at = clock(connection)
    connection.execute(
        insert(policies).values(
            sandbox_id=sandbox_id,
            id=policy.id,
            version=policy.version,
            position=position,
            origin="api",
            definition=sandboxes.POLICY.dump_json(policy).decode(),
            updated=at,
        )
    )
    only_default(connection, sandbox_id, policy)
    return StoredPolicy(policy, at)


def _stored(definition: str, updated: int) -> StoredPolicy:
    return StoredPolicy(sandboxes.POLICY.validate_json(definition), updated)
