"""``POST /export/jobs`` without its HTTP: planned, then kept once, or only counted."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic.main import IncEx
from sqlalchemy.exc import IntegrityError

from profile_export import document as documents
from profile_export.document import Document
from profile_export.errors import Conflict, ExportError, Problem, Refused
from profile_export.jsonbody import decode
from profile_export.plan import ExportPlan
from profile_export.planning import make_plan
from profile_export.service.access import Caller
from profile_export.service.engines import Engines
from profile_export.service.store import Store, idempotency, jobs, sandboxes

_KEY = re.compile(r"[!-~]{1,255}")
_TRIES = 5
_LOCATION: IncEx = {"table": {"location"}}
_PLACES: IncEx = {"target": _LOCATION, "inputs": {"__all__": _LOCATION}}


class KeyReused(ExportError):
    """An idempotency key that was used for another body."""

    code, title, status = "idempotency-key-reused", "Idempotency key in use", 422


@dataclass(frozen=True)
class Submitted:
    """The job of a call, and whether an earlier call with its key had made it."""

    document: Document
    replayed: bool


def submit(
    store: Store, engines: Engines, caller: Caller, body: bytes, keys: Sequence[str]
) -> Submitted:
    """Make a job, durable when this returns; or give the one that the key has made.

    A replay looks at nothing but the key and the body: what the catalog is meanwhile does not
    matter. Of calls at the same time with one key the store lets one make the job.

    Args:
        store: Of jobs.
        engines: Know the tables that have no location.
        caller: Whose.
        body: As sent.
        keys: The values of ``Idempotency-Key``: none, or one.

    Raises:
        Refused: with every problem; the key stays free.
        KeyReused: by another body.
        Conflict: ``try-again``: too many calls were faster, again and again.
    """
    faults = _key_faults(keys)
    key = keys[0] if keys and not faults else None
    body_hash = _hash(body)
    for _ in range(_TRIES):
        if key is not None and body_hash is not None:
            earlier = _earlier(store, caller, key, body_hash)
            if earlier is not None:
                return Submitted(earlier, replayed=True)
        plan = planned(store, engines, caller, body, faults)
        document = documents.new(plan)
        try:
            with store.write() as connection:
                if key is not None and body_hash is not None:
                    kept = idempotency.Kept(body_hash, plan.job_id)
                    idempotency.keep(connection, caller.sandbox_id, key, kept)
                jobs.create(connection, caller.sandbox_id, plan, document)
        except IntegrityError:  # the key was just used, or the job's id is taken: look again
            continue
        return Submitted(document, replayed=False)
    raise Conflict("Other calls were faster each time. Try again.", code="try-again")


def planned(
    store: Store, engines: Engines, caller: Caller, body: bytes, faults: Sequence[Problem] = ()
) -> ExportPlan:
    """The plan of a body, made against the catalog of now, with a new job id.

    Raises:
        Refused: with every problem of the body, behind those that the call has already.
    """
    with store.read() as connection:
        catalog = sandboxes.catalog(connection, caller.sandbox_id)
    at = jobs.now()
    try:
        plan = make_plan(
            body, catalog, table_info=engines.table_info, job_id=jobs.new_id(at), as_of=at
        )
    except Refused as error:
        raise Refused([*faults, *error.problems]) from None
    if faults:
        raise Refused(faults)
    return plan


def dry_run(
    store: Store, engines: Engines, caller: Caller, body: bytes, faults: Sequence[Problem]
) -> dict[str, object]:
    """The plan and what it would export; nothing is kept.

    Raises:
        Refused: with every problem.
        JobFailed: it could not be counted.
    """
    plan = planned(store, engines, caller, body, faults)
    # Where tables lie on the server is nobody's business.
    shown = plan.model_dump(mode="json", by_alias=True, exclude=_PLACES)
    return {"plan": shown, "counts": engines.count(plan)}


def _earlier(store: Store, caller: Caller, key: str, body_hash: str) -> Document | None:
    with store.read() as connection:
        kept = idempotency.find(connection, caller.sandbox_id, key)
        if kept is None:
            return None
        if kept.body_hash != body_hash:
            raise KeyReused("This Idempotency-Key was used for another body; take a new one.")
        return jobs.find(connection, caller.sandbox_id, kept.job_id).document


def _key_faults(keys: Sequence[str]) -> list[Problem]:
    if len(keys) <= 1 and all(_KEY.fullmatch(key) for key in keys):
        return []
    detail = "Idempotency-Key must be one text of 1 to 255 visible ASCII characters."
    return [Problem("bad-header", detail, parameter="Idempotency-Key")]


def _hash(body: bytes) -> str | None:
    """What a body's JSON value is known by, however it is written; None if it cannot be used."""
    try:
        value, problems = decode(body)
    except Refused:
        return None
    if problems:
        return None
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """A JSON value with one form for equal numbers: ``1.0`` is ``1``."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
